"""What kernels share: dense features, links from sums to answers, classes laid out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base.errors import SchemaError


def dense(X: Any, features: int) -> np.ndarray:
    """Features as a dense (n, p) array; SchemaError unless p is what the model was fitted on."""
    whole = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    if whole.ndim != 2 or whole.shape[1] != features:
        raise SchemaError(
            f"the model was fitted on {features} features; got an array of shape {whole.shape}.")
    return whole


def link(name: str, raw: np.ndarray) -> np.ndarray:
    """Sums (n, outputs) to answers: "identity", "exp", "softmax", "sigmoid" (to two classes)."""
    if name == "sigmoid":
        yes = sigmoid(raw[:, 0])
        return np.stack([1 - yes, yes], axis=1)
    if name == "softmax":
        return softmax(raw)
    return np.exp(raw) if name == "exp" else raw


def sigmoid(raw: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-raw)), without overflow for any finite value."""
    small = np.exp(-np.abs(raw))
    return np.where(raw >= 0, 1.0, small) / (1.0 + small)


def softmax(raw: np.ndarray) -> np.ndarray:
    """Rows (n, k) to probabilities that sum to 1."""
    shares = np.exp(raw - raw.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def spread(found: np.ndarray, classes: Sequence[int] | None, n_classes: int) -> np.ndarray:
    """Probabilities of the classes seen in training laid over all (n, n_classes)."""
    if classes is None or len(classes) == n_classes:
        return found
    whole = np.zeros((len(found), n_classes))
    whole[:, np.asarray(classes, dtype=np.intp)] = found
    return whole


def bounded(answer: np.ndarray, bounds: Sequence[float] | None) -> np.ndarray:
    """Numbers held between two bounds, if given; the same array where none lies outside."""
    if bounds is None or not ((answer < bounds[0]) | (answer > bounds[1])).any():
        return answer
    return np.clip(answer, bounds[0], bounds[1])


def tempered(shares: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, classes) to the power of 1 / temperature, made to add up to 1.

    Above 1 they become less sure (Guo and others 2017, "On Calibration of Modern Neural
    Networks").
    """
    if temperature == 1.0:
        return shares
    logs = np.log(np.maximum(shares, np.finfo(np.float64).tiny)) / temperature
    found = np.exp(logs - logs.max(axis=1, keepdims=True))
    return found / found.sum(axis=1, keepdims=True)
