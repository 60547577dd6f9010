"""How much of a table a budget carries, and what trials are expected to take."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base import tasks
from wholefit.data import dataset_of
from wholefit.models import make
from wholefit.training import Options
from wholefit.training._beside import some
from wholefit.training._folds import Problem
from wholefit.training._pace import Pace
from wholefit.training._stopping import best_rounds
from wholefit.training.automl import _scale
from wholefit.training.fitting import plan_of


def problem(rows: int, columns: int = 5, groups: int = 0) -> Problem:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, columns))
    frame = pl.DataFrame({f"x{at}": x[:, at] for at in range(columns)}).with_columns(
        y=pl.Series(x[:, 0] + rng.normal(size=rows)))
    if groups:
        frame = frame.with_columns(g=pl.Series(rng.integers(0, groups, rows)))
    dataset = dataset_of(frame, target="y", **({"groups": "g"} if groups else {}))
    y = frame["y"].to_numpy()
    task = tasks.get("regression")
    return Problem(dataset, task, y, 0, plan_of(dataset, task, y, Options()), None, 1, 0, {})


def test_a_small_table_is_taken_whole() -> None:
    whole = problem(500)
    found = _scale.scaled(whole, make("lightgbm"), 10.0, 5, 2)
    assert found.problem is whole and (found.folds, found.workers) == (5, 2) and not found.said


def test_without_a_clock_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_scale, "_SMALL", 0)
    assert _scale.scaled(problem(3000), make("ridge"), float("inf"), 5, 2).folds == 5


@pytest.mark.parametrize("fold, folds", [(1.0, 5), (2.4, 4), (3.2, 1), (9.0, 1)])
def test_dear_folds_are_fewer(
    monkeypatch: pytest.MonkeyPatch, fold: float, folds: int
) -> None:
    monkeypatch.setattr(_scale, "_SMALL", 0)
    monkeypatch.setattr(_scale, "_fold_seconds", lambda *_: fold)
    found = _scale.scaled(problem(3000), make("ridge"), 40.0, 5, 2)
    assert found.folds == folds and len(found.said) == (folds < 5)


@pytest.mark.parametrize("fold, folds", [(0.1, 5), (0.2, 1), (2.4, 1)])
def test_where_one_fold_judges_enough_more_models_have_a_turn(
    monkeypatch: pytest.MonkeyPatch, fold: float, folds: int
) -> None:
    monkeypatch.setattr(_scale, "_SMALL", 0)
    monkeypatch.setattr(_scale, "_fold_seconds", lambda *_: fold)
    found = _scale.scaled(problem(26_000), make("ridge"), 40.0, 5, 2)
    assert (found.folds, found.workers, found.lent) == (folds, 2, folds == 1)
    assert all(("more models" in said) == (fold * 5 <= 10) for said in found.said)


def test_rows_of_a_rare_class_are_not_enough() -> None:
    even = problem(26_000)
    assert _scale._judges(even) and not _scale._judges(problem(3000))
    codes = np.zeros(26_000, dtype=np.intp)
    codes[:1_000] = 1
    assert _scale._judges(replace(even, y=np.random.default_rng(0).permutation(codes),
                                  n_classes=2))
    codes[:900] = 0
    assert not _scale._judges(replace(even, y=np.random.default_rng(0).permutation(codes),
                                      n_classes=2))


def test_where_one_fold_is_too_much_rows_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_scale, "_SMALL", 0)
    monkeypatch.setattr(_scale, "_fold_seconds", lambda *_: 100.0)
    whole = problem(30_000)
    found = _scale.scaled(whole, make("ridge"), 40.0, 5, 2)
    (train, test), = found.problem.plan.folds
    assert (found.folds, found.workers, found.lent) == (1, 1, True)
    assert 2_000 <= len(train) < 24_000 and len(test) == 5_000
    assert set(train) - set(whole.plan.folds[0][0])  # some of those that would judge are lent
    assert not set(train) & set(test) and f"{len(train):,}" in found.said[0]


def test_where_all_threads_carry_one_fold_no_row_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_scale, "_SMALL", 0)
    monkeypatch.setattr(_scale, "_fold_seconds", lambda *_: 12.0)
    found = _scale.scaled(problem(30_000), make("ridge"), 40.0, 5, 2)
    (train, test), = found.problem.plan.folds
    assert (found.folds, found.workers, found.share) == (1, 1, None)
    assert len(test) == 5_000 and len(train) == 25_000


@pytest.mark.parametrize("fold", [9.0, 12.0, 100.0])
def test_a_replay_meets_the_rows_of_the_run(monkeypatch: pytest.MonkeyPatch, fold: float) -> None:
    monkeypatch.setattr(_scale, "_SMALL", 0)
    monkeypatch.setattr(_scale, "_fold_seconds", lambda *_: fold)
    found = _scale.scaled(problem(30_000), make("ridge"), 40.0, 5, 2)
    again = _scale.scaled(problem(30_000), make("ridge"), 1.0, 5, 2,
                          SimpleNamespace(decided=found.decided()))
    for ours, theirs in zip(found.problem.plan.folds[0], again.problem.plan.folds[0], strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("groups", [0, 300])
def test_where_one_fold_judges_most_of_its_rows_are_learnt_from(
    monkeypatch: pytest.MonkeyPatch, groups: int
) -> None:
    monkeypatch.setattr(_scale, "_SMALL", 0)
    monkeypatch.setattr(_scale, "_JUDGED", 500)
    monkeypatch.setattr(_scale, "_fold_seconds", lambda *_: 9.0)
    whole = problem(10_000, groups=groups)
    found = _scale.scaled(whole, make("ridge"), 40.0, 5, 2)
    (train, test), = found.problem.plan.folds
    assert found.lent and found.folds == 1 and found.workers == 2
    assert 200 < len(test) < 900 and len(train) + len(test) == 10_000
    assert not set(train) & set(test) and f"{len(test):,}" in found.said[0]
    if groups:
        units = whole.plan.units
        assert units is not None and not set(units[train]) & set(units[test])


def test_groups_are_drawn_whole() -> None:
    whole = problem(4000, groups=200)
    train = whole.plan.folds[0][0]
    drawn = some(train, 0.3, whole.plan.units, np.random.default_rng(0))
    units = whole.plan.units
    assert units is not None
    kept, rest = set(units[drawn]), set(units[np.setdiff1d(train, drawn)])
    assert not kept & rest and 0.2 < len(drawn) / len(train) < 0.4


def test_the_taste_is_of_the_right_size() -> None:
    seconds = _scale._fold_seconds(problem(4000), make("lightgbm"), 3200, 5)
    assert 0.01 < seconds < 60


def test_pace_learns_from_what_trials_took() -> None:
    pace = Pace(10_000, 20)
    quick, slow = make("lightgbm"), make("catboost")
    before = pace.expect(slow, 5)
    pace.learn(quick, 5, 5 * pace.expect(quick, 5))
    assert pace.expect(slow, 5) > 3 * before  # the machine is slower than the catalog says
    pace.learn(slow, 5, before)
    assert pace.expect(slow, 5) == pytest.approx(before, rel=0.1)


def test_a_rate_that_is_left_to_the_library_is_the_usual_one() -> None:
    pace = Pace(10_000, 20)
    rate = make("catboost(learning_rate=0.1, early_stopping=20)")
    left = rate.replace(learning_rate=None)
    assert 0 < pace.expect(left, 5) < float("inf")


def test_small_steps_take_longer() -> None:
    pace = Pace(10_000, 20)
    usual = pace.expect(make("lightgbm(n_estimators=2000, early_stopping=20)"), 5)
    slow = pace.expect(
        make("lightgbm(n_estimators=2000, early_stopping=20, learning_rate=0.01)"), 5)
    assert 3 < slow / usual < 6
    many = pace.expect(make("random_forest(n_estimators=1000)"), 5)
    assert many > 2 * pace.expect(make("random_forest"), 5)


def test_rounds_are_read_off_the_mean_curve() -> None:
    """By hand: means 3, 1.5, 1.5, 2.25 with the short curve held where it ended."""
    assert best_rounds([np.array([3.0, 2.0, 1.0, 2.5]), np.array([3.0, 1.0, 2.0])]) == 2
    assert best_rounds([np.array([3.0, 2.0, 1.0, 2.5])]) == 3


def test_where_scoring_would_take_much_fewer_rows_are_judged(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_scale, "_MOST_JUDGED", 500)
    whole = problem(3000)
    assert _scale.judged_few(whole, 5.0) == (whole, 1.0, ())
    assert _scale.judged_few(whole, float("inf")) == (whole, 1.0, ())
    few, share, said = _scale.judged_few(whole, 0.05)
    assert share == pytest.approx(1 / 6) and said == (
        "models are judged on 500 of 3,000 rows, for the time would not carry all",)
    for (train, test), (train2, test2) in zip(whole.plan.folds, few.plan.folds, strict=True):
        assert np.array_equal(train, train2) and 60 < len(test2) < 140
        assert set(test2) <= set(test)
    assert sum(len(test) for _, test in few.plan.folds) == 500
    script = SimpleNamespace(decided={"judged": share})
    again, *_ = _scale.judged_few(whole, float("inf"), script)  # type: ignore[arg-type]
    assert all(np.array_equal(one[1], two[1]) for one, two in zip(
        few.plan.folds, again.plan.folds, strict=True))
    assert _scale.judged_few(whole, 0.0, SimpleNamespace(decided={}))[1] == 1.0  # type: ignore[arg-type]
    few, _, _ = _scale.judged_few(problem(3000, groups=5), 0.0)
    assert all(len(test) for _, test in few.plan.folds), "a fold is a group, and all are judged"


def test_of_few_judged_rows_the_rarest_class_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_scale, "_MOST_JUDGED", 100)
    monkeypatch.setattr(_scale, "_RARE", 20)
    whole = problem(3000)
    y = (np.arange(3000) % 50 == 0).astype(np.int32)  # 60 of 3,000
    rare = replace(whole, y=y, n_classes=2, task=tasks.get("classification"))
    assert _scale.judged_few(rare, 0.0)[1] == pytest.approx(1 / 3)
    few, share, _ = _scale.judged_few(replace(rare, weights=1.0 - y), 0.0)
    assert share == pytest.approx(1 / 30), "the class that weighs nothing tells nothing"
    y[60:] = 0
    assert _scale.judged_few(rare, 0.0)[1] == 1.0, "2 are too few to leave any out"
    twice = replace(whole.plan, folds=whole.plan.folds * 2)
    few, _, said = _scale.judged_few(replace(whole, plan=twice), 0.0)
    assert said[0].startswith("models are judged on 100 of 3,000 rows")
    assert all(np.array_equal(few.plan.folds[at][1], few.plan.folds[at + 5][1])
               for at in range(5))


def test_a_budget_too_short_for_all_rows_is_kept_said_and_replayed(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults are not looked for, fewer rows judge; the same again from the record alone."""
    from wholefit.training import leaks

    monkeypatch.setattr(_scale, "_MOST_JUDGED", 500)
    monkeypatch.setattr(_scale, "_SCORED", 1.0)
    monkeypatch.setattr(leaks, "_CELL", 1.0)
    frame = problem(3000).dataset.frame.with_columns(copy=pl.col("y") * 2)
    result = wf.fit(frame, target="y", models=["ridge"], budget="5s")
    assert any("judged on 500 of 3,000 rows" in said for said in result.warnings)
    assert any("were not looked for: on 3,000 rows" in said for said in result.warnings)
    assert not result.findings and result.lineage["decided"] == {"judged": 500 / 3000}
    assert result.replay(frame).equal
    told = wf.fit(frame, target="y", models=["ridge"], checks=False)
    assert not any("looked for" in said for said in told.warnings)


def test_the_baseline_has_no_feature_made(monkeypatch: pytest.MonkeyPatch) -> None:
    from wholefit.features.encoder import Encoder
    from wholefit.training import _blind, _folds

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the rows it learns from were encoded")

    monkeypatch.setattr(_blind, "_ROWS", 50)
    whole = problem(3000)
    train = whole.plan.folds[0][0]
    right = whole.y[train].mean()
    with monkeypatch.context() as patched:
        patched.setattr(Encoder, "transform_training", refuse)
        made = _folds.fit_one(whole, make("dummy"), train, 0)
    assert made.estimator.predict(np.zeros((2, 5)))[0] == pytest.approx(right)
    assert len(made.encoder.names) == 5
    assert whole.encoder(make("ridge"), train, 0)[0] is not made.encoder


def test_a_text_that_few_rows_have_is_enough_for_the_baseline(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    from wholefit.training import _blind

    monkeypatch.setattr(_blind, "_ROWS", 3)
    words = ["good, kind and quick" if at % 100 == 0 else None for at in range(3000)]
    frame = pl.DataFrame({"said": words, "y": [at % 2 for at in range(3000)]},
                         schema_overrides={"said": pl.String})
    result = wf.fit(frame, target="y", task="classification", models=["dummy"], folds=2,
                    roles={"said": "text"})
    assert [entry.status for entry in result._run.leaderboard] == ["ok"]
