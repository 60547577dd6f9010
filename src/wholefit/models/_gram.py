"""Ridge by its normal equations, for tall sparse matrices.

scikit-learn solves a sparse ridge by conjugate gradients: hundreds of passes over the matrix
where one-hot columns are correlated. With many more rows than features, one pass that gathers
X'X and a Cholesky solution of that small system give the same weights (the penalty keeps it
well conditioned) in a fraction of the time. Dense matrices are left to scikit-learn, which
solves them so already.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg, sparse
from sklearn.linear_model import Ridge
from sklearn.utils.validation import _check_sample_weight, validate_data

# X'X of this many features holds 8 MB a thousand squared; beyond, iterating is cheaper.
_MOST_FEATURES = 2000


class GramRidge(Ridge):  # type: ignore[misc]
    """scikit-learn's Ridge with another solver where the matrix is sparse and tall."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GramRidge:
        """Learn weights; as Ridge.fit."""
        tall = sparse.issparse(X) and X.shape[0] > 2 * X.shape[1] <= 2 * _MOST_FEATURES
        if not tall or self.positive or not np.isscalar(self.alpha) or np.ndim(y) != 1:
            return super().fit(X, y, sample_weight)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, y_numeric=True)
        weights = (None if sample_weight is None
                   else _check_sample_weight(sample_weight, X, dtype=np.float64))
        alpha: Any = self.alpha
        self.coef_, self.intercept_ = _solve(X, y, weights, alpha, self.fit_intercept)
        self.n_iter_ = np.array([1])  # one pass over the matrix
        self.solver_ = "normal equations"
        return self


def _solve(
    X: Any, y: np.ndarray, weights: np.ndarray | None, alpha: float, fit_intercept: bool
) -> tuple[np.ndarray, float]:
    """Weights and intercept that minimise the penalised, perhaps weighted, squared error."""
    share = np.ones(len(y)) if weights is None else weights
    heavy = X if weights is None else sparse.diags_array(weights).tocsr() @ X
    gram = np.asarray((X.T @ heavy).todense())
    target = X.T @ (share * y)
    total = share.sum()
    means, mean = np.zeros(X.shape[1]), 0.0
    if fit_intercept:
        means, mean = X.T @ share / total, float(share @ y / total)
        gram -= total * np.outer(means, means)
        target = target - total * mean * means
    gram[np.diag_indices_from(gram)] += alpha
    coef = linalg.solve(gram, target, assume_a="pos", overwrite_a=True)
    return coef, mean - float(means @ coef)
