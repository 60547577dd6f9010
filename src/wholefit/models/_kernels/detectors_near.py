"""Detectors that measure distances to stored rows: k nearest neighbours and local outlier factor.

A stored row at no distance at all is taken for the row itself and passed over, once: so a row
that was learnt from is answered as if it had been left out. Rows equally far as the k-th
neighbour are neighbours too (Breunig et al. 2000), so no answer hangs on the order of rows.
"""

from __future__ import annotations

import numpy as np

from wholefit.base.errors import ArtifactError
from wholefit.base.state import State
from wholefit.models._kernels.detectors import Detector, array, number, whole

# Distances held at once: 2 MB of them, which stay in cache from one step to the next.
_BLOCK = 1 << 18
# Distances closer than this, relatively, are equal: rounding may move them so far.
_EQUAL = 1e-9


class Near(Detector):
    """What both share: stored `rows` (m, p) of prepared features, and `k`."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.stored = array(state, "rows", None, self.features)
        self.k = whole(state, "k", least=1)
        if self.k >= len(self.stored):
            raise ArtifactError(f"state of kind {state.kind!r} asks for {self.k} neighbours of "
                                f"{len(self.stored)} rows: it was altered; save the model anew.")
        self._ruler = Ruler(self.stored)

    def distances(self, Z: np.ndarray) -> np.ndarray:
        """Distances (n, m) to the stored rows, infinite to the row itself."""
        found = self._ruler.distances(Z)
        itself = found.argmin(axis=1)
        rows = np.flatnonzero(found[np.arange(len(Z)), itself] == 0)
        found[rows, itself[rows]] = np.inf
        return found

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Scores (n,), a few rows at a time."""
        step = max(16, _BLOCK // len(self.stored))
        return np.concatenate([np.empty(0), *(
            self.judge(self.distances(Z[at:at + step])) for at in range(0, len(Z), step))])

    def judge(self, distance: np.ndarray) -> np.ndarray:
        """Scores (n,) from distances (n, m)."""
        raise NotImplementedError

    def share(self, Z: np.ndarray) -> np.ndarray:
        """Squared distance to the middle of the neighbours, feature by feature."""
        found = np.empty(Z.shape)
        step = max(16, _BLOCK // len(self.stored))
        for at in range(0, len(Z), step):
            near = neighbours(self.distances(Z[at:at + step]), self.k)
            middle = near @ self.stored / near.sum(axis=1, keepdims=True)
            found[at:at + step] = (Z[at:at + step] - middle) ** 2
        return found


class Ruler:
    """Euclidean distances to stored rows (m, p) by one matrix product.

    Rows that lie closer than its rounding can tell are at distance 0.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self._middle = rows.mean(axis=0)
        self._centred = rows - self._middle
        self._norms = np.einsum("ij,ij->i", self._centred, self._centred)
        self._sum = 32 * np.finfo(float).eps * (rows.shape[1] + 4)

    def distances(self, Z: np.ndarray) -> np.ndarray:
        """Distances (n, m) of rows (n, p)."""
        apart = Z - self._middle
        lengths = np.einsum("ij,ij->i", apart, apart)[:, None] + self._norms
        squares = apart @ (-2.0 * self._centred.T)
        squares += lengths
        lengths *= self._sum
        squares[squares <= lengths] = 0.0
        return np.sqrt(squares, out=squares)


def neighbours(distance: np.ndarray, k: int) -> np.ndarray:
    """1.0 where a row (n, m) is among the k nearest or as far as the k-th, else 0.0."""
    limit = np.partition(distance, k - 1, axis=1)[:, k - 1]
    return np.asarray(distance <= limit[:, None] * (1 + _EQUAL)).astype(np.float64)


class Distance(Near):
    """How far the nearest stored rows are: the k-th ("largest"), k of them ("mean"), or the mean
    distances to the few nearest and to k of them added up ("both")."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._how = state.config.get("how")
        self._near = min(whole(state, "near", least=1), self.k)

    def judge(self, distance: np.ndarray) -> np.ndarray:
        """One number (n,) of the distances (n, m)."""
        distance.partition(self.k - 1, axis=1)
        if self._how == "largest":
            return distance[:, self.k - 1].copy()
        nearest = np.sort(distance[:, :self.k], axis=1)
        wide = nearest.mean(axis=1)
        return wide if self._how == "mean" else wide + nearest[:, :self._near].mean(axis=1)


class LocalDensity(Near):
    """The local outlier factor (Breunig et al. 2000): the neighbours' density over one's own.

    `reach` (m,) is each stored row's distance to its k-th neighbour, `density` (m,) its local
    reachability density; `floor` is the least distance that counts as one.
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._reach = array(state, "reach", len(self.stored))
        self._density = array(state, "density", len(self.stored))
        self._floor = number(state, "floor")

    def judge(self, distance: np.ndarray) -> np.ndarray:
        """About 1 for a row among its like."""
        near = neighbours(distance, self.k)
        own = density(distance, near, self._reach, self._floor)
        return np.asarray(near @ self._density / near.sum(axis=1) / own)


def density(
    distance: np.ndarray, near: np.ndarray, reach: np.ndarray, floor: float
) -> np.ndarray:
    """One over the mean reachability distance to the neighbours, (n,).

    `distance` and `near` are (n, m); `reach` (m,) each stored row's distance to its k-th.
    """
    far = np.maximum(np.where(near > 0, distance, 0.0), reach)
    mean = np.einsum("ij,ij->i", near, far) / near.sum(axis=1)
    return np.asarray(1.0 / np.maximum(mean + 1e-10, floor))
