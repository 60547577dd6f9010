"""Autoencoders that must do more than rebuild: from spoilt rows, or with a sparse code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features import Encoding
from wholefit.features.encoding import for_linear
from wholefit.models._maps.axes import axes_for
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class DenoisingAutoencoder(Model):
    """An autoencoder that rebuilds rows from spoilt ones (Vincent et al. 2008)."""

    name = "denoising_autoencoder"
    family = "autoencoder"
    tasks = ("reduction",)
    requires = "torch"
    extra = "deep"
    burden = 35
    pace = 30.0
    weighted = False
    summary = ("As autoencoder_map, where columns are noisy or some cells fail: the code keeps "
               "what other columns confirm; with sparsity, few of its numbers speak at a time.")

    components: int | None = param(None, "Numbers in the code; None is what the fit asks for, "
                                   "else 2.", low=1, none=True)
    hidden: tuple[int, ...] = param((128,), "Sizes of the layers between features and code; the "
                                    "way back mirrors them.")
    activation: str = param("tanh", "What bends between the layers.", choices=("tanh", "relu"))
    noise: str = param("mask", "How rows are spoilt: cells set to their mean, normal noise, or not "
                       "at all.", choices=("mask", "gaussian", "none"))
    strength: float = param(0.2, "Share of cells that are set to their mean, or the spread of the "
                            "noise in standard deviations.", low=0, high=10, search=(0.05, 0.5))
    sparsity: str = param("none", "What is asked of the code: nothing, small numbers, or little "
                          "activity.", choices=("none", "l1", "kl"))
    weight: float = param(1e-3, "How much sparsity counts.", low=0, search=(1e-5, 1e-1), log=True)
    epochs: int = param(60, "Times that all rows are seen.", low=1, search=(20, 300), log=True)
    batch: int = param(64, "Rows a step.", low=1, search=(32, 512), log=True)
    rate: float = param(2e-3, "Size of the steps.", above=0, search=(1e-4, 1e-2), log=True)
    device: str = param("auto", "Where to train.", choices=("auto", "cpu", "cuda", "mps"))

    def encoding(self, task: Task) -> Encoding:
        """Standardised and dense: a mean is 0."""
        return for_linear(dense=True)

    def build(self, task: Task, context: Context) -> Any:
        """A network that answers with numpy once it is trained."""
        from wholefit.models._generators.rebuilding import Rebuilder

        return Rebuilder(self, axes_for(self.components, context), context)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "autoencoder_map", as the numpy autoencoder's: weights and offsets by layer."""
        learnt: State = estimator.state()
        return learnt
