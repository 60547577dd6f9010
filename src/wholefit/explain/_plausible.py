"""What a column may plausibly be, and how far apart two of its values lie, in shares of the rows.

Values come from the sketch that a model keeps of its training columns, or from rows that the user
gives; never from beyond their quantiles. A number is as far from another as the share of rows that
lies between the two; a change of level counts as `SWITCH`, which is how far two rows drawn at
random lie apart in a number, on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from wholefit.data import Dataset
from wholefit.data.schema import Column, Schema
from wholefit.data.validate.sketch import ColumnSketch, Sketch

SWITCH = 1 / 3
_COARSE, _FINE, _LEVELS = 19, 200, 40
# Ends of what counts as plausible among rows that are given: as the sketch has them.
_ENDS = (0.05, 0.95)
_WHOLE = ("Int", "UInt")


@dataclass(frozen=True, eq=False)
class Ground:
    """One column: its plausible values, and where a value lies among the rows.

    `kind` is "number", "level" or "fixed" (text, time, or nothing known: it is left as it is).
    `values` are all plausible ones (numbers ascending, levels most frequent first), `coarse` the
    places among them that a first search tries. `knots` and `share` are points of the
    distribution function of a number.
    """

    name: str
    kind: str
    whole: bool = False
    flag: bool = False
    values: tuple[Any, ...] = ()
    coarse: tuple[int, ...] = ()
    knots: np.ndarray = field(default_factory=lambda: np.zeros(1))
    share: np.ndarray = field(default_factory=lambda: np.zeros(1))

    def place(self, values: np.ndarray) -> np.ndarray:
        """Where numbers lie among the rows, 0 to 1; NaN stays NaN."""
        return np.interp(values, self.knots, self.share)

    def apart(self, a: Any, b: Any) -> np.ndarray:
        """How far values lie from each other, in shares of the rows; missing is a level."""
        if self.kind != "number":
            return np.where(np.asarray(a, object) == np.asarray(b, object), 0.0, SWITCH)
        here, there = _floats(a), _floats(b)
        gaps = np.abs(self.place(here) - self.place(there))
        none = np.isnan(here) & np.isnan(there)
        return np.where(none, 0.0, np.where(np.isnan(here) | np.isnan(there), SWITCH, gaps))

    def said(self, value: Any) -> str:
        """The value as a person reads it."""
        if value is None or (isinstance(value, float) and np.isnan(value)):
            return "missing"
        if self.flag:
            return "yes" if value else "no"
        return number(float(value)) if isinstance(value, (int, float)) else repr(str(value))


def grounds(schema: Schema, sketch: Sketch | None, among: Dataset | None) -> list[Ground]:
    """One for each feature of the schema, in order: from `among` where there is one."""
    found = []
    for name in schema.features:
        column = schema.column(name)
        if column.role not in ("numeric", "boolean", "categorical"):
            found.append(Ground(name, "fixed"))
        elif among is not None:
            found.append(_of_rows(column, among))
        else:
            found.append(_of_sketch(column, sketch.column(name) if sketch else None))
    return found


def cells(dataset: Dataset, ground: Ground) -> np.ndarray:
    """A column of conforming rows as `Ground.apart` takes it (n,)."""
    column = dataset.frame.get_column(ground.name).alias("column")
    if ground.kind == "number":
        return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return np.array(column.to_list(), dtype=object)


def distances(
    grounds: Sequence[Ground], rows: Sequence[np.ndarray], others: Sequence[np.ndarray]
) -> np.ndarray:
    """Mean distance (n, m) of rows from others, over the columns that have any."""
    kinds = [at for at, ground in enumerate(grounds) if ground.kind != "fixed"]
    total = np.zeros((len(rows[0]) if rows else 0, len(others[0]) if others else 0))
    for at in kinds:
        if grounds[at].kind == "number":
            here, there = (grounds[at].place(side[at]) for side in (rows, others))
            gaps = np.abs(here[:, None] - there)
            lacks = np.isnan(here)[:, None] != np.isnan(there)
            total += np.where(lacks, SWITCH, np.nan_to_num(gaps))
        else:
            codes = {value: code for code, value in enumerate({*rows[at], *others[at]})}
            here, there = (np.array([codes[v] for v in side[at]]) for side in (rows, others))
            total += np.where(here[:, None] == there, 0.0, SWITCH)
    return total / max(1, len(kinds))


def number(value: float) -> str:
    """A number with thousands marked, and no more digits than it has."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _floats(values: Any) -> np.ndarray:
    return np.asarray(np.where(np.asarray(values, object) == None, np.nan, values),  # noqa: E711
                      dtype=np.float64)


def _of_rows(column: Column, among: Dataset) -> Ground:
    """What rows hold: quantiles of numbers that occur, all levels that more than one row has."""
    if column.role == "boolean":
        return _flag(column)
    if column.role == "categorical":
        counted = among.frame.get_column(column.name).alias("level").drop_nulls().value_counts(
            name="rows").sort(["rows", "level"], descending=[True, False])
        return _levelled(column, counted["level"].to_list())
    values = among.numeric(column.name)
    values = np.sort(values[np.isfinite(values)])
    if not len(values):
        return Ground(column.name, "fixed")
    known, counts = np.unique(values, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(values)
    inside = known if len(known) <= _COARSE else known[
        (middle >= _ENDS[0]) & (middle <= _ENDS[1])]
    inside = known if len(inside) < 2 else inside
    if len(inside) > _FINE:
        inside = np.unique(inside[np.linspace(0, len(inside) - 1, _FINE).astype(int)])
    steps = np.interp(inside, known, middle)
    coarse = np.unique(np.searchsorted(steps, np.linspace(steps[0], steps[-1], _COARSE)))
    return Ground(column.name, "number", _whole(column, inside), False, tuple(inside.tolist()),
                  tuple(np.minimum(coarse, len(inside) - 1).tolist()), known, middle)


def _of_sketch(column: Column, sketch: ColumnSketch | None) -> Ground:
    if column.role == "boolean":
        return _flag(column)
    if column.role == "categorical":
        kept = list(sketch.levels) if sketch is not None else list(column.levels or ())
        return _levelled(column, kept or list(column.levels or ()))
    if sketch is not None and sketch.kind == "category" and sketch.levels:
        return _of_levels(column, sketch)
    if sketch is not None and sketch.edges:
        return _of_edges(column, sketch)
    low, high = column.low, column.high
    if low is None or high is None or not high > low:
        return Ground(column.name, "fixed")
    ends = np.array([low, high])
    return _spaced(column, np.linspace(low, high, _COARSE), ends, np.array([0.0, 1.0]))


def _flag(column: Column) -> Ground:
    """A truth value: spelt yes and no unless it came as a number."""
    spelt = column.dtype.startswith(("String", "Boolean", "Categorical", "Enum"))
    return Ground(column.name, "level", flag=spelt, values=(0.0, 1.0), coarse=(0, 1))


def _levelled(column: Column, levels: list[str]) -> Ground:
    kept = tuple(levels[:_LEVELS])
    kind = "level" if kept else "fixed"
    return Ground(column.name, kind, values=kept, coarse=tuple(range(len(kept))))


def _of_levels(column: Column, sketch: ColumnSketch) -> Ground:
    """A number of few values, of which the sketch counts each."""
    counts = {float(level): rows for level, rows in sketch.levels.items()}
    values = np.array(sorted(counts))
    rows = np.array([counts[value] for value in values], dtype=np.float64)
    middle = (np.cumsum(rows) - rows / 2) / rows.sum()
    return Ground(column.name, "number", _whole(column, values), False, tuple(values.tolist()),
                  tuple(range(len(values))), values, middle)


def _of_edges(column: Column, sketch: ColumnSketch) -> Ground:
    """A number of many values: between its inner quantiles, nine steps from one to the next."""
    edges, counts = np.array(sketch.edges), np.array(sketch.counts, dtype=np.float64)
    share = np.cumsum(counts)[:-1] / counts.sum()
    low = edges[0] if column.low is None else min(column.low, edges[0])
    high = edges[-1] if column.high is None else max(column.high, edges[-1])
    knots, places = np.array([low, *edges, high]), np.array([0.0, *share, 1.0])
    keep = np.concatenate([[True], np.diff(knots) > 0])
    return _spaced(column, edges, knots[keep], places[keep])


def _spaced(column: Column, edges: np.ndarray, knots: np.ndarray, share: np.ndarray) -> Ground:
    """`edges` and round steps between them."""
    whole = _whole(column, edges)
    steps = np.interp(np.arange(0, len(edges) - 1 + 1e-9, 0.1), np.arange(len(edges)), edges)
    span = float(edges[-1] - edges[0])
    digits = 0 if whole else int(3 - np.floor(np.log10(span))) if span > 0 else 6
    values = np.unique(np.concatenate([np.round(steps, digits), edges]))
    if whole:
        values = np.unique(np.round(values))
    values = values[(values >= edges[0]) & (values <= edges[-1])]
    coarse = np.unique(np.minimum(np.searchsorted(values, edges), len(values) - 1))
    return Ground(column.name, "number", whole, False, tuple(values.tolist()),
                  tuple(coarse.tolist()), knots, share)


def _whole(column: Column, values: np.ndarray) -> bool:
    return column.dtype.startswith(_WHOLE) and bool((values == np.round(values)).all())
