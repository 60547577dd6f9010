"""Temporal convolution: dilated, residual, causal if wanted (Bai, Kolter & Koltun 2018)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from wholefit.base.errors import ParameterError
from wholefit.nn.networks._registry import network
from wholefit.nn.sequences.pooling import Front, Pooling


@network("temporal", {"batch": 64})
class Temporal(nn.Module):
    """Layers of convolutions over time, each reaching twice as far as the one below.

    Inputs are token numbers (n, length) where `vocabulary` is given, or a series (n, length,
    `features`) with lengths (n,) where they differ. `kernel` steps are seen at once; layer i skips
    2^i - 1 steps between them, so that `layers` of them see `reach` steps. `causal`: no step sees
    a later one. `head` as for recurrent networks.
    """

    def __init__(
        self, outputs: int, vocabulary: int | None = None, features: int | None = None,
        length: int | None = None, width: int = 64, hidden: int = 64, layers: int = 3,
        kernel: int = 3, causal: bool = False, head: str = "max", dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if layers < 1 or kernel < 1 or (not causal and kernel % 2 == 0):
            raise ParameterError("layers and kernel must be >= 1, and kernel odd unless "
                                 f"causal=True; got layers={layers}, kernel={kernel}.")
        self.front = Front(vocabulary, features, width, dropout)
        sizes = [self.front.width, *[hidden] * layers]
        self.blocks = nn.ModuleList(
            _Block(sizes[i], sizes[i + 1], kernel, 2 ** i, causal, dropout)
            for i in range(layers))
        self.outgoing = hidden
        self.pooling = Pooling(head, hidden)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, outputs)
        self.reach = 1 + 2 * (kernel - 1) * (2 ** layers - 1)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Logits or numbers (n, outputs), or (n, length, outputs) where head="each"."""
        return self.head(self.drop(self.features_of(x, lengths)))

    def features_of(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """What the head sees: (n, features), or (n, length, features)."""
        values, real = self.front(x, lengths, trim=self.pooling.kind != "each")
        values, mask = values.transpose(1, 2), real[:, None]
        for block in self.blocks:
            values = block(values * mask, mask)
        return self.pooling(values.transpose(1, 2), real)


class _Block(nn.Module):
    """Two convolutions of the same dilation, and a way around them."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, dilation: int, causal: bool, dropout: float
    ) -> None:
        super().__init__()
        self.first = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)
        self.second = nn.Conv1d(outputs, outputs, kernel, dilation=dilation)
        self.around = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.drop = nn.Dropout(dropout)
        reach = (kernel - 1) * dilation
        self.pad = (reach, 0) if causal else (reach // 2, reach - reach // 2)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(n, channels, length), as long as it was; what `mask` bars is zero to every step."""
        found = self.drop(self.first(functional.pad(x, self.pad)).relu()) * mask
        found = self.drop(self.second(functional.pad(found, self.pad)).relu())
        return (found + self.around(x)).relu()
