"""A few known answers, used to judge what was found and never to find it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.base.errors import DataError
from wholefit.data import Dataset
from wholefit.evaluation import Score, intervals
from wholefit.evaluation.anomaly import ranked
from wholefit.training.anomaly._windows import Cut

# Fewer known anomalies than this, and no comparison of detectors is worth its name.
ENOUGH = 20
# How many of the strangest rows are looked at for "precision of the top".
TOPS = (10, 50, 100)
_USUAL = frozenset({"0", "false", "no", "n", "f", "normal", "negative", "usual", "inlier", "good",
                    "ok", "benign", "legitimate", "regular", "none"})
_ODD = frozenset({"1", "true", "yes", "y", "t", "anomaly", "anomalous", "abnormal", "positive",
                  "outlier", "bad", "fraud", "attack", "intrusion", "malicious", "unusual"})


@dataclass(frozen=True, eq=False)
class Known:
    """Truth of each row (n,): 1 an anomaly, 0 usual, -1 not known; and how it was read."""

    truth: np.ndarray
    said: str
    usual: tuple[str, ...]

    @property
    def odd(self) -> int:
        """Known anomalies."""
        return int((self.truth == 1).sum())

    @property
    def known(self) -> int:
        """Rows whose truth is known."""
        return int((self.truth >= 0).sum())


def known(dataset: Dataset, usual: str | Sequence[str] | None) -> Known | None:
    """What the label column says; None where there is none, or it holds nothing.

    `usual` are the values that mean a usual row, parted by commas; without it they are told from
    their words ("normal", "0", "no", ...), else the most frequent one is taken.
    """
    names = dataset.schema.having("label")
    if not names or names[0] not in dataset.frame.columns:
        return None
    codes, levels = dataset.codes(names[0])
    counts = np.bincount(codes[codes >= 0], minlength=len(levels)) if len(levels) else np.zeros(0)
    if not counts.sum():
        return None
    chosen, why = _usual_levels(names[0], levels, counts, usual)
    table = np.array([0 if level in chosen else 1 for level in levels] + [-1])
    truth = table[codes]
    shown = " and ".join(repr(level) for level in chosen[:3])
    return Known(truth, f"{names[0]!r} judges what was found and is not learnt from: {shown} "
                 f"{'is' if len(chosen) == 1 else 'are'} usual ({why}), what else it says an "
                 f"anomaly ({int((truth == 1).sum()):,} of {int((truth >= 0).sum()):,} rows)",
                 tuple(chosen))


def _usual_levels(
    name: str, levels: Sequence[str], counts: np.ndarray, usual: str | Sequence[str] | None
) -> tuple[list[str], str]:
    if usual is not None:
        words = [w.strip() for w in usual.split(",")] if isinstance(usual, str) else list(usual)
        chosen = [level for level in levels if level.strip() in words]
        if not chosen and isinstance(usual, str):
            raise DataError(f"usual={usual!r} must name values of the label {name!r}; it has "
                            f"{', '.join(map(repr, levels[:8]))}.")
        return chosen or [words[0]], "as said"
    bare = [level.strip().strip(".").lower() for level in levels]
    chosen = [level for level, word in zip(levels, bare, strict=True) if word in _USUAL]
    if chosen:
        return chosen, "by its name"
    odd = [word in _ODD for word in bare]
    if any(odd):
        return [level for level, is_odd in zip(levels, odd, strict=True) if not is_odd] or [
            "anything else"], "by the names of the others"
    return [levels[int(np.argmax(counts))]], "the most frequent; say usual= if it is another"


def of_windows(truth: np.ndarray, cut: Cut) -> np.ndarray:
    """Truth of windows: 1 where any row of it is an anomaly, 0 where all are known usual."""
    ordered = truth[cut.order]
    odd = np.concatenate([[0], np.cumsum(ordered == 1)])
    unknown = np.concatenate([[0], np.cumsum(ordered < 0)])
    ends = cut.starts + cut.length
    has = odd[ends] > odd[cut.starts]
    blank = unknown[ends] > unknown[cut.starts]
    found: np.ndarray = np.where(has, 1, np.where(blank, -1, 0))
    return found


def scored(
    truth: np.ndarray, scores: np.ndarray, units: np.ndarray | None = None
) -> dict[str, Score]:
    """AUROC and average precision with intervals, over rows with a truth and a score.

    `units` (n,) names the group or stretch of time of each row.
    """
    kept = (truth >= 0) & np.isfinite(scores)
    if not kept.any():
        return {}
    part = None if units is None else units[kept]
    return ranked(truth[kept], scores[kept], units=part)


def _as_answer(scores: np.ndarray) -> np.ndarray:
    """Scores as two columns between 0 and 1 in the same order: both metrics look at order only."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - counts / 2)[place] / len(scores)
    return np.column_stack([1 - rank, rank])


def favoured(
    truth: np.ndarray, scores: Mapping[str, np.ndarray], units: np.ndarray | None = None
) -> dict[str, Any]:
    """Which detector the labels favour: a paired test on AUROC, or why there is none.

    Keys: `enough`, `said`, and `differences` (detector to value, low, high, p) where enough.
    """
    kept = (truth >= 0) & np.all([np.isfinite(one) for one in scores.values()], axis=0)
    odd, usual = int((truth[kept] == 1).sum()), int((truth[kept] == 0).sum())
    if min(odd, usual) < ENOUGH:
        return {"enough": False, "differences": {}, "said": (
            f"the label knows {odd:,} anomalies and {usual:,} usual rows, and it takes at least "
            f"{ENOUGH} of each to tell which detector it favours: it cannot be told")}
    part = None if units is None else units[kept]
    found = evaluation.ties("classification", "roc_auc", truth[kept].astype(np.int32),
                            {name: _as_answer(one[kept]) for name, one in scores.items()},
                            units=part)
    best = max(found, key=lambda name: found[name].value if np.isfinite(found[name].value) else -9)
    tied = [name for name, one in found.items() if one.better == "tied" and name != best]
    said = (f"the label favours {best}" if not tied else
            f"the label favours {best} by value, but cannot tell it from {', '.join(tied)}")
    return {"enough": True, "best": best, "tied": tied, "said": said, "differences": {
        name: {"value": _plain(one.value), "low": _plain(one.low), "high": _plain(one.high),
               "p": _plain(one.p)} for name, one in found.items()}}


def of_the_top(
    truth: np.ndarray, scores: np.ndarray, alarms: np.ndarray
) -> list[dict[str, Any]]:
    """Precision of the alarms, and of the strangest 10, 50 and 100 rows, with Wilson intervals.

    Only rows with a known truth count; each row: name, rows, odd, value, low, high, recall.
    """
    order = np.argsort(-np.where(np.isfinite(scores), scores, -np.inf), kind="stable")
    order = order[truth[order] >= 0]
    total = int((truth == 1).sum())
    found = [_precision("alarms", truth[alarms & (truth >= 0)], total)]
    found += [_precision(f"strangest {top}", truth[order[:top]], total)
              for top in TOPS if top <= len(order)]
    return [one for one in found if one["rows"]]


def _precision(name: str, truth: np.ndarray, total: int) -> dict[str, Any]:
    rows, odd = len(truth), int((truth == 1).sum())
    low, high = intervals.wilson(odd / rows, rows, 1.959964) if rows else (0.0, 1.0)
    return {"name": name, "rows": rows, "odd": odd, "value": odd / rows if rows else 0.0,
            "low": low, "high": high, "recall": odd / total if total else None}


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
