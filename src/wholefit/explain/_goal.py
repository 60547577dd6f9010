"""What answer is wanted of a changed row, and how far an answer is from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError, unknown
from wholefit.data import Dataset
from wholefit.explain._plausible import number
from wholefit.training import Fitted
from wholefit.training.decision import Decision


@dataclass(frozen=True, eq=False)
class Goal:
    """The wanted answer: a class (or, with `away`, any but it), or a range of numbers.

    `least` is the probability that the wanted class must have at least.
    """

    fitted: Fitted
    decision: Decision | None = None
    code: int | None = None
    away: bool = False
    low: float = -math.inf
    high: float = math.inf
    least: float = 0.0
    scale: float = 1.0

    def judge(self, answer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which answers are as wanted (m,), and how far each is from it, at least 0 (m,)."""
        if self.code is None:
            gap = np.maximum(np.maximum(self.low - answer, answer - self.high), 0) / self.scale
            return gap <= 0, gap
        decided = codes(self.decision, answer)
        if self.away:
            others = np.delete(answer, self.code, axis=1).max(axis=1)
            return decided != self.code, np.maximum(answer[:, self.code] - others, 0)
        lacking = np.maximum(self.least - answer[:, self.code], 0)
        reached = (decided == self.code) & (lacking <= 0)
        return reached, np.where(reached, 0, np.maximum(self._behind(answer), lacking))

    def said(self) -> str:
        """The wanted answer in words."""
        if self.code is not None:
            label = repr(str(self.fitted.codec.classes[self.code]))  # type: ignore[attr-defined]
            sure = f" with a probability of at least {self.least:g}" if self.least else ""
            return f"something other than {label}" if self.away else f"{label}{sure}"
        if math.isinf(self.high):
            return f"at least {number(self.low)}"
        if math.isinf(self.low):
            return f"at most {number(self.high)}"
        return f"between {number(self.low)} and {number(self.high)}"

    @property
    def cut(self) -> float:
        """The probability from which on the wanted one of two classes is said; else NaN."""
        two = self.code is not None and len(self.fitted.codec.classes) == 2  # type: ignore[attr-defined]
        if not two or self.away:
            return math.nan
        if self.decision is None or self.decision.threshold is None:
            return 0.5 if self.decision is None else math.nan
        own = self.decision.threshold
        return own if self.code == self.decision.positive else 1 - own

    def _behind(self, answer: np.ndarray) -> np.ndarray:
        decision, code = self.decision, int(self.code or 0)
        if decision is None:
            return answer.max(axis=1) - answer[:, code]
        if decision.threshold is not None:
            return np.abs(answer[:, decision.positive] - decision.threshold)
        cost = answer @ np.array(decision.costs)
        return cost[:, code] - cost.min(axis=1)


def codes(decision: Decision | None, answer: np.ndarray) -> np.ndarray:
    """The class decided for each answer, (m,)."""
    return answer.argmax(axis=1) if decision is None else decision.codes(answer)


def decision_for(fitted: Fitted, row: Dataset) -> Decision | None:
    """How the row is decided: by the threshold of its own group, where groups differ."""
    decision = fitted.decision
    if decision is None or decision.groups is None:
        return decision
    return replace(decision, groups=None, threshold=float(decision.groups.of(row.original)[0]))


def goal(fitted: Fitted, row: Dataset, want: Any, least: float, now: np.ndarray) -> Goal:
    """`want` understood; `now` is the answer (1, ...) to the row as it is.

    ParameterError for what cannot be wanted of this task, UnknownNameError for another class.
    """
    classes = getattr(fitted.codec, "classes", None)
    if classes is None:
        return _range(fitted, want, float(now[0]))
    decision = decision_for(fitted, row)
    current = int(codes(decision, now)[0])
    if want is None:
        if len(classes) > 2:
            return Goal(fitted, decision, current, away=True)
        return Goal(fitted, decision, 1 - current, least=least)
    exact = str(want.item() if isinstance(want, np.generic) else want)
    if exact in map(str, classes):
        return Goal(fitted, decision, [str(label) for label in classes].index(exact), least=least)
    names, said = [str(label).lower() for label in classes], exact.lower()
    if said not in names:
        raise unknown("class", str(want), [str(label) for label in classes])
    return Goal(fitted, decision, names.index(said), least=least)


def _range(fitted: Fitted, want: Any, now: float) -> Goal:
    if want is None:
        raise ParameterError("want must say which number is wanted: want=(low, high), or one "
                             "number to reach from where the prediction is.")
    ends = want if isinstance(want, (tuple, list)) else None
    try:
        if ends is None:
            bound = float(want)
            low, high = (bound, math.inf) if bound > now else (-math.inf, bound)
        else:
            low, high = (float(end) if end is not None else fallback for end, fallback in zip(
                ends, (-math.inf, math.inf), strict=True))
    except (TypeError, ValueError):
        raise ParameterError(f"want must be a number or (low, high); got {want!r}.") from None
    if math.isnan(low) or math.isnan(high) or low > high:
        raise ParameterError(f"want must be (low, high) with low <= high; got {want!r}.")
    away = max(low - now, now - high, 0.0)
    return Goal(fitted, low=low, high=high, scale=away if 0 < away < math.inf else 1.0)
