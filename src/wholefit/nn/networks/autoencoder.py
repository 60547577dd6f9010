"""Autoencoders: rows squeezed into a few numbers and rebuilt from them.

What makes one denoising or sparse is how it is trained: see `wholefit.nn.generative.rebuild`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from wholefit.nn.networks import _generative as parts
from wholefit.nn.networks._registry import network


@network("autoencoder")
class Autoencoder(nn.Module):
    """Dense layers down to `code` numbers and back (Hinton and Salakhutdinov 2006).

    (n, inputs) to (n, inputs). `hidden` are the layers on the way down; the way back mirrors them.
    `bend_code` puts the activation on the code too. 784-128-32-128-784 learns 209,968 numbers.
    """

    def __init__(
        self, inputs: int, hidden: Sequence[int] = (128,), code: int = 32,
        activation: str = "relu", output: str = "sigmoid", bend_code: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = parts.dense(inputs, hidden, code, activation, dropout=dropout)
        self.bend = parts.activation(activation) if bend_code else nn.Identity()
        self.decoder = parts.dense(code, tuple(hidden)[::-1], inputs, activation)
        self.output = parts.output(output)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Codes (n, code)."""
        return self.bend(self.encoder(x))

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Rows (n, inputs) from codes."""
        return self.output(self.decoder(z))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Rows rebuilt."""
        return self.decode(self.encode(x))


@network("conv_autoencoder")
class ConvAutoencoder(nn.Module):
    """Convolutions that halve an image, a code, and transposed convolutions back.

    (n, channels * height * width), row by row, or (n, channels, height, width), to the same shape.
    """

    def __init__(
        self, channels: int, height: int, width: int, filters: Sequence[int] = (16, 32),
        code: int = 32, activation: str = "relu", output: str = "sigmoid",
    ) -> None:
        super().__init__()
        sizes = parts.halved(height, width, len(filters))
        self.shape = (channels, height, width)
        self.small = (filters[-1], *sizes[-1])
        flat = filters[-1] * sizes[-1][0] * sizes[-1][1]
        self.shrink = parts.shrinking(channels, filters, activation)
        self.squeeze = nn.Linear(flat, code)
        self.spread = nn.Linear(code, flat)
        self.bend = parts.activation(activation)
        self.grow = parts.growing(filters, channels, sizes, activation)
        self.output = parts.output(output)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Codes (n, code)."""
        return self.squeeze(self.shrink(x.reshape(len(x), *self.shape)).flatten(1))

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Images (n, channels * height * width) from codes."""
        small = self.bend(self.spread(z)).reshape(len(z), *self.small)
        return self.output(self.grow(small)).flatten(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images rebuilt, in the shape they came."""
        return self.decode(self.encode(x)).reshape(x.shape)
