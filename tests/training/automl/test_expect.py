"""What the mean of the folds' models gains is told, from below, and never without cause."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import training
from wholefit.api.result import Result
from wholefit.base import tasks
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import ArtifactError
from wholefit.data import Dataset, bundled, dataset_of, read
from wholefit.data.loading import conforming
from wholefit.evaluation import Score
from wholefit.models import make
from wholefit.training import Options, Run
from wholefit.training._beside import beside, rows_beside, share_beside, tells
from wholefit.training._folds import Validated
from wholefit.training.automl import _scale
from wholefit.training.automl._expect import Gain, gain
from wholefit.training.ensembling import Blended

ROWS, FOLDS = 5_000, 5
ONE, TWO = ROWS // FOLDS, 2 * ROWS // FOLDS  # rows of the first fold, and of the first two
NUMBERS = ("ridge", "extra_trees(n_estimators=20)", "knn(k=3)")


def problem(truth: np.ndarray, task: str = "regression", **more: Any) -> Any:
    parts = np.array_split(np.arange(len(truth)), FOLDS)
    folds = tuple((np.setdiff1d(np.arange(len(truth)), part), part) for part in parts)
    return SimpleNamespace(y=truth, plan=SimpleNamespace(folds=folds, units=None), weights=None,
                           task=SimpleNamespace(name=task), **more)


def one_member(answer: np.ndarray) -> tuple[Blended, dict[str, Validated]]:
    found = Validated(answer, np.ones(len(answer), np.int32), [1.0] * FOLDS, [0.1] * FOLDS, FOLDS,
                      kept=["somewhere"] * FOLDS)
    return Blended({"one": 1.0}, answer), {"one": found}


def taught(parts: np.ndarray, known: list[int], size: float) -> np.ndarray:
    """What a model that learnt these folds adds: each fold's own part (folds, rows), averaged."""
    return size * parts[known].mean(axis=0)


@pytest.mark.parametrize(("size", "least"), [(0.4, 0.75), (1.0, 0.6)])
def test_models_that_share_folds_gain_what_they_should(size: float, least: float) -> None:
    """Each fold of rows pulls the models that learn it its own way, as far as they are linear."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=ROWS)
    base = truth + 0.5 * rng.normal(size=ROWS)  # what no averaging takes away
    parts = rng.normal(size=(FOLDS, ROWS))
    models = [base + taught(parts, [at for at in range(FOLDS) if at != out], size)
              for out in range(FOLDS)]
    true = np.mean([((each - truth) ** 2).mean() for each in models]) \
        - ((np.mean(models, axis=0) - truth) ** 2).mean()
    blended, found = one_member(np.concatenate([models[0][:ONE], models[1][ONE:]]))
    second = base + taught(parts, [2, 3, 4], size)
    told = gain(problem(truth), blended, found, {"one": second[:TWO]})
    assert told is not None and told.members == ("one",) and told.models == FOLDS
    # The less a second model's own poverty counts, the nearer: it learnt a fold less.
    assert least * true < told.value < 1.1 * true
    assert told.error < 0.15 * told.value


def test_a_second_model_that_fails_is_no_spread() -> None:
    rng = np.random.default_rng(4)
    truth = rng.normal(size=ROWS)
    first = truth + 0.5 * rng.normal(size=ROWS)
    blended, found = one_member(first)
    wild = np.where(rng.random(ROWS) < 0.3, 40.0, first)[:TWO]
    told = gain(problem(truth), blended, found, {"one": wild})
    assert told is None or told.share < 0.02


def test_few_wild_rows_are_not_the_gain() -> None:
    rng = np.random.default_rng(5)
    truth = rng.normal(size=ROWS)
    base = truth + 0.5 * rng.normal(size=ROWS)
    first, second = (base + 0.1 * rng.normal(size=ROWS) for _ in range(2))
    blended, found = one_member(first)
    usual = gain(problem(truth), blended, found, {"one": second[:TWO]})
    second[:5] += 8.0
    wild = gain(problem(truth), blended, found, {"one": second[:TWO]})
    assert usual is not None and wild is not None and wild.value < 2 * usual.value


def test_log_loss_gains_by_the_mean_of_probabilities() -> None:
    rng = np.random.default_rng(1)
    logit, parts = rng.normal(size=ROWS), rng.normal(size=(FOLDS, ROWS))
    truth = (rng.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(np.intp)

    def draw(known: list[int]) -> np.ndarray:
        p = 1 / (1 + np.exp(-(logit + taught(parts, known, 0.9))))
        return np.column_stack([1 - p, p])

    models = [draw([at for at in range(FOLDS) if at != out]) for out in range(FOLDS)]
    loss = [-np.log(each[np.arange(ROWS), truth]).mean() for each in (*models, sum(models) / FOLDS)]
    true = np.mean(loss[:-1]) - loss[-1]
    blended, found = one_member(np.concatenate([models[0][:ONE], models[1][ONE:]]))
    told = gain(problem(truth, "classification"), blended, found,
                {"one": draw([2, 3, 4])[:TWO]})
    assert told is not None and abs(told.value - true) < max(4 * told.error, 0.15 * true)


def test_members_without_a_second_model_count_as_if_they_gained_nothing() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(size=ROWS)
    first, second = (truth + rng.normal(size=ROWS) for _ in range(2))
    _, found = one_member(first)
    two = {"one": found["one"], "other": found["one"]}
    blended = Blended({"one": 0.5, "other": 0.5}, first)
    test = slice(TWO)
    both = gain(problem(truth), blended, two, {"one": second[test], "other": second[test]})
    half = gain(problem(truth), blended, two, {"one": second[test]})
    assert both is not None and half is not None and half.value < 0.4 * both.value
    assert gain(problem(truth), blended, two, {}) is None
    assert gain(problem(truth), blended, two, {"one": first[test]}) is None  # no spread at all


def test_the_expected_score_moves_by_the_gain_and_its_interval_widens() -> None:
    told = Gain(0.05, 0.01, 0.2, 100, 5, ("one",))
    was = Score("log_loss", 0.40, 0.36, 0.44, 0.95, "how", 500)
    found = told.expected(was)
    assert found is not None and found.metric == "log_loss" and "5 models" in found.how
    assert found.value == pytest.approx(0.35)
    assert found.value - found.low == pytest.approx(math.hypot(0.04, 0.0196), rel=1e-3)
    root = told.expected(Score("rmse", 1.0, 0.9, 1.1, 0.95, "how", 500))
    assert root is not None and root.value == pytest.approx(math.sqrt(0.95))
    assert told.expected(Score("roc_auc", 0.9, 0.8, 0.95, 0.95, "how", 500)) is None
    # A fold of wild rows says little of the others: the smaller of gain and share counts.
    wild = Gain(50.0, 1.0, 0.1, 100, 5, ("one",)).expected(was)
    assert wild is not None and wild.value == pytest.approx(0.36)


@pytest.fixture(scope="module")
def churn() -> Dataset:
    return dataset_of(read(bundled.path("telco_churn")).frame.head(900), target="churn")


def steep(rows: int) -> pl.DataFrame:
    """Numbers without noise: every row more is worth something."""
    x = np.random.default_rng(5).uniform(-1, 1, size=(rows, 3))
    y = np.sin(5 * x[:, 0]) + x[:, 1] * x[:, 2]
    return pl.DataFrame({**{f"x{at}": x[:, at] for at in range(3)}, "y": y})


@pytest.fixture(scope="module")
def raced() -> Run:
    return training.fit(dataset_of(steep(2_000), target="y"), tasks.get("regression"), Options(
        models=list(NUMBERS), preset="balanced", jobs=2), Clock(Budget.parse("120s")))


def test_a_race_tells_what_to_expect(raced: Run) -> None:
    made, score = raced.lineage["ensemble"], raced.chosen.scores["rmse"]
    expected = Score.from_json(made["expected"])
    assert 0.8 * score.value < expected.value < score.value and "all rows" in expected.how
    rows = steep(8_000).tail(5_000)
    error = np.asarray(raced.fitted.answer(conforming(rows, raced.fitted.schema))) - rows["y"]
    true = float(np.sqrt((error**2).mean()))
    assert abs(expected.value - true) < abs(score.value - true)
    assert set(raced.lineage["decided"]["beside"]) == set(made["shares"])


def test_the_second_model_knows_nothing_of_the_first_fold(churn: Dataset) -> None:
    from wholefit.data import splits
    from wholefit.training._folds import Problem

    task = tasks.get("classification")
    codec = task.codec("churn", churn.target_values(), None)
    y = churn.target(codec)
    plan = splits.kfold(churn, y, folds=5, repeats=1, seed=0, stratify=True)

    def asked(y: np.ndarray) -> np.ndarray:
        return beside(Problem(churn, task, y, 2, plan, None, 1, 0, {}), make("knn(k=1)"))

    test, lost = plan.folds[0][1], plan.folds[1][1]
    other = y.copy()
    other[test] = 1 - other[test]
    other[lost] = 1 - other[lost]
    assert (asked(y) == asked(other)).all()
    rest = np.setdiff1d(np.arange(len(y)), np.concatenate([test, lost]))
    other[rest] = 1 - other[rest]
    assert not (asked(y) == asked(other)).all()


def test_beside_one_fold_a_model_learns_half_of_its_rows() -> None:
    rows = np.arange(1_000)
    train, test = rows[200:], rows[:200]

    def problem(units: np.ndarray | None) -> Any:
        plan = SimpleNamespace(folds=((train, test),), units=units)
        return SimpleNamespace(plan=plan, seed=3, y=rows)

    less, answered = rows_beside(problem(None))
    assert (answered == test).all() and len(less) == 400 and set(less) < set(train)
    assert share_beside(problem(None)) == 0.5
    units = rows // 4
    whole, _ = rows_beside(problem(units))
    assert 300 < len(whole) < 500 and set(whole) < set(train)
    assert not set(units[whole]) & set(units[np.setdiff1d(train, whole)])
    assert (rows_beside(problem(units))[0] == whole).all()  # by the run's own seed


def test_a_model_beside_a_fold_tells_nothing_by_too_few_rows_or_classes() -> None:
    rows = np.arange(1_000)

    def problem(units: np.ndarray | None, y: np.ndarray, n_classes: int = 0) -> Any:
        plan = SimpleNamespace(folds=((rows[200:], rows[:200]),), units=units)
        return SimpleNamespace(plan=plan, seed=3, y=y, n_classes=n_classes)

    assert tells(problem(None, rows))
    one = np.where(rows < 950, 0, rows)  # one unit has nearly all rows: it is drawn, or it is not
    assert not tells(problem(one, rows))
    assert tells(problem(None, rows % 2, 2))
    lone = (rows == next(each for each in rows[200:] if each not in rows_beside(
        problem(None, rows))[0])).astype(int)  # a class of one row, which it does not learn
    assert not tells(problem(None, lone, 2))


def test_the_result_keeps_it_in_its_file_and_a_replay_comes_to_the_same(tmp_path: Any) -> None:
    frame = steep(2_000)
    found = wf.fit(frame, target="y", models=list(NUMBERS), preset="balanced",
                   budget="3 trials", jobs=2, seed=1)
    assert found.expected.value < found.score.value
    found.save(tmp_path / "m.wf")
    assert wf.load(tmp_path / "m.wf").expected == found.expected
    again = wf.replay(tmp_path / "m.wf", frame)
    assert again.equal and again.result is not None and again.result.expected == found.expected
    facts = found._facts
    odd = Result(found._fitted, replace(facts, lineage={**facts.lineage, "ensemble": {
        "expected": {"metric": 3}}}))
    with pytest.raises(ArtifactError, match="expects of new rows"):
        _ = odd.expected
    alone = wf.fit(frame, target="y", models=["ridge"], seed=1)
    assert alone.expected == alone.score


def test_where_one_fold_judges_it_is_told_too(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("_JUDGED", 400), ("_SMALL", 0), ("_fold_seconds", lambda *_: 3.0)):
        monkeypatch.setattr(_scale, name, value)
    frame = steep(2_000)
    found = wf.fit(frame, target="y", models=list(NUMBERS), preset="balanced", budget="120s",
                   jobs=2, seed=1)
    decided = found._facts.lineage["decided"]
    assert decided["lent"] and decided["folds"] == 1 and decided["beside"]
    assert 0.5 * found.score.value < found.expected.value < found.score.value
    assert "over 80% of them, from what these taught over 40%" in found.expected.how
    assert "measured on 400 rows" in found.expected.how
    found.save(tmp_path / "m.wf")
    again = wf.replay(tmp_path / "m.wf", frame)
    assert again.equal and again.result is not None and again.result.expected == found.expected


def test_what_is_made_of_an_ensemble_is_not_told_the_ensembles_score() -> None:
    frame = steep(2_000)
    found = wf.fit(frame, target="y", models=list(NUMBERS), preset="balanced",
                   budget="3 trials", jobs=2)
    student = found.distil(frame, to="tree").student
    assert found.expected != found.score and student.expected == student.score


def test_one_wild_row_is_no_gain() -> None:
    rng = np.random.default_rng(4)
    truth = rng.normal(size=ROWS)
    first = truth + rng.normal(size=ROWS)
    second = first[:TWO].copy()
    second[7] += 1e4
    blended, found = one_member(first)
    told = gain(problem(truth), blended, found, {"one": second})
    assert told is None or told.value < 0.01 * (1e4 / 2) ** 2 / len(second)
