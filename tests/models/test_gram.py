"""Ridge by normal equations agrees with scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.utils.estimator_checks import check_estimator

from wholefit.models._gram import GramRidge


def table(rows: int = 500, seed: int = 0) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 30, rows)
    onehot = sparse.csr_matrix((np.ones(rows), (np.arange(rows), levels)), shape=(rows, 30))
    X = sparse.hstack([onehot, sparse.csr_matrix(rng.normal(size=(rows, 5)))]).tocsr()
    y = X @ rng.normal(size=35) + 100 + rng.normal(size=rows)
    return X, y, rng.uniform(0.1, 3, rows)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 50.0])
def test_it_agrees_with_the_dense_solution(
    fit_intercept: bool, weighted: bool, alpha: float
) -> None:
    X, y, weights = table()
    given = weights if weighted else None
    ours = GramRidge(alpha=alpha, fit_intercept=fit_intercept).fit(X, y, given)
    theirs = Ridge(alpha=alpha, fit_intercept=fit_intercept).fit(X.toarray(), y, given)
    assert ours.solver_ == "normal equations"
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-8)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X.toarray()), atol=1e-8)


def test_wide_dense_and_positive_go_to_scikit_learn() -> None:
    X, y, _ = table(40)
    np.testing.assert_allclose(GramRidge().fit(X, y).coef_, Ridge(tol=1e-10).fit(X, y).coef_,
                               atol=1e-3)
    assert (GramRidge(positive=True).fit(X.toarray(), y).coef_ >= 0).all()


def test_it_passes_scikit_learns_own_checks() -> None:
    # scikit-learn spares its own Ridge this check by name: its direct solvers count no steps.
    spared = {"check_non_transformer_estimators_n_iter": "a direct solver counts no steps"}
    check_estimator(GramRidge(), on_skip=None, on_fail="raise", expected_failed_checks=spared)
