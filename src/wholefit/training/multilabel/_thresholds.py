"""From the probability of each label to whether a row is given it."""

from __future__ import annotations

import contextlib
import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.data.splits import Plan

USUAL = 0.5


@dataclass(frozen=True, eq=False)
class Thresholds:
    """The threshold of each label (labels,), and decisions (n, labels) on rows held out by
    thresholds that were chosen without them; `rule` is "f1", or a number."""

    rule: Any
    values: np.ndarray
    crossed: np.ndarray


def checked_rule(rule: Any) -> Any:
    """A probability as a number, or "f1"; ParameterError for what is neither."""
    found = rule
    if isinstance(rule, str) and rule != "f1":
        with contextlib.suppress(ValueError):
            found = float(rule)
    number = isinstance(found, numbers.Real) and not isinstance(found, (bool, np.bool_))
    if found != "f1" and not (number and 0 < found < 1):
        raise ParameterError("threshold must be above 0 and below 1, or 'f1' to have one chosen "
                             f"for each label; got {rule!r}.")
    return found if found == "f1" else float(found)


def settled(
    rule: Any, answer: np.ndarray, truth: np.ndarray, plan: Plan, weights: np.ndarray | None
) -> Thresholds:
    """The thresholds that a rule comes to, and what they decide on unseen rows."""
    if rule != "f1":
        return Thresholds(rule, np.full(truth.shape[1], float(rule)), answer >= float(rule))
    decided = np.zeros(truth.shape, dtype=bool)
    seen = ~np.isnan(answer).any(axis=1)
    for _, test in plan.folds:
        rest = seen.copy()
        rest[test] = False
        decided[test] = answer[test] >= best_f1(answer, truth, weights, rest)
    return Thresholds(rule, best_f1(answer, truth, weights, seen), decided)


def best_f1(
    answer: np.ndarray, truth: np.ndarray, weights: np.ndarray | None, rows: np.ndarray
) -> np.ndarray:
    """For each label, the threshold at which F1 on these rows is highest, (labels,)."""
    heavy = np.ones(len(truth)) if weights is None else weights
    found = np.full(truth.shape[1], USUAL)
    for label in range(truth.shape[1]):
        own = rows & ~np.isnan(truth[:, label])
        found[label] = _best(answer[own, label], truth[own, label], heavy[own])
    return found


def _best(given: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> float:
    """Half way between the last score taken and the next below it."""
    if not truth.any():
        return USUAL
    order = np.argsort(-given, kind="stable")
    score, right = given[order], truth[order] * weights[order]
    taken = np.cumsum(weights[order])
    f1 = 2 * np.cumsum(right) / (taken + right.sum())
    ends = np.append(score[1:] < score[:-1], True)
    at = int(np.where(ends, f1, -1.0).argmax())
    below = score[at + 1] if at + 1 < len(score) else 0.0
    return float(np.clip((score[at] + below) / 2, 1e-6, 1 - 1e-6))
