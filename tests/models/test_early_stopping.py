"""Boosters watched by held-out rows: when they end, what the curve says, and cutting exactly."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from coded_tables import Coded, coded, suited

from wholefit.base import tasks
from wholefit.base.errors import ParameterError
from wholefit.models import Context, Model, get, make, names, scorer
from wholefit.models._watch import Watch

BOOSTERS = ["hist_gradient_boosting", "lightgbm", "xgboost", "catboost"]
# Three of the four draw rows or features: a draw must not hang on the rows watched.
DRAWN = {"hist_gradient_boosting": "max_features=0.5",
         "lightgbm": "subsample=0.6, max_features=0.5, random_cuts=True",
         "xgboost": "subsample=0.6, max_features=0.5",
         "catboost": "subsample=0.6, max_features=0.5"}


def watched(text: str, data: Coded, weights: bool = False, rows: np.ndarray | None = None,
            **known: Any) -> tuple[Model, Any, Context, np.ndarray]:
    """The model learnt on every other row and watched by the rest; all features."""
    model = make(text)
    pytest.importorskip(model.requires or "sklearn")
    X = suited(model, data)
    train = np.arange(0, len(X), 2) if rows is None else rows
    apart = np.arange(1, len(X), 2)
    weight = np.random.default_rng(3).integers(1, 4, len(X)).astype(float) if weights else None
    context = replace(data.context(len(train)), **known)
    estimator = model.build(data.task, context)
    estimator.fit(X[train], data.y[train], None if weight is None else weight[train],
                  watch=(X[apart], data.y[apart], None if weight is None else weight[apart]))
    return model, estimator, context, X


def loss_of(answer: np.ndarray, truth: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Mean log loss or mean squared error, by hand."""
    if answer.ndim == 1:
        return float(np.average((answer - truth) ** 2, weights=weight))
    return float(np.average(-np.log(answer[np.arange(len(truth)), truth]), weights=weight))


def plain(text: str, data: Coded, rounds: int, weights: bool = False) -> np.ndarray:
    """All rows' answers of the same model given `rounds` from the start, nothing watched."""
    model = make(text).replace(n_estimators=rounds, early_stopping=0)
    X = suited(model, data)
    train = np.arange(0, len(X), 2)
    weight = np.random.default_rng(3).integers(1, 4, len(X)).astype(float)[train]
    context = data.context(len(train))
    estimator = model.build(data.task, context)
    estimator.fit(X[train], data.y[train], weight if weights else None)
    return model.answer(estimator, X, data.task, context)


@pytest.mark.parametrize("name", ["status", "amount", "price"])
@pytest.mark.parametrize("booster", BOOSTERS)
def test_a_cut_model_is_the_model_of_so_many_rounds(booster: str, name: str) -> None:
    """Bit-equal to one fitted with that many rounds, live and as state; draws included."""
    data = coded(name)
    text = f"{booster}(learning_rate=0.1, n_estimators=30, early_stopping=50, {DRAWN[booster]})"
    model, estimator, context, X = watched(text, data)
    assert estimator.curve_.shape == (30,) and estimator.curve_.dtype == np.float64
    assert np.array_equal(model.answer(estimator, X, data.task, context), plain(text, data, 30))
    for rounds in (40, 11, 1):
        assert estimator.cut(rounds) is estimator
        live = model.answer(estimator, X, data.task, context)
        assert np.array_equal(live, plain(text, data, min(rounds, 30)))
        found = scorer(model.state(estimator, data.task, context)).answer(X)
        assert np.abs(found - live).max() <= 1e-14 * np.abs(live).max()


@pytest.mark.parametrize("name", ["status", "amount", "price"])
@pytest.mark.parametrize("booster", BOOSTERS)
def test_the_curve_is_the_loss_of_the_rows_watched(booster: str, name: str) -> None:
    """At every round looked at, with weights, it is what one finds by hand."""
    data = coded(name)
    text = f"{booster}(learning_rate=0.2, n_estimators=25, early_stopping=60)"
    model, estimator, context, X = watched(text, data, weights=True)
    curve, apart = estimator.curve_.copy(), np.arange(1, len(X), 2)
    weight = np.random.default_rng(3).integers(1, 4, len(X)).astype(float)[apart]
    for rounds in (25, 14, 3, 1):
        answer = model.answer(estimator.cut(rounds), X[apart], data.task, context)
        assert curve[rounds - 1] == pytest.approx(loss_of(answer, data.y[apart], weight), rel=1e-5)
    assert np.array_equal(estimator.curve_, curve)


@pytest.mark.parametrize("booster", BOOSTERS)
def test_it_ends_so_many_rounds_after_the_lowest(booster: str) -> None:
    text = f"{booster}(learning_rate=0.5, n_estimators=400, early_stopping=7)"
    _, estimator, _, _ = watched(text, coded("status"))
    curve = estimator.curve_
    assert len(curve) < 400 and len(curve) - 1 - int(curve.argmin()) == 7


@pytest.mark.parametrize("name", ["status", "price"])
@pytest.mark.parametrize("booster", BOOSTERS)
def test_the_clock_ends_it_and_the_count_repeats_it(booster: str, name: str) -> None:
    """What little time allows is kept; a fit given the count of it comes out the same, bit by bit.

    The clock is passed after the first round already, the count lets others do more.
    """
    data = coded(name)
    text = f"{booster}(learning_rate=0.1, n_estimators=60, early_stopping=60, {DRAWN[booster]})"
    model, estimator, _, X = watched(text, data, seconds=1e-9)
    assert len(estimator.curve_) == 1 and estimator.counted_ == [{"rounds": 1}]
    for rounds in (1, 17):
        count = [{"rounds": rounds}]
        model, again, context, X = watched(text, data, counted=count)
        assert again.counted_ == count and len(again.curve_) == rounds
        answer = model.answer(again, X, data.task, context)
        assert np.array_equal(answer, plain(text, data, rounds))
    _, whole, _, _ = watched(text, data, seconds=1e9)
    assert whole.counted_ == [] and len(whole.curve_) == 60


@pytest.mark.parametrize("booster", BOOSTERS)
def test_time_ends_a_long_training(booster: str) -> None:
    """Half a second of rounds that would take minutes."""
    text = f"{booster}(learning_rate=0.01, n_estimators=100000, early_stopping=100000)"
    begun = time.perf_counter()
    _, estimator, _, _ = watched(text, coded("amount"), seconds=0.5)
    assert time.perf_counter() - begun < 5
    assert estimator.counted_ == [{"rounds": len(estimator.curve_)}]
    assert len(estimator.curve_) < 100_000


@pytest.mark.parametrize("booster", BOOSTERS)
def test_without_rows_to_watch_nothing_changes(booster: str) -> None:
    data = coded("price")
    model = make(f"{booster}(learning_rate=0.5, n_estimators=60, early_stopping=3)")
    pytest.importorskip(model.requires or "sklearn")
    X, context = suited(model, data), data.context(1000)
    assert model.watches and not model.replace(early_stopping=0).watches
    answers = []
    for each in (model, model.replace(early_stopping=0)):
        estimator = each.build(data.task, context).fit(X[:1000], data.y[:1000])
        assert estimator.curve_.shape == (0,)
        answers.append(each.answer(estimator, X, data.task, context))
    assert np.array_equal(*answers)


@pytest.mark.parametrize("booster", BOOSTERS)
def test_rows_of_a_class_that_training_did_not_show_are_not_watched(booster: str) -> None:
    data = coded("amount")
    text = f"{booster}(learning_rate=0.2, n_estimators=6, early_stopping=60)"
    seen = np.flatnonzero(data.y != 3)
    model, estimator, context, X = watched(text, data, rows=seen[seen % 2 == 0])
    apart = np.array([at for at in range(1, len(X), 2) if data.y[at] != 3])
    answer = model.answer(estimator, X[apart], data.task, context)
    assert estimator.curve_[-1] == pytest.approx(loss_of(answer, data.y[apart]), rel=1e-5)
    assert len(estimator.curve_) == 6


@pytest.mark.parametrize("booster", BOOSTERS)
def test_nothing_that_could_be_watched(booster: str) -> None:
    """Only classes that training did not show, or rows that weigh nothing: all rounds are done."""
    data = coded("amount")
    model = make(f"{booster}(n_estimators=5, early_stopping=1)")
    pytest.importorskip(model.requires or "sklearn")
    X, context = suited(model, data), data.context(1000)
    rows, strange = np.flatnonzero(data.y != 3)[:600], np.flatnonzero(data.y == 3)[:50]
    whole = make(f"{booster}(n_estimators=5)").build(data.task, context).fit(X[rows], data.y[rows])
    expected = model.answer(whole, X, data.task, context)
    for watch in ((X[strange], data.y[strange], None), (X[rows], data.y[rows], np.zeros(600)),
                  (X[:0], data.y[:0], None)):
        estimator = model.build(data.task, context).fit(X[rows], data.y[rows], watch=watch)
        assert estimator.curve_.shape == (0,)
        assert np.array_equal(model.answer(estimator, X, data.task, context), expected)


@pytest.mark.parametrize("booster", BOOSTERS)
def test_balanced_classes_are_watched_as_they_are_learnt(booster: str) -> None:
    """The curve weighs a class as training does: by the inverse of its frequency there."""
    data = coded("status")
    text = f"{booster}(learning_rate=0.2, n_estimators=8, early_stopping=60, balanced=True)"
    model, estimator, context, X = watched(text, data)
    train, apart = data.y[::2], np.arange(1, len(X), 2)
    weight = (len(train) / (2 * np.bincount(train)))[data.y[apart]]
    answer = model.answer(estimator, X[apart], data.task, context)
    assert estimator.curve_[-1] == pytest.approx(loss_of(answer, data.y[apart], weight), rel=1e-5)


@pytest.mark.parametrize("text", [
    "lightgbm(loss='huber'", "lightgbm(loss='absolute_error'", "lightgbm(loss='poisson'",
    "xgboost(loss='absolute_error'", "xgboost(loss='poisson'", "catboost(loss='absolute_error'",
    "hist_gradient_boosting(loss='absolute_error'", "hist_gradient_boosting(loss='poisson'"])
def test_other_losses_are_watched_by_themselves(text: str) -> None:
    data = coded("price")
    whole = text + ", learning_rate=0.1, n_estimators=20, early_stopping=60)"
    model, estimator, context, X = watched(whole, data)
    curve, apart = estimator.curve_, np.arange(1, len(X), 2)
    assert curve.shape == (20,) and np.isfinite(curve).all() and curve[-1] < curve[0]
    if "absolute" in text:
        answer = model.answer(estimator, X[apart], data.task, context)
        assert curve[-1] == pytest.approx(np.abs(answer - data.y[apart]).mean(), rel=1e-5)
    assert np.array_equal(
        model.answer(estimator.cut(5), X, data.task, context), plain(whole, data, 5))


@pytest.mark.parametrize("booster", BOOSTERS)
def test_cut_says_what_it_takes(booster: str) -> None:
    _, estimator, _, _ = watched(f"{booster}(n_estimators=3, early_stopping=9)", coded("status"))
    for wrong in (0, -1, 1.5, True, None):
        with pytest.raises(ParameterError, match=r"cut\(rounds\) must be a whole number >= 1"):
            estimator.cut(wrong)


def test_only_boosters_watch() -> None:
    found = [name for name in names() if "early_stopping" in {s.name for s in get(name).specs()}]
    assert set(BOOSTERS) <= set(found)
    assert not make("ridge").watches and not make("hist_gradient_boosting").watches


def test_files_from_when_early_stopping_was_yes_or_no() -> None:
    kind = get("hist_gradient_boosting")
    assert kind.from_dict({"early_stopping": False}) == kind()
    assert kind.from_dict({"early_stopping": True}).early_stopping == 10


def test_patience() -> None:
    """Ends so many rounds after the lowest, whatever was told; NaN is never lower; 0 never ends."""
    random = np.random.default_rng(0)
    for patience in (1, 2, 5):
        for _ in range(50):
            losses = random.integers(0, 12, 60).astype(float)
            watch = Watch(np.zeros((1, 1)), np.zeros(1), None, patience)
            ended = next(at for at, loss in enumerate(losses, 1) if watch.tell(loss))
            expected = next(at for at in range(1, 61)
                            if at - 1 - int(losses[:at].argmin()) == patience)
            assert ended == expected and watch.curve == list(losses[:ended])
    watch = Watch(np.zeros((1, 1)), np.zeros(1), None, 3)
    assert [watch.tell(loss) for loss in (2.0, math.nan, 1.0, math.nan, 1.0, math.inf)] == [
        False] * 5 + [True]
    assert not any(Watch(np.zeros((1, 1)), np.zeros(1), None, 0).tell(1.0) for _ in range(99))


@pytest.mark.parametrize("kind", ["numbers", "two", "many"])
def test_what_watched_rows_were_answered_is_known_after_any_round(kind: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 5))
    pull = 2 * X[:, 0] + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=1500)
    y = {"numbers": pull, "two": (pull > 0).astype(np.int32),
         "many": np.digitize(pull, [-1, 0, 1]).astype(np.int32)}[kind]
    classes = {"numbers": 0, "two": 2, "many": 4}[kind]
    task = tasks.get("classification" if classes else "regression")
    pytest.importorskip("lightgbm")
    model = make("lightgbm(n_estimators=200, early_stopping=20, learning_rate=0.2)")
    rows, held = np.arange(1000), np.arange(1000, 1500)
    made = model.build(task, Context(1000, 5, n_classes=classes)).fit(
        X[rows], y[rows], watch=(X[held], y[held], None))
    for rounds in (len(made.curve_), len(made.curve_) - 20, 3):
        said = made.watched(X[held], rounds)
        own = copy.deepcopy(made).cut(rounds)
        asked = own.predict_proba(X[held]) if classes else own.predict(X[held])
        np.testing.assert_allclose(said, asked, rtol=1e-9, atol=1e-11)
    assert made.watched(X[held][:7], 3) is None  # other rows than those that were watched
    made.cut(3)
    assert made.watched(X[held], 2) is None  # it has been cut since
    heavy = np.ones(500)
    heavy[:9] = 0  # rows that weigh nothing are not watched
    some = model.build(task, Context(1000, 5, n_classes=classes)).fit(
        X[rows], y[rows], watch=(X[held], y[held], heavy))
    assert some.watched(X[held], 3) is None


def test_what_is_no_sum_of_trees_or_too_sure_is_asked_again() -> None:
    pytest.importorskip("lightgbm")
    rng = np.random.default_rng(1)
    X = rng.normal(size=(1200, 4))
    rows, held = slice(0, 800), slice(800, 1200)
    counts = rng.poisson(np.exp(X[:, 0] / 2)).astype(float)
    for loss in ("poisson", "absolute_error", "huber"):
        model = make(f"lightgbm(loss='{loss}', n_estimators=80, early_stopping=10)")
        made = model.build(tasks.get("regression"), Context(800, 4)).fit(
            X[rows], counts[rows], watch=(X[held], counts[held], None))
        said = made.watched(X[held], 5)
        assert (said is None) == (loss == "poisson")
        if said is not None:
            np.testing.assert_allclose(said, copy.deepcopy(made).cut(5).predict(X[held]))
    y = (X[:, 0] > 0).astype(np.int32)
    made = make("lightgbm(n_estimators=60, early_stopping=10)").build(
        tasks.get("classification"), Context(800, 4, n_classes=2)).fit(
        X[rows], y[rows], watch=(X[held], y[held], None))
    assert made.watched(X[held], 3) is not None
    made._watched[0] = 1 - 1e-13  # as heavy rows make it: the sum of its trees is not known
    assert made.watched(X[held], 3) is None
    assert made.watched(X[held], len(made.curve_)) is not None


def test_a_copy_of_a_cut_booster_is_cut() -> None:
    pytest.importorskip("lightgbm")
    X = np.random.default_rng(2).normal(size=(300, 3))
    made = make("lightgbm(n_estimators=50)").build(
        tasks.get("regression"), Context(300, 3)).fit(X, X[:, 0])
    made.cut(4)
    assert np.array_equal(copy.deepcopy(made).predict(X), made.predict(X))
