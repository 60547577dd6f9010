"""From probabilities to a class: a threshold, or the least expected cost.

`predict` says the most probable class unless a decision is stated; `predict_proba` is never
changed by one. A threshold may be given, follow from costs, or be chosen: then it is chosen on
out-of-fold answers, and the scores that depend on it are of thresholds chosen, for each fold,
on the answers of the other folds, so that no row is scored by a threshold it helped to choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import ArtifactError, ParameterError
from wholefit.training._costs import matrix as cost_matrix
from wholefit.training._costs import read_costs
from wholefit.training._group_thresholds import GroupThresholds
from wholefit.training._thresholds import Rule, choose, parse

__all__ = ["Decision", "Rule", "by_costs", "by_threshold", "chosen", "cost_matrix", "nested",
           "parse", "read_costs"]


@dataclass(frozen=True)
class Decision:
    """How probabilities (n, k) become class codes (n,).

    With two classes, `threshold` is the probability of the class `positive` from which on it
    is said; `groups` holds one for each group of rows instead. `costs` (k, k) holds what an
    answer costs: true class down, answer across; without a threshold, the answer of least
    expected cost is said. `asked` is the word it was asked for by, `how` a clause that says
    where the threshold comes from.
    """

    asked: str
    how: str
    positive: int = 1
    threshold: float | None = None
    costs: tuple[tuple[float, ...], ...] | None = None
    groups: GroupThresholds | None = None

    def codes(self, answer: np.ndarray, rows: pl.DataFrame | None = None) -> np.ndarray:
        """The class decided for each row, (n,); `rows` are needed where groups differ."""
        if self.groups is not None:
            above = answer[:, self.positive] >= self.groups.of(rows)
            return np.where(above, self.positive, 1 - self.positive).astype(np.intp)
        if self.threshold is not None:
            return np.where(answer[:, self.positive] >= self.threshold, self.positive,
                            1 - self.positive).astype(np.intp)
        return (answer @ np.array(self.costs)).argmin(axis=1)

    def stated(self) -> tuple[tuple[float, ...], ...] | None:
        """What mistakes cost, where someone said so; balancing decides by costs of its own."""
        return None if self.asked == "balance" else self.costs

    def said(self, classes: tuple[Any, ...]) -> str:
        """In a sentence without its full stop: what is said when."""
        if self.groups is not None:
            return f"{self.groups.said(str(classes[self.positive]))} ({self.how})"
        if self.threshold is None:
            return f"the class of least expected cost is predicted ({self.how})"
        return (f"{str(classes[self.positive])!r} is predicted from a probability of "
                f"{self.threshold:.4g} on ({self.how})")

    def to_json(self) -> dict[str, Any]:
        """JSON-able form."""
        costs = None if self.costs is None else [list(row) for row in self.costs]
        return {"asked": self.asked, "how": self.how, "positive": self.positive,
                "threshold": self.threshold, "costs": costs,
                **({} if self.groups is None else {"groups": self.groups.to_json()})}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None, classes: int) -> Decision | None:
        """Read back what `to_json` wrote, None for None; ArtifactError if it cannot be used."""
        if stored is None:
            return None
        costs, threshold = stored.get("costs"), stored.get("threshold")
        try:
            kept = None if costs is None else tuple(tuple(map(float, row)) for row in costs)
            made = cls(str(stored["asked"]), str(stored["how"]), int(stored["positive"]),
                       None if threshold is None else float(threshold), kept,
                       GroupThresholds.from_json(stored.get("groups")))
            square = np.array(made.costs, dtype=float).shape == (classes, classes)
            two = classes == 2 and 0 <= made.positive < 2
            fits = (square or kept is None) and two if made.threshold is not None else square
            fits = two and kept is None if made.groups is not None else fits
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"the model file's decision cannot be read ({error}).") from error
        if not fits:
            raise ArtifactError("the model file's decision is not of its classes.")
        return made


def by_threshold(
    threshold: float, positive: int, asked: str, how: str, costs: np.ndarray | None = None
) -> Decision:
    """The positive class from a probability on; `costs` (k, k), if any were stated, are kept."""
    return Decision(asked, how, positive, threshold=float(threshold),
                    costs=None if costs is None else _plain(costs))


def by_costs(costs: np.ndarray, positive: int, asked: str, how: str) -> Decision:
    """The answer of least expected cost; with two classes, the threshold that amounts to it.

    The threshold is (c10 - c00) / (c10 - c00 + c01 - c11), with the true class as the second
    index and 1 the positive class (Elkan 2001, equation 2).
    """
    if len(costs) != 2:
        return Decision(asked, how, positive, costs=_plain(costs))
    false_alarm = costs[1 - positive, positive] - costs[1 - positive, 1 - positive]
    miss = costs[positive, 1 - positive] - costs[positive, positive]
    return by_threshold(false_alarm / (false_alarm + miss), positive, asked, how, costs)


def _plain(costs: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, row)) for row in costs)


def chosen(
    rule: Rule, truth: np.ndarray, answer: np.ndarray, positive: int,
    weights: np.ndarray | None = None, costs: np.ndarray | None = None,
) -> tuple[Decision, str | None]:
    """The threshold that a rule picks on answers to unseen rows; and what it could not keep."""
    found = choose(rule, answer[:, positive], truth == positive, weights, _pair(costs, positive))
    how = f"chosen for {rule.asked} on {len(truth):,} answers to unseen rows"
    return by_threshold(found.threshold, positive, rule.asked, how, costs), found.missed


def nested(
    rule: Rule, truth: np.ndarray, answer: np.ndarray, folds: np.ndarray, positive: int,
    weights: np.ndarray | None = None, costs: np.ndarray | None = None,
) -> np.ndarray:
    """Class codes (n,) decided by thresholds that the rows of a fold had no part in choosing.

    `folds` (n,) numbers the fold that each row was held out in.
    """
    codes = np.empty(len(truth), dtype=np.intp)
    yes, pair = truth == positive, _pair(costs, positive)
    for fold in np.unique(folds):
        here = folds == fold
        heavy = None if weights is None else weights[~here]
        found = choose(rule, answer[~here, positive], yes[~here], heavy, pair)
        above = answer[here, positive] >= found.threshold
        codes[here] = np.where(above, positive, 1 - positive)
    return codes


def _pair(costs: np.ndarray | None, positive: int) -> tuple[float, float]:
    """What a false alarm and a miss cost beyond what the right answer does."""
    if costs is None:
        return 1.0, 1.0
    other = 1 - positive
    return (float(costs[other, positive] - costs[other, other]),
            float(costs[positive, other] - costs[positive, positive]))


def needs_two(n_classes: int, asked: Any) -> None:
    """ParameterError where a threshold is asked of more than two classes."""
    if n_classes != 2:
        raise ParameterError(
            f"threshold= is of two classes, and the target has {n_classes}; say what mistakes "
            f"cost with costs=, which decides between any number of classes; got {asked!r}.")
