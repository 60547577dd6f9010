"""Inputs made to fool a model: the smallest changes of numbers that change what it decides.

Each number of a row may move by at most eps of its standard deviations (the L-infinity norm). The
search asks the model alone: every number is moved up and down by eps, those moves that lessen the
decided class are made together, in growing sets and all at once, random signs are tried, and one
round of single changes follows. Where the model is linear in its numbers, moving all of them by
the sign that lessens the class is the fast gradient sign method (Goodfellow, Shlens and Szegedy,
2015), and no change within eps does more. Elsewhere the search finds some of what there is: the
shares below are of rows that it could fool, at least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.seeds import generator
from wholefit.base.wording import plain
from wholefit.data import Dataset
from wholefit.evaluation import Score
from wholefit.evaluation.intervals import student, wilson
from wholefit.explain.stress._trials import MOVED, Judge
from wholefit.explain.stress._versions import Versions, steps, versions
from wholefit.training import Fitted

Array = np.ndarray
SIZES = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
_ROWS, _SIGNS, _COLUMNS, _CELLS, _LEVELS = 300, 8, 30, 60_000, 8


@dataclass(frozen=True)
class Reach:
    """What changes of at most `eps` standard deviations can do.

    `flipped` is the share of rows whose decision the search changed (of numbers: whose answer it
    moved by a quarter of the target's standard deviation away from the truth), `chance` the same
    for random changes of that size, `one` for a change of a single number; `score` is the score
    of the rows so changed.
    """

    eps: float
    flipped: Score
    chance: float
    one: float
    score: Score

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return plain({"eps": self.eps, "flipped": self.flipped.to_json(), "chance": self.chance,
                      "one": self.one, "score": self.score.to_json()})


@dataclass(frozen=True)
class Attack:
    """The search at growing sizes, on `rows` rows; `least` (rows,) the size that fooled each, inf
    where none did. `columns` are the numbers moved, and `word` the share of rows that another
    value of one of the columns of `words` fools, None where there are none.
    """

    rows: int
    columns: tuple[str, ...]
    reaches: tuple[Reach, ...]
    least: tuple[float, ...]
    words: tuple[str, ...] = ()
    word: Score | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return plain({"rows": self.rows, "columns": list(self.columns),
                      "reaches": [each.to_json() for each in self.reaches],
                      "least": [x if np.isfinite(x) else None for x in self.least],
                      "words": list(self.words),
                      "word": None if self.word is None else self.word.to_json()})


def attack(
    fitted: Fitted, rows: Dataset, judge: Judge, columns: tuple[str, ...],
    sizes: tuple[float, ...] = SIZES,
) -> Attack | None:
    """The search over rows whose target is known; None where there is nothing to move."""
    chosen = columns[:_COLUMNS]
    words = tuple(name for name in fitted.schema.features
                  if fitted.schema.role(name) in ("categorical", "boolean"))[:_COLUMNS]
    if not (chosen or words) or not len(rows):
        return None
    few = max(40, min(_ROWS, _CELLS // (4 * max(len(chosen), 1))))
    picked = np.sort(generator(judge.seed, "attack").permutation(len(rows))[:few])
    some = rows.take(picked)
    made = versions(fitted, some, steps(sizes), judge.seed)
    smaller = Judge(
        fitted, judge.metric, judge.truth[picked],
        None if judge.weights is None else judge.weights[picked],
        None if judge.units is None else judge.units[picked], judge.level, judge.seed, some)
    return _Search(made, smaller, chosen).run(sizes if chosen else (), words)


class _Search:
    """Takes (m, columns) of rows that lend; `best` are the takes that harm most so far."""

    def __init__(self, made: Versions, judge: Judge, columns: tuple[str, ...]) -> None:
        self.made, self.judge, self.columns = made, judge, columns
        self.own = made.pool.answer(made.own())
        self.decided = judge.codes(self.own)
        self.best, self.harm = made.own(), self._harm(self.own)

    def run(self, sizes: tuple[float, ...], words: tuple[str, ...]) -> Attack:
        """From the smallest size to the largest: what fools within less fools within more."""
        word = self._share(self._words(words)) if words else None
        least = np.full(self.made.n, np.inf)
        reaches = []
        for size in sizes:
            one = self._step(size)
            answer = self.made.pool.answer(self.best)
            fooled = self._fooled(answer)
            least[fooled & np.isinf(least)] = size
            reaches.append(self._reach(size, np.isfinite(least), one, answer))
        return Attack(self.made.n, self.columns, tuple(reaches), tuple(least.tolist()), words, word)

    def _words(self, words: tuple[str, ...]) -> Array:
        """Which rows another value of one column fools, (m,): its eight most usual values."""
        fooled = np.zeros(self.made.n, dtype=bool)
        frame = self.made.pool.dataset.frame[: self.made.n]
        for name in words:
            cells = frame.get_column(name).alias("cell")
            first = cells.to_frame().with_row_index("row").group_by("cell").agg(
                pl.col("row").first(), pl.len()).drop_nulls("cell").sort(
                    ["len", "row"], descending=[True, False])
            for row in first.get_column("row").head(_LEVELS).to_list():
                take = self.made.own()
                take[:, self.made.pool.at(name)] = row
                fooled |= self._fooled(self.made.pool.answer(take))
        return fooled

    def _harm(self, answer: Array) -> Array:
        """How far an answer is from what was decided, (m,); of numbers, from the truth."""
        if answer.ndim == 1:
            away = np.sign(self.own - self.judge.truth)
            return np.where(away == 0, 1, away) * answer
        rows = np.arange(len(answer))
        others = answer.copy()
        others[rows, self.decided] = -np.inf
        return others.max(axis=1) - answer[rows, self.decided]

    def _fooled(self, answer: Array) -> Array:
        if answer.ndim == 1:
            size = float(np.std(self.judge.truth)) or 1.0
            return self._harm(answer) - self._harm(self.own) > MOVED * size
        return self.judge.codes(answer) != self.decided

    def _step(self, size: float) -> Array:
        """One size: which rows a single number fools, (m,); `best` is brought up to date."""
        n, p = self.made.n, len(self.columns)
        places = [self.made.pool.at(name) for name in self.columns]
        ends = [self.made.rows(f"{sign}{size:g}") for sign in "+-"]
        gain, fooled = np.empty((2, p, n)), np.zeros(n, dtype=bool)
        start = self._harm(self.own)
        for side in (0, 1):
            for at, place in enumerate(places):
                take = self.made.own()
                take[:, place] = ends[side]
                answer = self.made.pool.answer(take)
                gain[side, at] = self._harm(answer) - start
                fooled |= self._fooled(answer)
                self._keep(take, answer)
        side, worth = gain.argmax(axis=0), gain.max(axis=0)
        lent = np.where(side == 0, ends[0], ends[1])
        rank = np.argsort(np.argsort(-worth, axis=0, kind="stable"), axis=0)
        for count in sorted({2, 4, 8, 16, p}):
            self._together(places, lent, (rank < count) & (worth > 0))
        self._together(places, lent, np.ones_like(worth, dtype=bool))
        self._refine(places, ends)
        return fooled

    def _together(self, places: list[int], lent: Array, moved: Array) -> None:
        take = self.made.own()
        for at, place in enumerate(places):
            take[:, place] = np.where(moved[at], lent[at], take[:, place])
        self._keep(take, self.made.pool.answer(take))

    def _refine(self, places: list[int], ends: list[Array]) -> None:
        """One round of single changes, from the best so far."""
        for place in places:
            for end in ends:
                take = self.best.copy()
                take[:, place] = end
                self._keep(take, self.made.pool.answer(take))

    def _keep(self, take: Array, answer: Array) -> None:
        harm = self._harm(answer)
        better = harm > self.harm
        self.best[better], self.harm[better] = take[better], harm[better]

    def _chance(self, size: float) -> float:
        """The share that random signs of this size fool, on average."""
        rng = generator(self.judge.seed, "signs", f"{size:g}")
        places = [self.made.pool.at(name) for name in self.columns]
        ends = np.stack([self.made.rows(f"{sign}{size:g}") for sign in "+-"])
        found = []
        for _ in range(_SIGNS):
            take = self.made.own()
            pick = rng.integers(2, size=(self.made.n, len(places)))
            take[:, places] = ends[pick, np.arange(self.made.n)[:, None]]
            answer = self.made.pool.answer(take)
            found.append(float(self._fooled(answer).mean()))
            self._keep(take, answer)
        return float(np.mean(found))

    def _share(self, fooled: Array) -> Score:
        share = float(fooled.mean())
        low, high = wilson(share, len(fooled), student(self.judge.level, max(len(fooled) - 1, 1)))
        return Score("flipped", share, low, high, self.judge.level,
                     f"Wilson interval, {len(fooled)} rows", len(fooled))

    def _reach(self, size: float, fooled: Array, one: Array, answer: Array) -> Reach:
        return Reach(size, self._share(fooled), self._chance(size), float(one.mean()),
                     self.judge.score(answer))
