"""Students against second implementations: scikit-learn's own learners, and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeRegressor

from wholefit.base.state import same
from wholefit.explain.trees import tree_shap
from wholefit.models import scorer
from wholefit.models._model import Context
from wholefit.training.distil.students import STUDENTS, Size, logits, soft_logistic

RNG = np.random.default_rng(3)
N, P = 300, 4
X = RNG.normal(size=(N, P)).astype(np.float32)
X[RNG.random(X.shape) < 0.1] = np.nan
FULL = np.nan_to_num(X).astype(np.float64)


def shares(classes: int) -> np.ndarray:
    raw = np.exp(FULL @ np.random.default_rng(classes).normal(size=(P, classes)))
    return raw / raw.sum(axis=1, keepdims=True)


def taught(word: str, rows: np.ndarray, soft: np.ndarray, **size: int) -> object:
    classes = soft.shape[1] if soft.ndim == 2 else 0
    context = Context(rows=len(rows), features=P, n_classes=classes, seed=1)
    return STUDENTS[word].learn(rows, soft, None, context, Size(**size))


def test_a_tree_says_the_mean_share_of_its_leaves() -> None:
    soft = shares(3)
    state = taught("tree", X, soft, leaves=8)
    reference = DecisionTreeRegressor(max_leaf_nodes=8, min_samples_leaf=5, random_state=1)
    leaf = reference.fit(X, soft).apply(X)
    found = scorer(state).answer(X)
    root = soft.mean(axis=0)
    for each in np.unique(leaf):
        inside = leaf == each
        count = inside.sum()
        expected = (soft[inside].sum(axis=0) + root) / (count + 1)
        np.testing.assert_allclose(found[inside], np.tile(expected, (count, 1)), atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_a_tree_of_two_classes_never_says_never() -> None:
    certain = np.column_stack([FULL[:, 0] <= 0, FULL[:, 0] > 0]).astype(float)
    found = scorer(taught("tree", X, certain, leaves=4)).answer(X)
    assert found.min() > 0 and np.allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == certain.argmax(axis=1)).mean() > 0.95


def test_boosted_trees_are_a_regression_of_the_log_odds() -> None:
    soft = shares(2)
    odds = logits(soft)
    state = taught("boosted", X, soft, rounds=15)
    reference = HistGradientBoostingRegressor(
        max_iter=15, learning_rate=0.1, max_leaf_nodes=15, early_stopping=False, random_state=1)
    raw = reference.fit(X, odds[:, 1] - odds[:, 0]).predict(X)
    np.testing.assert_allclose(scorer(state).answer(X)[:, 1], 1 / (1 + np.exp(-raw)), atol=1e-9)


def test_boosted_trees_of_several_classes_take_turns() -> None:
    soft = shares(4)
    state = taught("boosted", X, soft, rounds=6)
    raw = np.column_stack([
        HistGradientBoostingRegressor(
            max_iter=6, learning_rate=0.1, max_leaf_nodes=15, early_stopping=False,
            random_state=1).fit(X, column).predict(X) for column in logits(soft).T])
    expected = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scorer(state).answer(X), expected, atol=1e-9)
    told = tree_shap(state, X[:20])
    np.testing.assert_allclose(told.base + told.values.sum(axis=1), raw[:20], atol=1e-9)


def test_boosted_numbers_are_scikit_learns() -> None:
    target = FULL[:, 0] ** 2 + FULL[:, 1]
    reference = HistGradientBoostingRegressor(
        max_iter=20, learning_rate=0.1, max_leaf_nodes=15, early_stopping=False, random_state=1)
    np.testing.assert_allclose(scorer(taught("boosted", X, target, rounds=20)).answer(X),
                               reference.fit(X, target).predict(X), atol=1e-9)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_soft_logistic_of_hard_labels_is_scikit_learns(classes: int) -> None:
    labels = shares(classes).argmax(axis=1)
    hard = np.eye(classes)[labels]
    reference = LogisticRegression(C=1.0, tol=1e-8, max_iter=2000).fit(FULL, labels)
    coef, intercept = soft_logistic(FULL, hard[:, 1:] if classes == 2 else hard)
    np.testing.assert_allclose(coef, reference.coef_, atol=2e-3)
    if classes == 2:
        np.testing.assert_allclose(intercept, reference.intercept_, atol=2e-3)
    found = scorer(taught("linear", FULL, hard)).answer(FULL)
    np.testing.assert_allclose(found, reference.predict_proba(FULL), atol=1e-3)


def test_soft_targets_are_as_rows_repeated_by_their_shares() -> None:
    soft = np.round(shares(3) * 4) / 4
    soft /= soft.sum(axis=1, keepdims=True)
    rows, at = np.nonzero(soft)
    reference = LogisticRegression(C=1.0, tol=1e-8, max_iter=2000).fit(
        FULL[rows], at, sample_weight=soft[rows, at])
    coef, _ = soft_logistic(FULL, soft)
    np.testing.assert_allclose(coef, reference.coef_, atol=2e-3)
    thin, _ = soft_logistic(sparse.csr_matrix(FULL), soft)
    np.testing.assert_allclose(thin, coef, atol=1e-6)


def test_weights_count_as_repeated_rows() -> None:
    soft, weights = shares(3), RNG.integers(1, 4, N).astype(float)
    again = np.repeat(np.arange(N), weights.astype(int))
    coef, _ = soft_logistic(FULL, soft, weights)
    np.testing.assert_allclose(coef, soft_logistic(FULL[again], soft[again])[0], atol=1e-4)


def test_linear_numbers_are_ridge() -> None:
    target = FULL @ np.array([1.0, -2.0, 0.5, 0.0]) + 3
    np.testing.assert_allclose(scorer(taught("linear", FULL, target)).answer(FULL),
                               Ridge(alpha=1.0).fit(FULL, target).predict(FULL), atol=1e-6)


@pytest.mark.parametrize("word", list(STUDENTS))
def test_the_same_twice_is_bit_equal(word: str) -> None:
    rows = FULL if word == "linear" else X
    assert same(taught(word, rows, shares(3), rounds=5), taught(word, rows, shares(3), rounds=5))
