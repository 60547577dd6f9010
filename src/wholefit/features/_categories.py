"""Categories: one 0/1 feature a level, or one whole-number code a column."""

from __future__ import annotations

import numpy as np

from wholefit.base.state import State
from wholefit.features._levels import Levels, learn
from wholefit.features._picked import Picked
from wholefit.features.encoding import Encoding
from wholefit.features.spans import Span

ONEHOT = "encoder.onehot"
ORDINAL = "encoder.ordinal"


class OneHot:
    """0/1 features: the kept levels, then "(other)" if any were folded, then "(missing)".

    A level never seen in training counts as other; where nothing was folded, and where nothing
    was missing in training, such a row has zeros throughout.
    """

    def __init__(self, columns: list[Levels]) -> None:
        self.columns = columns
        self.names: list[str] = []
        self.sources: list[str] = []
        self.tables: list[np.ndarray] = []
        for levels in columns:
            self._append(levels)

    def _append(self, levels: Levels) -> None:
        start = len(self.names)
        words = [*levels.kept, *["(other)"] * levels.folded, *["(missing)"] * levels.missing]
        self.names += [f"{levels.column}={word}" for word in words]
        self.sources += [levels.column] * len(words)
        other = start + len(levels.kept) if levels.folded else -1
        missing = len(self.names) - 1 if levels.missing else -1
        # places are 0.. for kept levels, -2 for others and -1 for missing: the table's own end
        kept = range(start, start + len(levels.kept))
        self.tables.append(np.array([*kept, other, missing], dtype=np.int32))

    def places(self, picked: Picked, span: slice, column: int) -> np.ndarray:
        """The feature of each row that is one; -1 where all are zero."""
        return self.tables[column].take(self.columns[column].places(picked, span))

    def write(self, picked: Picked, span: slice, out: np.ndarray) -> None:
        """Fill `out` (rows, features)."""
        out[:] = 0
        rows = np.arange(len(out))
        for column in range(len(self.columns)):
            places = self.places(picked, span, column)
            if places.min(initial=0) < 0:
                known = places >= 0
                out[rows[known], places[known]] = 1
            else:
                out[rows, places] = 1

    def filled(self) -> float:
        """Expected number of entries of a row that are not zero."""
        return float(len(self.columns))

    def state(self) -> State:
        """Level names as config."""
        return State(ONEHOT, {"columns": [levels.to_json() for levels in self.columns]})

    @classmethod
    def from_state(cls, state: State) -> OneHot:
        """The block that `state` describes."""
        return cls([Levels.from_json(found) for found in state.config["columns"]])


class Ordinal:
    """One code a column: 0.. for kept levels in order of name, then one for folded levels.

    A missing value, and an unseen level where nothing was folded, is `hole`: NaN where models
    take it, else -1 (which LightGBM too reads as missing).
    """

    def __init__(self, columns: list[Levels], hole: float) -> None:
        self.columns = columns
        self.hole = hole
        self.names = [levels.column for levels in columns]
        self.sources = list(self.names)
        self.cardinalities = tuple(len(c.kept) + c.folded for c in columns)
        self.tables = [
            np.array([*range(len(c.kept)), len(c.kept) if c.folded else hole, hole])
            for c in columns
        ]

    def write(self, picked: Picked, span: slice, out: np.ndarray) -> None:
        """Fill `out` (rows, columns)."""
        for at, levels in enumerate(self.columns):
            out[:, at] = self.tables[at].take(levels.places(picked, span))

    def filled(self) -> float:
        """Expected number of entries of a row that are not zero."""
        return float(len(self.columns))

    def span(self, start: int) -> Span:
        """What these features are."""
        return Span("codes", start, start + len(self.columns), levels=self.cardinalities)

    def state(self) -> State:
        """Level names as config."""
        return State(ORDINAL, {"columns": [levels.to_json() for levels in self.columns],
                               "hole": None if np.isnan(self.hole) else self.hole})

    @classmethod
    def from_state(cls, state: State) -> Ordinal:
        """The block that `state` describes."""
        hole = state.config["hole"]
        columns = [Levels.from_json(found) for found in state.config["columns"]]
        return cls(columns, np.nan if hole is None else hole)


def learn_categories(
    picked: Picked, columns: list[str], encoding: Encoding
) -> OneHot | Ordinal | None:
    """The block that `encoding` asks for, learnt on the picked rows."""
    if encoding.categories == "drop" or not columns:
        return None
    if encoding.categories == "onehot":
        return OneHot([learn(picked, c, encoding.rare, encoding.max_levels) for c in columns])
    hole = np.nan if encoding.impute == "none" else -1.0
    return Ordinal([learn(picked, c, encoding.rare, None) for c in columns], hole)
