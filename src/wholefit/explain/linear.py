"""Contributions in a weighted sum, exact: a weight times how far the row is from the background.

For an answer w.x + b with the columns of the background drawn by themselves, the Shapley value of
feature j is w_j (x_j - mean of x_j over the background), and the start is the answer to the means
(Strumbelj and Kononenko 2014; Lundberg and Lee 2017, corollary 1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.explain._additive import (
    BACKGROUND,
    LOG_ODDS,
    NUMBER,
    ONE_AGAINST_REST,
    Explainer,
    seen,
)

_SCALES = {"identity": NUMBER, "margin": NUMBER, "softmax": LOG_ODDS}


class LinearExplainer(Explainer):
    """Contributions of a State of kind "linear", from the means of a background."""

    rests = BACKGROUND

    def __init__(self, state: State, background: Callable[[], Any]) -> None:
        coef = np.asarray(state.arrays["coef"], dtype=np.float64)
        intercept = np.asarray(state.arrays["intercept"], dtype=np.float64)
        link = state.config["link"]
        if link == "modified_huber":
            raise StateError("the modified Huber loss cuts its sums off, so they are no sums of "
                             "contributions")
        self._coef, self._mean = coef, means(background())
        self.scale = _SCALES.get(link, LOG_ODDS)
        base = coef @ self._mean + intercept
        if "target" in state.arrays:
            offset, scale = state.arrays["target"]
            self._coef, base = coef * scale, base * scale + offset
        self.base = base
        if link == "ovr" and len(coef) > 1:
            self.scale = ONE_AGAINST_REST
        self.classes = seen(state, len(coef)) if state.config.get("n_classes") else None

    def values(self, X: Any) -> np.ndarray:
        """See `Explainer.values`."""
        away = dense(X) - self._mean
        return away[:, :, None] * self._coef.T[None]


def means(X: Any) -> np.ndarray:
    """The mean of each feature (p,), dense or sparse."""
    return np.asarray(X.mean(axis=0), dtype=np.float64).ravel()


def dense(X: Any) -> np.ndarray:
    """The rows as float64, dense."""
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
