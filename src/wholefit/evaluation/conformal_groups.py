"""Intervals and sets by group: each group of rows has errors of its own to rest on.

One calibration holds its level over all rows together, and may miss it in a group that is harder
than the others. Calibrated by group it holds it in each (Mondrian categories: Vovk, Gammerman and
Shafer 2005, chapter 4), at the price of wider answers where the group is hard or small. Groups of
few rows, and values that were never seen, rest on all rows together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from wholefit.base.errors import ParameterError, SchemaError
from wholefit.base.state import State
from wholefit.data import _cells
from wholefit.evaluation.conformal import Calibration, calibrate

GROUPED = "calibration by group"
# Rows that a group needs to have errors of its own.
LEAST = 50
_MOST = 200
_MISSING = "(missing)"


@dataclass(frozen=True, eq=False)
class Grouped:
    """A calibration for each of the `levels` of the column `by`, and one for all `rest`."""

    by: str
    levels: tuple[str, ...]
    each: tuple[Calibration, ...]
    rest: Calibration

    @property
    def classes(self) -> int:
        """How many classes it is of; 0 for a number."""
        return self.rest.classes

    @property
    def rows(self) -> int:
        """Rows that it rests on."""
        return self.rest.rows

    def interval(
        self, answer: np.ndarray, level: float, asked: pl.DataFrame | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Low and high ends (n,) around a number (n,), by the group of each row of `asked`."""
        low, high = self.rest.interval(answer, level)
        for rows, own in self._parts(asked):
            low[rows], high[rows] = own.interval(answer[rows], level)
        return low, high

    def sets(
        self, answer: np.ndarray, level: float, per_class: bool = False,
        asked: pl.DataFrame | None = None,
    ) -> np.ndarray:
        """Which classes are in each row's set, (n, k), by the group of each row of `asked`."""
        found = self.rest.sets(answer, level, per_class)
        for rows, own in self._parts(asked):
            found[rows] = own.sets(answer[rows], level, per_class)
        return found

    def _parts(self, asked: pl.DataFrame | None) -> list[tuple[np.ndarray, Calibration]]:
        if asked is None or self.by not in asked.columns:
            raise SchemaError(f"intervals and sets were calibrated by {self.by!r}, and the rows "
                              "lack that column; give it, or calibrate without by=.")
        codes = codes_of(asked.get_column(self.by), self.levels)
        parts = [(np.flatnonzero(codes == at), own) for at, own in enumerate(self.each)]
        return [(rows, own) for rows, own in parts if len(rows)]

    def state(self) -> State:
        """As plain data; `from_state` reads it back."""
        parts = {str(at): own.state() for at, own in enumerate(self.each)}
        return State(GROUPED, {"by": self.by, "levels": list(self.levels)}, parts={
            **parts, "rest": self.rest.state()})

    @classmethod
    def from_state(cls, state: State) -> Grouped:
        """Read back what `state` gave; ValueError where its parts do not belong together."""
        by, levels = state.config["by"], state.config["levels"]
        if not isinstance(by, str) or not isinstance(levels, list) or len(levels) > _MOST or not \
                all(isinstance(level, str) for level in levels) or len(set(levels)) != len(levels):
            raise ValueError("its groups are not words")
        each = tuple(Calibration.from_state(state.parts[str(at)]) for at in range(len(levels)))
        rest = Calibration.from_state(state.parts["rest"])
        if any(own.classes != rest.classes for own in each):
            raise ValueError("its groups are of other classes")
        return cls(by, tuple(levels), each, rest)


def grouped(truth: np.ndarray, answer: np.ndarray, by: str, column: pl.Series) -> Grouped:
    """Learn from truth and answers to unseen rows, as `calibrate`, by the values of a column.

    ParameterError where the column has more values than could be groups.
    """
    labels = _labels(column)
    counts = labels.value_counts(sort=True)
    name = labels.name
    enough = counts.filter(pl.col("count") >= LEAST)
    if counts.height > _MOST and enough.height < counts.height // 2:
        raise ParameterError(
            f"by={by!r} has {counts.height:,} values, most of fewer than {LEAST} rows, which are "
            "too few to be calibrated by; give a column of groups.")
    levels = tuple(sorted(enough.get_column(name).to_list()[:_MOST]))
    codes = codes_of(column, levels)
    each = tuple(calibrate(truth[codes == at], answer[codes == at]) for at in range(len(levels)))
    return Grouped(by, levels, each, calibrate(truth, answer))


def codes_of(column: pl.Series, levels: tuple[str, ...]) -> np.ndarray:
    """The place of each row's value among the levels, -1 where it is none of them."""
    places = {level: at for at, level in enumerate(levels)}
    return _labels(column).replace_strict(
        places, default=-1, return_dtype=pl.Int64).to_numpy() if places else np.full(
            len(column), -1)


def read(state: State) -> Calibration | Grouped:
    """The calibration of a file, by group or not."""
    return Grouped.from_state(state) if state.kind == GROUPED else Calibration.from_state(state)


def _labels(column: pl.Series) -> pl.Series:
    # Named first: a column named like a pattern, such as "^a.*$", would be read as one.
    return _cells.to_labels(column.alias("level")).fill_null(_MISSING).alias("level")
