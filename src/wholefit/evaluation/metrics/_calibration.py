"""How far stated confidence lies from what comes true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wholefit.evaluation.metrics._metric import Array, Metric
from wholefit.evaluation.metrics._sheet import ClassSheet


@dataclass(frozen=True)
class CalibrationError(Metric):
    """Gap between confidence and hits of the top class, over equal-width bins of confidence."""

    bins: int = 15

    def value(self, sheet: ClassSheet, weights: Array) -> Array:
        """Sum over bins of the absolute gap, over the total weight."""
        gaps = self._gaps(sheet, weights)
        return np.abs(gaps).sum(axis=-1) / weights.sum(axis=-1)

    def slopes(self, sheet: ClassSheet, weights: Array) -> Array:
        """Each row moves the gap of its bin."""
        bins, gap = self._rows(sheet)
        sign = np.sign(self._gaps(sheet, weights))[..., bins]
        total = weights.sum(axis=-1)[..., None]
        return (sign * gap - self.value(sheet, weights)[..., None]) / total

    def by_chance(self, sheet: ClassSheet) -> float:
        """What the noise of the bins adds: a gap is never negative, so noise only raises it."""
        bins, gap = self._rows(sheet)
        gaps = self._gaps(sheet, sheet.weights)
        noise = self._noise(sheet, bins, gap)
        without = np.sqrt(np.maximum(gaps**2 - noise, 0.0)).sum()
        return float((np.abs(gaps).sum() - without) / sheet.weights.sum())

    def _noise(self, sheet: ClassSheet, bins: Array, gap: Array) -> Array:
        """Variance of each bin's summed gap: as seen, or as it is if confidence is right."""
        units = np.arange(len(sheet)) if sheet.unit is None else sheet.unit
        cells, index = np.unique(units * self.bins + bins, return_inverse=True)
        pulls = np.bincount(index, weights=sheet.weights * gap)
        squares = np.bincount(cells % self.bins, weights=pulls**2, minlength=self.bins)
        count = np.maximum(np.bincount(cells % self.bins, minlength=self.bins), 1)
        sums = np.bincount(cells % self.bins, weights=pulls, minlength=self.bins)
        seen = np.maximum(squares - sums**2 / count, 0) * count / np.maximum(count - 1, 1)
        top = sheet.answer.max(axis=1)
        claimed = np.bincount(bins, sheet.weights**2 * top * (1 - top), minlength=self.bins)
        return np.maximum(seen, claimed)

    def _rows(self, sheet: ClassSheet) -> tuple[Array, Array]:
        return sheet.cached(("calibration", self.bins), lambda: self._bin(sheet))

    def _bin(self, sheet: ClassSheet) -> tuple[Array, Array]:
        top = sheet.answer.max(axis=1)
        bins = np.clip(np.ceil(top * self.bins).astype(np.intp) - 1, 0, self.bins - 1)
        return bins, top - (sheet.most_probable == sheet.truth)

    def _gaps(self, sheet: ClassSheet, weights: Array) -> Array:
        bins, gap = self._rows(sheet)
        if weights.ndim == 1:
            return np.bincount(bins, weights=weights * gap, minlength=self.bins)
        return (weights * gap) @ np.eye(self.bins)[bins]
