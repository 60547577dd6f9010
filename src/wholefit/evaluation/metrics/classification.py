"""Metrics of classification, from class probabilities.

With two classes, f1, precision, recall, roc_auc and average_precision are those of the
positive class; with more, the plain mean over classes, each against the rest (macro).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.evaluation.metrics._metric import Array, Mean, Metric
from wholefit.evaluation.metrics._sheet import ClassSheet

SHEET = ClassSheet
SHARE = "share, 0 to 1"
# Probabilities are kept this far from 0, as scikit-learn keeps them: a sure mistake costs 36.
EPSILON = float(np.finfo(np.float64).eps)


# ---- means of one number a row ----------------------------------------------------------


def _log_losses(sheet: ClassSheet) -> Array:
    given = sheet.answer[np.arange(len(sheet)), sheet.truth]
    return -np.log(np.clip(given, EPSILON, 1 - EPSILON))


def _log_extremes(sheet: ClassSheet) -> tuple[Array, Array]:
    safe = np.clip(sheet.answer, EPSILON, 1 - EPSILON)
    return -np.log(safe.max(axis=1)), -np.log(safe.min(axis=1))


def _brier_of(sheet: ClassSheet, truth: Array) -> Array:
    """Squared distance from the 0/1 truth: over all classes, or of one class if there are two."""
    given = sheet.answer[np.arange(len(sheet)), truth]
    if sheet.binary:
        return (1 - given) ** 2
    return (sheet.answer**2).sum(axis=1) - given**2 + (1 - given) ** 2


def _brier_extremes(sheet: ClassSheet) -> tuple[Array, Array]:
    return (_brier_of(sheet, sheet.answer.argmax(axis=1)),
            _brier_of(sheet, sheet.answer.argmin(axis=1)))


def _hit_extremes(sheet: ClassSheet) -> tuple[Array, Array]:
    return np.zeros(len(sheet)), np.ones(len(sheet))


# ---- ratios of counts, a class at a time ------------------------------------------------


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


# ---- ranking ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Ranked(Metric):
    """A metric of the order of the scores; the mean over classes, each against the rest.

    `curve(ranking, weights, slopes)` gives the value for one class, and the slopes or None.
    """

    curve: Callable[..., tuple[Array, Array | None]] = field(kw_only=True)
    needs_negatives: bool = field(kw_only=True)

    def undefined(self, sheet: ClassSheet) -> str | None:
        """A class without rows, or without other rows, cannot be ranked."""
        if len(self._classes(sheet)):
            return None
        if sheet.binary and not sheet.rows_of[sheet.positive]:
            return "the truth holds no row of the positive class"
        return "the truth holds one class only"

    def remark(self, sheet: ClassSheet) -> str | None:
        """Which classes could be ranked."""
        if sheet.binary:
            return None
        return f"mean over {len(self._classes(sheet))} of {sheet.k} classes, each against the rest"

    def value(self, sheet: ClassSheet, weights: Array) -> Array:
        """Mean over the classes that have rows."""
        return _mean([self._of(sheet, weights, c, False)[0] for c in self._classes(sheet)])

    def slopes(self, sheet: ClassSheet, weights: Array) -> Array:
        """Mean of the slopes of the classes."""
        return _mean([self._of(sheet, weights, c, True)[1] for c in self._classes(sheet)])

    def certain(self, sheet: ClassSheet) -> str | None:
        """Equal scores order nothing."""
        if self.needs_negatives and all(len(sheet.ranking(int(c)).scores) == 1
                                        for c in self._classes(sheet)):
            return "all rows have the same score, which is 0.5 whatever the truth"
        return None

    def denominator(self, sheet: ClassSheet) -> Array | None:
        """Rows of the scarcest side: they limit what is known of the order."""
        if not sheet.binary:
            return None
        positive = sheet.truth == sheet.positive
        return positive if positive.sum() * 2 <= len(sheet) else ~positive

    def strata(self, sheet: ClassSheet) -> Array | None:
        """The class of a row."""
        return sheet.truth

    def _classes(self, sheet: ClassSheet) -> Array:
        rows = sheet.rows_of
        can = (rows > 0) & ((rows < len(sheet)) | (not self.needs_negatives))
        if sheet.binary:
            can &= np.arange(2) == sheet.positive
        return np.flatnonzero(can)

    def _of(self, sheet: ClassSheet, weights: Array, c: int, slopes: bool) -> Any:
        ranking = sheet.ranking(int(c))
        sums = _ranked_sums(sheet, weights, int(c))
        return self.curve(ranking, *sums, slopes)


def _ranked_sums(sheet: ClassSheet, weights: Array, c: int) -> tuple[Array, Array]:
    if weights is not sheet.weights:
        return sheet.ranking(c).sums(weights)
    sums: tuple[Array, Array] = sheet.cached(("ranked sums", c),
                                             lambda: sheet.ranking(c).sums(weights))
    return sums


def _mean(parts: list[Array]) -> Array:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total / len(parts)


def _auc(ranking: Any, up: Array, down: Array, slopes: bool) -> tuple[Array, Array | None]:
    """Area under the ROC curve; its slopes are the placements of DeLong et al. (1988)."""
    ups, downs = (side.sum(axis=-1)[..., None] for side in (up, down))
    with np.errstate(divide="ignore", invalid="ignore"):
        below = (np.cumsum(down, axis=-1) - down / 2) / downs
        value = (up * below).sum(axis=-1) / ups[..., 0]
        if not slopes:
            return value, None
        above = 1 - (np.cumsum(up, axis=-1) - up / 2) / ups
        here = value[..., None]
        return value, np.where(ranking.positive, ((below - here) / ups)[..., ranking.group],
                               ((above - here) / downs)[..., ranking.group])


def _average_precision(ranking: Any, up: Array, down: Array,
                       slopes: bool) -> tuple[Array, Array | None]:
    """Precision at each positive row's score, averaged over positive rows."""
    found = _from_the_top(up)
    taken = found + _from_the_top(down)
    total = found[..., :1]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(taken > 0, found / taken, 0.0)
        value = (up * precision).sum(axis=-1) / total[..., 0]
        if not slopes:
            return value, None
        # A row changes the precision at its own score and at every lower one.
        per = np.where(taken > 0, up / taken, 0.0)
        gain, loss = np.cumsum(per, axis=-1), np.cumsum(per * precision, axis=-1)
        for_down = -loss / total
        for_up = (precision - value[..., None] + gain - loss) / total
        return value, np.where(ranking.positive, for_up[..., ranking.group],
                               for_down[..., ranking.group])


def _from_the_top(sums: Array) -> Array:
    return np.cumsum(sums[..., ::-1], axis=-1)[..., ::-1]


# ---- correlation and calibration --------------------------------------------------------


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
        return bins, top - sheet.hit

    def _gaps(self, sheet: ClassSheet, weights: Array) -> Array:
        bins, gap = self._rows(sheet)
        if weights.ndim == 1:
            return np.bincount(bins, weights=weights * gap, minlength=self.bins)
        return (weights * gap) @ np.eye(self.bins)[bins]


# ---- the list ---------------------------------------------------------------------------

METRICS: tuple[Metric, ...] = (
    Mean(
        "log_loss", "mean of -log(probability given to the true class)", "lower", 0.0, math.inf,
        "nats a row", "the true class was given a probability of exp(-{value:.3g}) on "
        "geometric average.",
        ("logloss", "neg_log_loss", "cross_entropy", "crossentropy", "nll"),
        rows=_log_losses, extremes=_log_extremes, scale="log"),
    Ranked(
        "roc_auc", "chance that a row of the class is scored above a row of another", "higher",
        0.0, 1.0, "chance; 0.5 is guessing",
        "of 100 pairs of a positive and a negative row, {value:.0%} are ranked the right way.",
        ("auc", "auroc", "roc", "roc_auc_score", "roc_auc_ovr"),
        curve=_auc, needs_negatives=True, scale="share"),
    Ranked(
        "average_precision", "precision at the score of each row of the class, averaged",
        "higher", 0.0, 1.0, "share; the share of positive rows is guessing",
        "going down the list from the surest, on average {value:.0%} of the rows taken are "
        "right.",
        ("ap", "pr_auc", "auprc", "prauc", "average_precision_score"),
        curve=_average_precision, needs_negatives=False, scale="share"),
    Mean(
        "accuracy", "share of rows classified correctly", "higher", 0.0, 1.0, SHARE,
        "of 100 rows, {value:.0%} are classified correctly.", ("acc", "accuracy_score"),
        rows=lambda s: s.hit, extremes=_hit_extremes, scale="count"),
    ClassRatio(
        "balanced_accuracy", "share of rows found, averaged over classes", "higher", 0.0, 1.0,
        SHARE, "of 100 rows of a class, {value:.0%} are found, each class counting the same.",
        ("balanced_accuracy_score", "bacc", "bal_acc"),
        hits=1, of_truth=1, of_predicted=0, everywhere=True, empty="there are no rows",
        scale="share"),
    ClassRatio(
        "f1", "harmonic mean of precision and recall", "higher", 0.0, 1.0, SHARE,
        "precision and recall together come to {value:.0%}.",
        ("f1_score", "f1_macro", "f_score"), hits=2, of_truth=1, of_predicted=1,
        empty="no row is of the positive class, nor predicted as it", scale="share"),
    ClassRatio(
        "precision", "share of the rows predicted as the class that are of it", "higher",
        0.0, 1.0, SHARE, "of 100 rows predicted as the class, {value:.0%} are of it.",
        ("precision_score", "precision_macro", "ppv"), hits=1, of_truth=0, of_predicted=1,
        empty="no row is predicted as the positive class", scale="count"),
    ClassRatio(
        "recall", "share of the rows of the class that are found", "higher", 0.0, 1.0, SHARE,
        "of 100 rows of the class, {value:.0%} are found.",
        ("recall_score", "recall_macro", "sensitivity", "tpr"), hits=1, of_truth=1,
        of_predicted=0, empty="the truth holds no row of the positive class", scale="count"),
    Mean(
        "brier", "mean squared distance of probabilities from the truth (of the positive class "
        "if there are two; summed over classes if more)", "lower", 0.0, 2.0,
        "0 to 1 for two classes, 0 to 2 for more",
        "the probabilities miss the truth by {value:.3g}, squared.",
        ("brier_score", "brier_score_loss", "neg_brier_score"),
        rows=lambda s: _brier_of(s, s.truth), extremes=_brier_extremes,
        scale="log"),
    Correlation(
        "mcc", "correlation of predicted with true classes", "higher", -1.0, 1.0,
        "correlation; 0 is guessing", "predictions and truth correlate by {value:.2f}.",
        ("matthews", "matthews_corrcoef", "phi"), scale="correlation"),
    CalibrationError(
        "ece", "mean gap between stated confidence and share of hits, in 15 bins", "lower",
        0.0, 1.0, SHARE, "stated confidence is off by {value:.1%} on average.",
        ("calibration_error", "expected_calibration_error", "top_label_calibration_error"),
        scale="share"),
)
