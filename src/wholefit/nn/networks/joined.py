"""Several kinds of input in one network: numbers beside a picture or a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from wholefit.nn.networks._registry import REGISTRY, network


@network("joined")
class Joined(nn.Module):
    """One network for each input, what they give laid side by side, and a linear layer on top.

    `parts` are the options of each input's network with its name, `outputs` included:
    `[{"network": "mlp", "inputs": 4, "outputs": 64}, {"network": "cnn", ...}]`.
    """

    def __init__(
        self, parts: Sequence[Mapping[str, Any]], outputs: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.parts = nn.ModuleList(_made(part) for part in parts)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(sum(int(part["outputs"]) for part in parts), outputs)

    def prepare_by(self, target: torch.Tensor, *inputs: torch.Tensor) -> None:
        """Let each part learn from its input and the target what it learns beforehand."""
        for part, each in zip(self.parts, inputs, strict=True):
            if hasattr(part, "prepare_by"):
                part.prepare_by(target, each)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """One tensor for each part to logits or numbers (n, outputs)."""
        found = [part(each) for part, each in zip(self.parts, inputs, strict=True)]
        return self.head(self.dropout(torch.relu(torch.cat(found, dim=1))))


def _made(part: Mapping[str, Any]) -> nn.Module:
    options = dict(part)
    return REGISTRY[options.pop("network")](**options)
