"""Metrics that are ratios of counts, a class at a time, and the correlation of two labellings."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from wholefit.evaluation.metrics._metric import Array, Metric
from wholefit.evaluation.metrics._sheet import ClassSheet


@dataclass(frozen=True)
class ClassRatio(Metric):
    """hits of a class over some count of it; the mean over classes where there are many.

    `hits` times the rows found, over `of_truth` times the rows of the class plus
    `of_predicted` times the rows predicted as it: recall (1, 1, 0), precision (1, 0, 1),
    f1 (2, 1, 1). With `everywhere` it is a mean over classes even where there are two.
    """

    hits: float = field(kw_only=True)
    of_truth: float = field(kw_only=True)
    of_predicted: float = field(kw_only=True)
    everywhere: bool = field(default=False, kw_only=True)
    empty: str = field(kw_only=True)

    def undefined(self, sheet: ClassSheet) -> str | None:
        """Nothing to take a share of."""
        rows = self.of_truth * sheet.rows_of + self.of_predicted * sheet.predicted_as
        return self.empty if not rows[self._classes(sheet)].any() else None

    def remark(self, sheet: ClassSheet) -> str | None:
        """How many classes the mean is over."""
        if sheet.binary and not self.everywhere:
            return None
        return f"mean over {len(self._classes(sheet))} classes"

    def value(self, sheet: ClassSheet, weights: Array) -> Array:
        """Mean of the ratios over the classes."""
        ratio, _, share = self._parts(sheet, weights)
        return (ratio * share).sum(axis=-1)

    def slopes(self, sheet: ClassSheet, weights: Array) -> Array:
        """Each row moves the ratio of its true class and of the class predicted."""
        ratio, below, share = self._parts(sheet, weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(below > 0, share / below, 0.0)
        truth, predicted = sheet.truth, sheet.predicted
        slope = self.hits * sheet.hit * step[..., truth]
        if self.of_truth:
            slope = slope - self.of_truth * (ratio * step)[..., truth]
        if self.of_predicted:
            slope = slope - self.of_predicted * (ratio * step)[..., predicted]
        return slope

    def denominator(self, sheet: ClassSheet) -> Array | None:
        """Rows whose true or predicted class is the positive one."""
        if not sheet.binary or self.everywhere:
            return None
        mask = np.zeros(len(sheet), dtype=bool)
        if self.of_truth:
            mask |= sheet.truth == sheet.positive
        if self.of_predicted:
            mask |= sheet.predicted == sheet.positive
        return mask

    def strata(self, sheet: ClassSheet) -> Array | None:
        """The class that a row counts in; with two classes, whether it counts at all."""
        if sheet.binary and not self.everywhere:
            mask = self.denominator(sheet)
            return None if mask is None else mask.astype(np.intp)
        return sheet.truth if self.of_truth else sheet.predicted

    def unseen_pulls(self, sheet: ClassSheet) -> Array:
        """Spread of a class none or all of whose few rows are found, as with one more of each.

        Agresti and Caffo (2000) add one hit and one miss to each of several proportions.
        """
        if sheet.binary and not self.everywhere:
            return np.empty(0)
        ratio, _, share = self._parts(sheet, sheet.weights)
        return _smoothed(ratio, self.of_truth * sheet.rows_of
                         + self.of_predicted * sheet.predicted_as, share)

    def _classes(self, sheet: ClassSheet) -> Array:
        if sheet.binary and not self.everywhere:
            return np.array([sheet.positive])
        seen = sheet.rows_of + (0 if self.everywhere else sheet.predicted_as)
        return np.flatnonzero(seen)

    def _parts(self, sheet: ClassSheet, weights: Array) -> tuple[Array, Array, Array]:
        """Ratio, its denominator, and the class's share of the mean, (..., k) each."""
        hits, truth, predicted = (_sums(sheet, weights, kind)
                                  for kind in ("hit", "truth", "predicted"))
        below = self.of_truth * truth + self.of_predicted * predicted
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(below > 0, self.hits * hits / below, 0.0)
        counted = np.zeros(sheet.k, dtype=bool)
        counted[self._classes(sheet)] = True
        present = counted & (truth + (0 if self.everywhere else predicted) > 0)
        return ratio, below, _spread_evenly(present)


@dataclass(frozen=True)
class Correlation(Metric):
    """Matthews correlation of predicted with true classes (Gorodkin, 2004, for many classes)."""

    def undefined(self, sheet: ClassSheet) -> str | None:
        """A constant has no correlation."""
        if (sheet.rows_of > 0).sum() < 2:
            return "the truth holds one class only"
        if (sheet.predicted_as > 0).sum() < 2:
            return "every row is predicted as the same class"
        return None

    def value(self, sheet: ClassSheet, weights: Array) -> Array:
        """Covariance over the root of the product of the variances."""
        _, _, cover, spread_t, spread_p = self._parts(sheet, weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            return cover / np.sqrt(spread_t * spread_p)

    def slopes(self, sheet: ClassSheet, weights: Array) -> Array:
        """By the quotient rule on the three sums of products."""
        truth, predicted, cover, spread_t, spread_p = self._parts(sheet, weights)
        total = weights.sum(axis=-1)[..., None]
        of_truth, of_guess = truth[..., sheet.truth], predicted[..., sheet.predicted]
        all_hits = (weights * sheet.hit).sum(axis=-1)[..., None]
        d_cover = all_hits + total * sheet.hit - predicted[..., sheet.truth] \
            - truth[..., sheet.predicted]
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.sqrt(spread_t * spread_p)[..., None]
            value = cover[..., None] / root
            relative = ((total - of_truth) / spread_t[..., None]
                        + (total - of_guess) / spread_p[..., None])
            return d_cover / root - value * relative

    def unlike(self, sheet: ClassSheet, share: float) -> tuple[float, float]:
        """A share of misses in each class, where all were hits, costs twice that share."""
        now = float(self.value(sheet, sheet.weights))
        return max(now - 2 * share, -1.0), min(now + 2 * share, 1.0)

    def denominator(self, sheet: ClassSheet) -> Array | None:
        """Rows of the scarcest class."""
        rows = np.where(sheet.rows_of > 0, sheet.rows_of, len(sheet))
        return sheet.truth == rows.argmin()

    def unseen_pulls(self, sheet: ClassSheet) -> Array:
        """As for the mean recall of the classes, of which it is near a multiple."""
        hits = _sums(sheet, sheet.weights, "hit")
        truth = _sums(sheet, sheet.weights, "truth")
        ratio = np.divide(hits, truth, out=np.zeros(sheet.k), where=truth > 0)
        present = np.where(truth > 0, 1 / max((truth > 0).sum() - 1, 1), 0.0)
        return _smoothed(ratio, sheet.rows_of, present)

    def strata(self, sheet: ClassSheet) -> Array | None:
        """The scarcer of a row's two classes, true and predicted."""
        scarcer = sheet.rows_of[sheet.truth] <= sheet.predicted_as[sheet.predicted]
        return np.where(scarcer, sheet.truth, sheet.k + sheet.predicted)

    def _parts(self, sheet: ClassSheet, weights: Array) -> tuple[Array, ...]:
        truth, predicted = (_sums(sheet, weights, kind) for kind in ("truth", "predicted"))
        total, hits = weights.sum(axis=-1), (weights * sheet.hit).sum(axis=-1)
        cover = total * hits - (truth * predicted).sum(axis=-1)
        return (truth, predicted, cover, total**2 - (truth**2).sum(axis=-1),
                total**2 - (predicted**2).sum(axis=-1))


def _smoothed(ratio: Array, rows: Array, share: Array) -> Array:
    """Pulls that make up the variance of a ratio to that with one hit and one miss more."""
    rows = np.maximum(rows, 1.0)
    smooth = (ratio * rows + 1) / (rows + 2)
    missing = np.maximum(smooth * (1 - smooth) - ratio * (1 - ratio), 0)
    return np.repeat(share * np.sqrt(missing) / rows, rows.astype(np.intp))


def _spread_evenly(present: Array) -> Array:
    """Equal shares over what is present, (..., k); NaN where nothing is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = present / present.sum(axis=-1, keepdims=True)
    return share


def _sums(sheet: ClassSheet, weights: Array, kind: str) -> Array:
    """Weight of the rows of each class (truth, predicted, or both: hit), (..., k)."""
    if weights.ndim > 1:
        return weights @ sheet.indicator(kind)
    codes = sheet.predicted if kind == "predicted" else sheet.truth
    counted = weights * sheet.hit if kind == "hit" else weights
    return np.bincount(codes, weights=counted, minlength=sheet.k)
