"""Learning the shape of the usual rows with scikit-learn, and reading what it learnt."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from wholefit.base.seeds import derive
from wholefit.base.state import State
from wholefit.models._detectors.estimator import Estimator

Learnt = tuple[dict[str, Any], dict[str, np.ndarray], dict[str, State]]
# No direction of standardised features is taken to spread less than this: a 0/1 column that is
# constant among the rows in the middle would otherwise decide everything alone.
_LEAST = 1e-3


class EllipseEstimator(Estimator):
    """The robust ellipse of the minimum covariance determinant (Rousseeuw 1999)."""

    kind = "detector.ellipse"

    def learn(self, Z: np.ndarray) -> Learnt:
        """Location and precision; the plain covariance where rows are too few for the robust."""
        from sklearn.covariance import MinCovDet

        location, covariance = Z.mean(axis=0), np.cov(Z, rowvar=False).reshape(Z.shape[1], -1)
        if self.words["robust"] and len(Z) > 2 * Z.shape[1]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = MinCovDet(support_fraction=self.words["support"],
                                 random_state=derive(self.seed, "mcd")).fit(Z)
            self.learner_ = made
            location, covariance = made.location_, made.covariance_
        return {}, {"location": location, "precision": inverse(covariance, _LEAST)}, {}


class MixtureEstimator(Estimator):
    """Gaussians in a mixture, whose density tells what is usual."""

    kind = "detector.mixture"

    def learn(self, Z: np.ndarray) -> Learnt:
        """Weights, means, and factors of the precisions."""
        from sklearn.mixture import GaussianMixture

        count = max(1, min(self.words["components"], len(Z) // 10))
        made = GaussianMixture(count, reg_covar=self.words["ridge"],
                               random_state=derive(self.seed, "mixture"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made.fit(Z)
        self.learner_ = made
        return {}, {"weights": made.weights_, "means": made.means_,
                    "factors": made.precisions_cholesky_}, {}


class PlaneEstimator(Estimator):
    """Principal components: what the first of them do not explain is strange."""

    kind = "detector.plane"

    def learn(self, Z: np.ndarray) -> Learnt:
        """Middle and the axes that hold the share of variance asked, never all of them."""
        location = Z.mean(axis=0)
        apart = Z - location
        values, vectors = np.linalg.eigh(apart.T @ apart / len(Z))
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        held = np.cumsum(values) / max(float(values.sum()), 1e-300)
        kept = int(np.searchsorted(held, self.words["variance"] - 1e-12) + 1)
        axes = vectors.T[:max(1, min(kept, Z.shape[1] - 1))]
        return {}, {"location": location, "axes": axes}, {}


class RebuiltEstimator(Estimator):
    """An autoencoder: a small network with a waist that learns to give back what it is given."""

    kind = "detector.autoencoder"

    def learn(self, Z: np.ndarray) -> Learnt:
        """Weights and biases, layer by layer.

        Inputs further out than `reach` standard deviations are seen as lying there, so that one
        wild row does not pull the weights; what is compared is the row as it is.
        """
        from sklearn.neural_network import MLPRegressor

        reach = float(self.words["reach"])
        wide = Z.shape[1]
        waist = self.words["waist"] or max(1, round(wide ** 0.5))
        around = self.words["width"] or max(4, min(64, 2 * wide))
        made = MLPRegressor(hidden_layer_sizes=(around, waist, around), activation="tanh",
                            alpha=self.words["alpha"], batch_size=min(256, len(Z)),
                            learning_rate_init=3e-3,
                            max_iter=self.words["epochs"], n_iter_no_change=8, tol=1e-4,
                            random_state=derive(self.seed, "autoencoder"))
        seen = np.clip(Z, -reach, reach)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made.fit(seen, seen if wide > 1 else seen.ravel())
        self.learner_ = made
        arrays = {f"weights {at}": each for at, each in enumerate(made.coefs_)}
        arrays |= {f"bias {at}": each for at, each in enumerate(made.intercepts_)}
        return {"reach": reach}, arrays, {}


class BoundaryEstimator(Estimator):
    """A boundary around most rows: the one-class support vector machine (Schoelkopf 2001)."""

    kind = "detector.boundary"

    def learn(self, Z: np.ndarray) -> Learnt:
        """Support vectors, their weights, the kernel's reach and the offset."""
        from sklearn.svm import OneClassSVM

        gamma = self.words["gamma"]
        made = OneClassSVM(nu=self.words["nu"], cache_size=500,
                           gamma="scale" if gamma is None else gamma).fit(Z)
        self.learner_ = made
        return {"gamma": float(made._gamma), "offset": float(-made.intercept_[0]),
                "stores_rows": True}, {
            "support": np.array(made.support_vectors_), "dual": np.array(made.dual_coef_[0])}, {}


def inverse(covariance: np.ndarray, least: float) -> np.ndarray:
    """The precision, with no variance taken below `least`."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors / np.maximum(values, least)) @ vectors.T)
