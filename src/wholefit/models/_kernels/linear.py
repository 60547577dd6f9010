"""Weighted sums of the features, and the links that turn them into answers."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from wholefit.base.errors import SchemaError
from wholefit.base.state import State
from wholefit.models._kernels._links import sigmoid, softmax, spread


class Linear:
    """Answers from `coef` (outputs, p) and `intercept` (outputs,).

    `link` is "identity" (a number), "margin" (the sums themselves), "softmax", "ovr" (a
    sigmoid for each output, normalised; one output means two classes) or "modified_huber". A
    `target` array (offset, scale) brings a number learnt on a standardised target back to its
    own units.
    """

    def __init__(self, state: State) -> None:
        self._coef = np.asarray(state.arrays["coef"], dtype=np.float64)
        self._intercept = np.asarray(state.arrays["intercept"], dtype=np.float64)
        self._target = state.arrays.get("target")
        self._classes = state.config.get("classes")
        self._link = _LINKS[state.config["link"]]
        self._n_classes = int(state.config.get("n_classes", 0))

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p), dense or CSR, to numbers (n,), margins, or probabilities."""
        X = numbers(X, self._coef.shape[1])
        return self.ended(np.asarray(X @ self._coef.T) + self._intercept)

    def sums(self, rows: list[tuple[list[int], list[float]]]) -> np.ndarray:
        """Weighted sums (n, outputs) of rows given by the places and values that are not zero.

        Added up in the order of a CSR matrix, so that they are its sums to the last bit.
        """
        found = []
        for places, values in rows:
            row = []
            for weights in self._lists:
                total = 0.0
                for place, value in zip(places, values, strict=True):
                    total += value * weights[place]
                row.append(total)
            found.append(row)
        return np.array(found) + self._intercept

    @cached_property
    def _lists(self) -> list[list[float]]:
        return self._coef.tolist()

    def ended(self, sums: np.ndarray) -> np.ndarray:
        """The sums (n, outputs) to the answer."""
        found = self._link(sums)
        if self._target is not None:
            found = found * self._target[1] + self._target[0]
        if self._link is _margin or not self._n_classes:
            return found
        return spread(found, self._classes, self._n_classes)


def numbers(X: Any, features: int) -> Any:
    """`X` in float64, sparse if it was; SchemaError unless it has that many features."""
    if not hasattr(X, "tocsr"):
        X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] != features:
        raise SchemaError(
            f"the model was fitted on {features} features; got an array of shape {X.shape}.")
    return X.astype(np.float64, copy=False)


def pair(positive: np.ndarray) -> np.ndarray:
    """Probabilities (n,) of the second of two classes to those of both (n, 2)."""
    return np.stack([1.0 - positive, positive], axis=1)


def normalised(found: np.ndarray) -> np.ndarray:
    """Rows (n, k) over their sum; a row of zeros becomes uniform."""
    total = found.sum(axis=1, keepdims=True)
    empty = total == 0
    found = np.where(empty, 1.0, found)
    return found / np.where(empty, found.shape[1], total)


def _identity(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0]


def _margin(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0] if sums.shape[1] == 1 else sums


def _ovr(sums: np.ndarray) -> np.ndarray:
    found = sigmoid(sums)
    return pair(found[:, 0]) if sums.shape[1] == 1 else normalised(found)


def _modified_huber(sums: np.ndarray) -> np.ndarray:
    """Probabilities under the modified Huber loss (Zhang 2004, section 3)."""
    found = (np.clip(sums, -1.0, 1.0) + 1.0) / 2.0
    return pair(found[:, 0]) if sums.shape[1] == 1 else normalised(found)


_LINKS = {"identity": _identity, "margin": _margin, "softmax": softmax, "ovr": _ovr,
          "modified_huber": _modified_huber}
