"""SHAP values of trees against Shapley's own formula, subset by subset."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeRegressor

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.explain.trees import tree_shap
from wholefit.models import Context, _tree_states
from wholefit.models._kernels.trees import Trees

ROWS, FEATURES = 400, 5


def table(missing: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(ROWS, FEATURES)).astype(np.float32).astype(np.float64)
    y = X[:, 0] * 2 + X[:, 1] * X[:, 2] + np.sin(X[:, 3])
    X[rng.random(X.shape) < missing] = np.nan
    return X, y


def context(classes: int = 0) -> Context:
    return Context(rows=ROWS, features=FEATURES, n_classes=classes)


def expected(tree: object, row: np.ndarray, known: frozenset[int], node: int = 0) -> float:
    """The tree's mean answer where only the features in `known` are known of the row."""
    left, right = tree.children_left[node], tree.children_right[node]
    if left < 0:
        return float(tree.value[node, 0, 0])
    feature = tree.feature[node]
    if feature in known:
        child = left if np.float32(row[feature]) <= tree.threshold[node] else right
        return expected(tree, row, known, child)
    weight = tree.weighted_n_node_samples
    return sum(weight[child] / weight[node] * expected(tree, row, known, child)
               for child in (left, right))


def shapley(tree: object, row: np.ndarray) -> np.ndarray:
    """Shapley's formula over all subsets."""
    found = np.zeros(FEATURES)
    for feature in range(FEATURES):
        others = [each for each in range(FEATURES) if each != feature]
        for size in range(FEATURES):
            share = math.factorial(size) * math.factorial(FEATURES - size - 1)
            for subset in combinations(others, size):
                with_it = expected(tree, row, frozenset({*subset, feature}))
                without = expected(tree, row, frozenset(subset))
                found[feature] += share / math.factorial(FEATURES) * (with_it - without)
    return found


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_a_tree_has_shapleys_own_values(depth: int) -> None:
    X, y = table()
    tree = DecisionTreeRegressor(max_depth=depth, random_state=0).fit(X, y)
    found = tree_shap(_tree_states.mean([tree], tree, context()), X[:6])
    brute = np.stack([shapley(tree.tree_, row) for row in X[:6]])
    np.testing.assert_allclose(found.values[:, :, 0], brute, atol=1e-12)
    assert found.base[0] == pytest.approx(expected(tree.tree_, X[0], frozenset()))


def states() -> dict[str, State]:
    X, y = table()
    holed, _ = table(missing=0.1)
    classes = np.digitize(y, [-1.0, 1.0])
    forest = RandomForestRegressor(12, random_state=0).fit(X, y)
    extra = ExtraTreesClassifier(9, max_depth=6, random_state=0).fit(X, classes)
    boosted = GradientBoostingClassifier(n_estimators=8, random_state=0).fit(X, classes)
    hist = HistGradientBoostingClassifier(max_iter=12, random_state=0, categorical_features=[4])
    codes = holed.copy()
    codes[:, 4] = np.digitize(np.nan_to_num(holed[:, 4]), [-1, 0, 1])
    hist.fit(codes, y > 0)
    return {
        "forest, deep": _tree_states.mean(forest.estimators_, forest, context()),
        "extra trees, three classes": _tree_states.mean(extra.estimators_, extra, context(3)),
        "boosted, three classes": _tree_states.gradient_boosting(boosted, context(3)),
        "histogram, missing and categories": _tree_states.hist_gradient_boosting(
            hist, context(2)),
    }


@pytest.mark.parametrize("name", list(states()))
def test_values_add_up_to_the_answer(name: str) -> None:
    X, _ = table(missing=0.2 if "missing" in name else 0.0, seed=1)
    if "missing" in name:
        X[:, 4] = np.digitize(np.nan_to_num(X[:, 4]), [-1, 0, 1, 2])  # one code never seen
    state = states()[name]
    found = tree_shap(state, X)
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base, Trees(state).raw(X), atol=1e-10)


def test_a_feature_that_no_tree_asks_has_no_value_and_rows_do_not_mix() -> None:
    X, y = table()
    X[:, 4] = 0.0
    forest = RandomForestRegressor(5, random_state=0).fit(X, y)
    state = _tree_states.mean(forest.estimators_, forest, context())
    found = tree_shap(state, X)
    assert not found.values[:, 4].any()
    np.testing.assert_allclose(found.values[7:8], tree_shap(state, X[7:8]).values, atol=1e-13)
    few = tree_shap(state, X[:9]).values[7]
    np.testing.assert_array_equal(few, tree_shap(state, X[7:8]).values[0])


def test_a_tree_that_is_one_leaf_says_nothing() -> None:
    X, y = table()
    tree = DecisionTreeRegressor(max_depth=3).fit(X, np.zeros(len(y)))
    found = tree_shap(_tree_states.mean([tree], tree, context()), X[:3])
    assert not found.values.any() and found.base[0] == 0


def test_what_has_no_exact_values_is_refused() -> None:
    X, y = table()
    ada = AdaBoostRegressor(n_estimators=4, random_state=0).fit(X, y)
    with pytest.raises(StateError, match="median"):
        tree_shap(_tree_states.ada_boost(ada, context()), X)
    tree = DecisionTreeRegressor(max_depth=3).fit(X, y)
    state = _tree_states.mean([tree], tree, context())
    arrays = {name: array for name, array in state.arrays.items() if name != "cover"}
    with pytest.raises(StateError, match="fit the model anew"):
        tree_shap(State(state.kind, state.config, arrays), X)
