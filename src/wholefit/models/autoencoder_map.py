"""The autoencoder: a curved projection, learnt by rebuilding rows from a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features import Encoding
from wholefit.features.encoding import for_linear
from wholefit.models._maps.axes import axes_for
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class AutoencoderMap(Model):
    """An autoencoder with a linear code (Hinton and Salakhutdinov 2006)."""

    name = "autoencoder_map"
    family = "autoencoder"
    tasks = ("reduction",)
    burden = 30
    pace = 20.0
    weighted = False
    summary = ("Many rows whose structure bends: a code that rebuilds them better than as many "
               "principal components, at the price of a training and of axes without a meaning.")

    components: int | None = param(None, "Numbers in the code; None is what the fit asks for, "
                                   "else 2.", low=1, none=True)
    hidden: tuple[int, ...] = param((128,), "Sizes of the layers between features and code; the "
                                    "way back mirrors them.")
    activation: str = param("tanh", "What bends between the layers.", choices=("tanh", "relu"))
    epochs: int = param(100, "Most times that all rows are seen.", low=1, search=(20, 300),
                        log=True)
    batch: int = param(128, "Rows a step; of few rows a twentieth, so that steps are enough.",
                       low=1, search=(32, 512), log=True)
    rate: float = param(2e-3, "Size of the first steps.", above=0, search=(1e-4, 1e-2), log=True)
    patience: int = param(15, "Epochs without a better rebuilding of held rows before it stops.",
                          low=1)

    def encoding(self, task: Task) -> Encoding:
        """Standardised and dense."""
        return for_linear(dense=True)

    def build(self, task: Task, context: Context) -> Any:
        """A numpy autoencoder; layers wider than needed are narrowed to the features."""
        from wholefit.models._maps.autoencoder import NumpyAutoencoder

        code = axes_for(self.components, context)
        hidden = tuple(max(1, int(size)) for size in self.hidden)
        batch = min(self.batch, max(32, context.rows // 20))
        return NumpyAutoencoder(code, hidden, self.activation, self.epochs, batch, self.rate,
                                self.patience, context.seed)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "autoencoder_map": weights and offsets, layer by layer."""
        layers = len(estimator.weights)
        arrays = {f"w{i}": np.array(w, order="C") for i, w in enumerate(estimator.weights)}
        arrays |= {f"b{i}": np.array(b, order="C") for i, b in enumerate(estimator.offsets)}
        config = {"layers": layers, "code": estimator.code_layer,
                  "activation": estimator.activation}
        return State("autoencoder_map", config, arrays)
