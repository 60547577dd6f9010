"""Multilayer perceptrons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from wholefit.nn.networks._registry import network


@network("mlp")
class MLP(nn.Module):
    """Fully connected layers; (n, inputs) to (n, outputs)."""

    def __init__(self, inputs: int, outputs: int, hidden: Sequence[int] = (64,)) -> None:
        super().__init__()
        layers: list[Any] = []
        for size in hidden:
            layers += [nn.Linear(inputs, size), nn.ReLU()]
            inputs = size
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits or numbers."""
        return self.layers(x)
