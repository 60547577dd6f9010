"""Contributions in naive Bayes, exact: each feature speaks for itself, in logs of probability.

What feature j says for a class is a function of it alone, so its Shapley value is what it says
of the row less the mean of what it says over the background.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.explain._additive import BACKGROUND, LOG_ODDS, Explainer, seen
from wholefit.explain.linear import dense


class BayesExplainer(Explainer):
    """Contributions of a State of kind "gaussian_nb", "multinomial_nb" or "bernoulli_nb"."""

    rests, scale = BACKGROUND, LOG_ODDS

    def __init__(self, state: State, background: Callable[[], Any]) -> None:
        self._state = state
        self._arrays = {name: np.asarray(array, dtype=np.float64)
                        for name, array in state.arrays.items()}
        behind = background()
        rows = max(1, 2_000_000 // max(1, behind.shape[1]))
        means = [self._said(dense(behind[at:at + rows])).sum(axis=0)
                 for at in range(0, behind.shape[0], rows)]
        self._mean = np.sum(means, axis=0) / behind.shape[0]
        self.base = self._mean.sum(axis=0) + self._constant()
        self.classes = seen(state, len(self.base))

    def values(self, X: Any) -> np.ndarray:
        """See `Explainer.values`."""
        return self._said(dense(X)) - self._mean

    def _said(self, X: np.ndarray) -> np.ndarray:
        """What each feature says for each class, (n, p, classes)."""
        if self._state.kind == "gaussian_nb":
            mean, variance = self._arrays["mean"].T, self._arrays["variance"].T
            return np.asarray(-0.5 * (X[:, :, None] - mean) ** 2 / variance)
        if self._state.kind == "multinomial_nb":
            ready = np.maximum(X, 0) if self._state.config.get("floor") else X
        else:
            threshold = self._state.config["threshold"]
            ready = X if threshold is None else np.greater(X, threshold).astype(np.float64)
        return np.asarray(ready[:, :, None] * self._arrays["coef"].T)

    def _constant(self) -> np.ndarray:
        if self._state.kind != "gaussian_nb":
            return self._arrays["intercept"]
        with np.errstate(divide="ignore"):  # a class without weight: nothing is said of it then
            prior = np.log(self._arrays["prior"])
        return np.asarray(prior - 0.5 * np.log(2 * np.pi * self._arrays["variance"]).sum(axis=1))
