"""Trials: rows asked as they are and changed, each paired with itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.base.errors import DataError
from wholefit.base.seeds import generator
from wholefit.base.wording import plain
from wholefit.data import Dataset
from wholefit.evaluation import Score
from wholefit.evaluation.metrics import Metric
from wholefit.explain._mixed import mixed
from wholefit.explain.stress._versions import NOISE, SHIFTS, SLIPS, Versions
from wholefit.models._kernels.trees import Trees
from wholefit.training import Fitted

Array = np.ndarray
CELLS, TYPOS = (0.05, 0.2, 0.5), (0.05, 0.2)
# A column alone is noised by this many standard deviations.
ALONE = 0.5
MOVED = 0.25


@dataclass(frozen=True)
class Trial:
    """What one change costs: `cost` is positive where the score got worse, with its interval.

    `p` is corrected over all trials (Holm); `sure` says that it is below 1 - level and the cost
    is above 0. `flipped` is the share of rows whose decision changed; of numbers, whose answer
    moved by more than a quarter of the target's standard deviation.
    """

    group: str
    words: str
    column: str
    amount: float
    cost: float
    low: float
    high: float
    p: float
    flipped: float
    sure: bool = False

    @property
    def span(self) -> str:
        """The cost and its interval, in text."""
        return str(Score("", self.cost, self.low, self.high, 0.95, "", 0))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return plain({name: getattr(self, name) for name in (
            "group", "words", "column", "amount", "cost", "low", "high", "p", "flipped", "sure")})


@dataclass(frozen=True, eq=False)
class Judge:
    """Rows with a known target; scores answers, and compares them with those as they are."""

    fitted: Fitted
    metric: Metric
    truth: Array
    weights: Array | None
    units: Array | None
    level: float
    seed: int
    rows: Dataset | None = None

    @classmethod
    def of(cls, fitted: Fitted, rows: Dataset, truth: Array, metric: Metric, level: float,
           seed: int) -> Judge:
        """For these rows, with their weights and groups."""
        weights = rows.weights()
        return cls(fitted, metric, truth, weights, rows.groups(), level, seed, rows)

    def score(self, answer: Array) -> Score:
        """The score of an answer."""
        found = evaluation.score(
            self.fitted.task.name, self.truth, answer, metrics=[self.metric], level=self.level,
            predicted=self._decided(answer), **self._how())
        return next(iter(found.values()))

    def codes(self, answer: Array) -> Array:
        """What is decided: class codes; numbers as they are."""
        if answer.ndim == 1:
            return answer
        decided = self.fitted.decided(answer, self.rows)
        return decided.argmax(axis=1) if decided.ndim == 2 else decided

    def trial(self, group: str, words: str, column: str, amount: float, own: Array, other: Array
              ) -> Trial:
        """What an answer to changed rows costs against the answer to the rows as they are."""
        gap = evaluation.compare(
            self.fitted.task.name, self.metric, self.truth, other, own, level=self.level,
            predicted=(self._decided(other), self._decided(own)), **self._how())
        sign = -self.metric.sign
        low, high = sorted((sign * gap.low, sign * gap.high))
        return Trial(group, words, column, amount, sign * gap.value, low, high, gap.p,
                     self.flipped(own, other))

    def flipped(self, own: Array, other: Array) -> float:
        """The share of rows that are decided otherwise."""
        if own.ndim == 1:
            size = float(np.std(self.truth)) or 1.0
            return float(np.mean(np.abs(other - own) > MOVED * size))
        return float(np.mean(self.codes(own) != self.codes(other)))

    def _decided(self, answer: Array) -> Array | None:
        return None if self.fitted.decision is None else self.codes(answer)

    def _how(self) -> dict[str, Any]:
        return {"positive": int(getattr(self.fitted.codec, "positive", 1)),
                "weights": self.weights, "units": self.units, "seed": self.seed}


class Asked:
    """The pool asked about whole rows or, by a shorter way where there is one, one column.

    `refused` collects what was changed where the model, one fitted elsewhere, gave no answer.
    """

    def __init__(self, made: Versions) -> None:
        self.made = made
        self.refused: list[str] = []
        pool = made.pool
        self._steps = isinstance(pool.scorer, Trees)
        self.own = self.take(made.own())
        self._mixed = mixed(pool.scorer, pool.matrix[: made.n]) if pool.separable else None

    def rows(self, changes: dict[str, str]) -> Array:
        """Answers to rows with columns from other versions."""
        return self.take(self.made.take(changes))

    def take(self, take: Array) -> Array:
        """Answers to composed rows."""
        return self._alike(self.made.pool.answer(take))

    def tried(self, take: Array, what: str) -> Array | None:
        """Answers to composed rows; None where the model refuses them, which is noted."""
        found = self.known(lambda: [self.take(take)], what)
        return found[0] if found else None

    def known(self, ask: Callable[[], list[Array]], what: str) -> list[Array]:
        """What is answered, nothing where the model refuses or has no number for some row."""
        try:
            found = ask()
        except DataError:
            found = []
        if not found or not all(np.isfinite(each).all() for each in found):
            self.refused.append(what)
            return []
        return found

    def column(self, name: str, versions: Sequence[str]) -> Iterator[Array]:
        """Answers to rows with one column from each of several versions."""
        pool = self.made.pool
        if self._mixed is None:
            yield from (self.rows({name: version}) for version in versions)
            return
        features = pool.groups[pool.at(name)]
        if not len(features):
            yield from (self.own for _ in versions)
            return
        which = np.stack([self.made.rows(version) for version in versions])
        for answer in self._mixed.lent(features, pool.matrix[:, features], which):
            yield self._alike(answer)

    def _alike(self, answer: Array) -> Array:
        """Trees give many rows the same probability; a shorter way must not break such ties."""
        return answer.round(12) if self._steps and answer.ndim == 2 else answer


def together(asked: Asked, judge: Judge) -> Iterator[Trial]:
    """Changes of all columns at once: noise, typos, other levels, cells missing at random."""
    made = asked.made
    for size in NOISE if made.numeric else ():
        other = asked.rows(dict.fromkeys(made.numeric, f"noise {size:g}"))
        yield judge.trial("noise", f"noise of {size:g} sd in all numbers", "", size, asked.own,
                          other)
    for share in TYPOS if made.words else ():
        yield from _some_rows(asked, judge, "typo",
                              f"a typo in every word of {share:.0%} of the rows", share)
    for share in CELLS:
        mask = generator(judge.seed, "cells", f"{share}").random(
            (made.n, len(made.pool.columns))) < share
        take = np.where(mask, made.own() + made.n * made.at["missing"], made.own())
        holed = asked.tried(take, f"{share:.0%} of all cells are missing")
        if holed is not None:
            yield judge.trial("cells", f"{share:.0%} of all cells missing", "", share, asked.own,
                              holed)


def _some_rows(asked: Asked, judge: Judge, version: str, words: str, share: float
               ) -> Iterator[Trial]:
    made = asked.made
    hit = generator(judge.seed, version, f"{share}").random(made.n) < share
    take = np.where(hit[:, None], made.take(dict.fromkeys(made.words, version)), made.own())
    other = asked.tried(take, "words are misspelt")
    if other is not None:
        yield judge.trial("typos", words, "", share, asked.own, other)


def missing(asked: Asked, judge: Judge) -> Iterator[Trial]:
    """Every column missing in all rows, one at a time."""
    for name in asked.made.pool.columns:
        answers = asked.known(partial(_listed, asked, name), f"`{name}` is missing")
        for other in answers:
            yield judge.trial("lost", f"losing `{name}`", name, 1.0, asked.own, other)


def _listed(asked: Asked, name: str) -> list[Array]:
    return list(asked.column(name, ["missing"]))


def alone(asked: Asked, judge: Judge, numeric: Sequence[str]) -> Iterator[Trial]:
    """Noise, shifts and slips of units in one number at a time, and swapped neighbours."""
    told = [(f"noise {ALONE:g}", "noise", f"noise of {ALONE:g} sd in", ALONE),
            *((f"shift {size:+g}", "shift", f"{size:+g} sd on", size) for size in SHIFTS),
            *((f"times {size:g}", "units", f"{size:g} times", size) for size in SLIPS)]
    for name in numeric:
        answers = asked.column(name, [version for version, *_ in told])
        for (_, group, words, size), other in zip(told, answers, strict=True):
            yield judge.trial(group, f"{words} `{name}`", name, size, asked.own, other)
    known = [name for name in asked.made.numeric if name in numeric]
    for a, b in neighbours(asked.made.numeric):
        if a in known and b in known:
            yield judge.trial("swapped", f"`{a}` and `{b}` swapped", a, math.nan, asked.own,
                              asked.rows({a: "next", b: "last"}))


def neighbours(numeric: Sequence[str]) -> list[tuple[str, str]]:
    """Numbers that stand side by side in the table."""
    return list(pairwise(numeric))
