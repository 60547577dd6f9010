"""Metrics of classification, from class probabilities.

With two classes, f1, precision, recall, roc_auc and average_precision are those of the
positive class; with more, the plain mean over classes, each against the rest (macro).
"""

from __future__ import annotations

import math

import numpy as np

from wholefit.evaluation.metrics._calibration import CalibrationError
from wholefit.evaluation.metrics._metric import Array, Mean, Metric, percent
from wholefit.evaluation.metrics._ranked import Ranked, average_precision, roc_area
from wholefit.evaluation.metrics._ratios import ClassRatio, Correlation
from wholefit.evaluation.metrics._sheet import ClassSheet

SHEET = ClassSheet
SHARE = "share, 0 to 1"
# Probabilities are kept this far from 0, as scikit-learn keeps them: a sure mistake costs 36.
EPSILON = float(np.finfo(np.float64).eps)


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


def _likely(loss: float) -> str:
    """The geometric mean of the true class's probabilities, which the log loss tells."""
    said = percent(math.exp(-loss))
    return said if " than " in said else f"about {said}"


METRICS: tuple[Metric, ...] = (
    Mean(
        "log_loss", "mean of -log(probability given to the true class)", "lower", 0.0, math.inf,
        "nats a row",
        "the right class gets a probability of {value} (geometric mean).",
        ("logloss", "neg_log_loss", "cross_entropy", "crossentropy", "nll"),
        rows=_log_losses, extremes=_log_extremes, scale="log",
        told=_likely),
    Ranked(
        "roc_auc", "chance that a row of the class is scored above a row of another", "higher",
        0.0, 1.0, "chance; 0.5 is guessing",
        "of 100 pairs of a positive and a negative row, {value} are ranked the right way.",
        ("auc", "auroc", "roc", "roc_auc_score", "roc_auc_ovr"),
        curve=roc_area, needs_negatives=True, scale="share", told=percent),
    Ranked(
        "average_precision", "precision at the score of each row of the class, averaged",
        "higher", 0.0, 1.0, "share; the share of positive rows is guessing",
        "going down the list from the surest, on average {value} of the rows taken are "
        "right.",
        ("ap", "pr_auc", "auprc", "prauc", "average_precision_score"),
        curve=average_precision, needs_negatives=False, scale="share", told=percent),
    Mean(
        "accuracy", "share of rows classified correctly", "higher", 0.0, 1.0, SHARE,
        "of 100 rows, {value} are classified correctly.", ("acc", "accuracy_score"),
        rows=lambda s: s.hit, extremes=_hit_extremes, scale="count", told=percent),
    ClassRatio(
        "balanced_accuracy", "share of rows found, averaged over classes", "higher", 0.0, 1.0,
        SHARE, "of 100 rows of a class, {value} are found, each class counting the same.",
        ("balanced_accuracy_score", "bacc", "bal_acc"),
        hits=1, of_truth=1, of_predicted=0, everywhere=True, empty="there are no rows",
        scale="share", told=percent),
    ClassRatio(
        "f1", "harmonic mean of precision and recall", "higher", 0.0, 1.0, SHARE,
        "precision and recall together come to {value}.",
        ("f1_score", "f1_macro", "f_score"), hits=2, of_truth=1, of_predicted=1,
        empty="no row is of the positive class, nor predicted as it", scale="share", told=percent),
    ClassRatio(
        "precision", "share of the rows predicted as the class that are of it", "higher",
        0.0, 1.0, SHARE, "of 100 rows predicted as the class, {value} are of it.",
        ("precision_score", "precision_macro", "ppv"), hits=1, of_truth=0, of_predicted=1,
        empty="no row is predicted as the positive class", scale="count", told=percent),
    ClassRatio(
        "recall", "share of the rows of the class that are found", "higher", 0.0, 1.0, SHARE,
        "of 100 rows of the class, {value} are found.",
        ("recall_score", "recall_macro", "sensitivity", "tpr"), hits=1, of_truth=1,
        of_predicted=0, empty="the truth holds no row of the positive class", scale="count",
        told=percent),
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
