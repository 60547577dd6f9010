"""Naive Bayes: log priors plus what each feature says, on its own, of each class."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels._links import dense, softmax, spread
from wholefit.models._kernels.linear import numbers

# Numbers held at once: 32 MB of them.
_BLOCK = 1 << 22


class Gaussian:
    """Answers from `mean`, `variance` (classes, p) and `prior` (classes,)."""

    def __init__(self, state: State) -> None:
        self._mean = np.asarray(state.arrays["mean"], dtype=np.float64)
        self._variance = np.asarray(state.arrays["variance"], dtype=np.float64)
        self._prior = np.asarray(state.arrays["prior"], dtype=np.float64)
        self._classes = state.config["classes"]
        self._n_classes = int(state.config["n_classes"])

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to probabilities (n, classes)."""
        X = np.ascontiguousarray(dense(X, self._mean.shape[1]), dtype=np.float64)
        step = max(1, _BLOCK // max(1, X.shape[1]))
        parts = [self._logs(X[at:at + step]) for at in range(0, len(X), step)]
        found = np.concatenate(parts) if parts else self._logs(X)
        return spread(softmax(found), self._classes, self._n_classes)

    def _logs(self, X: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):  # a class without weight has log prior -inf
            priors = np.log(self._prior)
        columns = [
            prior + (-0.5 * np.sum(np.log(2.0 * np.pi * variance))
                     - 0.5 * np.sum((X - mean) ** 2 / variance, axis=1))
            for prior, mean, variance in zip(priors, self._mean, self._variance, strict=True)]
        return np.stack(columns, axis=1)


class Multinomial:
    """Answers from `coef` (classes, p), log shares of features, and `intercept`, log priors.

    Where config says "floor", features below 0 count as 0.
    """

    def __init__(self, state: State) -> None:
        self._coef = np.asarray(state.arrays["coef"], dtype=np.float64)
        self._intercept = np.asarray(state.arrays["intercept"], dtype=np.float64)
        self._floor = bool(state.config.get("floor"))
        self._classes = state.config["classes"]
        self._n_classes = int(state.config["n_classes"])

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p), dense or CSR, to probabilities (n, classes)."""
        X = self._ready(numbers(X, self._coef.shape[1]))
        found = softmax(np.asarray(X @ self._coef.T) + self._intercept)
        return spread(found, self._classes, self._n_classes)

    def _ready(self, X: Any) -> Any:
        return floored(X) if self._floor else X


def floored(X: Any) -> Any:
    """`X`, dense or CSR, with 0 in place of what lies below."""
    return X.maximum(0) if hasattr(X, "tocsr") else np.maximum(X, 0)


class Bernoulli(Multinomial):
    """As multinomial, on features that are 1 above `threshold`, else 0 (None: as they are)."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._threshold = state.config["threshold"]

    def _ready(self, X: Any) -> Any:
        if self._threshold is None:
            return X
        if not hasattr(X, "tocsr"):
            return np.greater(X, self._threshold).astype(np.float64)
        present = X.tocsr(copy=True)
        present.data = (present.data > self._threshold).astype(np.float64)
        return present
