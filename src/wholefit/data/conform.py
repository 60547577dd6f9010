"""New data made to fit a fitted model's schema: what is repaired is noted, the rest refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from wholefit.base import errors
from wholefit.base.errors import SchemaError
from wholefit.data import _cells, _dates
from wholefit.data._swapped import find_swapped
from wholefit.data.images.decode import LIMIT
from wholefit.data.images.tables import to_cells
from wholefit.data.notes import Note, info, some, warning
from wholefit.data.schema import Column, Policies, Schema

_EXAMPLES = 5
# More unconvertible cells than this share, and the column is another thing altogether.
_HOPELESS = 0.5
_TYPES: dict[str, pl.DataType] = {
    "numeric": pl.Float64(), "categorical": pl.String(), "boolean": pl.Float64(),
    "datetime": pl.Datetime("us"), "text": pl.String(), "image": pl.Binary()}


def conform(
    schema: Schema, frame: pl.DataFrame, policies: Policies | None = None
) -> tuple[pl.DataFrame, list[Note]]:
    """New data in the shape that training had, and notes on what had to be done for it.

    Gives the feature columns in the schema's order and with the types of their roles, then
    whatever other columns of the schema are there (target, identifiers), untouched. The target
    may be absent and the order of columns does not matter. Raises SchemaError as `policies` say.
    """
    policies = policies or Policies()
    frame, notes = _with_all_columns(schema, frame, policies)
    notes += _extra(schema, frame, policies)
    notes += find_swapped(schema, frame, policies.swapped == "error")
    features, learnt = [], set(schema.features)
    here = {cells.name: cells for cells in frame.get_columns()}
    for trained in schema.columns:
        if trained.name not in learnt:
            continue
        column, found = _settled(trained, here[trained.name].alias("column"), policies)
        features.append(column.alias(trained.name))
        notes += found
    others = [_like_training(trained, here[trained.name]) for trained in schema.columns
              if trained.name not in learnt and trained.name in here]
    return pl.DataFrame([*features, *others]), notes


def _with_all_columns(
    schema: Schema, frame: pl.DataFrame, policies: Policies
) -> tuple[pl.DataFrame, list[Note]]:
    """The frame with absent feature columns added as missing, or SchemaError naming them."""
    here = set(frame.columns)
    absent = [name for name in schema.features if name not in here]
    if not absent:
        return frame, []
    known = set(schema.names)
    free = [name for name in frame.columns if name not in known]
    if policies.missing_column == "error":
        raise SchemaError(_absent_sentence(absent, free), column=absent[0], rule="present")
    notes = [warning("column_missing", f"column {name!r} is absent{_perhaps(name, free)}: every "
                     "cell of it is taken as missing.", column=name, count=frame.height)
             for name in absent]
    empty = [pl.Series(name, [None] * frame.height, dtype=_TYPES[schema.role(name)])
             for name in absent]
    return frame.with_columns(empty), notes


def _absent_sentence(absent: list[str], free: list[str]) -> str:
    said = [f"{name!r}{_perhaps(name, free)}" for name in absent[:_EXAMPLES]]
    more = f" and {len(absent) - _EXAMPLES} more" if len(absent) > _EXAMPLES else ""
    word = "column" if len(absent) == 1 else "columns"
    return (f"new data must have {word} {', '.join(said)}{more}: rename or add "
            f"{'it' if len(absent) == 1 else 'them'}, or say missing_column='impute'.")


def _perhaps(name: str, free: list[str]) -> str:
    """The column that the absent one may be, under another spelling."""
    same = [other for other in free if _bare(other) == _bare(name)]
    close = same[0] if same else errors.nearest(name, free)
    return f" (there is {close!r})" if close else ""


def _bare(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _extra(schema: Schema, frame: pl.DataFrame, policies: Policies) -> list[Note]:
    known = set(schema.names)
    extra = [name for name in frame.columns if name not in known]
    if not extra:
        return []
    word = "column" if len(extra) == 1 else "columns"
    named = some([repr(name) for name in extra])
    if policies.extra_column == "error":
        raise SchemaError(f"new data must have no {word} that training did not have; got {named}. "
                          "Drop them, or say extra_column='ignore'.")
    return [info("column_extra", f"{word} {named} not seen in training: left out.",
                 count=len(extra))]


def _settled(column: Column, cells: pl.Series, policies: Policies) -> tuple[pl.Series, list[Note]]:
    """A feature column in the type of its role, and notes on what became of odd cells."""
    change, expected = _CHANGES[column.role]
    if cells.dtype == pl.Null:
        return cells.cast(_TYPES[column.role]), []
    if policies.wrong_type == "error" and not _fits(column.role, cells.dtype):
        raise SchemaError(
            f"column {column.name!r} must hold {expected}; got type {cells.dtype}. Convert it, or "
            "say wrong_type='convert'.", column=column.name, rule="type")
    if column.role == "image":
        found = to_cells(cells, int(column.format or LIMIT))
        return found, _odd_cells(column, cells, found, expected, policies)
    if column.format is not None and cells.dtype == pl.String:
        found = _as_written(cells, column.format)
    else:
        found = change(cells)
    if column.role == "categorical" and cells.dtype == pl.Boolean:
        found = _spelt_as_trained(found, column.levels or ())
    notes = _odd_cells(column, cells, found, expected, policies)
    if column.role == "categorical":
        notes += _unseen(column, found, policies)
    return found, notes


def _spelt_as_trained(found: pl.Series, levels: tuple[str, ...]) -> pl.Series:
    """true and false, read as truth values here, as the training levels spell them."""
    spelt = {level.lower(): level for level in levels if level.lower() in ("true", "false")}
    return found.replace(spelt)


def _as_written(cells: pl.Series, form: str) -> pl.Series:
    """Dates read as in training wherever they fit: a few rows cannot tell day from month."""
    found = _cells.to_times(_dates.with_format(cells.str.strip_chars(), form))
    if not found.null_count():
        return found
    return found.zip_with(found.is_not_null(), _cells.to_times(cells))


def _odd_cells(
    column: Column, cells: pl.Series, found: pl.Series, expected: str, policies: Policies
) -> list[Note]:
    bad = _cells.unconverted(cells, found)
    if not len(bad):
        return []
    present = len(cells) - int(_cells.is_missing(cells).sum())
    values = cells.gather(bad).unique(maintain_order=True)
    examples = some([repr(value) for value in values.to_list()], _EXAMPLES)
    rows = bad[:_EXAMPLES] + 1
    where = f"row {rows[0]}" if len(bad) == 1 else f"rows {some(rows.tolist())}"
    if policies.wrong_type == "error" or len(bad) > _HOPELESS * present:
        raise SchemaError(
            f"column {column.name!r} must hold {expected}; {len(bad):,} of {present:,} values do "
            f"not convert, such as {examples} ({where}). Check that the columns are the right "
            "ones, or clean them.", column=column.name, rows=rows, rule="type")
    return [warning(
        "wrong_type", f"column {column.name!r} must hold {expected}; {len(bad):,} of {present:,} "
        f"values do not convert, such as {examples} ({where}): taken as missing.",
        column=column.name, rows=rows, count=len(bad))]


def _unseen(column: Column, found: pl.Series, policies: Policies) -> list[Note]:
    levels = column.levels or ()
    if column.distinct > len(levels):
        return []  # The rarest training levels are not on record: nothing certain can be said.
    if len(found) <= _cells.SHORT and all(
            cell is None or cell in column.known for cell in set(found.to_list())):
        return []
    fresh = found.is_not_null() & ~found.is_in(list(levels))
    count = int(fresh.sum())
    if not count:
        return []
    values = found.filter(fresh).unique(maintain_order=True)
    said = [_with_nearest(value, levels) for value in values.head(_EXAMPLES).to_list()]
    rows = np.flatnonzero(fresh.to_numpy())[:_EXAMPLES] + 1
    word = "category" if len(values) == 1 else "categories"
    sentence = (f"column {column.name!r} has {len(values):,} {word} that training did not: "
                f"{some(said)} ({count:,} cells, first in row {rows[0]})")
    if policies.unseen_category == "error":
        raise SchemaError(f"{sentence}. Correct them, or say unseen_category='fold'.",
                          column=column.name, rows=rows, rule="level")
    return [warning("unseen_category", f"{sentence}: taken as rare.", column=column.name,
                    rows=rows, count=count)]


def _with_nearest(value: str, levels: tuple[str, ...]) -> str:
    """An unseen category, with the training level that differs in case and spaces only."""
    same = [level for level in levels if _bare(level) == _bare(value) and _bare(value)]
    return f"{value!r} (training had {same[0]!r})" if same else repr(value)


def _fits(role: str, kind: pl.DataType) -> bool:
    if role == "numeric":
        return kind.is_numeric() or kind in (pl.Boolean, pl.Duration, pl.Time)
    if role == "boolean":
        return kind.is_numeric() or kind == pl.Boolean
    if role == "datetime":
        return kind in (pl.Date, pl.Datetime)
    if role == "image":
        return kind in (pl.Binary, pl.String)
    if role == "text":
        return kind in (pl.String, pl.Categorical, pl.Enum)
    return not kind.is_nested() and kind not in (pl.Object, pl.Binary)


def _like_training(column: Column, cells: pl.Series) -> pl.Series:
    """The target in the kind it had in training, so that the same words mean the same class."""
    if column.role != "target" or str(cells.dtype) == column.dtype:
        return cells
    name, cells = cells.name, cells.alias("column")
    if column.dtype in ("String", "Categorical", "Enum"):
        return _cells.to_labels(cells).alias(name)
    numbers = column.dtype.startswith(("Int", "UInt", "Float", "Decimal"))
    if cells.dtype == pl.String and (numbers or column.dtype == "Boolean"):
        change = _cells.to_numbers if numbers else _cells.to_booleans
        found = change(cells)
        if len(_cells.unconverted(cells, found)) == 0:
            cells = found if numbers else found.cast(pl.Boolean)
    return cells.alias(name)


_CHANGES: dict[str, tuple[Callable[[pl.Series], pl.Series], str]] = {
    "numeric": (_cells.to_numbers, "numbers"),
    "boolean": (_cells.to_booleans, "true or false"),
    "datetime": (_cells.to_times, "dates"),
    "categorical": (_cells.to_labels, "categories"),
    "text": (_cells.to_labels, "text"),
    "image": (to_cells, "pictures (encoded bytes, or base64 of them; a path in a cell is not "
              "opened: ask with the folder, or with the bytes of each file)"),
}
