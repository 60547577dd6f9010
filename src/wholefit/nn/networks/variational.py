"""Variational autoencoders: codes that are drawn, so that new rows can be drawn too.

Kingma and Welling 2014; Rezende, Mohamed and Wierstra 2014. How they are trained, with beta and
free bits, is in `wholefit.nn.generative.variational`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from wholefit.nn.networks import _generative as parts
from wholefit.nn.networks._registry import network

# Spreads beyond these are no codes but numbers that overflow.
_LEAST, _MOST = -10.0, 10.0


class _Drawn(nn.Module):
    """What the dense and the convolutional one share: draws, and the way through."""

    classes: int
    final: nn.Module

    def encode(
        self, x: torch.Tensor, label: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and log variances (n, code) of the codes of rows."""
        raise NotImplementedError

    def raw(self, z: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """Rows from codes before the last activation: logits where that is the sigmoid."""
        raise NotImplementedError

    def decode(self, z: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """Rows from codes."""
        return self.final(self.raw(z, label))

    def through(
        self, x: torch.Tensor, noise: torch.Tensor, label: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Raw rows, means and log variances; codes are drawn by `noise` (n, code) that is normal:
        mean + noise * spread, so that gradients pass (the reparameterisation).
        """
        mean, spread = self.encode(x, label)
        return self.raw(mean + noise * torch.exp(0.5 * spread), label), mean, spread

    def forward(self, x: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """Rows rebuilt from the means of their codes."""
        return self.decode(self.encode(x, label)[0], label).reshape(x.shape)


@network("vae")
class VAE(_Drawn):
    """Dense layers; (n, inputs) to (n, inputs), given a label (n,) where `classes` is not 0."""

    def __init__(
        self, inputs: int, hidden: Sequence[int] = (400,), code: int = 20, classes: int = 0,
        activation: str = "relu", output: str = "sigmoid", outputs: int | None = None,
    ) -> None:
        super().__init__()
        self.code, self.classes = code, classes
        self.body = parts.dense(inputs + classes, hidden[:-1], hidden[-1], activation)
        self.bend = parts.activation(activation)
        self.mean, self.spread = nn.Linear(hidden[-1], code), nn.Linear(hidden[-1], code)
        self.decoder = parts.dense(code + classes, tuple(hidden)[::-1], outputs or inputs,
                                   activation)
        self.final = parts.output(output)

    def encode(
        self, x: torch.Tensor, label: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and log variances (n, code)."""
        found = self.bend(self.body(parts.with_label(x, label, self.classes)))
        return self.mean(found), self.spread(found).clamp(_LEAST, _MOST)

    def raw(self, z: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """Rows before the last activation."""
        return self.decoder(parts.with_label(z, label, self.classes))


@network("conv_vae")
class ConvVAE(_Drawn):
    """Convolutions down and back; images flat, row by row, or as (n, channels, height, width)."""

    def __init__(
        self, channels: int, height: int, width: int, filters: Sequence[int] = (32, 64),
        code: int = 20, classes: int = 0, hidden: int = 256, activation: str = "relu",
        output: str = "sigmoid",
    ) -> None:
        super().__init__()
        sizes = parts.halved(height, width, len(filters))
        self.code, self.classes = code, classes
        self.shape, self.small = (channels, height, width), (filters[-1], *sizes[-1])
        flat = filters[-1] * sizes[-1][0] * sizes[-1][1]
        self.shrink = parts.shrinking(channels, filters, activation)
        self.body = nn.Linear(flat + classes, hidden)
        self.bend = parts.activation(activation)
        self.mean, self.spread = nn.Linear(hidden, code), nn.Linear(hidden, code)
        self.decoder = parts.dense(code + classes, (hidden,), flat, activation)
        self.grow = parts.growing(filters, channels, sizes, activation)
        self.final = parts.output(output)

    def encode(
        self, x: torch.Tensor, label: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and log variances (n, code)."""
        flat = self.shrink(x.reshape(len(x), *self.shape)).flatten(1)
        found = self.bend(self.body(parts.with_label(flat, label, self.classes)))
        return self.mean(found), self.spread(found).clamp(_LEAST, _MOST)

    def raw(self, z: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """Images (n, channels * height * width) before the last activation."""
        small = self.bend(self.decoder(parts.with_label(z, label, self.classes)))
        return self.grow(small.reshape(len(z), *self.small)).flatten(1)
