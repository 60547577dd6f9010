"""An autoencoder in numpy: rows squeezed through a narrow layer and rebuilt, by Adam.

float32, mini-batches, mean squared error; a tenth of the rows is held back, and the weights that
rebuilt those best are kept (Hinton and Salakhutdinov 2006; Kingma and Ba 2015).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from wholefit.base.seeds import generator

_BETA1, _BETA2, _TINY = 0.9, 0.999, 1e-8
_MOST_HELD = 2000


class NumpyAutoencoder(BaseEstimator):  # type: ignore[misc]
    """`fit(X)` on features (n, p), then `weights`, `offsets`, `errors` (held rows, by epoch)."""

    def __init__(
        self, code: int, hidden: tuple[int, ...], activation: str, epochs: int, batch: int,
        rate: float, patience: int, seed: int,
    ) -> None:
        self.code, self.hidden, self.activation = code, hidden, activation
        self.epochs, self.batch, self.rate = epochs, batch, rate
        self.patience, self.seed = patience, seed

    def fit(self, X: Any, y: Any = None) -> NumpyAutoencoder:
        """Learn to rebuild the rows of X."""
        whole = np.ascontiguousarray(X.toarray() if hasattr(X, "toarray") else X, np.float32)
        rng = generator(self.seed, "autoencoder")
        order = rng.permutation(len(whole))
        held = whole[order[:min(len(order) // 10, _MOST_HELD)]]
        learnt = whole[order[len(held):]]
        self._start(whole, rng)
        self._learn(learnt, held if len(held) else learnt, rng)
        return self

    @property
    def code_layer(self) -> int:
        """The number of layers up to the code."""
        return len(self.hidden) + 1

    def _start(self, X: np.ndarray, rng: np.random.Generator) -> None:
        p = X.shape[1]
        sizes = [p, *self.hidden, self.code, *reversed(self.hidden), p]
        gain = 2.0 if self.activation == "relu" else 1.0
        self.weights = [rng.normal(0, np.sqrt(gain / a), (a, b)).astype(np.float32)
                        for a, b in pairwise(sizes)]
        self.offsets = [np.zeros(b, np.float32) for b in sizes[1:]]
        self.weights[-1] *= np.float32(0.1)
        self.offsets[-1][:] = X.mean(axis=0)
        self.errors: list[float] = []

    def _learn(self, X: np.ndarray, held: np.ndarray, rng: np.random.Generator) -> None:
        params = [*self.weights, *self.offsets]
        first, second = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params]
        best, kept, since, step = self.error(held), [p.copy() for p in params], 0, 0
        for epoch in range(self.epochs):
            order = rng.permutation(len(X))
            rate = self.rate * 0.5 * (1 + np.cos(np.pi * epoch / self.epochs))
            for at in range(0, len(X), self.batch):
                step += 1
                slopes = self._slopes(X[order[at:at + self.batch]])
                _adam(params, slopes, first, second, rate, step)
            self.errors.append(self.error(held))
            since += 1
            if self.errors[-1] < best:
                best, kept, since = self.errors[-1], [p.copy() for p in params], 0
            if since >= self.patience:
                break
        middle = len(self.weights)
        self.weights, self.offsets = kept[:middle], kept[middle:]

    def error(self, X: np.ndarray) -> float:
        """Mean squared error of the rows rebuilt."""
        return float(((self._forward(X)[-1] - X) ** 2).mean())

    def _forward(self, X: np.ndarray) -> list[np.ndarray]:
        """The output of every layer, the rows themselves first."""
        found = [X]
        for layer, (weights, offsets) in enumerate(zip(self.weights, self.offsets, strict=True)):
            out = found[-1] @ weights + offsets
            if not self._linear(layer):
                out = np.tanh(out) if self.activation == "tanh" else np.maximum(out, 0)
            found.append(out)
        return found

    def _linear(self, layer: int) -> bool:
        return layer in (self.code_layer - 1, len(self.weights) - 1)

    def _slopes(self, X: np.ndarray) -> list[np.ndarray]:
        outs = self._forward(X)
        back = (outs[-1] - X) * np.float32(2.0 / X.size * X.shape[1])
        weights: list[np.ndarray] = []
        offsets: list[np.ndarray] = []
        for layer in reversed(range(len(self.weights))):
            if not self._linear(layer):
                out = outs[layer + 1]
                back = back * ((1 - out * out) if self.activation == "tanh" else (out > 0))
            weights.append(outs[layer].T @ back)
            offsets.append(back.sum(axis=0))
            if layer:
                back = back @ self.weights[layer].T
        return [*reversed(weights), *reversed(offsets)]


def _adam(
    params: list[np.ndarray], slopes: list[np.ndarray], first: list[np.ndarray],
    second: list[np.ndarray], rate: float, step: int,
) -> None:
    pace = np.float32(rate * np.sqrt(1 - _BETA2**step) / (1 - _BETA1**step))
    for param, slope, m, v in zip(params, slopes, first, second, strict=True):
        m *= np.float32(_BETA1)
        m += np.float32(1 - _BETA1) * slope
        v *= np.float32(_BETA2)
        v += np.float32(1 - _BETA2) * slope * slope
        param -= pace * m / (np.sqrt(v) + np.float32(_TINY))
