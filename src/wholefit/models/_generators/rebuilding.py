"""The estimators of autoencoders that torch trains: denoising, sparse, of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from wholefit.base.errors import DataError
from wholefit.base.seeds import derive
from wholefit.base.state import State
from wholefit.models._kernels.autoencoder_map import ACTIVATIONS
from wholefit.models._model import Context
from wholefit.nn import networks, weights
from wholefit.nn.generative import Rebuilding, train_autoencoder
from wholefit.nn.generative.mixed import linear_layers
from wholefit.nn.quiet import quiet


class Rebuilder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """`fit(X)` on features (n, p), then `module_`, `history_`, `layers()`, `transform(X)`."""

    def __init__(self, model: Any, code: int, context: Context) -> None:
        self.model, self.code, self.context = model, code, context

    def fit(self, X: Any, y: Any = None) -> Rebuilder:
        """Learn to rebuild the rows of X from spoilt ones."""
        return self._learn(_dense(X, np.float32))

    def _learn(self, rows: np.ndarray, **more: Any) -> Any:
        model = self.model
        how = Rebuilding(
            epochs=model.epochs, batch=min(model.batch, max(16, len(rows) // 20)),
            rate=model.rate, noise=model.noise, strength=model.strength, device=model.device,
            seed=self.context.seed % 2**31, **self._asked(), **more)
        with quiet(derive(self.context.seed, "weights"), count=self.context.jobs):
            learnt = train_autoencoder(self._made(rows), rows, how)
        self.module_, self.history_ = learnt.module.cpu(), learnt.history
        return self

    def _asked(self) -> dict[str, Any]:
        """What is asked of the code, by models that ask something of it."""
        return {name: getattr(self.model, name) for name in ("sparsity", "weight")
                if hasattr(self.model, name)}

    def _made(self, rows: np.ndarray) -> Any:
        return networks.make(
            "autoencoder", inputs=rows.shape[1], hidden=[int(size) for size in self.model.hidden],
            code=self.code, activation=self.model.activation, output="linear", bend_code=False)

    def layers(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Weights (in, out) and offsets (out,) of every layer, to the code and back."""
        return linear_layers(self.module_)

    def state(self) -> State:
        """Kind "autoencoder_map", as the numpy autoencoder's: weights and offsets by layer."""
        found, offsets = self.layers()
        arrays = {f"w{at}": w for at, w in enumerate(found)}
        arrays |= {f"b{at}": b for at, b in enumerate(offsets)}
        return State("autoencoder_map", {
            "layers": len(found), "code": len(self.model.hidden) + 1,
            "activation": self.model.activation}, arrays)

    def transform(self, X: Any) -> np.ndarray:
        """Codes (n, code)."""
        rows = _dense(X, np.float64)
        weights, offsets = self.layers()
        bend = ACTIVATIONS[self.model.activation]
        last = len(self.model.hidden)
        for at in range(last + 1):
            rows = rows @ weights[at].astype(np.float64) + offsets[at]
            rows = rows if at == last else bend(rows)
        return rows


class PictureRebuilder(Rebuilder):
    """The same for one column of pictures, given as pixels (n, p) from 0 to 255."""

    def fit(self, X: Any, y: Any = None) -> PictureRebuilder:
        """Learn to rebuild the pictures; DataError where another column stands beside them."""
        spans = self.context.spans
        if len(spans) != 1:
            held = sum(span.kind == "image" for span in spans)
            also = f"{held} columns of them" if held > 1 else "other columns beside them"
            raise DataError(f"{self.model.name} takes one column of pictures; got {also}: leave "
                            "out the others with roles={'NAME': 'ignored'}.")
        rows = _dense(X, np.float32)
        self.white_ = float(rows.max()) or 1.0  # all are black: nothing is too bright
        return self._learn(rows / np.float32(self.white_))

    def _made(self, rows: np.ndarray) -> Any:
        channels, height, width = self.context.spans[0].shape
        most = max(1, min(height, width).bit_length() - 1)
        return networks.make(
            "conv_autoencoder", channels=channels, height=height, width=width, code=self.code,
            filters=[int(count) for count in self.model.filters][:most],
            activation=self.model.activation, output="sigmoid")

    def state(self) -> State:
        """Kind "conv_autoencoder": how the network is made, and its weights."""
        config = {"made_of": self.module_.made_of, "white": self.white_}
        return State("conv_autoencoder", config, {},
                     {"weights.safetensors": weights.to_bytes(self.module_)})

    def transform(self, X: Any) -> np.ndarray:
        """Codes (n, code)."""
        from wholefit.models._kernels.conv_autoencoder import ConvAutoencoder

        return ConvAutoencoder(self.state()).answer(X)


def _dense(X: Any, kind: Any) -> np.ndarray:
    return np.ascontiguousarray(X.toarray() if hasattr(X, "toarray") else X, dtype=kind)
