"""The short ways of asking a model give what composing the rows and asking gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from wholefit.base.state import State
from wholefit.explain._mixed import Composed, mixed, short
from wholefit.models import Context, _tree_states
from wholefit.models._scorers import scorer

ROWS, FEATURES = 300, 6
Made = tuple[Any, np.ndarray]


def table(missing: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(ROWS, FEATURES))
    X[:, 3] = rng.integers(0, 5, ROWS)
    y = X[:, 0] * 2 + X[:, 1] * X[:, 2] + X[:, 3]
    X[rng.random(X.shape) < missing] = np.nan
    return X, y


def context(classes: int = 0) -> Context:
    return Context(rows=ROWS, features=FEATURES, n_classes=classes)


def forest(estimator: Any, classes: int) -> Any:
    return scorer(_tree_states.mean(estimator.estimators_, estimator, context(classes)))


def models() -> list[tuple[str, Any]]:
    X, y = table()
    gaps, _ = table(0.2)
    two, three = (y > 1).astype(int), np.digitize(y, [0, 3])
    boosted, hist = _tree_states.gradient_boosting, _tree_states.hist_gradient_boosting
    return [
        ("forest", forest(RandomForestRegressor(8, random_state=0).fit(X, y), 0)),
        ("forest of classes", forest(RandomForestClassifier(8, random_state=0).fit(X, three), 3)),
        ("boosted", scorer(boosted(GradientBoostingRegressor(n_estimators=9).fit(X, y),
                                   context()))),
        ("boosted, turns", scorer(boosted(
            GradientBoostingClassifier(n_estimators=5).fit(X, three), context(3)))),
        ("hist, missing values", scorer(hist(
            HistGradientBoostingRegressor(max_iter=9).fit(gaps, y), context()))),
        ("hist, sets of categories", scorer(hist(HistGradientBoostingRegressor(
            max_iter=9, categorical_features=[3]).fit(X, y), context()))),
        ("hist, two classes", scorer(hist(
            HistGradientBoostingClassifier(max_iter=9).fit(gaps, two), context(2)))),
        ("linear", scorer(State("linear", {"link": "softmax", "n_classes": 3, "classes": None}, {
            "coef": np.random.default_rng(1).normal(size=(3, FEATURES)),
            "intercept": np.zeros(3)}))),
    ]


MODELS = models()
# Sums of missing values are missing whichever way they are made: linear models meet none.
CASES = [(name, asked, missing) for name, asked in MODELS for missing in (0.0, 0.15)
         if not (name == "linear" and missing)]


def brute(asked: Any, X: np.ndarray, features: np.ndarray, values: np.ndarray,
          which: np.ndarray) -> np.ndarray:
    found = []
    for row in which:
        mixed_rows = X.copy()
        mixed_rows[:, features] = values[row]
        found.append(asked.answer(mixed_rows))
    return np.stack(found)


@pytest.mark.parametrize("features", [[0], [3], [5], [0, 3], [1, 2, 4]], ids=str)
@pytest.mark.parametrize(("name", "asked", "missing"), CASES,
                         ids=[f"{name}, {missing:.0%} missing" for name, _, missing in CASES])
def test_lent_and_grid(name: str, asked: Any, missing: float, features: list[int]) -> None:
    X, _ = table(missing, seed=3)
    rng = np.random.default_rng(4)
    at = np.array(features)
    which = np.stack([rng.permutation(ROWS) for _ in range(3)])
    way = mixed(asked, X)
    assert short(asked)
    lent = way.lent(at, X[:, at], which)
    assert np.abs(lent - brute(asked, X, at, X[:, at], which)).max() < 1e-12
    for count in (1, 7, 70):
        values = np.sort(X[rng.integers(0, ROWS, count)][:, at], axis=0)
        everyone = np.repeat(np.arange(count)[:, None], ROWS, axis=1)
        grid = way.grid(at, values)
        assert np.abs(grid - brute(asked, X, at, values, everyone)).max() < 1e-11


def test_rows_that_never_meet_the_feature() -> None:
    """Two rows on a side of the first split where feature 1 is not asked."""
    X = np.array([[-1.0, 0.0]] * 20 + [[1.0, 0.0]] * 20 + [[1.0, 1.0]] * 20)
    y = np.repeat([0.0, 5.0, 9.0], 20)
    boosted = GradientBoostingRegressor(n_estimators=1, max_depth=2).fit(X, y)
    asked = scorer(_tree_states.gradient_boosting(
        boosted, Context(rows=60, features=2, n_classes=0)))
    at, values = np.array([1]), np.array([[0.0], [1.0]])
    every = np.repeat(np.arange(2)[:, None], 2, axis=1)
    for rows in (X[:2], X[-2:]):
        assert np.abs(mixed(asked, rows).grid(at, values)
                      - brute(asked, rows, at, values, every)).max() < 1e-12


def test_members_ask_their_members() -> None:
    X, y = table()
    bags = BaggingRegressor(RandomForestRegressor(4, random_state=0), 3, max_features=4,
                            random_state=0).fit(X, y)
    parts = {str(n): _tree_states.mean(each.estimators_, each, context())
             for n, each in enumerate(bags.estimators_)}
    for each in parts.values():
        each.config["features"] = 4
    asked = scorer(State("mean", {"weights": [1.0, 2.0, 1.0], "classes": None, "n_classes": 0,
                                  "features": FEATURES},
                         {"columns": np.stack(bags.estimators_features_)}, parts=parts))
    rng = np.random.default_rng(0)
    which = np.stack([rng.permutation(ROWS) for _ in range(2)])
    for at in (np.array([0]), np.array([4, 1])):
        lent = mixed(asked, X).lent(at, X[:, at], which)
        assert np.abs(lent - brute(asked, X, at, X[:, at], which)).max() < 1e-12
        grid = mixed(asked, X).grid(at, X[:5][:, at])
        every = np.repeat(np.arange(5)[:, None], ROWS, axis=1)
        assert np.abs(grid - brute(asked, X, at, X[:5][:, at], every)).max() < 1e-12


def test_any_function_and_sparse_rows_are_composed() -> None:
    X, _ = table()
    X[np.abs(X) < 1] = 0

    def answer(rows: Any) -> np.ndarray:
        whole = rows.toarray() if sp.issparse(rows) else rows
        return whole[:, 0] * whole[:, 2] - whole[:, 5]

    rng = np.random.default_rng(0)
    which = np.stack([rng.permutation(ROWS) for _ in range(2)])
    at = np.array([2, 5])
    dense = Composed(answer, X).lent(at, X[:, at], which)
    csr = sp.csr_matrix(X)
    assert np.array_equal(dense, Composed(answer, csr).lent(at, csr[:, at], which))
    assert not short(answer)
    linear = dict(MODELS)["linear"]
    assert np.abs(mixed(linear, csr).lent(at, csr[:, at], which)
                  - mixed(linear, X).lent(at, X[:, at], which)).max() < 1e-12


def test_some_features_are_rounded_as_the_whole_row_is() -> None:
    X, y = table()
    trees = forest(RandomForestRegressor(3, random_state=0).fit(X, y), 0)
    places = np.array([3, 1])
    assert np.array_equal(trees.prepared_of(places, X[:, places]), trees.prepared(X)[:, places])
