"""A race where rows are in order of time: nothing learns from what came after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base import tasks
from wholefit.base.budget import Budget, Clock
from wholefit.data import Dataset, dataset_of
from wholefit.training import Options, Run, _stopping, fit
from wholefit.training.automl import _scale
from wholefit.training.automl._blend import LABEL
from wholefit.training.ensembling import Pool, blend
from wholefit.training.fitting import prepared

ROWS = 900
MEMBERS = ("ridge", "lightgbm(n_estimators=80, learning_rate=0.1, early_stopping=5)",
           "random_forest(n_estimators=10, max_depth=6)")


def table(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """A series whose law drifts; rows are shuffled, the day says their order, two a day."""
    rng = np.random.default_rng(seed)
    day = np.arange(rows) // 2
    a, b = rng.normal(size=(2, rows))
    y = a * (1 + day / day.max()) + np.sin(2 * b) + 0.3 * rng.normal(size=rows)
    frame = pl.DataFrame({"day": day, "a": a, "b": b, "y": y, "shop": np.arange(rows) // 7})
    return frame.with_columns(pl.date(2020, 1, 1) + pl.duration(days=pl.col("day"))
                              ).sample(fraction=1, shuffle=True, seed=seed)


@pytest.fixture(scope="module")
def days() -> Dataset:
    return dataset_of(table().drop("shop"), target="y", time="day")


@pytest.fixture(scope="module")
def raced(days: Dataset) -> Run:
    return run(days)


def run(dataset: Dataset, *models: str, budget: str = "20 trials", **words: Any) -> Run:
    options = {"preset": "balanced", "jobs": 2, **words}
    return fit(dataset, tasks.get("regression"),
               Options(models=list(models or MEMBERS), **options), Clock(Budget.parse(budget)))


def test_there_is_a_race_and_an_ensemble_whose_members_learn_all_rows(
    raced: Run, days: Dataset
) -> None:
    board = {entry.model: entry for entry in raced.leaderboard}
    assert {LABEL, "dummy", "ridge", "lightgbm", "random_forest"} == set(board)
    assert raced.lineage["decided"]["race"] and raced.lineage["decided"]["forward"]
    assert board[LABEL].scores["rmse"].value < board["dummy"].scores["rmse"].value
    members = raced.fitted.state().config["members"]
    assert members and all("whole" in member for member in members)
    assert np.isfinite(raced.fitted.answer(days)).all()


def test_no_fold_learns_from_rows_later_than_it_judges(days: Dataset) -> None:
    order = days.time_order()
    assert order is not None
    ground = prepared(days, tasks.get("regression"), Options())
    assert ground.problem.forward and len(ground.problem.plan) == 5
    for train, test in ground.problem.plan.folds:
        assert order[train].max() < order[test].min()


def changed(frame: pl.DataFrame, days: Dataset, from_rank: int) -> Dataset:
    """The same rows with another truth from a time on."""
    order = days.time_order()
    assert order is not None
    late = pl.Series(order >= from_rank)
    return dataset_of(frame.with_columns(y=pl.when(late).then(50 - 3 * pl.col("y")).otherwise(
        pl.col("y"))), target="y", time="day")


def test_what_comes_later_changes_no_answer_to_what_came_before(
    days: Dataset, raced: Run
) -> None:
    """The ensemble's weights and bounds, its members and their rounds: all are from before.

    With another truth in the last stretch of time the answers to every earlier row must be the
    same bits.
    """
    order = days.time_order()
    assert order is not None
    plan = prepared(days, tasks.get("regression"), Options()).problem.plan
    last = int(order[plan.folds[-1][1]].min())
    other = run(changed(table().drop("shop"), days, last))
    for label in ("ridge", "random_forest", "lightgbm", LABEL):
        early = order < last
        assert np.isfinite(raced.oof[label][early]).any()
        assert np.array_equal(raced.oof[label][early], other.oof[label][early],
                              equal_nan=True), label
    # What comes before does change the answers: the test can fail.
    third = run(changed(table().drop("shop"), days, int(order[plan.folds[-2][1]].min())))
    judged = plan.folds[-1][1]
    for label in ("ridge", "random_forest", "lightgbm"):
        assert not np.allclose(raced.oof[label][judged], third.oof[label][judged]), label


def test_the_reported_score_is_of_later_rows(raced: Run, days: Dataset) -> None:
    """The first stretch that is judged settles the first weights, and is not in the score."""
    order = days.time_order()
    assert order is not None
    plan = prepared(days, tasks.get("regression"), Options()).problem.plan
    judged = np.isfinite(raced.oof[LABEL])
    assert np.array_equal(np.flatnonzero(judged), np.sort(np.concatenate(
        [test for _, test in plan.folds[1:]])))
    assert order[judged].min() > order[plan.folds[0][1]].max()
    entry = next(each for each in raced.leaderboard if each.model == LABEL)
    told = np.sqrt(np.mean((raced.oof[LABEL] - raced.truth)[judged] ** 2))
    assert entry.scores["rmse"].value == pytest.approx(told)


def test_a_replay_is_bit_equal() -> None:
    frame = table()
    result = wf.fit(frame, target="y", time="day", groups="shop", budget="9 trials", jobs=2,
                    checks=False, models=", ".join(MEMBERS), preset="balanced")
    assert LABEL in [entry.model for entry in result.leaderboard]
    found = wf.replay(result, source=frame)
    assert found.equal, str(found)


def test_a_replay_of_a_plain_fit_is_bit_equal() -> None:
    frame = table(300).drop("shop")
    result = wf.fit(frame, target="y", time="day", jobs=1, checks=False,
                    models="ridge, lightgbm(n_estimators=30, early_stopping=3)")
    assert LABEL not in [entry.model for entry in result.leaderboard]
    assert wf.replay(result, source=frame).equal


def test_rounds_are_those_of_the_folds_before(raced: Run) -> None:
    """Curves with their least loss at 1, 2, ... rounds: whose was asked shows in the answer."""
    curves = [np.abs(np.arange(1, 12) - best) + 1.0 for best in (3, 5, 9, 2)]
    assert [_stopping.rounds_of(curves, at, forward=True) for at in range(4)] == [
        3, 3, _stopping.best_rounds(curves[0:2]), _stopping.best_rounds(curves[1:3])]
    assert _stopping.rounds_of(curves, 0) == _stopping.best_rounds(curves[1:])
    assert _stopping.rounds_to_come(curves) == _stopping.best_rounds(curves[2:])
    assert _stopping.rounds_for_all([3, 3, 4, 9], forward=True) == 9
    trial = next(each for each in raced.lineage["schedule"] if each["model"] == "lightgbm")
    assert len(trial["rounds"]) == trial["folds"] + 1


def test_one_fold_is_the_latest_and_lends_what_is_earlier(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = dataset_of(table(1200), target="y", time="day", groups="shop")
    order, groups = dataset.time_order(), dataset.groups()
    assert order is not None and groups is not None
    problem = prepared(dataset, tasks.get("regression"), Options()).problem
    monkeypatch.setattr(_scale, "_JUDGED", 20)
    lent = _scale._lent(problem)
    (train, test), = lent.plan.folds
    assert order[train].max() < order[test].min() and order[test].max() == order.max()
    assert len(test) < len(problem.plan.folds[-1][1]) / 2
    assert len(train) > len(problem.plan.folds[-1][0])
    assert not set(groups[train]) & set(groups[test])
    four = _scale._last(problem, 4)
    assert [len(train) for train, _ in four.plan.folds] == [
        len(train) for train, _ in problem.plan.folds[1:]]
    assert _scale._last(replace(problem, forward=False), 4).plan is problem.plan


def test_one_fold_is_blended_in_order_of_time() -> None:
    """One fold holds all judged rows: they are parted by time, and only later ones are judged."""
    rng = np.random.default_rng(0)
    truth, order = rng.normal(size=500), rng.permutation(500)
    answers = {"a": truth + rng.normal(size=500), "b": truth + rng.normal(size=500)}
    pool = Pool(answers, truth, np.zeros(500, int), task="regression", order=order)
    mixed = blend(pool)
    judged = np.isfinite(mixed.answer)
    assert judged.sum() == 400 and order[judged].min() == 100
    later = np.where(order >= 300, 9 - truth, truth)
    other = blend(replace(pool, truth=later))
    same = judged & (order < 300)
    assert mixed.bounds != other.bounds or mixed.shares != other.shares
    assert np.array_equal(mixed.answer[same], other.answer[same])
    times = replace(pool, order=np.zeros(500, int))  # nothing is later: parts are drawn
    assert np.isfinite(blend(times).answer).all()


def test_members_that_are_not_learnt_anew_answer_by_the_last_fold(
    monkeypatch: pytest.MonkeyPatch, days: Dataset
) -> None:
    from wholefit.training.automl import _whole

    monkeypatch.setattr(_whole, "learn", lambda *_: _whole.Learnt())
    found = run(days, "ridge", "random_forest(n_estimators=5)")
    members = found.fitted.state().config["members"]
    assert members and all(member["fold"] == 4 for member in members)


def test_classes_are_raced_in_order_of_time() -> None:
    frame = table().drop("shop").with_columns(y=pl.col("y") > 0)
    found = fit(dataset_of(frame, target="y", time="day"), tasks.get("classification"),
                Options(models=["logistic", *MEMBERS[1:]], preset="best", jobs=1),
                Clock(Budget.parse("4 trials")))
    assert LABEL in {entry.model for entry in found.leaderboard}
    assert found.lineage["decided"]["second"] == []  # a second layer would learn from later rows
    assert found.lineage["ensemble"].get("expected") is None


def test_a_short_budget_of_time_is_kept(days: Dataset) -> None:
    import time

    start = time.perf_counter()
    found = run(days, *MEMBERS, budget="12s")
    assert time.perf_counter() - start < 20  # a busy machine is forgiven much
    assert found.lineage["decided"]["forward"] and found.chosen.model
