"""Multilayer perceptrons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from wholefit.nn import layers
from wholefit.nn.networks._checks import several, whole
from wholefit.nn.networks._registry import network


@network("mlp", recipe={"optimizer": "adamw", "rate": 1e-3, "batch": 128, "epochs": 50,
                        "schedule": "cosine", "weight_decay": 1e-4})
class MLP(nn.Module):
    """Fully connected layers; (n, inputs) to (n, outputs). What has more axes is flattened.

    Each of `hidden` is dense, norm ("none", "batch" or "layer"), activation, dropout. With
    `residual`, layers of equal size add to what they got. `init` is a scheme of
    `layers.initialise`. `hidden=[]` is a linear model.
    """

    def __init__(
        self, inputs: int, outputs: int, hidden: Sequence[int] = (64,),
        activation: layers.Activation = "relu", dropout: float = 0.0, norm: str = "none",
        residual: bool = False, init: str = "auto",
    ) -> None:
        super().__init__()
        several("mlp", hidden=hidden)
        whole("mlp", least=0, inputs=inputs)
        whole("mlp", outputs=outputs, hidden=hidden)
        stack: list[Any] = []
        for size in hidden:
            block = _block(inputs, size, activation, dropout, norm)
            stack += [layers.Residual(nn.Sequential(*block))] if residual and inputs == size \
                else block
            inputs = size
        last = nn.Linear(inputs, outputs)
        self.layers = nn.Sequential(*stack, last)
        layers.initialise(self, activation, scheme=init, last=last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits or numbers."""
        return self.layers(x.flatten(1))


def _block(inputs: int, size: int, activation: layers.Activation, dropout: float, norm: str
           ) -> list[Any]:
    made = [nn.Linear(inputs, size), layers.norm(norm, size), layers.activation(activation),
            layers.dropout(dropout)]
    return [layer for layer in made if not _does_nothing(layer)]


def _does_nothing(layer: Any) -> bool:
    return type(layer) is nn.Identity
