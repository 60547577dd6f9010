"""Permutation importance against scikit-learn's, and what its intervals and verdicts promise."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state

import wholefit as wf
from wholefit.api import _answers
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.evaluation import metrics
from wholefit.explain._together import alike, associations
from wholefit.explain.importance import Importance, importance, permutation, shuffles
from wholefit.explain.pool import Pool
from wholefit.models import Context, _tree_states
from wholefit.models._scorers import scorer


def drawn(rows: int, seed: int, classes: bool = False) -> pl.DataFrame:
    """x0 and x1 go together, x1 and x2 act together, x3 is noise, so is the level of x4."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    x[:, 1] = 0.6 * x[:, 0] + 0.8 * x[:, 1]
    y = x[:, 0] + x[:, 1] * x[:, 2] + 0.7 * rng.normal(size=rows)
    frame = pl.DataFrame({f"x{at}": x[:, at] for at in range(4)})
    levels = rng.choice(["a", "b", "c"], rows)
    return frame.with_columns(pl.Series("x4", levels),
                              pl.Series("y", np.where(y > 0, "up", "down") if classes else y))


@cache
def fitted(classes: bool = False) -> Any:
    return wf.fit(drawn(400, 0, classes), target="y", models=["gradient_boosting"], folds=2, jobs=1)


def pool(result: Any, frame: pl.DataFrame) -> tuple[Pool, np.ndarray]:
    asked = _answers.dataset(result._fitted, frame, {}, with_target=True)
    return Pool(result._fitted, asked), asked.target(result._fitted.codec)


def test_the_same_falls_as_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5))
    y = X[:, 0] + X[:, 1] * X[:, 2]
    forest = RandomForestRegressor(10, random_state=0).fit(X[:200], y[:200])
    X, y = X[200:], y[200:]
    theirs = permutation_importance(forest, X, y, n_repeats=4, random_state=0, scoring="r2")
    random = check_random_state(
        check_random_state(0).randint(np.iinfo(np.int32).max + 1, dtype=np.int64))
    index, whole, orders = np.arange(len(X)), np.arange(len(X)), []
    for _ in range(4):
        random.shuffle(index)
        whole = whole[index]  # it shuffles the column that it has shuffled before
        orders.append(whole)
    context = Context(rows=200, features=5, n_classes=0)
    ours = scorer(_tree_states.mean(forest.estimators_, forest, context))
    for answer, metric in ((ours, r2_score), (forest.predict, r2_score), (ours, "r2")):
        falls = permutation(answer, X, y, metric, np.stack(orders), task="regression")
        assert np.abs(falls - theirs.importances).max() < 1e-10
    both = permutation(ours, X, y, r2_score, np.stack(orders), features=[[1, 2]])
    mixed = X.copy()
    mixed[:, [1, 2]] = X[orders[0]][:, [1, 2]]
    assert abs(both[0, 0] - (r2_score(y, forest.predict(X)) -
                             r2_score(y, forest.predict(mixed)))) < 1e-12


def test_intervals_cover_and_noise_is_not_called() -> None:
    """80 tables of 150 rows: 95 % intervals hold what endlessly many rows would give."""
    result = fitted()
    metric = metrics.get("regression", "rmse")
    big, truth = pool(result, drawn(40_000, 99))
    true = {each.name: each.value for each in importance(
        big, truth, metric, most=40_000, repeats=3, together=None).columns}
    tables = 80
    held, called = dict.fromkeys(true, 0), 0
    for seed in range(tables):
        small, y = pool(result, drawn(150, 1_000 + seed))
        found = importance(small, y, metric, together=None, seed=seed)
        for each in found.columns:
            held[each.name] += each.low <= true[each.name] <= each.high
        called += any(each.verdict in ("matters", "misleads") for each in found.columns
                      if each.name in ("x3", "x4"))
    assert min(held.values()) / tables > 0.87, held  # 95 % less three standard errors
    assert called / tables < 0.13


@pytest.mark.parametrize(("classes", "metric"), [
    (False, "rmse"), (False, "r2"), (False, "mae"), (True, "log_loss"), (True, "roc_auc"),
    (True, "accuracy"), (True, "f1"), (True, "average_precision")])
def test_what_matters_matters_by_every_metric(classes: bool, metric: str) -> None:
    result = fitted(classes)
    found = result.importance(drawn(1_000, 5, classes), metric=metric)
    verdicts = {each.name: each.verdict for each in found.columns}
    assert {name for name, verdict in verdicts.items() if verdict == "matters"} == {
        "x0", "x1", "x2"}
    top = found.columns[0]
    assert top.low < top.value < top.high and top.p_adjusted >= top.p
    assert found.matters[0] == top.name and found.metric == metric


def test_a_function_of_the_users_own() -> None:
    def worst(truth: Any, prediction: Any) -> float:
        """The mean of the five worst errors."""
        return float(np.sort(np.abs(truth - prediction))[-5:].mean())

    worst.greater_is_better = False  # type: ignore[attr-defined]

    def close(truth: Any, prediction: Any) -> float:
        """Share of rows within one."""
        return float((np.abs(truth - prediction) < 1).mean())

    frame = drawn(400, 5)
    own = fitted().importance(frame, metric=close)
    assert own.columns[0].name in ("x0", "x1", "x2") and own.columns[0].verdict == "matters"
    assert "blocks" in own.how
    assert all(math.isfinite(each.low) for each in fitted().importance(
        frame, metric=worst, together=None).columns)


def test_groups_are_the_units() -> None:
    """Each row five times over: intervals must not shrink, nor verdicts grow."""
    frame = drawn(150, 7)
    result = wf.fit(drawn(300, 0).with_columns(pl.Series("who", np.arange(300) // 2)),
                    target="y", groups="who", models=["gradient_boosting"], folds=2, jobs=1)
    alone = frame.with_columns(pl.Series("who", np.arange(150)))
    many = pl.concat([alone] * 5)
    once = {each.name: each for each in result.importance(alone, repeats=20).columns}
    often = {each.name: each for each in result.importance(many, repeats=20).columns}
    for name in ("x0", "x1", "x2"):
        ratio = (often[name].high - often[name].low) / (once[name].high - once[name].low)
        assert 0.75 < ratio < 1.35, (name, ratio)
    assert "group" in result.importance(alone).how


def test_stand_ins_are_found_and_shuffled_together() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=1_200)
    frame = pl.DataFrame({"income": x, "copy": x + 0.05 * rng.normal(size=1_200),
                          "other": rng.normal(size=1_200),
                          "y": 2 * x + 0.3 * rng.normal(size=1_200)})
    result = wf.fit(frame[:600], target="y", models=["ridge"], folds=2, jobs=1)
    found = result.importance(frame[600:])
    assert [each.columns for each in found.together] == [("income", "copy")]
    assert found.bonds[0] > 0.95
    assert found.together[0].value > max(each.value for each in found.columns) + 0.1
    assert "income and copy stand in for each other" in found.to_text()
    named = result.importance(frame[600:], together={"pair": ["other", "copy"]})
    assert named.together[0].columns == ("other", "copy")
    assert not result.importance(frame[600:], together=None).together


def test_association_of_all_kinds() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=800)
    frame = pl.DataFrame({
        "number": x, "square": x**2, "level": np.where(x > 0, "high", "low"),
        "noise": rng.normal(size=800), "one": np.ones(800), "y": x})
    result = wf.fit(frame, target="y", models=["dummy"], folds=2, jobs=1,
                    roles={"one": "numeric"})
    names = ["number", "square", "level", "noise"]
    found = associations(_answers.dataset(result._fitted, frame, {}), names)
    assert found[0, 1] > 0.5, "not monotone, and yet seen"
    assert found[0, 2] > 0.8 and found[3, :3].max() < 0.15
    assert np.array_equal(found, found.T) and (np.diag(found) == 1).all()
    assert alike(names, found, 0.8) == [("number", "level")]
    assert alike(["a"], np.eye(1), 0.5) == []


def test_shuffles_within() -> None:
    codes = np.array([0, 1, 0, 1, 2, 0])
    for each in shuffles(6, 20, np.random.default_rng(0), codes):
        assert np.array_equal(codes[each], codes) and sorted(each) == list(range(6))
    plain = shuffles(6, 20, np.random.default_rng(0))
    assert all(sorted(each) == list(range(6)) for each in plain)


def test_conditional_importance_takes_off_what_others_tell() -> None:
    frame = drawn(1_500, 8)
    whole = {each.name: each.value for each in fitted().importance(frame).columns}
    given = fitted().importance(frame, within="x0")
    assert given.conditional and "alike" in given.to_text()
    assert {each.name: each.value for each in given.columns}["x0"] < 0.6 * whole["x0"]


def test_what_is_not_used_is_said_to_be_so() -> None:
    result = wf.fit(drawn(200, 0), target="y", models=["dummy"], folds=2, jobs=1)
    found = result.importance(drawn(100, 1))
    assert {each.verdict for each in found.columns} == {"not used"}
    assert "No column can be told from nothing" in found.to_text()


def test_it_is_repeatable_and_kept() -> None:
    first, again = (fitted().importance(drawn(200, 3), seed=4) for _ in range(2))
    assert first.to_json() == again.to_json() != fitted().importance(
        drawn(200, 3), seed=5).to_json()
    kept = Importance.from_json(first.to_json())
    assert kept.to_json() == first.to_json() and kept.to_text() == first.to_text()
    assert first.frame().height == len(first.columns) + len(first.together)
    assert "<svg" in first._repr_html_() and "x0" in first._repr_html_()


def test_many_rows_are_drawn_from_and_said() -> None:
    found = fitted().importance(drawn(3_000, 3), most=500)
    assert (found.rows, found.given) == (500, 3_000) and "500 of 3,000" in found.to_text()


def test_weights_of_zero_leave_rows_out() -> None:
    frame = drawn(300, 0).with_columns(pl.Series("w", np.ones(300)))
    result = wf.fit(frame, target="y", weights="w", models=["gradient_boosting"], folds=2, jobs=1)
    held = drawn(200, 3)
    half = held.with_columns(pl.Series("w", np.r_[np.ones(100), np.zeros(100)]))
    some = held[:100].with_columns(pl.Series("w", np.ones(100)))
    assert result.importance(half).to_json()["columns"] == result.importance(
        some).to_json()["columns"]


def test_what_cannot_be_asked_is_refused() -> None:
    frame = drawn(60, 3)
    result = fitted()
    with pytest.raises(UnknownNameError, match="repeats"):
        result.importance(frame, repeat=3)
    with pytest.raises(ParameterError, match="repeats must be"):
        result.importance(frame, repeats=0)
    with pytest.raises(ParameterError, match="at least two"):
        result.importance(frame, together=[["x0"]])
    with pytest.raises(UnknownNameError, match="x9"):
        result.importance(frame, together=[["x0", "x9"]])
    with pytest.raises(ParameterError, match="together must"):
        result.importance(frame, together="all")
    with pytest.raises(UnknownNameError):
        result.importance(frame, within="nothing")
    with pytest.raises(ParameterError, match="level"):
        result.importance(frame, level=95)
    with pytest.raises(DataError, match="target"):
        result.importance(frame.drop("y"))
    with pytest.raises(DataError, match="ten rows"):
        result.importance(frame[:9])
    one_class = drawn(60, 3, True).filter(pl.col("y") == "up")
    with pytest.raises(DataError, match="one class"):
        fitted(True).importance(one_class, metric="roc_auc")
