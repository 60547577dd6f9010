"""The autoencoder of pictures: convolutions down to a code, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features import Encoding
from wholefit.features.encoding import for_linear
from wholefit.models._maps.axes import axes_for
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class ConvAutoencoder(Model):
    """Convolutions that halve a picture, a linear code, and the way back (Masci et al. 2011)."""

    name: ClassVar[str] = "conv_autoencoder"
    family: ClassVar[str] = "autoencoder"
    tasks: ClassVar[tuple[str, ...]] = ("reduction",)
    requires: ClassVar[str | None] = "torch"
    extra: ClassVar[str | None] = "deep"
    burden: ClassVar[int] = 45
    pace: ClassVar[float] = 60.0
    weighted: ClassVar[bool] = False
    summary: ClassVar[str] = (
        "Pictures: a code that rebuilds them, learnt by filters that look the same everywhere; "
        "where no column holds pictures it is the dense autoencoder.")

    components: int | None = param(None, "Numbers in the code; None is what the fit asks for, "
                                   "else 2.", low=1, none=True)
    filters: tuple[int, ...] = param((16, 32), "Filters of each convolution, which halves the "
                                     "picture; fewer where its sides do not allow so many.")
    hidden: tuple[int, ...] = param((128,), "Sizes of dense layers, where there is no picture.")
    activation: str = param("relu", "What bends between the layers.", choices=("relu", "tanh"))
    noise: str = param("none", "How pictures are spoilt before they are rebuilt: pixels set to 0, "
                       "normal noise, or not at all.", choices=("none", "mask", "gaussian"))
    strength: float = param(0.2, "Share of pixels that are set to 0, or the spread of the noise "
                            "where 1 is white.", low=0, high=10, search=(0.05, 0.5))
    epochs: int = param(30, "Times that all rows are seen.", low=1, search=(10, 200), log=True)
    batch: int = param(64, "Rows a step.", low=1, search=(32, 512), log=True)
    rate: float = param(5e-3, "Size of the steps.", above=0, search=(5e-4, 2e-2), log=True)
    device: str = param("auto", "Where to train.", choices=("auto", "cpu", "cuda", "mps"))

    def encoding(self, task: Task) -> Encoding:
        """Pictures as pixels; where there are none, standardised and dense."""
        return for_linear(dense=True, images="pixels")

    def build(self, task: Task, context: Context) -> Any:
        """A network of convolutions; the dense one where no column holds pictures."""
        from wholefit.models._generators.rebuilding import PictureRebuilder, Rebuilder

        code = axes_for(self.components, context)
        if any(span.kind == "image" for span in context.spans):
            return PictureRebuilder(self, code, context)
        return Rebuilder(self, code, context)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "conv_autoencoder": how the network is made, and its weights as safetensors.

        Of the dense one, kind "autoencoder_map".
        """
        learnt: State = estimator.state()
        return learnt
