"""Learning the tails of single features: ECOD, COPOD and HBOS, by sorting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._detectors.estimator import Estimator

# Values kept of a feature with more different ones: all of its tails, and a grid between.
_MOST_KNOTS, _TAIL_KNOTS = 4096, 1024


class TailsEstimator(Estimator):
    """ECOD ("detector.ecod") or COPOD ("detector.copod")."""

    def __init__(self, kind: str, categorical: Sequence[int] = (), seed: int = 0,
                 most: int | None = None, **words: Any) -> None:
        super().__init__(categorical, seed, most, **words)
        self.kind = kind

    def learn(
        self, Z: np.ndarray
    ) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, State]]:
        """Sorted values, counts at or below them, and the sign of the skewness."""
        found = [knots(column) for column in Z.T]
        return {"rows": len(Z), **self.words}, {
            "sizes": np.array([len(values) for values, _ in found], dtype=np.int32),
            "knots": np.concatenate([values for values, _ in found]),
            "counts": np.concatenate([counts for _, counts in found]).astype(np.int64),
            "skew": np.sign(skewness(Z)),
        }, {}


class HistogramsEstimator(Estimator):
    """HBOS: equally wide bins, their number from the rows unless it is given."""

    kind = "detector.hbos"

    def learn(
        self, Z: np.ndarray
    ) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, State]]:
        """Rarity -log((rows in the bin + 1) / (rows + bins)) of every bin."""
        bins = self.words["bins"]
        low, high = Z.min(axis=0), Z.max(axis=0)
        counts = np.stack([np.histogram(column, bins, (a, max(b, a + 1e-9)))[0]
                           for column, a, b in zip(Z.T, low, high, strict=True)])
        heights = -np.log((counts + 1) / (len(Z) + bins))
        for feature in self.categorical:
            edges = np.linspace(low[feature], high[feature], bins + 1)
            above = np.searchsorted(np.sort(Z[:, feature]), edges[:-1])
            heights[feature] = -np.log((len(Z) - above + 1) / (len(Z) + 1))
        return {}, {"heights": heights, "low": low, "high": high,
                    "empty": np.full(Z.shape[1], np.log(len(Z) + bins))}, {}


def knots(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Different values of a column in order, and the rows at or below each.

    Of more than 4,096 different values the 1,024 lowest and highest are kept and an even grid of
    the others, which moves a share in the middle by less than 1/2,000 and none in the tails.
    """
    values, counts = np.unique(column, return_counts=True)
    counts = np.cumsum(counts)
    if len(values) <= _MOST_KNOTS:
        return values, counts
    between = np.linspace(_TAIL_KNOTS, len(values) - _TAIL_KNOTS - 1,
                          _MOST_KNOTS - 2 * _TAIL_KNOTS).astype(np.intp)
    kept = np.concatenate([np.arange(_TAIL_KNOTS), between,
                           np.arange(len(values) - _TAIL_KNOTS, len(values))])
    return values[kept], counts[kept]


def skewness(Z: np.ndarray) -> np.ndarray:
    """Third standardised moment of each column (p,); 0 for a constant one."""
    apart = Z - Z.mean(axis=0)
    second, third = (apart**2).mean(axis=0), (apart**3).mean(axis=0)
    spread = np.where(second > 0, second, 1.0) ** 1.5
    return np.where(second > 0, third / spread, 0.0)
