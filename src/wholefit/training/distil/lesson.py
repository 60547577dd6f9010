"""What students are taught from, in which ways, and how a way is chosen without fooling oneself.

A way is a share of the teacher's answer in the target, the rest being the truth (Hinton, Vinyals
and Dean 2015, section 2), and whether rows that were made up are taught too. Every way is taught in
each fold; the way that answers a fold's rows is the one that did best on the *other* folds, so that
no row judges a student that was chosen by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from wholefit.base import optional, seeds
from wholefit.base.events import emit
from wholefit.base.state import State
from wholefit.data import Dataset
from wholefit.features.encoder import Encoder
from wholefit.models import scorer
from wholefit.models._model import Context
from wholefit.training.distil.students import Size, Student

_TINY = 1e-15


@dataclass(frozen=True)
class Way:
    """How to teach: the teacher's `share` of the target, and whether made-up rows are taught."""

    share: float
    made: bool = False

    def __str__(self) -> str:
        target = {1.0: "the teacher's answers", 0.0: "the truth"}.get(
            self.share, f"{self.share:.0%} the teacher's answers, the rest the truth")
        return target + (", and rows made up" if self.made else "")


@dataclass(frozen=True, eq=False)
class Lesson:
    """Rows to teach on, cleaned, and what the teacher says of each: shares (n, k) or numbers (n,).

    `truth` are codes or numbers, None where unknown. `folds` are pairs of (rows taught, rows
    judged). `apart` says of each fold what a teacher makes of all rows who has not seen that fold
    (the teacher itself where it is None). `more(number)` makes rows up that are like those taught
    in a fold (like all where None) and no others, and says what the fold's teacher makes of them;
    None where no rows are made up.
    """

    dataset: Dataset
    soft: np.ndarray
    truth: np.ndarray | None
    weights: np.ndarray | None
    folds: tuple[tuple[np.ndarray, np.ndarray], ...]
    apart: tuple[np.ndarray, ...] | None = None
    more: Callable[[int | None], tuple[Dataset, np.ndarray]] | None = None
    jobs: int = 1
    seed: int = 0

    @property
    def classes(self) -> int:
        """How many there are; 0 of a number."""
        return self.soft.shape[1] if self.soft.ndim == 2 else 0

    def ways(self, student: Student) -> tuple[Way, ...]:
        """What can be tried: the truth only where it is known, made-up rows where there are any."""
        found = [Way(share if self.truth is not None else 1.0, made and self.more is not None)
                 for share, made in student.ways]
        return tuple(dict.fromkeys(found))

    def said(self, number: int | None) -> np.ndarray:
        """What the teacher of a fold says of all rows; the teacher of all where None."""
        return self.soft if number is None or self.apart is None else self.apart[number]

    @property
    def own(self) -> np.ndarray:
        """Each row's answer by the teacher of the fold that judges it, NaN where none does."""
        found = np.full(self.soft.shape, np.nan)
        for number, (_, test) in enumerate(self.folds):
            found[test] = self.said(number)[test]
        return found

    def target(self, share: float, number: int | None = None) -> np.ndarray:
        """What is to be answered: the teacher's answers mixed with the truth."""
        soft = self.said(number)
        if share == 1.0 or self.truth is None:
            return soft
        hard = np.eye(self.classes)[self.truth] if self.classes else self.truth
        return np.asarray(share * soft + (1 - share) * hard)

    def losses(self, answer: np.ndarray, number: int) -> np.ndarray:
        """What answers to the rows of a fold cost: log loss or squared error.

        Against the truth; where that is unknown, against the teacher (its shares as frequencies).
        """
        rows = self.folds[number][1]
        wanted = self.said(number) if self.truth is None else self.truth
        if not self.classes:
            return np.asarray((answer - wanted[rows]) ** 2)
        logs = np.log(np.maximum(answer, _TINY))
        if self.truth is None:
            return np.asarray(-(wanted[rows] * logs).sum(axis=1))
        return np.asarray(-logs[np.arange(len(rows)), self.truth[rows]])


@dataclass(frozen=True, eq=False)
class Learnt:
    """A student that was taught: its encoder, its State, and the context it was taught in."""

    encoder: Encoder
    state: State
    context: Context
    way: Way

    def answer(self, dataset: Dataset, rows: np.ndarray | None = None) -> np.ndarray:
        """Its answers to cleaned rows."""
        return scorer(self.state).answer(self.encoder.transform(dataset, rows))


class Class:
    """Students of one kind, taught on rows of one lesson; encoded rows are kept from way to way."""

    def __init__(self, lesson: Lesson, student: Student, size: Size) -> None:
        self.lesson, self.student, self.size = lesson, student, size

    def teach(self, ways: tuple[Way, ...], number: int | None = None) -> list[Learnt]:
        """A student for each of these ways, taught without a fold (on all rows if None)."""
        optional.wake("sklearn", without="pandas")
        lesson = self.lesson
        rows = None if number is None else lesson.folds[number][0]
        encoder = Encoder(self.student.encoding, seed=seeds.derive(lesson.seed, "encoder"))
        encoder.fit(lesson.dataset, rows)
        X = encoder.transform(lesson.dataset, rows)
        more = self._more(encoder, number) if any(way.made for way in ways) else None
        return [self._one(way, encoder, X, more, number) for way in ways]

    def _more(self, encoder: Encoder, number: int | None) -> tuple[Any, np.ndarray]:
        assert self.lesson.more is not None
        made, soft = self.lesson.more(number)
        return encoder.transform(made), soft

    def _one(
        self, way: Way, encoder: Encoder, X: Any, more: tuple[Any, np.ndarray] | None,
        number: int | None,
    ) -> Learnt:
        lesson = self.lesson
        soft, weights = lesson.target(way.share, number), lesson.weights
        if number is not None:
            rows = lesson.folds[number][0]
            soft, weights = soft[rows], None if weights is None else weights[rows]
        if way.made:
            assert more is not None
            X, soft = _below(X, more[0]), np.concatenate([soft, more[1]])
            if weights is not None:
                weights = np.concatenate([weights, np.full(len(more[1]), weights.mean())])
        context = Context(
            rows=X.shape[0], features=X.shape[1], categorical=encoder.categorical,
            n_classes=lesson.classes, jobs=lesson.jobs, spans=encoder.spans,
            seed=seeds.derive(lesson.seed, "distil", self.student.word) % 2**31)
        with threadpool_limits(lesson.jobs, user_api="blas"):
            state = self.student.learn(X, soft, weights, context, self.size)
        return Learnt(encoder, state, context, way)


@dataclass(frozen=True, eq=False)
class Crossed:
    """Cross-fitted answers: `seen` marks rows that have one; `way` is the best over all folds."""

    answer: np.ndarray
    seen: np.ndarray
    way: Way


def crossed(lesson: Lesson, student: Student, size: Size) -> Crossed:
    """Answers to each fold's rows by a student taught on the others, in the way that these chose.

    Where no fold can be held out, no row is `seen` and the way is the plainest.
    """
    ways = lesson.ways(student)
    answers = {way: np.full(lesson.soft.shape, np.nan) for way in ways}
    cost = np.zeros((len(ways), len(lesson.folds)))
    weighed = np.zeros(len(lesson.folds))
    taught = Class(lesson, student, size)
    for number, (_, test) in enumerate(lesson.folds):
        for at, learnt in enumerate(taught.teach(ways, number)):
            found = learnt.answer(lesson.dataset, test)
            answers[learnt.way][test] = found
            counts = np.ones(len(test)) if lesson.weights is None else lesson.weights[test]
            cost[at, number] = counts @ lesson.losses(found, number)
            weighed[number] = counts.sum()
        emit("distil_step", student=student.word, fold=number + 1, folds=len(lesson.folds))
    answer = np.full(lesson.soft.shape, np.nan)
    for number, (_, test) in enumerate(lesson.folds):
        others = np.delete(np.arange(len(lesson.folds)), number)
        answer[test] = answers[ways[_best(cost, weighed, others)]][test]
    seen = np.isfinite(answer) if answer.ndim == 1 else np.isfinite(answer).all(axis=1)
    every = np.arange(len(lesson.folds))
    return Crossed(answer, seen, ways[_best(cost, weighed, every)])


def _best(cost: np.ndarray, weighed: np.ndarray, folds: np.ndarray) -> int:
    """The way of least mean cost over these folds; the first where nothing is known."""
    total = weighed[folds].sum()
    return int(np.argmin(cost[:, folds].sum(axis=1) / total)) if total > 0 else 0


def _below(X: Any, more: Any) -> Any:
    if hasattr(X, "tocsr"):
        from scipy import sparse

        return sparse.vstack([X, more], format="csr")
    return np.concatenate([X, more])
