"""Compress in every way asked for, and set each beside the model as it was."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit import evaluation, models
from wholefit.base.errors import DataError, StateError, WholefitError, unknown
from wholefit.base.events import emit
from wholefit.base.state import State
from wholefit.base.wording import counted
from wholefit.data import Dataset, splits
from wholefit.evaluation import conformal
from wholefit.training import distil
from wholefit.training.compress.judge import Judge
from wholefit.training.compress.options import Options
from wholefit.training.compress.record import Comparison, Smaller
from wholefit.training.compress.tuned import Lesson
from wholefit.training.compress.ways import WAYS, Way, Work
from wholefit.training.distil.judge import Given, has
from wholefit.training.distil.pace import timed
from wholefit.training.fitted import Fitted

DISTIL = "distil"
_FEWEST = 20


def words() -> tuple[str, ...]:
    """Every way, by its word."""
    return (*WAYS, DISTIL)


def compress(
    fitted: Fitted, given: Given, options: Options, *, name: str = "the model", metric: Any = None,
) -> Comparison:
    """Compress `fitted` in the ways asked for; `given` are the rows, see `training.distil`.

    `given.named` is the model's entry in the catalog, for networks that learn on. StateError where
    a way that was named is not possible, or where none is.
    """
    for word in options.words:
        if word not in words():
            raise unknown("way of compressing", word, words())
    teach, judged, said = _parted(given, options, fitted)
    state = fitted.state()
    ways = _ways(state, options, name)
    chosen = evaluation.metrics.main(fitted.task.name, metric,
                                     getattr(fitted.codec, "classes", None))
    judge = Judge(fitted, judged, given.known or given.held is not None, chosen)
    work = Work(state, _feed(fitted, teach), _lesson(fitted, state, teach, given, options),
                options)
    found, skipped = [], {}
    for way in ways:
        try:
            found.append(_smaller(fitted, way.word, way.said(options), judge,
                                  lambda way=way: _put(fitted, way.make(work))))  # type: ignore[misc]
        except StateError as error:
            if options.words:
                raise
            skipped[way.word] = str(error)
    if DISTIL in options.words:
        found.append(_student(fitted, given, teach, judge, options))
    if not found:
        raise StateError(f"{name} cannot be compressed in any of these ways: "
                         + "; ".join(f"{word}: {why}" for word, why in skipped.items())
                         + " Distil it: a small model is taught what it answers.")
    return Comparison(
        task=fitted.task.name, metric=chosen.name, better=chosen.better, model=name,
        scores=judge.scores(judge.own), pace=timed(fitted, judged), weights=state.nbytes, size=0,
        found=tuple(found), judged=said, rows=len(given.rows), said=(said,), skipped=skipped)


def _ways(state: State, options: Options, name: str) -> list[Way]:
    """The ways that may be tried; StateError where one that was named, or all, may not."""
    asked = [WAYS[word] for word in options.words or tuple(WAYS) if word in WAYS]
    taken = [way for way in asked if way.takes(state)]
    able = [way.word for way in WAYS.values() if way.takes(state)]
    for way in asked:
        if options.words and way not in taken:
            raise StateError(
                f"{way.word} is not for {name}, which is made of {state.kind}; possible: "
                f"{', '.join((*able, DISTIL))}.")
    if not taken and DISTIL not in options.words:
        raise StateError(f"{name} is made of {state.kind}, which no way of compressing is for: "
                         "distil it, so that a small model is taught what it answers.")
    return taken


def _smaller(
    fitted: Fitted, word: str, said: str, judge: Judge, make: Callable[[], Fitted]
) -> Smaller:
    emit("compress_step", way=word)
    start = time.perf_counter()
    made = make()
    seconds = time.perf_counter() - start
    answer = made.answer(judge.rows)
    made.calibration = None
    if judge.truth is not None and fitted.calibration is not None and len(answer) >= _FEWEST:
        # Intervals and sets rest on its own answers to rows that it was not taught.
        made.calibration = conformal.calibrate(judge.truth, answer)
    return Smaller(
        word=word, said=said, fitted=made, scores=judge.scores(answer),
        difference=judge.difference(answer), agreement=judge.agreement(answer),
        furthest=judge.furthest(answer), pace=timed(made, judge.rows),
        weights=made.state().nbytes, seconds=seconds, answer=answer)


def _student(
    fitted: Fitted, given: Given, teach: Dataset, judge: Judge, options: Options
) -> Smaller:
    """A boosted student beside the others, judged on the same rows; see `training.distil`."""
    asked = dataclasses.replace(given, rows=teach, held=judge.rows, fold=None)
    how = distil.Options(to="boosted", jobs=options.jobs, seed=options.seed)
    student = distil.distil(fitted, asked, how, metric=judge.metric.name).students[0]
    return _smaller(fitted, DISTIL, "boosted trees taught what it answers (see distil)", judge,
                    lambda: student.fitted)


def _put(fitted: Fitted, state: State) -> Fitted:
    """The same schema, encoder, decision and recipe, answering with another state."""
    made = Fitted(fitted.task, fitted.schema, fitted.codec, fitted.encoder, state=state)
    made.decision, made.replay = fitted.decision, fitted.replay
    return made


def _feed(fitted: Fitted, rows: Dataset) -> Callable[[], Any]:
    """The features of the rows; the rows themselves for what reads rows."""
    kept: list[Any] = []

    def features() -> Any:
        if not kept:
            clean = fitted.cleaned(rows)
            kept.append(clean if fitted.takes_rows else fitted.encoder.transform(clean))
        return kept[0]

    return features


def _lesson(
    fitted: Fitted, state: State, rows: Dataset, given: Given, options: Options
) -> Lesson | None:
    """What a network learns on by; None where it cannot, or where no truth is known."""
    if state.kind != "network" or not given.known or not given.named:
        return None
    try:
        model = models.get(given.named["name"]).from_dict(given.named["params"])
    except (WholefitError, KeyError, TypeError):
        return None  # an estimator of the user's own
    if not model.incremental:
        return None
    clean = fitted.cleaned(rows)
    taught = fitted.taught(rows)
    X = fitted.encoder.transform(clean, taught)
    y, weights = rows.target(fitted.codec), rows.weights() if has(rows, "weight") else None
    if taught is not None:
        y, weights = y[taught], None if weights is None else weights[taught]
    context = dataclasses.replace(fitted.context_for(X), jobs=options.jobs, seed=options.seed)
    return Lesson(X, y, model, fitted.task, context, weights)


def _parted(
    given: Given, options: Options, fitted: Fitted
) -> tuple[Dataset, Dataset, str]:
    """Rows to work with, rows to judge by, and what is said of these."""
    rows = given.rows
    if len(rows) < _FEWEST:
        raise DataError(f"compressing needs at least {_FEWEST} rows to work with and judge by; "
                        f"got {len(rows)}.")
    if given.held is not None:
        count = counted(len(given.held), "row")
        return rows, given.held, f"Both were judged on {count} given for it."
    y = rows.target(fitted.codec) if given.known else np.zeros(len(rows))
    plain = dict.fromkeys((name for role in ("time", "group") if not has(rows, role)
                           for name in rows.schema.having(role)), "ignored")
    held = rows.with_schema(rows.schema.with_role(plain)) if plain else rows
    fold = splits.holdout(held, y, test=options.held, seed=options.seed,
                          stratify=given.known and y.dtype.kind == "i").folds[0]
    teach, test = fold
    count = counted(len(test), "row")
    said = f"Both were judged on {count} of these, which no way of compressing was shown."
    if not given.known:
        said = (f"Answers were compared on {count} of these; no score is known, for the rows lack "
                "the target.")
    elif given.learnt_from:
        said += (" The model itself has learnt from them: its score is too good, and the loss may "
                 "be told too large. Give held_out rows that it has not seen.")
    return rows.take(teach), rows.take(test), said
