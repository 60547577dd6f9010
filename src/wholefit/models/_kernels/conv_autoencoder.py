"""A trained autoencoder of pictures: convolutions to the code, and back. Answered by torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.base.errors import SchemaError, StateError
from wholefit.base.optional import need
from wholefit.base.state import State
from wholefit.models._kernels._links import dense

_BATCH = 256


class ConvAutoencoder:
    """Pixels from 0 to `white`, channel by channel and row by row, to codes and back.

    The network answers in float64: a row's code is the same alone and among others.
    """

    def __init__(self, state: State) -> None:
        need("torch", extra="deep", user="an autoencoder of pictures")
        from wholefit.nn.rebuilding import rebuilt

        made_of = state.config["made_of"]
        self.module: Any = rebuilt(made_of, state.blobs["weights.safetensors"],
                                   ("conv_autoencoder",)).double().eval()
        channels, height, width = self.module.shape
        self.features, self.code = channels * height * width, int(self.module.spread.in_features)
        self._white = state.config["white"]
        if isinstance(self._white, bool) or not isinstance(self._white, int | float) \
                or not 0 < self._white <= 255:
            raise StateError("white must be a shade above 0, at most 255; the state says "
                             f"{str(self._white)[:40]}.")
        if made_of.get("output", "sigmoid") != "sigmoid":
            raise StateError("an autoencoder of pictures gives shades from 0 to 1.")

    def answer(self, X: Any) -> np.ndarray:
        """Pixels (n, p) to codes (n, d)."""
        whole = np.asarray(dense(X, self.features), dtype=np.float64)
        return self._through(self.module.encode, whole / self._white, self.code)

    def restore(self, Z: np.ndarray) -> np.ndarray:
        """Codes (n, d) to pixels (n, p)."""
        codes = np.asarray(Z, dtype=np.float64)
        if codes.ndim != 2 or codes.shape[1] != self.code:
            raise SchemaError(
                f"the model has {self.code} axes; got coordinates of shape {codes.shape}.")
        return self._white * self._through(self.module.decode, codes, self.features)

    def _through(self, run: Callable[[Any], Any], rows: np.ndarray, wide: int) -> np.ndarray:
        import torch

        out = np.empty((len(rows), wide))
        with torch.inference_mode():
            for start in range(0, len(rows), _BATCH):
                some = np.ascontiguousarray(rows[start:start + _BATCH])
                out[start:start + _BATCH] = run(torch.from_numpy(some)).numpy()
        return out
