"""Trees and forests: the flat arrays answer bit for bit as the learner does."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from coded_tables import agree, coded, fitted, skill, suited

from wholefit.base.errors import ParameterError, SchemaError
from wholefit.base.state import State, same
from wholefit.models import Context, make, scorer
from wholefit.models._kernels import trees as kernel

TREES = ["decision_tree", "decision_tree(max_depth=3)", "decision_tree(max_leaf_nodes=9)",
         "decision_tree(ccp_alpha=0.01, balanced=True)", "random_forest(n_estimators=10)",
         "random_forest(n_estimators=7, max_samples=0.5, max_features=0.4)",
         "extra_trees(n_estimators=10)", "extra_trees(n_estimators=3, min_samples_leaf=1)"]


@pytest.mark.parametrize("name", ["status", "amount", "price"])
@pytest.mark.parametrize("text", TREES)
def test_bit_equal(text: str, name: str) -> None:
    found = agree(text.replace(", balanced=True", "" if name == "price" else ", balanced=True"),
                  name, most=0.0)
    assert name == "status" or skill(found, name) > 0.05


@pytest.mark.parametrize("criterion, name", [("entropy", "status"), ("poisson", "price")])
def test_criteria(criterion: str, name: str) -> None:
    for text in ("decision_tree(criterion={!r})", "random_forest(n_estimators=5, criterion={!r})"):
        agree(text.format(criterion), name, most=0.0)


def test_a_criterion_of_the_other_task_is_refused() -> None:
    data = coded("status")
    with pytest.raises(ParameterError, match=r"DecisionTree\.criterion must be one of .*'entropy'"):
        make("decision_tree(criterion='poisson')").build(data.task, data.context(10))


@pytest.mark.parametrize("text", ["decision_tree", "random_forest(n_estimators=9)"])
def test_a_row_does_not_depend_on_its_neighbours(text: str) -> None:
    data = coded("amount")
    model, estimator, context = fitted(text, data)
    answers = scorer(model.state(estimator, data.task, context)).answer
    X = suited(model, data)[:60]
    assert np.array_equal(answers(X), np.concatenate([answers(X[at:at + 1]) for at in range(60)]))
    assert answers(X[:0]).shape == (0, 7)


def test_more_rows_than_are_walked_at_once() -> None:
    data = coded("price")
    model, estimator, context = fitted("random_forest(n_estimators=3)", data)
    X = np.tile(suited(model, data), (1 + kernel._WALK // len(data.X), 1))
    assert len(X) > kernel._WALK
    found = scorer(model.state(estimator, data.task, context)).answer(X)
    assert np.array_equal(found, estimator.predict(X))


def test_values_at_and_beside_the_threshold() -> None:
    """scikit-learn compares float32 with float64; stored float32 thresholds must not differ."""
    rng = np.random.default_rng(0)
    X = rng.random((400, 1)).astype(np.float32)
    y = rng.random(400)
    model, context = make("decision_tree"), Context(400, 1)
    task = coded("price").task
    tree = model.build(task, context).fit(X, y)
    at = tree.tree_.threshold[tree.tree_.children_left >= 0].astype(np.float32)
    up, down = np.float32(np.inf), np.float32(-np.inf)
    beside = np.concatenate([at, np.nextafter(at, up), np.nextafter(at, down)])[:, None]
    answers = scorer(model.state(tree, task, context)).answer
    assert np.array_equal(answers(beside), tree.predict(beside))
    exact = np.concatenate([beside.astype(np.float64), beside.astype(np.float64) + 1e-12])
    assert np.array_equal(answers(exact), tree.predict(exact))


@pytest.mark.parametrize("text", ["decision_tree", "random_forest(n_estimators=5)"])
def test_a_class_that_training_did_not_show(text: str) -> None:
    data = coded("amount")
    rows = np.flatnonzero(data.y != 3)[:600]
    model, estimator, context = fitted(text, data, rows=rows)
    X = suited(model, data)
    live = model.answer(estimator, X, data.task, context)
    found = scorer(model.state(estimator, data.task, context)).answer(X)
    assert np.array_equal(found, live) and found.shape == (len(X), 7)
    assert not found[:, 3].any() and found[:, 4].any()


def test_one_class_only() -> None:
    data = coded("status")
    rows = np.flatnonzero(data.y == 1)[:50]
    model, estimator, context = fitted("random_forest(n_estimators=3)", data, rows=rows)
    state = model.state(estimator, data.task, context)
    assert np.array_equal(scorer(state).answer(data.X[:4]), [[0, 1]] * 4)


def test_threads_do_not_change_a_bit() -> None:
    data = coded("status")
    X = np.tile(data.X, (2, 1))
    answers, states = [], []
    for jobs in (1, 2):
        model, estimator, context = fitted("random_forest(n_estimators=20)", data, jobs)
        answers.append(model.answer(estimator, X, data.task, context))
        states.append(model.state(estimator, data.task, context))
    assert np.array_equal(*answers) and same(*states)


def test_the_state_is_small() -> None:
    data = coded("amount")
    model, forest, context = fitted("random_forest(n_estimators=20, min_samples_leaf=1)", data)
    state = model.state(forest, data.task, context)
    assert state.nbytes < len(pickle.dumps(forest)) / 2.5
    assert state.arrays["threshold"].dtype == np.float32


def test_leaves_of_classes_grow_with_the_rows() -> None:
    data = coded("status")
    forest = make("random_forest")
    leaves = [forest.build(data.task, Context(rows, 3, n_classes=2)).min_samples_leaf
              for rows in (50, 400, 1000, 10**6)]
    assert leaves == [1, 2, 5, 5]
    assert forest.build(coded("price").task, Context(10**6, 3)).min_samples_leaf == 1


def test_another_number_of_features_is_refused() -> None:
    data = coded("price")
    model, estimator, context = fitted("decision_tree(max_depth=2)", data)
    answers = scorer(model.state(estimator, data.task, context)).answer
    with pytest.raises(SchemaError, match=f"fitted on {data.X.shape[1]} features; got"):
        answers(data.X[:, :3])


def test_a_tree_against_a_plain_walk() -> None:
    """The stored layout, read by the obvious loop: children of split j lie at 1 + 2j."""
    data = coded("price")
    model, estimator, context = fitted("decision_tree(max_leaf_nodes=40)", data)
    state = model.state(estimator, data.task, context)
    expected = [_plain_walk(state, row) for row in suited(model, data)[:200]]
    assert np.array_equal(scorer(state).answer(suited(model, data)[:200]), expected)


def _plain_walk(state: State, row: np.ndarray) -> float:
    feature = state.arrays["feature"]
    node = 0
    while feature[node] >= 0:
        rank = int((feature[:node] >= 0).sum())
        x = row[feature[node]]
        left = state.arrays["missing_left"][rank] if np.isnan(x) else (
            x <= state.arrays["threshold"][rank])
        node = 1 + 2 * rank + (not left)
    return float(state.arrays["value"][(feature[:node] < 0).sum(), 0])
