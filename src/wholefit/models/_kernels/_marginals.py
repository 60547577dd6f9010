"""How each feature is distributed by itself, and the way from even numbers to its values.

A feature of few values has their shares; one of many has quantiles, between which values are
interpolated. Missing cells of a number come first: they take the even numbers up to their share.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wholefit.base.errors import StateError

_KNOTS = 513
_FEW = 64
"""A number of at most as many values keeps them as they are."""


class Marginals:
    """`values` and `levels` of all features one after the other; those of feature i stand from
    `starts[i]` to `starts[i + 1]`. `smooth` (p,) says which are interpolated, `missing` (p,) how
    much of each is missing.
    """

    def __init__(
        self, values: np.ndarray, levels: np.ndarray, starts: np.ndarray, smooth: np.ndarray,
        missing: np.ndarray,
    ) -> None:
        self.values, self.levels, self.starts = values, levels, starts
        self.smooth, self.missing = smooth, missing

    @classmethod
    def fit(cls, X: np.ndarray, codes: np.ndarray) -> Marginals:
        """Of rows X (n, p); `codes` (p,) is True for features of codes."""
        parts = [_one(column, bool(code)) for column, code in zip(X.T, codes, strict=True)]
        starts = np.concatenate([[0], np.cumsum([len(values) for values, *_ in parts])])
        return cls(np.concatenate([part[0] for part in parts]),
                   np.concatenate([part[1] for part in parts]), starts.astype(np.int64),
                   np.array([part[2] for part in parts]),
                   np.isnan(X).mean(axis=0) if len(X) else np.zeros(X.shape[1]))

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Marginals:
        """Back from `arrays`; StateError if they do not belong together."""
        found = cls(*(np.asarray(arrays[name]) for name in _NAMES))
        p = len(found.missing)
        starts = found.starts
        if (starts.shape != (p + 1,) or starts[0] != 0 or (np.diff(starts) < 1).any()
                or starts[-1] != len(found.values) or len(found.levels) != len(found.values)
                or len(found.smooth) != p):
            raise StateError("the marginals of a generator do not belong together.")
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """As plain arrays."""
        return {name: np.asarray(getattr(self, name)) for name in _NAMES}

    def __len__(self) -> int:
        return len(self.missing)

    def column(self, at: int, even: np.ndarray) -> np.ndarray:
        """Values of feature `at` for even numbers (n,) between 0 and 1."""
        share = float(self.missing[at])
        inside = slice(int(self.starts[at]), int(self.starts[at + 1]))
        values, levels = self.values[inside], self.levels[inside]
        rest = np.clip((even - share) / max(1 - share, 1e-12), 0, 1)
        if self.smooth[at]:
            found = np.interp(rest, levels, values)
        else:
            found = values[np.minimum(np.searchsorted(levels, rest, side="right"),
                                      len(values) - 1)]
        return np.where(even < share, np.nan, found)

    def rows(self, even: np.ndarray) -> np.ndarray:
        """Rows (n, p) for even numbers (n, p)."""
        return np.column_stack([self.column(at, even[:, at]) for at in range(len(self))])

    def interval(self, at: int, value: float) -> tuple[float, float]:
        """The even numbers that give `value` of a feature that is not smooth."""
        inside = slice(int(self.starts[at]), int(self.starts[at + 1]))
        values, levels = self.values[inside], self.levels[inside]
        place = int(np.searchsorted(values, value))
        if place >= len(values) or values[place] != value:
            raise StateError(f"a generator has never seen the level {value:g}.")
        return (float(levels[place - 1]) if place else 0.0), float(levels[place])


def ranked(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Even numbers (n, p): the rank of each cell in its column, equal ones by chance, missing
    ones first. A column's values spread over the interval of their share, so that what has steps
    becomes smooth.
    """
    n = len(X)
    found = np.empty(X.shape)
    for at, column in enumerate(X.T):
        order = np.lexsort((rng.random(n), np.where(np.isnan(column), -np.inf, column)))
        found[order, at] = (np.arange(n) + 0.5) / n
    return found


_NAMES = ("values", "levels", "starts", "smooth", "missing")


def _one(column: np.ndarray, code: bool) -> tuple[np.ndarray, np.ndarray, bool]:
    """Values, levels, and whether they are interpolated."""
    seen = column[~np.isnan(column)]
    if not len(seen):
        return np.zeros(1), np.ones(1), False
    values, counts = np.unique(seen, return_counts=True)
    if code or len(values) <= _FEW:
        levels = np.cumsum(counts) / len(seen)
        levels[-1] = 1.0
        return values, levels, False
    levels = np.linspace(0, 1, min(_KNOTS, len(seen)))
    return np.quantile(seen, levels), levels, True
