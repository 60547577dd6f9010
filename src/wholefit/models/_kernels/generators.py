"""Generators of rows that answer with numpy alone: independent columns, a Gaussian copula, rows
drawn again, trees one after the other.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels._marginals import Marginals

_EDGE = 1e-12


class Independent:
    """Each feature drawn by itself."""

    def __init__(self, state: State) -> None:
        self.marginals = Marginals.of(state.arrays)

    def sample(self, count: int, seed: int, given: int | None = None) -> np.ndarray:
        """New rows (count, p)."""
        rng = np.random.default_rng(seed)
        rows = self.marginals.rows(rng.random((count, len(self.marginals))))
        if given is not None:
            self.marginals.interval(0, given)
            rows[:, 0] = given
        return rows


class Copula:
    """Normal numbers that go together, then each feature's own distribution."""

    def __init__(self, state: State) -> None:
        self.marginals = Marginals.of(state.arrays)
        self.root = np.asarray(state.arrays["root"], dtype=np.float64)
        p = len(self.marginals)
        if self.root.shape != (p, p):
            raise StateError(f"a copula of {p} features must have a root of shape ({p}, {p}); got "
                             f"{self.root.shape}.")

    def sample(self, count: int, seed: int, given: int | None = None) -> np.ndarray:
        """New rows (count, p); the first normal number is drawn within the interval of `given`,
        and all others follow from it.
        """
        rng = np.random.default_rng(seed)
        normal = rng.standard_normal((count, len(self.marginals)))
        if given is not None:
            low, high = self.marginals.interval(0, given)
            even = low + (high - low) * ndtr(normal[:, 0])
            normal[:, 0] = ndtri(np.clip(even, low + _EDGE, high - _EDGE))
        rows = self.marginals.rows(ndtr(normal @ self.root.T))
        if given is not None:
            rows[:, 0] = given
        return rows


class Again:
    """Rows drawn again, with a little noise."""

    def __init__(self, state: State) -> None:
        self.rows = np.asarray(state.arrays["rows"], dtype=np.float64)
        self.noise = np.asarray(state.arrays["noise"], dtype=np.float64)
        self.codes = np.asarray(state.arrays["codes"], dtype=bool)
        self.swap = float(state.config["swap"])
        p = self.rows.shape[1] if self.rows.ndim == 2 else -1
        if not len(self.rows) or self.noise.shape != (p,) or self.codes.shape != (p,):
            raise StateError("the rows of a bootstrap do not belong together.")

    def sample(self, count: int, seed: int, given: int | None = None) -> np.ndarray:
        """New rows (count, p)."""
        rng = np.random.default_rng(seed)
        pool = np.arange(len(self.rows)) if given is None else \
            np.flatnonzero(self.rows[:, 0] == given)
        if not len(pool):
            raise StateError(f"a generator has never seen the level {given}.")
        rows = self.rows[rng.choice(pool, count)]
        rows = rows + self.noise * rng.standard_normal(rows.shape)
        swapped = (rng.random(rows.shape) < self.swap) & self.codes
        others = self.rows[rng.choice(pool, rows.shape), np.arange(rows.shape[1])]
        rows = np.where(swapped, others, rows)
        if given is not None:
            rows[:, 0] = given
        return rows


class Sequence:
    """Each feature drawn from the leaf of a tree that those before it lead to."""

    def __init__(self, state: State) -> None:
        self.codes = np.asarray(state.arrays["codes"], dtype=bool)
        self.low = np.asarray(state.arrays["low"], dtype=np.float64)
        self.trees = [_Tree(state, at) for at in range(len(self.codes))]

    def sample(self, count: int, seed: int, given: int | None = None) -> np.ndarray:
        """New rows (count, p)."""
        rng = np.random.default_rng(seed)
        rows = np.zeros((count, len(self.codes)))
        known = np.zeros(rows.shape, dtype=np.float32)
        for at, tree in enumerate(self.trees):
            even = rng.random(count)
            rows[:, at] = given if at == 0 and given is not None else tree.draw(
                known[:, :at], even, bool(self.codes[at]))
            known[:, at] = single(np.where(np.isnan(rows[:, at]), self.low[at], rows[:, at]))
        return rows


class _Tree:
    """One tree: where rows go, and the values of the rows of each leaf."""

    def __init__(self, state: State, at: int) -> None:
        arrays = state.parts[f"tree {at}"].arrays
        self.feature = np.asarray(arrays["feature"], dtype=np.int64)
        self.threshold = np.asarray(arrays["threshold"], dtype=np.float64)
        self.left = np.asarray(arrays["left"], dtype=np.int64)
        self.right = np.asarray(arrays["right"], dtype=np.int64)
        self.starts = np.asarray(arrays["starts"], dtype=np.int64)
        self.values = np.asarray(arrays["values"], dtype=np.float64)
        self._check(at)

    def _check(self, at: int) -> None:
        nodes = len(self.feature)
        inner = self.feature >= 0
        places = np.arange(nodes)
        down = (self.left > places) & (self.right > places) & (self.left < nodes) & (
            self.right < nodes)
        if (nodes < 1 or {len(self.threshold), len(self.left), len(self.right),
                          len(self.starts) - 1} != {nodes} or (self.feature >= max(at, 1)).any()
                or (inner & ~down).any() or (at == 0 and inner.any())
                or (np.diff(self.starts) < 0).any() or self.starts[0] != 0
                or self.starts[-1] != len(self.values)
                or (np.diff(self.starts)[~inner] < 1).any()):
            raise StateError("a tree of a generator is not whole.")

    def draw(self, known: np.ndarray, even: np.ndarray, code: bool) -> np.ndarray:
        """A value for each row (n,), drawn among those of its leaf."""
        at = np.zeros(len(even), dtype=np.int64)
        while True:
            inner = np.flatnonzero(self.feature[at] >= 0)
            if not len(inner):
                break
            node = at[inner]
            goes = known[inner, self.feature[node]] <= self.threshold[node]  # float32, as it learnt
            at[inner] = np.where(goes, self.left[node], self.right[node])
        start, count = self.starts[at], self.starts[at + 1] - self.starts[at]
        if code:
            return np.asarray(self.values[start + np.minimum((even * count).astype(np.int64),
                                                             count - 1)])
        place = even * (count - 1)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, count - 1)
        a, b = self.values[start + below], self.values[start + above]
        between = a + (place - below) * (b - a)
        # Between a missing cell and a number there is nothing: take the nearer one.
        near = np.where(place - below < 0.5, a, b)
        return np.where(np.isnan(a) | np.isnan(b), near, between)


def single(cells: np.ndarray) -> np.ndarray:
    """Cells as far as float32 reaches: trees compare in it."""
    return np.asarray(np.clip(cells, -3e38, 3e38))
