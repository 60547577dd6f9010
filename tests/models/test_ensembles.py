"""Bagging, voting and stacking: members' states nest, and the whole agrees with the live one."""

from __future__ import annotations

import numpy as np
import pytest
from coded_tables import agree, coded, fitted, skill, suited

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.models import Context, make, scorer
from wholefit.models.ensemble import Folds

SMALL = "'random_forest(n_estimators=10)', 'hist_gradient_boosting(n_estimators=20)'"
BAGGING = ["bagging(n_estimators=8)", "bagging(n_estimators=8, max_features=0.5, max_samples=0.6)",
           "bagging(n_estimators=4, bootstrap=False, member='decision_tree(max_depth=4)')",
           "bagging(n_estimators=3, member='hist_gradient_boosting(n_estimators=40)')",
           "bagging(n_estimators=3, max_features=0.7, "
           "member='hist_gradient_boosting(n_estimators=40)')"]
MIXED = [f"voting(members=[{SMALL}])", f"voting(members=[{SMALL}], weights=[2, 1])",
         f"stacking(members=[{SMALL}], folds=3)",
         f"stacking(members=[{SMALL}], folds=3, passthrough=True)",
         f"stacking(members=[{SMALL}], folds=3, final='decision_tree(max_depth=3)')"]


@pytest.mark.parametrize("name", ["status", "amount", "price"])
@pytest.mark.parametrize("text", BAGGING)
def test_bagging(text: str, name: str) -> None:
    assert skill(agree(text, name, most=1e-14), name) > (0.15 if name == "price" else 0.0)


@pytest.mark.parametrize("name", ["status", "amount", "price"])
@pytest.mark.parametrize("text", MIXED)
def test_voting_and_stacking(text: str, name: str) -> None:
    # Codes as numbers on a linear scale, some of them unseen: hard on the linear model on top.
    worst = {"status": -0.01, "amount": 0.05, "price": 0.3}[name]
    assert skill(agree(text, name), name) > worst


@pytest.mark.parametrize("name", ["status", "price"])
def test_default_members(name: str) -> None:
    """A linear model, a forest and boosting: voting is not worse than the worst of them."""
    together = skill(agree("voting", name), name)
    linear = "logistic" if name == "status" else "ridge"
    assert together > skill(agree(linear, name), name) - 0.01


def test_bagged_trees_are_one_set_of_arrays() -> None:
    data = coded("status")
    model, estimator, context = fitted("bagging(n_estimators=5, max_features=0.5)", data)
    state = model.state(estimator, data.task, context)
    assert state.kind == "trees" and len(state.arrays["size"]) == 5 and not state.parts


@pytest.mark.parametrize("text", [
    "bagging(n_estimators=4)", "bagging(n_estimators=3, member='random_forest(n_estimators=3)')",
    f"voting(members=[{SMALL}])", f"stacking(members=[{SMALL}], folds=2)"])
def test_a_class_that_training_did_not_show(text: str) -> None:
    data = coded("amount")
    model, estimator, context = fitted(text, data, rows=np.flatnonzero(data.y != 3)[:500])
    X = suited(model, data)
    live = model.answer(estimator, X, data.task, context)
    found = scorer(model.state(estimator, data.task, context)).answer(X)
    assert np.abs(found - live).max() < 1e-9 and found.shape == (len(X), 7)
    assert not found[:, 3].any() and found[:, 4].any()


def test_voting_is_the_weighted_mean_of_its_members() -> None:
    data = coded("price")
    both = "'ridge', 'decision_tree(max_depth=3)'"
    model, estimator, context = fitted(f"voting(members=[{both}], weights=[3, 1])", data)
    X = suited(model, data)
    found = scorer(model.state(estimator, data.task, context)).answer(X)
    first, second = (member.predict(X) for member in estimator.estimators_)
    assert np.abs(found - (3 * first + second) / 4).max() < 1e-9 * np.abs(found).max()


def test_live_answers_are_scikit_learns() -> None:
    """`answer` sums members itself, for bits that do not depend on threads: to the same result."""
    data = coded("amount")
    for text in MIXED[:4]:
        model, estimator, context = fitted(text, data)
        X = suited(model, data)
        live = model.answer(estimator, X, data.task, context)
        assert np.abs(live - estimator.predict_proba(X)).max() < 1e-12


def test_folds_where_a_class_is_rare() -> None:
    y = np.array([0] * 20 + [1] * 3)
    folds = list(Folds(5, 0, True).split(np.zeros((23, 1)), y))
    assert len(folds) == 3 and all(1 in y[train] and 1 in y[test] for train, test in folds)
    assert Folds(5, 0, False).get_n_splits(np.zeros((4, 1)), np.zeros(4)) == 4


@pytest.mark.parametrize("text, error, words", [
    ("voting(members=['rigde'])", UnknownNameError, "did you mean 'ridge'"),
    ("voting(members=['ridge', 'knn'], weights=[1])", ParameterError, "must be 2 numbers"),
    ("voting(weights=[0, 0, 0])", ParameterError, "not all 0"),
    ("voting(members=[3])", ParameterError, "must be written as text"),
    ("stacking(folds=1)", ParameterError, "must be >= 2"),
    ("bagging(member='random_forest(n_estimators=0)')", ParameterError, "must be >= 1")])
def test_words_that_cannot_be_meant(text: str, error: type[Exception], words: str) -> None:
    data = coded("price")
    with pytest.raises(error, match=words):
        make(text).build(data.task, data.context(10))


def test_a_member_of_another_task_is_refused() -> None:
    data = coded("price")
    for text in ("voting(members=['logistic'])", "bagging(member='logistic')"):
        with pytest.raises(ParameterError, match="must do regression; 'logistic' does"):
            make(text).encoding(data.task)
            make(text).build(data.task, Context(10, 2))
