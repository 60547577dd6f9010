"""Kernel machines: weighted similarities to the support vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels._links import dense

# Similarities held at once: 2 MB of them, which a processor's cache holds.
_BLOCK = 1 << 18


class KernelMachine:
    """Answers from `support` (s, p), `dual` (outputs, s) and `intercept`.

    A number (n,) for regression; the margin (n,) of the second of two classes; for k > 2 classes
    margins (n, k). These come from one machine for each pair of classes: votes, plus the sum of
    confidences squeezed into a third of a vote either way. `sizes` (k,) counts the support
    vectors of each class, which lie in order of class. A `target` array (offset, scale) brings
    a number learnt on a standardised target back to its own units.
    """

    def __init__(self, state: State) -> None:
        self._support = np.asarray(state.arrays["support"], dtype=np.float64)
        self._dual = np.asarray(state.arrays["dual"], dtype=np.float64)
        self._intercept = np.asarray(state.arrays["intercept"], dtype=np.float64)
        self._sizes = state.arrays.get("sizes")
        self._target = state.arrays.get("target")
        self._similarity = _similarity(state.config, self._support)

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to numbers (n,) or margins (n,) or (n, k)."""
        X = np.asarray(dense(X, self._support.shape[1]), dtype=np.float64)
        step = max(1, _BLOCK // max(1, len(self._support)))
        parts = [self._block(X[at:at + step]) for at in range(0, len(X), step)]
        found = np.concatenate(parts) if parts else self._block(X)
        if self._target is not None:
            found = found * self._target[1] + self._target[0]
        return found

    def _block(self, X: np.ndarray) -> np.ndarray:
        near = self._similarity(X)
        if self._sizes is None or len(self._sizes) == 2:
            return near @ self._dual[0] + self._intercept[0]
        ends = np.cumsum(self._sizes)
        sums = [near[:, end - size:end] @ self._dual[:, end - size:end].T
                for size, end in zip(self._sizes, ends, strict=True)]
        return _votes(sums, self._intercept)


def _votes(sums: list[np.ndarray], intercept: np.ndarray) -> np.ndarray:
    """Margins (n, k) from what each class's support vectors add to the pairs it is part of."""
    k = len(sums)
    found, sure = np.zeros((len(sums[0]), k)), np.zeros((len(sums[0]), k))
    pairs = ((i, j) for i in range(k) for j in range(i + 1, k))
    for (i, j), constant in zip(pairs, intercept, strict=True):
        margin = sums[i][:, j - 1] + sums[j][:, i] + constant
        sure[:, i] += margin
        sure[:, j] -= margin
        first = margin >= 0
        found[:, i] += first
        found[:, j] += ~first
    return found + sure / (3 * (np.abs(sure) + 1))


def _similarity(config: dict[str, Any],
                support: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    gamma, coef0, degree = config["gamma"], config["coef0"], config["degree"]
    if config["kernel"] == "rbf":
        return _near(support, gamma)
    return {
        "linear": lambda X: X @ support.T,
        "poly": lambda X: (gamma * (X @ support.T) + coef0) ** degree,
        "sigmoid": lambda X: np.tanh(gamma * (X @ support.T) + coef0),
    }[config["kernel"]]


def _near(support: np.ndarray, gamma: float) -> Callable[[np.ndarray], np.ndarray]:
    """exp(-gamma * squared distance), measured from the middle so that less is rounded away."""
    middle = support.mean(axis=0) if len(support) else 0.0
    centred = support - middle
    norms = np.einsum("ij,ij->i", centred, centred)

    def similarity(X: np.ndarray) -> np.ndarray:
        X = X - middle
        found = X @ centred.T
        found *= 2.0
        np.subtract(np.einsum("ij,ij->i", X, X)[:, None] + norms, found, out=found)
        np.maximum(found, 0.0, out=found)  # in place: this is where kernel machines spend time
        found *= -gamma
        return np.exp(found, out=found)

    return similarity
