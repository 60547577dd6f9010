"""What fits after the race should take, of the members that would blend if it ended now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wholefit.base import seeds
from wholefit.models import Model
from wholefit.training._beside import share_beside
from wholefit.training._folds import Problem, Validated
from wholefit.training.automl import _whole
from wholefit.training.automl._blend import comparable
from wholefit.training.ensembling import Blended, Pool, greedy

# A look at a share of the rows tells who would blend, well enough to know what that takes: so many
# rows, fewer of many classes, and so many rounds.
_ROWS, _LEAST_ROWS, _ROUNDS = 2_000, 500, 15


@dataclass(frozen=True)
class Outlook:
    """Seconds to keep for fits after a race of so many `folds`, at most `most` of them.

    `members` is how many blend at most; `whole` and `once` are as in `_whole.turns`.
    """

    problem: Problem
    folds: int
    workers: int
    most: float
    members: int | None = None
    whole: bool = True
    once: bool = False

    def seconds(self, models: Mapping[str, Model], found: Mapping[str, Validated]) -> float:
        """What should be kept, from what was `found` so far."""
        able = {label: each for label, each in comparable(
            found, models, self.problem.task.baseline).items() if each.kept and all(each.kept)}
        if not able or self.most <= 0:
            return 0.0
        blended = self._blended(able)
        if blended is None:
            return 0.0
        wanted = _whole.turns(blended, models, whole=self.whole, once=self.once,
                              beside=self._beside)
        # For what takes longer than may be kept, none is: it would not end.
        wanted = [turn for turn in wanted
                  if _whole.seconds_of(turn, found[turn.label], self.problem) <= self.most]
        growing = {turn.label for turn in wanted if turn.number == 0}
        wanted = [turn for turn in wanted if not growing or turn.label in growing]
        return min(self.most, _whole.together(wanted, found, self.problem, self.workers))

    def own(self, left: float, kept: float) -> float:
        """Seconds of what is `left` that a trial should leave for its own fits after the race.

        As much as `kept` is left for others already.
        """
        turns = self.whole + self._beside * (share_beside(self.problem) if self.folds == 1 else 1)
        after = turns if self.workers == 1 else min(turns, 1)
        return max(0.0, min(left * after / (self.folds + after), self.most - kept))

    @cached_property
    def _beside(self) -> bool:
        return _whole.measurable(self.problem, self.folds, whole=self.whole)

    def _blended(self, able: Mapping[str, Validated]) -> Blended | None:
        """The blend by a share of the rows; None where no answer to them is a number."""
        rows = np.flatnonzero(np.logical_and.reduce([each.seen > 0 for each in able.values()]))
        most = max(_LEAST_ROWS, _ROWS // max(1, self.problem.n_classes // 2))
        if len(rows) > most:
            rows = seeds.generator(self.problem.seed, "outlook").choice(rows, most, replace=False)
        answers = {label: each.answer[rows] for label, each in able.items()}
        answers = {label: each for label, each in answers.items() if np.isfinite(each).all()}
        if not answers:
            return None
        pool = Pool(answers, self.problem.y[rows], np.zeros(len(rows), np.int16),
                    task=self.problem.task.name)
        return Blended(greedy(pool, most=self.members, rounds=_ROUNDS), pool.truth)
