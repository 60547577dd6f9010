"""A trained autoencoder: layers that lead to the code, and layers that lead back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.base.errors import SchemaError
from wholefit.base.state import State
from wholefit.models._kernels._links import dense
from wholefit.models._kernels.projections import spans


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def _same(x: np.ndarray) -> np.ndarray:
    return x


# By name, not lambdas: what holds one can be pickled.
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh, "relu": _relu, "identity": _same}


class Autoencoder:
    """Layers "w0", "b0", ...; after layer `code` (1 for the first) the row is its coordinates.

    Hidden layers have the activation; the code and the features that come back are linear.
    """

    def __init__(self, state: State) -> None:
        self._count, self._code = int(state.config["layers"]), int(state.config["code"])
        self._act = ACTIVATIONS[state.config["activation"]]
        arrays = state.arrays
        self._weights = [np.asarray(arrays[f"w{i}"], dtype=np.float64)
                         for i in range(min(self._count, 100))]
        self._offsets = [np.asarray(arrays[f"b{i}"], dtype=np.float64)
                         for i in range(min(self._count, 100))]
        self._check()

    def _check(self) -> None:
        if not 0 < self._code < self._count <= 100:
            raise ValueError("an autoencoder must have layers on both sides of its code")
        wide = self._weights[0].shape[0]
        for weights, offsets in zip(self._weights, self._offsets, strict=True):
            if weights.ndim != 2 or weights.shape[0] != wide or offsets.shape != weights.shape[1:]:
                raise ValueError("the layers of the autoencoder do not fit together")
            if not (np.isfinite(weights).all() and np.isfinite(offsets).all()):
                raise ValueError("the weights of an autoencoder must be finite")
            wide = weights.shape[1]
        if wide != self._weights[0].shape[0]:
            raise ValueError("the autoencoder gives back another number of features")

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to codes (n, d)."""
        whole = np.asarray(dense(X, self._weights[0].shape[0]), dtype=np.float64)
        return self._through(whole, 0, self._code)

    def restore(self, Z: np.ndarray) -> np.ndarray:
        """Codes (n, d) to features (n, p)."""
        codes = np.asarray(Z, dtype=np.float64)
        wide = self._weights[self._code].shape[0]
        if codes.ndim != 2 or codes.shape[1] != wide:
            raise SchemaError(
                f"the model has {wide} axes; got coordinates of shape {codes.shape}.")
        return self._through(codes, self._code, self._count)

    def _through(self, values: np.ndarray, start: int, end: int) -> np.ndarray:
        out = np.empty((len(values), self._weights[end - 1].shape[1]))
        for span in spans(values):
            part = values[span]
            for layer in range(start, end):
                part = part @ self._weights[layer] + self._offsets[layer]
                if layer < end - 1:
                    part = self._act(part)
            out[span] = part
        return out
