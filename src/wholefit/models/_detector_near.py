"""Learning detectors that measure distances: rows are kept, scikit-learn finds the neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._detectors import Estimator
from wholefit.models._kernels.detectors_near import density

Learnt = tuple[dict[str, Any], dict[str, np.ndarray], dict[str, State]]


class DistanceEstimator(Estimator):
    """Distance to the k nearest rows."""

    kind = "detector.distance"

    def learn(self, Z: np.ndarray) -> Learnt:
        """The rows themselves."""
        k = min(self.words["k"], len(Z) - 1)
        return {"k": k, "how": self.words["how"], "stores_rows": True}, {"rows": Z}, {}


class LocalDensityEstimator(Estimator):
    """The local outlier factor for new rows, as scikit-learn has it with novelty=True."""

    kind = "detector.lof"

    def learn(self, Z: np.ndarray) -> Learnt:
        """The rows, how far their k-th neighbours are, and their local densities."""
        from sklearn.neighbors import NearestNeighbors

        k = min(self.words["k"], len(Z) - 1)
        distance, row = NearestNeighbors(n_neighbors=k).fit(Z).kneighbors()
        reach = distance[:, -1]
        floor = self.words["floor"] * float(np.median(reach[reach > 0])) if reach.any() else 0.0
        return {"k": k, "floor": floor, "stores_rows": True}, {
            "rows": Z, "reach": reach, "density": density(distance, reach[row], floor)}, {}
