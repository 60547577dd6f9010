"""Expectations inferred from rows: what they are like, with room for honest new ones.

How much room: see `_bounds` for numbers and lengths, and `_chance` for what a share may be. New
rows may have values not in a set as often as the old ones had values met only once (Good, 1953);
dates may lie as far before and after as the old ones span.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError
from wholefit.data import _cells
from wholefit.data.schema import Column, Schema
from wholefit.data.validate import _bounds, _depend, _discover
from wholefit.data.validate._patterns import pattern_of
from wholefit.data.validate.expectations import ColumnRule, Expectations, Rule

_CLOSED, _SURE, _MOST_ALLOWED, _FEW = 10, 100, 100, 12
# Numbers drawn at random from their range would have met this many pairs of equals by now.
_COLLISIONS = 7.0
_LEAST_ORDERED = 20


def infer(
    frame: pl.DataFrame, schema: Schema, *, source: str = "", confidence: float = 0.99,
    rules: bool = True,
) -> Expectations:
    """What new rows like those of `frame` should be like.

    `confidence` is the chance that new rows of the same kind pass all checks that leave room
    for chance; `rules=False` looks for no rules across columns. Raises DataError for no rows.
    """
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence must be above 0 and below 1; got {confidence!r}.")
    if not frame.height:
        raise DataError(f"{source or 'the table'} has no rows to learn expectations from.")
    columns = {column.name: column_rule(frame.get_column(column.name).alias("column"), column)
               for column in schema.columns}
    return Expectations(
        columns, tuple(_rules(frame, schema, columns)) if rules else (),
        min_rows=max(frame.height // 100, 1), max_rows=frame.height * 100,
        rows=frame.height, source=source, confidence=confidence, target=schema.target,
    )


def column_rule(cells: pl.Series, column: Column) -> ColumnRule:
    """What one column should be like."""
    gap = _depend.absent(cells)
    missing = int(gap.sum())
    present = cells.filter(~gap)
    kind = type_of(present, column.role)
    facts: dict[str, Any] = {"type": kind, "missing": _share(missing, len(cells))}
    if len(present):
        facts |= _FACTS[kind](present, column)
    return ColumnRule(**facts)


def type_of(present: pl.Series, role: str) -> str:
    """The word for what a column holds; text of numbers or dates only if all of it is."""
    kind = present.dtype
    if kind == pl.Boolean:
        return "boolean"
    if kind.is_integer():
        return "integer"
    if kind.is_numeric() or kind in (pl.Duration, pl.Time):
        return "number"
    if kind in (pl.Date, pl.Datetime):
        return "datetime"
    if kind in (pl.String, pl.Categorical, pl.Enum):
        change = {"numeric": _cells.to_numbers, "datetime": _cells.to_times}.get(role)
        if change is None or change(present).null_count():
            return "text"
        return "number" if role == "numeric" else "datetime"
    return "any"


def _share(broken: int, rows: int) -> float:
    """A share with the digits that a person reads, and no fewer than it takes to count again."""
    return float(f"{broken / rows:.{6 + len(str(rows)) // 2}g}")


def _all_often(values: pl.Series) -> bool:
    """True if each value was met in ten rows, and in one of a hundred."""
    rows = values.value_counts(name="rows")["rows"].to_numpy()
    return bool(rows.min() >= max(_CLOSED, len(values) // 100))


# ---- by type ----------------------------------------------------------------------------


def _numeric(present: pl.Series, column: Column) -> dict[str, Any]:
    numbers = _cells.to_numbers(present).drop_nulls()
    values = numbers.to_numpy()
    if not len(values) or not np.isfinite(values).all():  # where infinity may be, all may be
        return {}
    whole = bool((values == np.floor(values)).all() and np.abs(values).max() < 2.0**53)
    facts: dict[str, Any] = {}
    if whole and column.distinct <= _FEW and _all_often(numbers):
        return {"allowed": tuple(int(v) for v in numbers.unique().sort().to_list())}
    found = _bounds.bounds(values, whole)
    if found is not None and column.role != "identifier":
        plain = _whole_numbers if whole else _plain_numbers
        facts |= {"min": plain(found.low), "max": plain(found.high),
                  "seen": (plain(found.seen_low), plain(found.seen_high))}
    facts |= _in_order(numbers)
    if whole and column.distinct == len(values) and _is_key(values, column.role):
        facts["unique"] = True
    return facts


def _texts(present: pl.Series, column: Column) -> dict[str, Any]:
    labels = _cells.to_labels(present)
    counted = labels.alias("level").value_counts(name="rows")
    rows = counted["rows"]
    if len(counted) <= min(_MOST_ALLOWED, max(len(labels) // 5, 2)) and column.role != "text":
        return {"allowed": tuple(counted["level"].sort().to_list()),
                "other": _share(int((rows == 1).sum()), len(labels))}
    found = _bounds.bounds(labels.str.len_chars().to_numpy().astype(float), True)
    assert found is not None
    facts: dict[str, Any] = {"min_length": max(int(found.low), 0), "max_length": int(found.high)}
    pattern = pattern_of(labels)
    if pattern is not None:
        facts |= {"pattern": pattern.pattern,
                  "unmatched": _share(pattern.unmatched, len(labels))}
    if len(counted) == len(labels) and column.role == "identifier" and len(labels) >= _SURE:
        facts["unique"] = True
    return facts


def _times(present: pl.Series, column: Column) -> dict[str, Any]:
    times = _cells.to_times(present).drop_nulls()
    if not len(times):
        return {}
    first, last = times.min(), times.max()
    span = last - first  # type: ignore[operator]
    facts: dict[str, Any] = {}
    try:
        facts = {"min": (first - span).date().isoformat(),  # type: ignore[operator, union-attr]
                 "max": (last + span).date().isoformat()}  # type: ignore[operator, union-attr]
    except OverflowError:  # a date of year 9999 stands for "never": there is no bound to give
        facts = {}
    facts |= _in_order(times)
    seconds = times.dt.epoch("us").to_numpy() / 1e6
    if len(np.unique(seconds)) == len(seconds) and _is_key(seconds / _grain(seconds), ""):
        facts["unique"] = True
    return facts


def _booleans(present: pl.Series, column: Column) -> dict[str, Any]:
    return {}


_FACTS: dict[str, Callable[[pl.Series, Column], dict[str, Any]]] = {
    "integer": _numeric, "number": _numeric, "text": _texts, "datetime": _times,
    "boolean": _booleans, "any": _booleans,
}


def _in_order(values: pl.Series) -> dict[str, Any]:
    """increasing or decreasing, where the rows are sorted by the column."""
    if len(values) < _LEAST_ORDERED:
        return {}
    for order, descending in (("increasing", False), ("decreasing", True)):
        if values.is_sorted(descending=descending):
            return {"order": order} if values.n_unique() >= _LEAST_ORDERED // 2 else {}
    return {}


def _is_key(values: np.ndarray, role: str) -> bool:
    """True if distinct values are no accident: drawn from their range, some would be equal."""
    n = len(values)
    if role == "identifier" and n >= _SURE:
        return True
    room = float(np.ptp(values)) + 1
    return n >= _SURE and n * (n - 1) / 2 / room > _COLLISIONS


def _grain(seconds: np.ndarray) -> float:
    """The step that times are told in: days, hours, minutes, seconds."""
    return next((step for step in (86400.0, 3600.0, 60.0, 1.0) if not (seconds % step).any()),
                1e-3)


def _whole_numbers(number: float) -> int | float:
    return int(number) if abs(number) < 2.0**53 else number


def _plain_numbers(number: float) -> float:
    return float(number)


# ---- across columns ---------------------------------------------------------------------


def _rules(
    frame: pl.DataFrame, schema: Schema, columns: dict[str, ColumnRule]
) -> list[Rule]:
    """Rules found in the rows; a text that holds numbers or dates is left out."""
    plain = {column.name: columns[column.name].type for column in schema.columns}
    held = dict(zip(frame.columns, frame.dtypes, strict=True))
    typed = [name for name, kind in plain.items()
             if kind in ("integer", "number", "datetime")
             and held[name] not in (pl.String, pl.Categorical, pl.Enum, pl.Duration, pl.Time)]
    found, repeated = _discover.number_rules(frame, typed)
    others = [name for name in plain if name not in repeated and plain[name] != "any"
              and not held[name].is_float()]
    return [*found, *_depend.determining(frame, others), *_depend.missing_together(frame)]
