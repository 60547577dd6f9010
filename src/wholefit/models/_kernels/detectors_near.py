"""Detectors that measure distances to stored rows: k nearest neighbours and local outlier factor.

A stored row at no distance at all is taken for the row itself and passed over, once: so a row
that was learnt from is answered as if it had been left out.
"""

from __future__ import annotations

import numpy as np

from wholefit.base.errors import ArtifactError
from wholefit.base.state import State
from wholefit.models._kernels.detectors import Detector, array, number, whole

# Distances held at once: 16 MB of them.
_BLOCK = 1 << 21


class Near(Detector):
    """What both share: stored `rows` (m, p) of prepared features, and `k`."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.stored = array(state, "rows", None, self.features)
        self.k = whole(state, "k", least=1)
        if self.k >= len(self.stored):
            raise ArtifactError(f"state of kind {state.kind!r} asks for {self.k} neighbours of "
                                f"{len(self.stored)} rows: it was altered; save the model anew.")
        self.middle = self.stored.mean(axis=0)
        self.centred = self.stored - self.middle
        self.norms = np.einsum("ij,ij->i", self.centred, self.centred)

    def near(self, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances (n, k), ascending, to the nearest stored rows, and which those are."""
        distance, row = np.empty((len(Z), self.k)), np.empty((len(Z), self.k), dtype=np.intp)
        step = max(16, _BLOCK // len(self.stored))
        for at in range(0, len(Z), step):
            block = slice(at, at + step)
            distance[block], row[block] = self._near(Z[block])
        return distance, row

    def _near(self, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = Z - self.middle
        squares = found @ (-2.0 * self.centred.T)
        squares += self.norms
        count = min(self.k + 1, len(self.stored))
        row = np.argpartition(squares, count - 1, axis=1)[:, :count]
        # A matrix product screens; what it found is measured, free of its rounding.
        apart = Z[:, None, :] - self.stored[row]
        distance = np.sqrt(np.einsum("ijk,ijk->ij", apart, apart))
        order = np.lexsort((row, distance))
        distance, row = (np.take_along_axis(each, order, axis=1) for each in (distance, row))
        itself = distance[:, :1] == 0
        return (np.where(itself, distance[:, 1:], distance[:, :-1]),
                np.where(itself, row[:, 1:], row[:, :-1]))

    def share(self, Z: np.ndarray) -> np.ndarray:
        """Squared distance to the middle of the neighbours, feature by feature."""
        _, row = self.near(Z)
        return np.asarray((Z - self.stored[row].mean(axis=1)) ** 2)


class Distance(Near):
    """How far the k nearest stored rows are: their mean distance, or that of the k-th."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._mean = state.config.get("how") == "mean"

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Distances (n,)."""
        distance, _ = self.near(Z)
        return distance.mean(axis=1) if self._mean else distance[:, -1]


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

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Factors (n,): about 1 for a row among its like."""
        distance, row = self.near(Z)
        return self._density[row].mean(axis=1) / self.density(distance, row)

    def density(self, distance: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Local reachability density (n,) from distances (n, k) and neighbours (n, k)."""
        return density(distance, self._reach[row], self._floor)


def density(distance: np.ndarray, reach: np.ndarray, floor: float) -> np.ndarray:
    """One over the mean reachability distance, (n,), of neighbours (n, k)."""
    return np.asarray(1.0 / np.maximum(np.maximum(distance, reach).mean(axis=1) + 1e-10, floor))
