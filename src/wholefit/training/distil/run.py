"""Distil: teach every student that was asked for, judge it beside its teacher, time both."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.base.errors import DataError
from wholefit.base.wording import counted
from wholefit.data import Dataset, splits
from wholefit.evaluation import conformal
from wholefit.training.distil import made, teachers
from wholefit.training.distil.judge import Given, Judge, has
from wholefit.training.distil.lesson import Class, Learnt, Lesson, crossed
from wholefit.training.distil.options import Options
from wholefit.training.distil.pace import timed
from wholefit.training.distil.record import Comparison, Pace, Taught
from wholefit.training.distil.students import STUDENTS, Student
from wholefit.training.distil.students import Taught as TaughtModel
from wholefit.training.distil.teachers import Answer, Fold
from wholefit.training.fitted import Fitted

_FEWEST = 10
# More rows are made up for each that was given, until they are so many together.
_FOR_EACH, _TOGETHER = 4, 10_000
# Seconds that the teacher may take to answer all rows made up.
_SECONDS = 30.0
# Seconds that fitting the teacher again without each fold may take.
_LONGEST = 900.0
_KINDS = {"itself": "the teacher's answers, as long as it has not learnt from these rows",
          "members": "the ensemble's members that were fitted without it",
          "anew": "the same model fitted again without it"}


def distil(
    teacher: Fitted, given: Given, options: Options, *, name: str = "the model",
    metric: Any = None,
) -> Comparison:
    """Teach the students asked for and set each beside the teacher; see `Given`.

    `name` is what the teacher is called, `metric` what costs are told in. DataError where there
    are too few rows to teach on.
    """
    if len(given.rows) < _FEWEST:
        raise DataError(f"distil teaches on at least {_FEWEST} rows; got {len(given.rows)}: give "
                        "the rows that the model learnt from.")
    pace = timed(teacher, given.rows)
    lesson, count, honest = _lesson(teacher, given, options, pace)
    chosen = evaluation.metrics.main(
        teacher.task.name, metric, getattr(teacher.codec, "classes", None))
    judge = Judge(teacher, given, lesson, chosen, _KINDS.get(honest, ""))
    students = tuple(_student(teacher, lesson, STUDENTS[word], options, judge)
                     for word in options.words)
    more = f", and may be on {counted(count, 'row')} made up" if count else ""
    said = [f"Students were taught on {counted(len(given.rows), 'row')} and the teacher's answers "
            f"to them{more}.", judge.said]
    if getattr(teacher.encoder, "_applied", ()):
        said.append("The students read the columns as they are, without the features that were "
                    "engineered for their teacher.")
    return Comparison(
        task=teacher.task.name, metric=chosen.name, better=chosen.better, teacher=name,
        scores=judge.scores(None), pace=pace, size=0, students=students, judged=judge.said,
        rows=len(given.rows), made=count, said=tuple(said))


def _lesson(
    teacher: Fitted, given: Given, options: Options, pace: Pace
) -> tuple[Lesson, int, str]:
    """What is taught, how many rows are made up, and whose answers each fold is judged beside."""
    rows = given.rows
    soft = teacher.answer(rows)
    truth = rows.target(teacher.codec) if given.known else None
    weights = rows.weights() if has(rows, "weight") else None
    folds = _folds(rows, truth, soft, given, options)
    honest, own = _teachers(teacher, given, folds, weights, options)
    clean = teacher.cleaned(rows)
    count = _count(options, clean, pace)
    apart = None if own is None else tuple(_spread(each(rows), soft) for each in own)
    lesson = Lesson(
        clean, soft, truth if honest else None, weights, folds, apart,
        _maker(teacher, clean, folds, own, count, options), options.jobs, options.seed)
    return lesson, count, honest


def _teachers(
    teacher: Fitted, given: Given, folds: tuple[Fold, ...], weights: np.ndarray | None,
    options: Options,
) -> tuple[str, list[Answer] | None]:
    """Teachers that have not seen their fold, and of which kind; "" where there can be none."""
    if not given.learnt_from:
        return "itself", None
    if given.fold is not None and (found := teachers.members(teacher, len(folds))):
        return "members", found
    if given.known and not given.seconds * len(folds) > _LONGEST:
        found = teachers.anew(teacher, given.named, given.lineage, given.rows, weights, folds,
                              options.jobs)
        return ("anew", found) if found else ("", None)
    return "", None


def _spread(answer: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The answers in the shape of all classes; DataError where a part lacks too much to answer."""
    if answer.shape != like.shape:
        raise DataError(f"a teacher answers in the shape {answer.shape}, not {like.shape}.")
    return answer


def _count(options: Options, clean: Dataset, pace: Pace) -> int:
    """How many rows are made up."""
    able = int(_SECONDS / max(pace.thousand, 1e-9) * 1000 / (options.folds + 1))
    usual = max(0, min(_FOR_EACH * len(clean), _TOGETHER - len(clean), able))
    count = usual if options.more is None else options.more
    if count and (why := made.able(clean)):
        if options.more:
            raise DataError(f"no rows can be made up: {why}; say more=0.")
        return 0
    return count


def _maker(
    teacher: Fitted, clean: Dataset, folds: tuple[Fold, ...], own: list[Answer] | None,
    count: int, options: Options,
) -> Callable[[int | None], tuple[Dataset, np.ndarray]] | None:
    """Rows made up of those taught in a fold, and its teacher's answers; once for all students.

    Rows made up of a row that judges a student, and the answers of a teacher that has seen it,
    would tell that student its target.
    """
    if not count:
        return None
    kept: dict[int | None, tuple[Dataset, np.ndarray]] = {}

    def more(number: int | None) -> tuple[Dataset, np.ndarray]:
        if number not in kept:
            source = clean if number is None else clean.take(folds[number][0])
            found = made.more(source, max(1, round(count * len(source) / len(clean))),
                              options.seed)
            ask = teacher.answer if number is None or own is None else own[number]
            kept[number] = found, ask(found)
        return kept[number]

    return more


def _folds(
    rows: Dataset, truth: np.ndarray | None, soft: np.ndarray, given: Given, options: Options
) -> tuple[Fold, ...]:
    """The folds of the fit where they are known, else others by the same rules."""
    if given.fold is not None and not has(rows, "time"):
        every = [np.flatnonzero(given.fold == k) for k in range(int(given.fold.max()) + 1)]
        if len(every) > 1 and all(map(len, every)):
            whole = np.arange(len(given.fold))
            return tuple((np.setdiff1d(whole, test), test) for test in every)
    by = truth if truth is not None else (soft if soft.ndim == 1 else soft.argmax(axis=1))
    held = rows
    for role in ("time", "group"):
        if not has(rows, role):
            named = dict.fromkeys(held.schema.having(role), "ignored")
            held = held.with_schema(held.schema.with_role(named)) if named else held
    try:
        if has(rows, "time"):
            return splits.time_ordered(held, folds=options.folds).folds
        return splits.kfold(held, by, folds=options.folds, seed=options.seed,
                            stratify=truth is not None).folds
    except DataError:
        return ()


def _student(
    teacher: Fitted, lesson: Lesson, student: Student, options: Options, judge: Judge
) -> Taught:
    start = time.perf_counter()
    held = crossed(lesson, student, options.size)
    learnt = Class(lesson, student, options.size).teach((held.way,))[0]
    seconds = time.perf_counter() - start
    fitted = as_fitted(teacher, learnt)
    answer = judge.answer(fitted, held)
    if lesson.truth is not None and held.seen.any():
        # Intervals and sets rest on its own answers to rows that it was not taught.
        fitted.calibration = conformal.calibrate(lesson.truth, held.answer)
    return Taught(
        word=student.word, said=student.said, fitted=fitted,
        catalog=student.catalog[teacher.task.name], params=student.params(options.size),
        way=held.way, scores=judge.scores(answer) if answer is not None else {},
        difference=judge.difference(answer), agreement=judge.agreement(held),
        pace=timed(fitted, judge.given.rows), seconds=seconds, answer=answer)


def as_fitted(teacher: Fitted, learnt: Learnt) -> Fitted:
    """A student as the model that answers in its teacher's place, decided as its teacher's are."""
    fitted = Fitted(teacher.task, teacher.schema, teacher.codec, learnt.encoder,
                    model=TaughtModel(), estimator=learnt.state, context=learnt.context)
    fitted.decision, fitted.replay = teacher.decision, teacher.replay
    fitted.settle()
    return fitted

