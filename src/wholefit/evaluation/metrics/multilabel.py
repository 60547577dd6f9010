"""Metrics of several labels at once, from the probability of each.

Three ways of counting: row by row (exact_match, jaccard, ranking_precision), over all cells of
row and label together (log_loss, hamming_loss, f1_micro), and label by label, each counting the
same (f1_macro, roc_auc, average_precision). Labels of a row that are not known count nowhere.
Definitions as in Tsoumakas, Katakis and Vlahavas, Mining Multi-label Data (2010).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.evaluation.metrics import classification
from wholefit.evaluation.metrics._metric import Array, Mean, Metric, percent
from wholefit.evaluation.metrics._sheet import ClassSheet, Sheet

_SHARE = classification.SHARE
_EPSILON = classification.EPSILON
_CLASS = {metric.name: metric for metric in classification.METRICS}


class LabelSheet(Sheet):
    """Truth (n, labels) of 0 and 1, NaN where not known; answer (n, labels) probabilities.

    `predicted` (n, labels) is what was decided, where that is not "probability at least a half".
    Rows of which no label is known are left out.
    """

    def __init__(self, truth: Any, answer: Any, *, weights: Any = None, units: Any = None,
                 predicted: Any = None, **_: Any) -> None:
        actual = _cells("truth", truth)
        given = _cells("answer", answer)
        if given.shape != actual.shape:
            raise DataError(f"answer must have the shape of truth, (rows, labels) = "
                            f"{actual.shape}; got {given.shape}.")
        there = ~np.isnan(actual)
        if not np.isin(actual[there], (0.0, 1.0)).all():
            raise DataError("truth of labels must be 0 or 1, or NaN where it is not known; got "
                            f"{actual[there][~np.isin(actual[there], (0.0, 1.0))][0]:g}.")
        if not ((given[there] >= 0) & (given[there] <= 1)).all():
            raise DataError("answers to labels must be probabilities from 0 to 1, each for itself.")
        decided = given >= 0.5 if predicted is None else _cells("predicted", predicted) > 0
        if decided.shape != actual.shape:
            raise DataError(f"predicted must have the shape of truth, {actual.shape}; got "
                            f"{decided.shape}.")
        super().__init__(actual, given, there.any(axis=1), weights, units)
        self.predicted: Array = decided[self._keep]
        self.labels = actual.shape[1]

    @cached_property
    def known(self) -> Array:
        """Which labels of which rows are known, (n, labels)."""
        return ~np.isnan(self.truth)

    @cached_property
    def actual(self) -> Array:
        """Which rows are known to hold which labels, (n, labels)."""
        return np.nan_to_num(self.truth) > 0

    @cached_property
    def counts(self) -> Array:
        """Known labels of each row, (n,); at least 1."""
        return self.known.sum(axis=1)

    @cached_property
    def decided(self) -> Array:
        """Labels decided on, of those known, (n, labels)."""
        return self.predicted & self.known

    def one(self, label: int) -> tuple[ClassSheet, Array]:
        """A sheet of one label's rows, and which rows those are (n,)."""
        rows = self.known[:, label]
        def make() -> ClassSheet:
            given = self.answer[rows, label]
            return ClassSheet(
                self.truth[rows, label], np.column_stack([1 - given, given]), positive=1,
                weights=self.weights[rows] if self.weighted else None,
                units=None if self.unit is None else self.unit[rows],
                predicted=self.predicted[rows, label].astype(np.intp))

        found: ClassSheet = self.cached(("label", label), make)
        return found, rows


@dataclass(frozen=True)
class Pooled(Metric):
    """A ratio of two sums over all rows: `parts(sheet)` gives both for each row, (n,) each."""

    parts: Callable[[LabelSheet], tuple[Array, Array]] = field(kw_only=True)
    empty: str = field(kw_only=True)

    def undefined(self, sheet: LabelSheet) -> str | None:
        """Nothing to take a share of."""
        return None if self._parts(sheet)[1].any() else self.empty

    def value(self, sheet: LabelSheet, weights: Array) -> Array:
        """One sum over the other."""
        above, below = self._parts(sheet)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((weights @ above) / (weights @ below))

    def slopes(self, sheet: LabelSheet, weights: Array) -> Array:
        """What each row adds to the one sum beyond its share of the other."""
        above, below = self._parts(sheet)
        total = (weights @ below)[..., None]
        return np.asarray((above - self.value(sheet, weights)[..., None] * below) / total)

    def denominator(self, sheet: LabelSheet) -> Array | None:
        """Rows that the ratio rests on."""
        return self._parts(sheet)[1] > 0

    def _parts(self, sheet: LabelSheet) -> tuple[Array, Array]:
        found: tuple[Array, Array] = sheet.cached(("pooled", self.name), lambda: self.parts(sheet))
        return found


@dataclass(frozen=True)
class OverLabels(Metric):
    """The plain mean of a metric of two classes over the labels where it has a value."""

    inner: Metric = field(kw_only=True)

    def defined(self, sheet: LabelSheet) -> list[int]:
        """The labels that the metric has a value for."""
        def find() -> list[int]:
            able = []
            for label in range(sheet.labels):
                one, _ = sheet.one(label)
                if len(one) and self.inner.undefined(one) is None:
                    able.append(label)
            return able

        found: list[int] = sheet.cached(("defined", self.name), find)
        return found

    def undefined(self, sheet: LabelSheet) -> str | None:
        """No label can be judged."""
        return None if self.defined(sheet) else "no label is held, or given, as it would need"

    def remark(self, sheet: LabelSheet) -> str | None:
        """How many labels the mean is over."""
        able = len(self.defined(sheet))
        return f"mean over {able} labels" if able == sheet.labels else (
            f"mean over {able} of {sheet.labels} labels: of the others nothing can be said here")

    def value(self, sheet: LabelSheet, weights: Array) -> Array:
        """Mean over labels."""
        found = []
        for label in self.defined(sheet):
            one, rows = sheet.one(label)
            same = weights is sheet.weights
            found.append(self.inner.value(one, one.weights if same else weights[..., rows]))
        return np.asarray(np.mean(found, axis=0))

    def slopes(self, sheet: LabelSheet, weights: Array) -> Array:
        """Mean of the slopes of the labels; none where a row's label is not known."""
        able = self.defined(sheet)
        whole = np.zeros(weights.shape)
        for label in able:
            one, rows = sheet.one(label)
            whole[..., rows] += self.inner.slopes(one, weights[..., rows]) / len(able)
        return whole

    def certain(self, sheet: LabelSheet) -> str | None:
        """Why the value is what it is whatever the truth, where that holds for every label."""
        said = [self.inner.certain(sheet.one(label)[0]) for label in self.defined(sheet)]
        return said[0] if said and all(said) else None


def _cells(what: str, given: Any) -> Array:
    try:
        found = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{what} of labels must be numbers (rows, labels).") from None
    if found.ndim != 2 or found.shape[1] < 1:
        raise DataError(f"{what} of labels must be (rows, labels); got shape {found.shape}.")
    return found


# ---- what a row adds -----------------------------------------------------------------------


def _losses(sheet: LabelSheet) -> Array:
    """-log of the probability given to each cell's truth, (n, labels); 0 where not known."""
    def make() -> Array:
        given = np.where(sheet.actual, sheet.answer, 1 - sheet.answer)
        return np.where(sheet.known, -np.log(np.clip(given, _EPSILON, 1 - _EPSILON)), 0.0)

    found: Array = sheet.cached("cell losses", make)
    return found


def _log_loss(sheet: LabelSheet) -> Array:
    return np.asarray(_losses(sheet).sum(axis=1) / sheet.counts)


def _log_extremes(sheet: LabelSheet) -> tuple[Array, Array]:
    safe = np.clip(sheet.answer, _EPSILON, 1 - _EPSILON)
    surer = np.maximum(safe, 1 - safe)
    least, most = (np.where(sheet.known, -np.log(each), 0.0) for each in (surer, 1 - surer))
    return least.sum(axis=1) / sheet.counts, most.sum(axis=1) / sheet.counts


def _wrong(sheet: LabelSheet) -> Array:
    return np.asarray(((sheet.predicted != sheet.actual) & sheet.known).sum(axis=1) / sheet.counts)


def _exact(sheet: LabelSheet) -> Array:
    return (_wrong(sheet) == 0).astype(np.float64)


def _jaccard(sheet: LabelSheet) -> Array:
    """Labels in both sets over labels in either; 1 where both are empty."""
    both = (sheet.actual & sheet.decided).sum(axis=1)
    either = (sheet.actual | sheet.decided).sum(axis=1)
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def _ranking(sheet: LabelSheet) -> Array:
    """Share of true labels among those ranked at or above each true label, averaged; 1 where all
    or none is true, for then no order is wrong (scikit-learn's label_ranking_average_precision)."""
    score = np.where(sheet.known, sheet.answer, -np.inf)
    found = np.zeros(len(sheet))
    held = sheet.actual.sum(axis=1)
    for label in range(sheet.labels):
        above = (score >= score[:, [label]]) & sheet.known
        hits = (above & sheet.actual).sum(axis=1)
        found += np.where(sheet.actual[:, label], hits / np.maximum(above.sum(axis=1), 1), 0.0)
    ordered = (held > 0) & (held < sheet.counts)
    return np.where(ordered, found / np.maximum(held, 1), 1.0)


def _micro(sheet: LabelSheet) -> tuple[Array, Array]:
    both = (sheet.actual & sheet.decided).sum(axis=1)
    below = sheet.actual.sum(axis=1) + sheet.decided.sum(axis=1)
    return 2.0 * both, below.astype(np.float64)


def _ends(sheet: LabelSheet) -> tuple[Array, Array]:
    return np.zeros(len(sheet)), np.ones(len(sheet))


def _over(name: str, doc: str, plain: str, inner: str, aliases: tuple[str, ...]) -> OverLabels:
    kind = _CLASS[inner]
    return OverLabels(name, f"{doc}, averaged over labels", "higher", 0.0, 1.0, kind.unit, plain,
                      aliases, inner=kind, scale="share", told=percent)


SHEET = LabelSheet
METRICS: tuple[Metric, ...] = (
    Mean("log_loss", "mean of -log(probability given to the truth), over labels and rows", "lower",
         0.0, math.inf, "nats a label", "whether a row holds a label, and the truth about it, gets "
         "a probability of {value} (geometric mean).",
         ("logloss", "cross_entropy", "crossentropy", "nll"),
         rows=_log_loss, extremes=_log_extremes, scale="log", told=classification._likely),
    _over("f1_macro", "harmonic mean of precision and recall", "precision and recall of a label "
          "together come to {value}, each label counting the same.", "f1",
          ("f1", "f1_score", "macro_f1")),
    Pooled("f1_micro", "harmonic mean of precision and recall of all labels pooled", "higher", 0.0,
           1.0, _SHARE, "precision and recall of all labels pooled come to {value}.",
           ("micro_f1",), parts=_micro, empty="no row holds a label, nor is given one",
           scale="share", told=percent),
    _over("roc_auc", "chance that a row that holds the label is scored above one that does not",
          "of 100 pairs of a row that holds a label and one that does not, {value} are ranked the "
          "right way.", "roc_auc", ("auc", "auroc", "roc_auc_macro")),
    _over("average_precision", "precision at the score of each row that holds the label",
          "going down the list of a label from the surest, on average {value} of the rows taken "
          "hold it.", "average_precision", ("ap", "map", "pr_auc", "mean_average_precision")),
    Mean("exact_match", "share of rows whose labels are all right", "higher", 0.0, 1.0, _SHARE,
         "of 100 rows, {value} have every label right.",
         ("accuracy", "subset_accuracy", "accuracy_score"), rows=_exact, extremes=_ends,
         scale="count", told=percent),
    Mean("hamming_loss", "share of labels that are wrong", "lower", 0.0, 1.0, _SHARE,
         "of 100 labels asked of rows, {value} are answered wrongly.", ("hamming",), rows=_wrong,
         extremes=_ends, scale="share", told=percent),
    Mean("jaccard", "labels in both the true and the predicted set over labels in either", "higher",
         0.0, 1.0, _SHARE, "the true and the predicted labels of a row overlap by {value}.",
         ("jaccard_score", "iou"), rows=_jaccard, extremes=_ends, scale="share", told=percent),
    Mean("ranking_precision", "share of true labels among those ranked as high as each true label",
         "higher", 0.0, 1.0, _SHARE, "going down a row's labels from the surest to each true one, "
         "{value} of those passed are true.", ("lrap", "label_ranking_average_precision"),
         rows=_ranking, extremes=_ends, scale="share", told=percent),
)
