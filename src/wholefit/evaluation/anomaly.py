"""What few labels say of an anomaly detector, with intervals that hold for 5 to 30 anomalies.

Labels are dear here, and mostly there for the rows that alarmed, since those are what people look
at. Three cases are told apart:

    ranked      labels of rows that were not picked by their score: AUROC, average precision
    alarmed     labels of alarmed rows only: precision of the alarms, and nothing else
    audited     these, and labels of some rows drawn by chance from the rest: recall too
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.evaluation import intervals
from wholefit.evaluation.score import NOT_FINITE, Score, check_level, score

# From so many rows of the scarcer kind on, the usual intervals hold; below, wider ones are made.
FEW = 50


def ranked(
    truth: Any, scores: Any, *, level: float = 0.95, units: Any = None
) -> dict[str, Score]:
    """AUROC ("roc_auc") and average precision of scores (n,), the higher the stranger.

    `truth` (n,) is 1 for an anomaly, 0 for a usual row, below 0 where unknown; rows without a
    known truth or a finite score are left out. `units` (n,) name the group or stretch of time of
    a row. The rows must not have been picked for labelling by their score: else see `alarmed`.
    Where anomalies or usual rows are fewer than 50, the interval of AUROC is that of `few`.
    """
    check_level(level)
    truth, scores = _checked(truth, scores)
    kept = (truth >= 0) & np.isfinite(scores)
    truth, scores = truth[kept].astype(np.int32), scores[kept]
    part = None if units is None else np.asarray(units)[kept]
    found = score("classification", truth, _as_answer(scores), units=part, level=level,
                  metrics=["roc_auc", "average_precision"])
    scarce = min(int(truth.sum()), int((truth == 0).sum()))
    if units is None and 0 < scarce < FEW:
        found["roc_auc"] = few(truth, scores, level)
    return found


def few(truth: np.ndarray, scores: np.ndarray, level: float = 0.95) -> Score:
    """AUROC of few labels, with an interval that knows how little a handful of rows can show.

    AUROC is the mean over anomalies of the share of usual rows that each outranks, and over usual
    rows alike. The variance of both means is taken with one row at 0.5 added to each, as a few
    that all rank high do not show that all would; what it comes to is made a number of rows
    that a share would need, never fewer than the scarcer kind has, and the interval is Wilson's
    (1927) with Student's quantile. In trials with 5 to 30 anomalies (normal scores of equal and of
    unequal spread, AUROC 0.6 to 0.99) 95% intervals held the truth in 94 to 100% of the cases.
    """
    odd, usual = np.sort(scores[truth == 1]), np.sort(scores[truth == 0])
    rows = len(odd) + len(usual)
    if not len(odd) or not len(usual):
        return Score("roc_auc", math.nan, math.nan, math.nan, level,
                     "undefined: the truth holds one class only", rows)
    above = _outranked(odd, usual)
    value = float(above.mean())
    error = _spread(above) + _spread(1 - _outranked(usual, odd))
    scarce = min(len(odd), len(usual))
    worth = min(max(value * (1 - value) / error, scarce), rows) if error > 0 else scarce
    low, high = intervals.wilson(value, worth, intervals.student(level, scarce + 1))
    return Score("roc_auc", value, low, high, level,
                 f"Wilson interval for few labels, {len(odd)} anomalies and {len(usual)} usual "
                 "rows", rows)


def alarmed(truth: Any, *, level: float = 0.95) -> Score:
    """Precision of the alarms from labels (k,) of alarmed rows: all of them, or drawn by chance.

    This is all that such labels can tell: what was missed, and so recall and AUROC, is not known
    when only rows that alarmed were looked at.
    """
    check_level(level)
    known = _known(truth)
    if not len(known):
        return Score("precision", math.nan, math.nan, math.nan, level,
                     "undefined: no alarmed row has a known truth", 0)
    value = float(known.mean())
    low, high = intervals.wilson(value, len(known), intervals.student(level, math.inf))
    return Score("precision", value, low, high, level,
                 f"Wilson interval, {len(known)} alarms; only alarmed rows are labelled, so what "
                 "was missed (recall, AUROC) cannot be known", len(known))


def audited(alarms: Any, drawn: Any, quiet: int, *, level: float = 0.95,
            alarmed_rows: int | None = None) -> dict[str, Score]:
    """Precision and recall from labels of alarms and of rows drawn by chance from the others.

    `alarms` (k,) are labels of alarmed rows (of all `alarmed_rows`, or of some drawn by chance),
    `drawn` (r,) those of rows drawn by chance from the `quiet` ones that did not alarm. Each side
    gets half of the error, and the ends of recall are where both are worst: it errs on the wide
    side. DataError where no quiet row was looked at.
    """
    check_level(level)
    seen, missed = _known(alarms), _known(drawn)
    precision = alarmed(alarms, level=level)
    if not len(missed) or quiet < len(missed):
        raise DataError(f"recall needs labels of rows that did not alarm, drawn by chance; got "
                        f"{len(missed)} of {quiet} such rows.")
    rows = len(seen) if alarmed_rows is None else alarmed_rows
    each = 1 - (1 - level) / 2
    found, whole = _count(seen, rows, each), _count(missed, quiet, each)
    value = found[1] / (found[1] + whole[1]) if found[1] + whole[1] else math.nan
    if math.isnan(value):
        recall = Score("recall", value, math.nan, math.nan, level, NOT_FINITE, len(missed))
    else:
        ends = (found[0] / (found[0] + whole[2]) if found[0] else 0.0,
                found[2] / (found[2] + whole[0]) if found[2] else 0.0)
        recall = Score("recall", value, ends[0], ends[1], level,
                       f"Wilson intervals of {len(seen)} labelled alarms and {len(missed)} rows "
                       f"drawn from {quiet} others", len(seen) + len(missed))
    return {"precision": precision, "recall": recall}


def _count(truth: np.ndarray, rows: int, level: float) -> tuple[float, float, float]:
    """Low, value and high of the anomalies among `rows`, of which those of `truth` were seen."""
    if not len(truth):
        return 0.0, 0.0, float(rows)
    value = float(truth.mean())
    if len(truth) >= rows:
        return (value * rows,) * 3
    low, high = intervals.wilson(value, len(truth), intervals.student(level, math.inf))
    return low * rows, value * rows, high * rows


def _outranked(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Share of `other` that each of `one` scores above, ties counting half; both sorted."""
    below = np.searchsorted(other, one, "left") + np.searchsorted(other, one, "right")
    return np.asarray(below / 2 / len(other))


def _spread(shares: np.ndarray) -> float:
    """Variance of the mean of shares, one more share of a half added to the spread."""
    return float(np.var(np.append(shares, 0.5), ddof=1)) / len(shares)


def _as_answer(scores: np.ndarray) -> np.ndarray:
    """Scores as two columns between 0 and 1 in the same order: both metrics look at order only."""
    if not len(scores):
        return np.empty((0, 2))
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - counts / 2)[place] / len(scores)
    return np.column_stack([1 - rank, rank])


def _known(truth: Any) -> np.ndarray:
    labels = np.asarray(truth, dtype=np.float64).ravel()
    known = labels[np.isfinite(labels) & (labels >= 0)]
    if not np.isin(known, (0.0, 1.0)).all():
        raise DataError("labels must be 1 for an anomaly, 0 for a usual row and below 0 where "
                        f"unknown; got {known[~np.isin(known, (0.0, 1.0))][0]:g}.")
    return known


def _checked(truth: Any, scores: Any) -> tuple[np.ndarray, np.ndarray]:
    labels = np.nan_to_num(np.asarray(truth, dtype=np.float64).ravel(), nan=-1.0)
    values = np.asarray(scores, dtype=np.float64).ravel()
    if len(labels) != len(values):
        raise DataError(f"truth and scores must have the same rows; got {len(labels)} and "
                        f"{len(values)}.")
    _known(labels)
    return labels, values
