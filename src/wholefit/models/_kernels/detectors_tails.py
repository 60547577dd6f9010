"""Detectors that look at one feature at a time: how far out in its tail a value lies.

ECOD (Li et al. 2022) and COPOD (Li et al. 2020) by empirical distribution functions, HBOS
(Goldstein and Dengel 2012) by histograms. A feature that held category codes is its level's
rarity by now, and only its upper tail tells: nobody is strange for being of the commonest kind.
"""

from __future__ import annotations

import numpy as np

from wholefit.base.errors import ArtifactError
from wholefit.base.state import State
from wholefit.models._kernels.detectors import Detector, array, whole


class Tails(Detector):
    """ECOD or COPOD from sorted values, `knots` end to end, `sizes` (p,) of them a feature.

    `counts` are the training rows at or below each knot; `skew` (p,) the sign of each feature's
    skewness. A tail's share counts the row asked about as one of the rows: (c + 1) / (rows + 1).
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        p = self.features
        sizes = array(state, "sizes", p).astype(np.intp)
        if sizes.min() < 1:
            raise ArtifactError("state of a detector holds a feature without values: it was "
                                "altered; save the model anew.")
        ends = np.cumsum(sizes)[:-1]
        self._knots = np.split(array(state, "knots", int(sizes.sum())), ends)
        self._counts = [np.concatenate([[0.0], part]) for part in
                        np.split(array(state, "counts", int(sizes.sum())), ends)]
        self._skew = array(state, "skew", p)
        self._rows = whole(state, "rows", least=1)
        self._coded = np.isin(np.arange(p), self.columns.coded)
        self._copula = state.kind == "detector.copod"
        self._each = state.config.get("tails") == "each"

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Sum of the tails that count."""
        return self.share(Z).sum(axis=1)

    def share(self, Z: np.ndarray) -> np.ndarray:
        """Each feature's -log of the tail that counts."""
        left, right = self.tails(Z)
        skewed = np.where(self._skew < 0, left, np.where(self._skew > 0, right, left + right))
        if self._copula:
            found = np.maximum(skewed, (left + right) / 2)
            return np.where(self._coded, right, found)
        if self._each:
            return np.where(self._coded, right, np.maximum(np.maximum(left, right), skewed))
        left[:, self._coded] = right[:, self._coded]
        skewed[:, self._coded] = right[:, self._coded]
        ways = np.stack([left, right, skewed])
        best = ways.sum(axis=2).argmax(axis=0)
        return np.asarray(ways[best, np.arange(len(Z))])

    def tails(self, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """-log of the share of rows at or below, and at or above, each value: both (n, p)."""
        left, right = np.empty(Z.shape), np.empty(Z.shape)
        for feature, (knots, counts) in enumerate(zip(self._knots, self._counts, strict=True)):
            values = np.ascontiguousarray(Z[:, feature])
            left[:, feature] = counts[np.searchsorted(knots, values, "right")]
            right[:, feature] = self._rows - counts[np.searchsorted(knots, values, "left")]
        for tail in (left, right):
            tail += 1
            tail /= self._rows + 1
            np.log(tail, out=tail)
            np.negative(tail, out=tail)
        return left, right


class Histograms(Detector):
    """HBOS: `heights` (p, bins) are rarities of equally wide bins from `low` to `high` (p,)."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        p = self.features
        self._heights = array(state, "heights", p, None)
        self._low, self._high = array(state, "low", p), array(state, "high", p)
        self._empty = array(state, "empty", p)

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Sum of the rarities."""
        return self.share(Z).sum(axis=1)

    def share(self, Z: np.ndarray) -> np.ndarray:
        """Rarity of each value's bin; that of an empty bin beyond the ends."""
        bins = self._heights.shape[1]
        width = (self._high - self._low) / bins
        with np.errstate(over="ignore"):
            place = np.floor((Z - self._low) / np.where(width > 0, width, 1.0))
        outside = (self._low > Z) | (self._high < Z)
        inside = np.clip(place, 0, bins - 1).astype(np.intp)
        found = self._heights[np.arange(self.features), inside]
        return np.where(outside, self._empty, found)
