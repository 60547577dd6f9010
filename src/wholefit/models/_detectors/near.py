"""Learning detectors that measure distances: rows are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._detectors.estimator import Estimator
from wholefit.models._kernels import detectors_near as kernel

Learnt = tuple[dict[str, Any], dict[str, np.ndarray], dict[str, State]]


_FEWEST, _STEP = 5, 256


def neighbours(rows: int, k: int | None, share: float) -> int:
    """How many to ask: `k`, or the share of the rows and 5 at least; never more than there are."""
    wanted = max(_FEWEST, round(share * rows)) if k is None else k
    return max(1, min(wanted, rows - 1))


class DistanceEstimator(Estimator):
    """Distance to the k nearest rows."""

    kind = "detector.distance"

    def learn(self, Z: np.ndarray) -> Learnt:
        """The rows themselves."""
        k = neighbours(len(Z), self.words["k"], self.words["share"])
        return {"k": k, "near": min(_FEWEST, k), "how": self.words["how"],
                "stores_rows": True}, {"rows": Z}, {}


class LocalDensityEstimator(Estimator):
    """The local outlier factor for new rows, as scikit-learn has it with novelty=True."""

    kind = "detector.lof"

    def learn(self, Z: np.ndarray) -> Learnt:
        """The rows, how far their k-th neighbours are, and their local densities."""
        k = neighbours(len(Z), self.words["k"], self.words["share"])
        reach = _blockwise(Z, lambda distance: np.partition(distance, k - 1, axis=1)[:, k - 1])
        floor = self.words["floor"] * float(np.median(reach[reach > 0])) if reach.any() else 0.0
        found = _blockwise(Z, lambda distance: kernel.density(
            distance, kernel.neighbours(distance, k), reach, floor))
        return {"k": k, "floor": floor, "stores_rows": True}, {
            "rows": Z, "reach": reach, "density": found}, {}


def _blockwise(Z: np.ndarray, make: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`make` of the distances of rows to all others, infinite to themselves; a block at a time."""
    ruler, parts = kernel.Ruler(Z), []
    for at in range(0, len(Z), _STEP):
        block = slice(at, min(at + _STEP, len(Z)))
        distance = ruler.distances(Z[block])
        distance[np.arange(len(distance)), np.arange(block.start, block.stop)] = np.inf
        parts.append(make(distance))
    return np.concatenate(parts)
