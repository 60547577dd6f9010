"""The estimator of denoising and sparse autoencoders."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from wholefit.base.seeds import derive
from wholefit.models._kernels.autoencoder_map import ACTIVATIONS
from wholefit.models._model import Context
from wholefit.nn import networks
from wholefit.nn.generative import Rebuilding, train_autoencoder
from wholefit.nn.generative.mixed import linear_layers
from wholefit.nn.quiet import quiet


class Rebuilder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """`fit(X)` on features (n, p), then `module_`, `history_`, `layers()`, `transform(X)`."""

    def __init__(self, model: Any, code: int, context: Context) -> None:
        self.model, self.code, self.context = model, code, context

    def fit(self, X: Any, y: Any = None) -> Rebuilder:
        """Learn to rebuild the rows of X from spoilt ones."""
        rows = np.ascontiguousarray(X.toarray() if hasattr(X, "toarray") else X, np.float32)
        model = self.model
        how = Rebuilding(
            epochs=model.epochs, batch=min(model.batch, max(16, len(rows) // 20)),
            rate=model.rate, noise=model.noise, strength=model.strength, sparsity=model.sparsity,
            weight=model.weight, device=model.device, seed=self.context.seed % 2**31)
        with quiet(derive(self.context.seed, "weights"), count=self.context.jobs):
            module = networks.make(
                "autoencoder", inputs=rows.shape[1], hidden=[int(size) for size in model.hidden],
                code=self.code, activation=model.activation, output="linear", bend_code=False)
            learnt = train_autoencoder(module, rows, how)
        self.module_, self.history_ = learnt.module.cpu(), learnt.history
        return self

    def layers(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Weights (in, out) and offsets (out,) of every layer, to the code and back."""
        return linear_layers(self.module_)

    def transform(self, X: Any) -> np.ndarray:
        """Codes (n, code)."""
        rows = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
        weights, offsets = self.layers()
        bend = ACTIVATIONS[self.model.activation]
        last = len(self.model.hidden)
        for at in range(last + 1):
            rows = rows @ weights[at].astype(np.float64) + offsets[at]
            rows = rows if at == last else bend(rows)
        return rows
