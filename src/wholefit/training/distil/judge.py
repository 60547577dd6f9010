"""Scores of a teacher and its students on the same rows, which none of them had seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.base.wording import counted
from wholefit.data import Dataset
from wholefit.evaluation import Difference, Score
from wholefit.training.distil.lesson import Crossed, Lesson
from wholefit.training.fitted import Fitted


@dataclass(frozen=True, eq=False)
class Given:
    """What there is to teach from and to judge by.

    `rows` conform to the teacher's schema, `known` says that they have their target. Where the
    teacher has learnt from them (`learnt_from`), `fold` is in which fold of its fit each was held
    out, None where that is not known, `named` its name in the catalog and its parameters,
    `seconds` how long a fold took to fit, and `lineage` what its fit was. `held` are other rows
    with a known target that it has not seen.
    """

    rows: Dataset
    known: bool
    learnt_from: bool = False
    fold: np.ndarray | None = None
    named: dict[str, Any] = field(default_factory=dict)
    lineage: dict[str, Any] = field(default_factory=dict)
    seconds: float = float("nan")
    held: Dataset | None = None


class Judge:
    """Of all students: the rows, their truth, the teacher's answers; see `said`.

    `honest` says that each fold has a teacher that has not seen it.
    """

    def __init__(
        self, teacher: Fitted, given: Given, lesson: Lesson, metric: Any, honest: str
    ) -> None:
        self.teacher, self.given, self.lesson, self.metric = teacher, given, lesson, metric
        self.honest = honest
        self._first: dict[str, Score] | None = None
        crossed = lesson.truth is not None and bool(lesson.folds) and bool(honest)
        self.judges = given.held is not None or crossed
        if given.held is not None:
            self.rows = given.held
            self.truth, self.own = given.held.target(teacher.codec), teacher.answer(given.held)
            self.seen = np.ones(len(self.rows), dtype=bool)
        else:
            self.rows, self.own = given.rows, lesson.own
            self.truth = np.zeros(len(self.rows)) if lesson.truth is None else lesson.truth
            self.seen = np.isfinite(self.own.reshape(len(self.own), -1)).all(axis=1)

    @property
    def said(self) -> str:
        """On which rows, in a sentence."""
        count = counted(int(self.seen.sum()), "row")
        if self.given.held is not None:
            return f"Both were judged on {count} given for it, which neither has seen."
        if not self.given.known:
            return ("Nothing was judged: no row has a known target. Give held_out rows that "
                    "neither has seen.")
        if not self.judges:
            return ("Nothing was judged: the teacher has learnt from these rows, and it is not "
                    "known what it would have answered without them. Give held_out rows that "
                    "neither has seen.")
        parts = len(self.lesson.folds)
        return (f"Both were judged on {count}, in {parts} parts: each part by a student that was "
                f"taught without it, beside {self.honest}.")

    def answer(self, fitted: Fitted, held: Crossed) -> np.ndarray | None:
        """A student's answers to the judging rows, NaN where it has none."""
        if not self.judges:
            return None
        return fitted.answer(self.rows) if self.given.held is not None else held.answer

    def scores(self, answer: np.ndarray | None) -> dict[str, Score]:
        """Every metric of a student's answers; of the teacher's where None, once."""
        if not self.judges:
            return {}
        if answer is None and self._first is not None:
            return self._first
        found = self._scored(self.own if answer is None else answer)
        if answer is None:
            self._first = found
        return found

    def _scored(self, answer: np.ndarray) -> dict[str, Score]:
        names: Sequence[Any] = [self.metric, *(name for name in self.teacher.task.metrics
                                               if name != self.metric.name)]
        asked = self.rows.take(self.seen)
        return evaluation.score(
            self.teacher.task.name, self.truth[self.seen], answer[self.seen], metrics=names,
            predicted=self.teacher.codes(answer[self.seen], asked), **self._facts())

    def difference(self, answer: np.ndarray | None) -> Difference | None:
        """The student's score minus the teacher's, paired; None where they cannot be compared."""
        if answer is None or not self.judges:
            return None
        asked = self.rows.take(self.seen)
        mine, own = answer[self.seen], self.own[self.seen]
        return evaluation.compare(
            self.teacher.task.name, self.metric, self.truth[self.seen], mine, own,
            predicted=(self.teacher.codes(mine, asked), self.teacher.codes(own, asked)),
            **self._facts())

    def agreement(self, held: Crossed) -> float:
        """How near the student comes to the teacher on rows that it was not taught."""
        if not held.seen.any():
            return float("nan")
        mine, own = held.answer[held.seen], self.lesson.own[held.seen]
        if mine.ndim == 2:
            return float((mine.argmax(axis=1) == own.argmax(axis=1)).mean())
        spread = float(((own - own.mean()) ** 2).sum())
        return 1 - float(((mine - own) ** 2).sum()) / spread if spread > 0 else float("nan")

    def _facts(self) -> dict[str, Any]:
        rows = self.rows
        weights = rows.weights() if has(rows, "weight") else None
        units = rows.groups() if has(rows, "group") else None
        return {"positive": getattr(self.teacher.codec, "positive", 1),
                "weights": None if weights is None else weights[self.seen],
                "units": None if units is None else units[self.seen]}


def has(rows: Dataset, role: str) -> bool:
    """Whether the rows hold a column of that role: new ones need not."""
    return any(name in rows.frame.columns for name in rows.schema.having(role))
