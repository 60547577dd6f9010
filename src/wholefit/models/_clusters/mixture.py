"""The estimator of Gaussian mixtures. Imports scikit-learn: import it when building."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import mixture as theirs

from wholefit.base import seeds
from wholefit.base.state import State
from wholefit.models._clusters.base import checked, sampled, wanted
from wholefit.models._clusters.clusterer import Clusterer
from wholefit.models._clusters.means import quiet


class Mixed(Clusterer):
    """scikit-learn's GaussianMixture, its components in order of falling weight."""

    def __init__(self, model: Any, seed: int) -> None:
        self.model, self.seed = model, seed

    def _learn(self, X: np.ndarray) -> State:
        model = self.model
        X = X[sampled(X, model.rows, self.seed, "mixture")]
        X = np.repeat(X, 2, axis=0) if len(X) == 1 else X  # scikit-learn refuses a single row
        with quiet():
            made = theirs.GaussianMixture(
                wanted(model.clusters, X), covariance_type=model.covariance,
                reg_covar=model.ridge, n_init=model.starts, max_iter=model.iterations,
                random_state=seeds.derive(self.seed, "mixture")).fit(X)
        self.made = made
        return state_of(made)

    def bic(self, X: Any) -> float:
        """Bayesian information criterion (Schwarz 1978) on rows (n, p); the less the better."""
        return float(self.made.bic(checked(X)))


def state_of(made: Any) -> State:
    """Kind "clusters.mixture" of a fitted GaussianMixture."""
    order = np.argsort(-made.weights_, kind="stable")
    roots = np.asarray(made.precisions_cholesky_, dtype=np.float64)
    if made.covariance_type != "tied":
        roots = roots[order]
    return State("clusters.mixture", {"covariance": made.covariance_type}, {
        "weights": np.array(made.weights_[order]), "means": np.array(made.means_[order]),
        "roots": roots})
