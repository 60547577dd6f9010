"""Confident learning: which given labels the out-of-fold probabilities contradict.

C. G. Northcutt, L. Jiang and I. L. Chuang, "Confident learning: estimating uncertainty in
dataset labels", Journal of Artificial Intelligence Research 70 (2021). Arrays in, arrays out.

Each class has a threshold, the mean probability of it among the rows that were given it. A row
counts as truly of class j where its probability of j passes j's threshold (of several such
classes, the most probable). Given against counted is the confident joint: scaled to the rows
given each class, it estimates how many rows of each class are mislabelled as which other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray
SCORES = ("normalised_margin", "self_confidence")
_LITTLE = 1e-6


@dataclass(frozen=True, eq=False)
class Confident:
    """What confident learning makes of given codes (n,) and probabilities (n, k).

    `joint` (k, k) rows given as the row's class and truly of the column's, in rows; it sums to
    n. `counted` (k, k) is the confident joint before scaling. `flagged` (n,) marks rows whose
    label is probably wrong; `suggested` (n,) the most probable class; `score` (n,) from 0
    (surely wrong) to 1.
    """

    joint: Array
    counted: Array
    thresholds: Array
    flagged: Array
    suggested: Array
    score: Array


def confident(given: Array, proba: Array, *, score: str = "normalised_margin") -> Confident:
    """Confident learning on given codes (n,) and out-of-fold probabilities (n, k)."""
    thresholds = class_thresholds(given, proba)
    counted = confident_joint(given, proba, thresholds)
    joint = calibrated(counted, given)
    suggested = proba.argmax(axis=1)
    return Confident(joint, counted, thresholds, flags(given, proba, joint), suggested,
                     quality(given, proba, score))


def class_thresholds(given: Array, proba: Array) -> Array:
    """Mean probability of each class among the rows given it (k,); 1 where no row was."""
    k = proba.shape[1]
    own = proba[np.arange(len(given)), given]
    rows = np.bincount(given, minlength=k)
    total = np.bincount(given, own, minlength=k)
    # A class that is never doubted would ask for exactly 1, which rounding may miss.
    return np.where(rows > 0, total / np.maximum(rows, 1), 1.0) - _LITTLE


def confident_joint(given: Array, proba: Array, thresholds: Array) -> Array:
    """Rows given each class that count as truly each class (k, k); not all rows count."""
    k = proba.shape[1]
    passing = np.where(proba >= thresholds, proba, -1.0)
    true = passing.argmax(axis=1)
    sure = passing[np.arange(len(given)), true] >= 0
    counted = np.bincount(given[sure] * k + true[sure], minlength=k * k).reshape(k, k)
    # A class whose own rows never count would otherwise be taken to be wrong throughout.
    counted[np.diag_indices(k)] = np.maximum(np.diag(counted), 1)
    return counted


def calibrated(counted: Array, given: Array) -> Array:
    """The confident joint scaled so that each row sums to the rows given that class."""
    rows = np.bincount(given, minlength=len(counted)).astype(float)
    share = counted / counted.sum(axis=1, keepdims=True)
    return share * rows[:, None]


def flags(given: Array, proba: Array, joint: Array) -> Array:
    """Rows to look at (n,): of each pair of classes as many as `joint` says, by their margin.

    "Prune by noise rate" of the paper: the rows given i with the largest p_j - p_i, for each
    pair; rows whose most probable class is the given one are left out.
    """
    flagged = np.zeros(len(given), dtype=bool)
    k = len(joint)
    for i in range(k):
        rows = np.flatnonzero(given == i)
        counts = np.rint(joint[i]).astype(int)
        counts[i] = 0
        margins = proba[rows] - proba[rows, i][:, None]
        for j in np.flatnonzero(counts):
            most = min(int(counts[j]), len(rows))
            worst = np.argpartition(-margins[:, j], most - 1)[:most]
            flagged[rows[worst]] = True
    return flagged & (proba.argmax(axis=1) != given)


def quality(given: Array, proba: Array, score: str) -> Array:
    """How far the probabilities bear the given label out (n,), 0 to 1; low is suspect.

    "self_confidence" is the probability of the given class; "normalised_margin" compares it
    with that of the most probable other one.
    """
    n = np.arange(len(given))
    own = proba[n, given]
    if score == "self_confidence":
        return own
    others = proba.copy()
    others[n, given] = -np.inf
    return (own - others.max(axis=1) + 1) / 2
