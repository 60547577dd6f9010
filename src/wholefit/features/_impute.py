"""Missing numbers from a row's other numbers: by nearest rows, or by regressions in turn.

The arithmetic is that of the cleaning steps of the same names (`data.clean.imputers`); here it
is learnt on training rows as part of the encoding, and flags of missing values stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wholefit.base.seeds import generator
from wholefit.base.state import State

KIND = "encoder.filler"
_DONORS, _ROWS = 2000, 20_000
_NEAREST, _ROUNDS, _PENALTY, _PREDICTORS = 5, 10, 1e-3, 30


@dataclass(frozen=True, eq=False)
class Filler:
    """What was learnt by `way`, "knn" or "iterative", as arrays."""

    way: str
    arrays: Mapping[str, np.ndarray]

    def fill(self, values: np.ndarray) -> np.ndarray:
        """`values` (rows, columns), its NaN filled where something is known to fill them by."""
        # imported here: only a model that fills so needs the cleaning steps
        from wholefit.data.clean import _iterative, _neighbours

        if self.way == "iterative":
            return _iterative.Chain(**self.arrays).fill(values)
        return _neighbours.impute(values, **self.arrays, count=_NEAREST, weighted=False)

    def state(self) -> State:
        """The arrays; by nearest rows, they hold up to 2,000 training rows."""
        return State(KIND, {"way": self.way}, dict(self.arrays))

    @classmethod
    def from_state(cls, state: State) -> Filler:
        """The filler that `state` describes."""
        return cls(state.config["way"], state.arrays)


def learn(way: str, values: np.ndarray, seed: int) -> Filler:
    """Learn to fill `values` (rows, columns), NaN where missing; at most 20,000 rows are used.

    "knn": the mean of the 5 nearest of 2,000 sampled rows, columns on one scale. "iterative":
    ten rounds of ridge regressions on at most 30 other columns.
    """
    from wholefit.data.clean import _iterative

    if way == "iterative":
        chain = _iterative.learn(_some(values, _ROWS, seed), _ROUNDS, _PENALTY, _PREDICTORS, True)
        return Filler(way, chain.arrays())
    means, scale = _iterative._moments(values, (~np.isnan(values)).sum(axis=0))
    known = np.flatnonzero((~np.isnan(values)).any(axis=1))
    return Filler(way, {"donors": _some(values[known], _DONORS, seed), "means": means,
                        "scale": scale})


def _some(values: np.ndarray, most: int, seed: int) -> np.ndarray:
    if len(values) <= most:
        return values
    drawn = generator(seed, "impute").choice(len(values), most, replace=False)
    return values[np.sort(drawn)]
