"""How well one column alone tells the target, on rows that did not teach it; nothing heavy.

The answer of a row is read off the other rows with a like value: the mean of its level, of its
bin, or of its neighbours when rows are sorted by the column. Scores run from 0 (chance) to 1:
2 AUC - 1 for two classes, the share of errors that the commonest class makes and the column does
not (Goodman and Kruskal's lambda) for more, R2 for numbers. All are cross-fitted.
"""

from __future__ import annotations

import numpy as np

from wholefit.data._association import average_ranks

_BINS = 64
_ROWS_A_BIN = 20
_NEIGHBOURS = 2
_OWN = 6


def codes_score(codes: np.ndarray, y: np.ndarray, classes: int) -> float:
    """Score of a column of codes (n,), -1 a level of its own."""
    _, levels = np.unique(codes, return_inverse=True)
    return _class_score(levels, y, classes) if classes else _tied_score(levels, y)


def numbers_score(values: np.ndarray, y: np.ndarray, classes: int) -> float:
    """Score of a column of numbers (n,), NaN where missing."""
    values = np.where(np.isfinite(values), values, np.nan)
    if classes:
        return _class_score(binned(values), y, classes)
    return _near_score(np.unique(values, return_inverse=True)[1], y)


def binned(values: np.ndarray) -> np.ndarray:
    """Bins (n,) of about equal size, from 0; few different values stay apart; missing last."""
    known = np.isfinite(values)
    distinct, levels = np.unique(values[known], return_inverse=True)
    found = np.full(len(values), 0, dtype=np.int64)
    most = int(np.clip(known.sum() // _ROWS_A_BIN, 2, _BINS))
    if len(distinct) > most:
        order = np.empty(len(levels), dtype=np.int64)
        order[np.argsort(values[known], kind="stable")] = np.arange(len(levels))
        first = np.zeros(len(distinct), dtype=np.int64)
        counts = np.bincount(levels)
        first[1:] = np.cumsum(counts)[:-1]
        levels = (first[levels] * most) // len(levels)  # ties stay together
    found[known] = levels
    found[~known] = (int(levels.max()) + 1) if len(levels) else 0
    return found


def auc(answer: np.ndarray, y: np.ndarray) -> float:
    """Area under the ROC curve of two classes, 0 and 1."""
    positive = y == 1
    a, b = int(positive.sum()), int((~positive).sum())
    if not a or not b:
        return 0.5
    ranks = average_ranks(answer)
    return float((ranks[positive].sum() - a * (a + 1) / 2) / (a * b))


def _class_score(levels: np.ndarray, y: np.ndarray, classes: int) -> float:
    """Each half answered from the other: class shares of its level."""
    half = np.arange(len(y)) % 2
    width = int(levels.max()) + 1
    share = np.bincount(y, minlength=classes) / len(y)
    answer = np.empty((len(y), classes))
    for side in (0, 1):
        taught = half != side
        counts = np.bincount(levels[taught] * classes + y[taught], minlength=width * classes)
        table = counts.reshape(width, classes) + share  # one row's worth of doubt
        answer[half == side] = (table / table.sum(axis=1, keepdims=True))[levels[half == side]]
    if classes == 2:
        return max(0.0, 2 * auc(answer[:, 1], y) - 1)
    wrong = float((answer.argmax(axis=1) != y).mean())
    chance = 1 - float(share.max())
    return max(0.0, 1 - wrong / chance) if chance > 0 else 0.0


def _tied_score(levels: np.ndarray, y: np.ndarray) -> float:
    """Each row answered by the mean of the other rows of its level."""
    counts = np.bincount(levels)[levels]
    sums = np.bincount(levels, weights=y)[levels]
    mean = float(y.mean())
    with np.errstate(divide="ignore", invalid="ignore"):
        answer = np.where(counts > 1, (sums - y) / np.maximum(counts - 1, 1), mean)
    return _r2(y, answer)


def _near_score(levels: np.ndarray, y: np.ndarray) -> float:
    """Each row answered by the others of its value, or where they are few, of near values too.

    `levels` are the ranks of the values. Rows of one value are never put in order: that of the
    file may tell the target by itself.
    """
    counts = np.bincount(levels).astype(np.float64)
    sums = np.bincount(levels, weights=y)
    at = np.arange(len(counts))
    low, high = np.maximum(at - _NEIGHBOURS, 0), np.minimum(at + _NEIGHBOURS, len(at) - 1)
    few = counts < _OWN
    low, high = np.where(few, low, at), np.where(few, high, at)
    near_counts = _between(counts, low, high)[levels] - 1
    near_sums = _between(sums, low, high)[levels] - y
    return _r2(y, np.where(near_counts > 0, near_sums / np.maximum(near_counts, 1), y.mean()))


def _between(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Sums of values[low] .. values[high]."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    return total[high + 1] - total[low]


def _r2(y: np.ndarray, answer: np.ndarray) -> float:
    spread = float(((y - y.mean()) ** 2).sum())
    return max(0.0, 1 - float(((y - answer) ** 2).sum()) / spread) if spread > 0 else 0.0
