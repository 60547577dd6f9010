"""Thresholds for a purpose: a stated cost, an F score, a precision or a recall to keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError, unknown

_WORDS = ("cost", "f1", "f2", "f0.5", "balanced_accuracy", "precision>=0.9", "recall>=0.8")
_BETA = re.compile(r"f(\d+(?:\.\d+)?)\Z")
_BOUND = re.compile(r"(precision|recall)\s*>=\s*(\d*\.?\d+)(%?)\Z")
# A precision that cannot be kept is judged by thresholds that take at least so many rows.
_FEWEST = 10


@dataclass(frozen=True)
class Rule:
    """What a threshold is for: `kind` is "given", "cost", "f", "balanced", "precision", "recall".

    `number` is the threshold, the beta or the bound; `asked` the word as it was written.
    """

    kind: str
    number: float
    asked: str


@dataclass(frozen=True)
class Choice:
    """A threshold; `missed` says what it could not keep, if anything."""

    threshold: float
    missed: str | None = None


def parse(asked: Any) -> Rule:
    """The rule that a word or a number names; ParameterError or UnknownNameError otherwise."""
    if isinstance(asked, Rule):
        return asked
    if isinstance(asked, (int, float, np.number)) and not isinstance(asked, bool):
        return _given(float(asked))
    if not isinstance(asked, str):
        raise _malformed(asked)
    word = asked.strip().lower()
    try:
        number = float(word)
    except ValueError:
        return _named(word, asked)
    return _given(number)


def _given(number: float) -> Rule:
    if not 0 < number < 1:
        raise ParameterError(f"threshold must be above 0 and below 1; got {number:g}.")
    return Rule("given", number, f"{number:g}")


def _named(word: str, asked: str) -> Rule:
    beta, bound = _BETA.match(word), _BOUND.match(word)
    if word in ("cost", "costs"):
        return Rule("cost", 0.0, "cost")
    if word == "balanced_accuracy":
        return Rule("balanced", 0.0, word)
    if beta is not None and 0 < float(beta[1]) <= 100:
        return Rule("f", float(beta[1]), word)
    if bound is not None:
        number = float(bound[2]) / (100 if bound[3] else 1)
        if not 0 < number <= 1:
            raise ParameterError(f"threshold={asked!r}: the {bound[1]} must be above 0 and at "
                                 "most 1.")
        return Rule(bound[1], number, f"{bound[1]}>={number:g}")
    if any(letter in word for letter in "<>= "):
        raise _malformed(asked)
    raise unknown("threshold", asked, _WORDS)


def _malformed(asked: Any) -> ParameterError:
    listed = ", ".join(repr(word) for word in _WORDS)
    return ParameterError(
        f"threshold must be a number between 0 and 1, or one of {listed}; got {asked!r}.")


def choose(
    rule: Rule, scores: np.ndarray, yes: np.ndarray, weights: np.ndarray | None,
    costs: tuple[float, float],
) -> Choice:
    """The best threshold for `rule` on scores (n,) of rows that are positive where `yes` (n,).

    A threshold lies halfway between two scores seen. `costs` are those of a false alarm and of
    a miss.
    """
    if rule.kind == "given":
        return Choice(rule.number)
    if not yes.any() or yes.all():
        return Choice(0.5, "only one class is there to choose a threshold by; 0.5 is used")
    ladder = _Ladder(scores, yes, weights)
    if rule.kind in ("precision", "recall"):
        return _bounded(rule, ladder)
    return Choice(ladder.threshold(int(_worth(rule, ladder, costs).argmax())))


def _worth(rule: Rule, ladder: _Ladder, costs: tuple[float, float]) -> np.ndarray:
    """How good each threshold is; the first of equals, which takes fewest rows, is chosen."""
    hits, alarms, all_yes, all_no = ladder.hits, ladder.alarms, ladder.yes, ladder.no
    if rule.kind == "cost":
        return -(costs[0] * alarms + costs[1] * (all_yes - hits))
    if rule.kind == "balanced":
        return hits / all_yes - alarms / all_no
    square = rule.number**2
    return (1 + square) * hits / (square * all_yes + hits + alarms)


def _bounded(rule: Rule, ladder: _Ladder) -> Choice:
    """Recall is kept by the highest threshold that does, precision by the lowest."""
    hits, taken = ladder.hits[1:], ladder.hits[1:] + ladder.alarms[1:]
    if rule.kind == "recall":
        enough = hits >= rule.number * ladder.yes * (1 - 1e-12)
        return Choice(ladder.threshold(int(enough.argmax()) + 1))
    precision = hits / taken
    good = np.flatnonzero(precision >= rule.number * (1 - 1e-12))
    if len(good):
        return Choice(ladder.threshold(int(good[-1]) + 1))
    many = np.where(np.arange(len(taken)) >= min(_FEWEST, len(taken)) - 1, precision, -1.0)
    at = int(many.argmax())
    return Choice(ladder.threshold(at + 1),
                  f"no threshold has a precision of {rule.number:g}: the best has "
                  f"{precision[at]:.2f}, and is used")


class _Ladder:
    """All thresholds, from the one that takes no row down to the one that takes all.

    `hits` and `alarms` (thresholds,) are the weight of positive and of other rows taken;
    `yes` and `no` their totals.
    """

    def __init__(self, scores: np.ndarray, yes: np.ndarray, weights: np.ndarray | None) -> None:
        weight = np.ones(len(scores)) if weights is None else weights
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        hits = np.cumsum((weight * yes)[order])[last]
        alarms = np.cumsum((weight * ~yes)[order])[last]
        self.hits, self.alarms = np.append(0.0, hits), np.append(0.0, alarms)
        self.yes, self.no = float(hits[-1]), float(alarms[-1])
        self._scores = ranked[last]

    def threshold(self, at: int) -> float:
        """Between the lowest score taken and the highest that is not."""
        if at == 0:
            return float(np.nextafter(self._scores[0], np.inf))
        if at == len(self._scores):
            return float(self._scores[-1])
        return float((self._scores[at - 1] + self._scores[at]) / 2)
