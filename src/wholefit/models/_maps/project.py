"""Estimators of projections that scikit-learn lacks or does slower, and all of them as states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from wholefit.base.errors import ParameterError, StateError
from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.features import pca
from wholefit.models._kernels.projections import kernel

_SHARED = 2500
"""Up to so many features or rows `features.pca` finds all axes, so that a share can be asked."""
_WHOLE = 400
"""Up to so many features or rows all singular directions are as quick as the leading ones."""


class Principal(BaseEstimator):  # type: ignore[misc]
    """Principal components by `features.pca`: dense or CSR, a number of them or a share."""

    def __init__(self, components: float, seed: int = 0) -> None:
        self.components, self.seed = components, seed

    def fit(self, X: Any, y: Any = None) -> Principal:
        """Learn mean and axes; `explained_variance_ratio_` is the share each axis holds."""
        if self.components < 1 and min(X.shape) > _SHARED:
            raise ParameterError(
                f"PCA.components must be a number of axes where rows and features both exceed "
                f"{_SHARED:,}; got the share {self.components:g}: say components=50, or select "
                "features first.")
        found = pca.learn(X, self.components, self.seed)
        self.mean_, self.components_ = found.mean, found.axes
        self.explained_variance_ratio_ = found.share
        return self


class Singular(BaseEstimator):  # type: ignore[misc]
    """Leading singular directions of dense X or CSR, as it is; their signs are settled."""

    def __init__(self, components: int, seed: int = 0) -> None:
        self.components, self.seed = components, seed

    def fit(self, X: Any, y: Any = None) -> Singular:
        """Learn the directions, strongest first."""
        few = min(X.shape)
        if few <= _WHOLE or self.components >= few - 1:
            whole = X.toarray() if hasattr(X, "toarray") else np.asarray(X, dtype=np.float64)
            _, _, axes = np.linalg.svd(whole, full_matrices=False)
        else:
            from scipy.sparse.linalg import svds

            start = generator(self.seed, "svd").uniform(-1, 1, few)
            _, strength, axes = svds(X, k=self.components, v0=start)
            axes = axes[np.argsort(-strength)]
        axes = axes[:self.components]
        largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
        self.components_ = np.ascontiguousarray(
            axes * np.where(largest < 0, -1.0, 1.0)[:, None])
        self.mean_ = np.zeros(X.shape[1])
        return self


class Drawn(BaseEstimator):  # type: ignore[misc]
    """Directions drawn by chance."""

    def __init__(self, components: int, seed: int = 0) -> None:
        self.components, self.seed = components, seed

    def fit(self, X: Any, y: Any = None) -> Drawn:
        """Draw them; of X only the mean is used."""
        rng = generator(self.seed, "random projection")
        shape = (self.components, X.shape[1])
        self.components_ = rng.normal(size=shape) / np.sqrt(self.components)
        self.mean_ = np.asarray(X.mean(axis=0), dtype=np.float64).ravel()
        return self


class Factors(BaseEstimator):  # type: ignore[misc]
    """scikit-learn's NMF, given these words, on features >= 0, without its own transform."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        self.words = words

    def fit(self, X: Any, y: Any = None) -> Factors:
        """Learn the parts; no more of them than the singular start can give."""
        import warnings

        from sklearn.decomposition import NMF
        from sklearn.exceptions import ConvergenceWarning

        kept = X.maximum(0) if hasattr(X, "tocsr") else np.clip(X, 0, None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.components_ = np.asarray(NMF(**self.words).fit(kept).components_)
        return self


class Likeness(BaseEstimator):  # type: ignore[misc]
    """Kernel principal components of at most `most` rows."""

    def __init__(
        self, components: int, name: str, gamma: float, degree: int, most: int, seed: int,
    ) -> None:
        self.components, self.name, self.gamma = components, name, gamma
        self.degree, self.most, self.seed = degree, most, seed

    def fit(self, X: Any, y: Any = None) -> Likeness:
        """Learn the weights of the kept rows."""
        rows = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
        if len(rows) > self.most:
            drawn = generator(self.seed, "kernel rows").permutation(len(rows))[:self.most]
            rows = rows[np.sort(drawn)]
        alike = kernel(rows, rows, self.name, self.gamma, self.degree)
        self.rows_, self.means_, self.mean_ = rows, alike.mean(axis=0), float(alike.mean())
        alike = alike - self.means_ - self.means_[:, None] + self.mean_
        strength, axes = _leading(alike, self.components)
        largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
        # a direction of no strength at all stays at zero
        held = strength > 1e-12 * max(strength[0], 1e-300)
        self.dual_ = axes * np.where(largest < 0, -1.0, 1.0) * np.where(
            held, 1 / np.sqrt(np.where(held, strength, 1.0)), 0.0)
        return self

    def state(self) -> State:
        """Kind "kernel_projection"."""
        config = {"kernel": self.name, "gamma": self.gamma, "degree": self.degree,
                  "mean": self.mean_}
        return State("kernel_projection", config,
                     {"rows": np.ascontiguousarray(self.rows_),
                      "dual": np.ascontiguousarray(self.dual_), "means": self.means_})


def _leading(square: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.linalg import eigh

    many = len(square)
    strength, axes = eigh(square, subset_by_index=[many - min(count, many), many - 1])
    return strength[::-1], axes[:, ::-1]


def read(estimator: Any) -> State:
    """The state of a fitted linear projection or of parts; StateError for another class."""
    name = type(estimator).__name__
    if name not in _READERS:
        raise StateError(f"{name} has no reader among the projections.")
    return _READERS[name](estimator)


def _projection(mean: Any, axes: Any, back: Any = None) -> State:
    arrays = {"mean": np.array(mean, dtype=np.float64, order="C").ravel(),
              "axes": np.array(axes, dtype=np.float64, order="C")}
    if back is not None:
        arrays["back"] = np.array(back, dtype=np.float64, order="C")
    return State("projection", {}, arrays)


def _plain(estimator: Any) -> State:
    return _projection(estimator.mean_, estimator.components_)


def _drawn(estimator: Any) -> State:
    return _projection(estimator.mean_, estimator.components_,
                       np.linalg.pinv(estimator.components_).T)


def _unmixed(estimator: Any) -> State:
    mean = getattr(estimator, "mean_", np.zeros(estimator.components_.shape[1]))
    return _projection(mean, estimator.components_, np.asarray(estimator.mixing_).T)


def _sparse(estimator: Any) -> State:
    """Its transform is a ridge regression on the axes, hence linear."""
    axes = np.asarray(estimator.components_, dtype=np.float64)
    among = axes @ axes.T + estimator.ridge_alpha * np.eye(len(axes))
    return _projection(estimator.mean_, np.linalg.solve(among, axes), axes)


def _parts(estimator: Any) -> State:
    return State("parts", {}, {
        "parts": np.array(estimator.components_, dtype=np.float64, order="C")})


_READERS = {
    "Principal": _plain, "Singular": _plain, "Drawn": _drawn, "Factors": _parts,
    "IncrementalPCA": _plain, "FastICA": _unmixed, "SparsePCA": _sparse,
    "MiniBatchSparsePCA": _sparse,
}
