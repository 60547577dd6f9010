"""First weights: sizes that neither fade nor explode from layer to layer.

    initialise(module, "relu")                 # the same numbers under the same torch seed
    initialise(module, "tanh", scheme="xavier")

Everything random is drawn from torch's generator of the moment: `torch.manual_seed(seed)` before
`make(...)` gives the same weights on every run.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from wholefit.base.errors import unknown
from wholefit.nn.layers.activations import Activation, gain

_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d,
             nn.ConvTranspose3d, nn.Bilinear)


def initialise(
    module: nn.Module, activation: Activation = "relu", *, scheme: str = "auto",
    last: nn.Module | None = None,
) -> nn.Module:
    """Set the weights of dense layers and convolutions; offsets become 0. The module itself.

    - "auto": normal, standard deviation `gain(activation)` / sqrt(inputs of a neuron): keeps the
      mean square of signals whatever the activation is. That is He et al. 2015 for relu and LeCun
      for selu.
    - "kaiming": He's gain sqrt(2) whatever the activation is. "lecun": gain 1.
    - "xavier": uniform, by inputs and outputs (Glorot and Bengio 2010), what Keras begins with.
    - "orthogonal": rows or columns at right angles (Saxe et al. 2014), times the gain.
    - "zeros": every neuron stays like its neighbours; to show why first weights are random.
    - "torch": leaves what torch made.

    `last` is the layer that gives the answers: it is followed by no activation and gets gain 1.
    """
    if scheme not in SCHEMES:
        raise unknown("scheme of first weights", scheme, SCHEMES)
    if scheme == "torch":
        return module
    factor = {"kaiming": math.sqrt(2), "lecun": 1.0}.get(scheme) or gain(activation)
    for layer in module.modules():
        if isinstance(layer, _WEIGHTED):
            with torch.no_grad():
                SCHEMES[scheme](layer.weight, 1.0 if layer is last else factor)
                if layer.bias is not None:
                    layer.bias.zero_()
    return module


def _normal(weight: torch.Tensor, factor: float) -> None:
    nn.init.normal_(weight, std=factor / math.sqrt(max(1, weight[0].numel())))


def _xavier(weight: torch.Tensor, factor: float) -> None:
    nn.init.xavier_uniform_(weight)


def _orthogonal(weight: torch.Tensor, factor: float) -> None:
    nn.init.orthogonal_(weight, gain=factor)


def _zeros(weight: torch.Tensor, factor: float) -> None:
    nn.init.zeros_(weight)


SCHEMES: dict[str, Callable[[torch.Tensor, float], None]] = {
    "auto": _normal, "kaiming": _normal, "lecun": _normal, "xavier": _xavier,
    "orthogonal": _orthogonal, "zeros": _zeros, "torch": lambda weight, factor: None,
}
