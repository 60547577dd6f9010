"""Ways of selecting, each against a second implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats
from sklearn import feature_selection as sk
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.linear_model import Ridge, lasso_path
from sklearn.metrics import mutual_info_score

from wholefit.base.errors import ParameterError
from wholefit.features.select import Scores, Seen, linear, redundant, trees, univariate
from wholefit.features.select._choose import choose
from wholefit.features.select._seen import discoveries
from wholefit.features.select._tables import binned

CLASSES = {"iris": load_iris, "cancer": load_breast_cancer, "digits": load_digits}


def top(values: np.ndarray, k: int) -> list[int]:
    return sorted(np.argsort(-values, kind="stable")[:k].tolist())


@pytest.mark.parametrize("name", CLASSES)
def test_f_and_chi2_are_scikit_learns(name):
    X, y = CLASSES[name](return_X_y=True)
    seen = Seen(X, y)
    for ours, theirs, values in ((univariate.f, sk.f_classif, X),
                                 (univariate.chi2, sk.chi2, (X - X.min(0)) / np.ptp(X, axis=0)
                                  .clip(1e-300))):
        with np.errstate(all="ignore"):
            wanted, p_values = theirs(values, y)
        found = ours(seen)
        known = np.ptp(X, axis=0) > 0
        assert np.allclose(found.values[known], wanted[known], rtol=1e-9)
        assert np.allclose(found.p_values[known], p_values[known], rtol=1e-7, atol=1e-300)
        assert (found.values[~known] == 0).all() or ours is univariate.chi2
        k = max(2, X.shape[1] // 3)
        assert top(found.values, k) == sorted(
            np.argsort(-np.nan_to_num(wanted), kind="stable")[:k].tolist())


def test_f_of_a_number_is_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    wanted, p_values = sk.f_regression(X, y)
    found = univariate.f(Seen(X, y))
    assert np.allclose(found.values, wanted, rtol=1e-9)
    assert np.allclose(found.p_values, p_values, rtol=1e-7)


@pytest.mark.parametrize("method", [univariate.f, univariate.chi2, univariate.variance])
def test_sparse_and_dense_agree(method):
    rng = np.random.default_rng(0)
    X = rng.random((300, 30)) * (rng.random((300, 30)) < 0.1)
    y = rng.integers(0, 3, 300)
    assert np.allclose(method(Seen(X, y)).values, method(Seen(sparse.csr_matrix(X), y)).values)


def test_category_codes_are_scored_by_their_tables():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, 500).astype(float)
    codes[::50] = np.nan
    X = np.stack([codes, rng.normal(size=500)], axis=1)
    levels = np.where(np.isnan(codes), 4, codes).astype(int)
    y = (rng.random(500) < np.array([0.2, 0.8, 0.3, 0.7, 0.5])[levels]).astype(np.int32)
    table = np.array([[np.sum((levels == a) & (y == b)) for b in (0, 1)] for a in range(5)])
    wanted = stats.chi2_contingency(table, correction=False)
    found = univariate.f(Seen(X, y, codes=(0,)))
    assert np.isclose(found.values[0], wanted.statistic / wanted.dof)
    assert np.isclose(found.p_values[0], wanted.pvalue)
    assert np.isclose(univariate.chi2(Seen(X, y, codes=(0,))).p_values[0], wanted.pvalue)
    number = y + rng.normal(size=500)
    wanted = stats.f_oneway(*(number[levels == a] for a in range(5)))
    found = univariate.f(Seen(X, number, codes=(0,)))
    assert np.isclose(found.values[0], wanted.statistic)
    assert np.isclose(found.p_values[0], wanted.pvalue)


def test_mutual_information_of_levels_is_scikit_learns_less_its_bias():
    rng = np.random.default_rng(2)
    X = rng.integers(0, 5, (400, 3)).astype(float)
    y = (X[:, 0] + rng.integers(0, 3, 400)).astype(np.int32)
    found = univariate.mutual_info(Seen(X, y))
    wanted = np.array([mutual_info_score(column, y) for column in X.T])
    bias = 4 * (len(np.unique(y)) - 1) / 800
    assert np.allclose(found.values, wanted - bias)
    assert found.chosen.tolist() == [True, False, False]
    thin = univariate.mutual_info(Seen(sparse.csr_matrix(X > 3).astype(float), y))
    plain = univariate.mutual_info(Seen((X > 3).astype(float), y))
    assert np.allclose(thin.values, plain.values)


def test_mutual_information_sees_what_f_does_not():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(2000, 8))
    X[::9, 5] = np.nan
    y = X[:, 2] ** 2 + rng.normal(0, 0.3, 2000)
    seen = Seen(X, y)
    assert top(univariate.mutual_info(seen).values, 1) == [2]
    assert univariate.mutual_info(seen).p_values[2] < 1e-50
    assert univariate.f(seen).values[2] < 15
    nearest = sk.mutual_info_regression(np.nan_to_num(X), y, random_state=0)
    assert top(nearest, 1) == [2]


@given(st.lists(st.one_of(st.integers(-3, 3), st.floats(-1e6, 1e6), st.just(np.nan)),
                min_size=1, max_size=200))
@settings(max_examples=60, deadline=None)
def test_bins_keep_order_and_set_gaps_apart(values):
    column = np.array(values, dtype=np.float64)
    found, gaps = binned(column), np.isnan(column)
    known = np.argsort(column[~gaps], kind="stable")
    assert (np.diff(found[~gaps][known]) >= 0).all()
    assert not set(found[gaps]) & set(found[~gaps])
    if len(np.unique(column[~gaps])) <= 32:
        assert len(np.unique(found[~gaps])) == len(np.unique(column[~gaps]))


def test_false_discovery_rate_is_scipys():
    p = np.random.default_rng(4).random(60) ** 3
    assert np.array_equal(discoveries(p, 0.1), stats.false_discovery_control(p) <= 0.1)
    assert not discoveries(np.ones(5)).any()


def standardised(X):
    return (X - X.mean(0)) / X.std(0)


def test_recursive_elimination_is_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    X = standardised(X)
    found = linear.rfe(Seen(X, y), share=1e-9)
    for k in range(1, 10):
        wanted = sk.RFE(Ridge(alpha=1.0), n_features_to_select=k, step=1).fit(X, y)
        assert top(found.values, k) == np.flatnonzero(wanted.support_).tolist()


def test_the_l1_path_is_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    X, y = standardised(X), (y - y.mean()) / y.std()
    found = linear.l1(Seen(X, y))
    order = np.argsort(-found.values)
    penalties, weights, _ = lasso_path(X, y, alphas=1000, eps=1e-3, tol=1e-9)
    entered = (weights != 0).argmax(axis=1)
    assert np.array_equal(order, np.argsort(entered, kind="stable"))
    assert np.allclose(found.values, penalties[entered], rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("method", [linear.l1, linear.rfe, trees.tree])
def test_the_methods_own_size_is_about_right(method):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(600, 60))
    for y in (X[:, 3] - X[:, 17] + 0.5 * X[:, 40] + rng.normal(size=600),
              (X[:, 3] - X[:, 17] + 0.5 * X[:, 40] + rng.normal(size=600) > 0).astype(np.int32)):
        found = method(Seen(X, y))
        assert {3, 17, 40} <= set(np.flatnonzero(found.chosen))
        assert found.chosen.sum() <= 8
        assert top(found.values, 2) == [3, 17]


@pytest.mark.parametrize("method", [linear.l1, linear.rfe, trees.tree, univariate.f,
                                    univariate.mutual_info])
def test_on_noise_next_to_nothing_is_kept(method):
    rng = np.random.default_rng(6)
    kept = [method(Seen(rng.normal(size=(200, 50)), rng.integers(0, 2, 200))).chosen.sum()
            for _ in range(5)]
    assert np.mean(kept) <= 2


def test_three_classes_and_copies_do_no_harm():
    X, y = load_iris(return_X_y=True)
    X = np.hstack([X, X, np.ones((150, 1))])
    for method in (linear.l1, linear.rfe):
        found = method(Seen(X, y), 2)
        assert set(top(found.values, 2)) <= {2, 3, 6, 7}
        assert not found.chosen[8]


def test_trees_see_together_what_is_nothing_alone():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(1500, 6))
    X[::7, 4] = np.nan
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int32)
    found = trees.tree(Seen(X, y))
    assert top(found.values, 2) == [0, 1]
    assert found.chosen.tolist() == [True, True, False, False, False, False]
    thin = trees.tree(Seen(sparse.csr_matrix((X[:, :2] > 0).astype(float)), y))
    assert thin.chosen.all()


@pytest.mark.parametrize("classes", [True, False])
def test_importances_out_of_the_bag_by_hand(classes):
    rng = np.random.default_rng(10)
    X = rng.normal(size=(80, 3)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=80) > 0).astype(np.int32) if classes else X[:, 1] + X[:, 0]
    seen = Seen(X, y)
    forest = trees._grown(X, seen)
    found = trees.importances(forest, X, seen.targets())
    wanted = np.zeros(3)
    for grown, bag in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        outside = sorted(set(range(80)) - set(bag.tolist()))
        parts = grown.tree_
        for row in outside:
            node = 0
            while parts.children_left[node] >= 0:
                feature = parts.feature[node]
                left = X[row, feature] <= parts.threshold[node]
                child = (parts.children_left if left else parts.children_right)[node]
                moved = parts.value[child, 0] - parts.value[node, 0]
                wanted[feature] += moved @ seen.targets()[row] / len(outside) / 100
                node = child
    assert np.allclose(found, wanted)
    assert found.argmax() in (0, 1)
    assert found[2] < 0.1 * found.max()


def test_of_copies_the_one_nearest_the_target_stays():
    rng = np.random.default_rng(8)
    base = rng.normal(size=(500, 3))
    near = base[:, 0] + 0.1 * rng.normal(size=500)
    X = np.stack([near, base[:, 1], base[:, 0], -2 * base[:, 1], base[:, 2], np.ones(500)], axis=1)
    y = base[:, 0] + 0.2 * base[:, 1] + 0.05 * rng.normal(size=500)
    found = redundant.correlation(Seen(X, y), 0.95)
    assert found.chosen.tolist() == [False, True, True, False, True, False]
    assert found.stands.tolist() == [2, 1, 2, 1, 4, 5]
    kept = np.flatnonzero(found.chosen)
    among = np.abs(np.corrcoef(X[:, kept].T)) - np.eye(len(kept))
    assert among.max() < 0.95


def test_more_features_than_can_be_compared(monkeypatch):
    from wholefit.features.select import _gram

    monkeypatch.setattr(_gram, "MOST", 20)
    rng = np.random.default_rng(9)
    X = rng.normal(size=(300, 50))
    X[:, 49] = 1.0
    y = X[:, 30] + 0.1 * rng.normal(size=300)
    for method in (linear.l1, linear.rfe):
        assert top(method(Seen(X, y)).values, 1) == [30]
    found = redundant.correlation(Seen(X, y))
    assert found.chosen.sum() == 49
    assert not found.chosen[49]


def test_chi2_refuses_a_number():
    with pytest.raises(ParameterError, match=r"select='chi2' must have classes.*'mutual_info'"):
        univariate.chi2(Seen(np.ones((4, 1)), np.array([1.0, 2.0, 3.0, 4.0])))


@pytest.mark.parametrize("method", [univariate.f, univariate.chi2, univariate.mutual_info,
                                    univariate.variance, linear.l1, linear.rfe, trees.tree,
                                    redundant.correlation])
@pytest.mark.parametrize("X", [np.ones((5, 3)), np.full((5, 2), np.nan), np.ones((1, 2)),
                               np.array([[1e100], [-1e100], [0.0]])])
def test_nothing_to_tell_apart_is_no_error(method, X):
    with np.errstate(over="ignore"):
        for y in (np.arange(len(X)) % 2, np.zeros(len(X), dtype=np.int32)):
            found = method(Seen(X, y.astype(np.int32)))
            assert np.isfinite(found.values).all()
            assert len(choose(found, None, np.arange(X.shape[1]))) >= 1


def test_groups_stay_or_go_together():
    scores = Scores(np.array([5.0, 1.0, 3.0, 2.0, 0.5]),
                    np.array([True, False, False, False, False]))
    groups = np.array([0, 0, 1, 1, 2])
    assert choose(scores, None, groups).tolist() == [0, 1]
    assert choose(scores, 2, groups).tolist() == [0, 1, 2, 3]
    assert choose(scores, 2, np.arange(5)).tolist() == [0, 2]
    nothing = Scores(np.array([1.0, 3.0, 2.0]), np.zeros(3, dtype=bool))
    assert choose(nothing, None, np.arange(3)).tolist() == [1]
    hard = Scores(np.array([9.0, 3.0, 2.0]), np.array([False, True, True]), only=True)
    assert choose(hard, 3, np.arange(3)).tolist() == [1, 2]
