"""Adversarial pairs: a generator of rows from noise, a discriminator of real and made ones.

Goodfellow et al. 2014. Discriminators give logits, without a sigmoid: which loss reads them is
said where they are trained (`wholefit.nn.generative.adversarial`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from wholefit.nn.networks import _generative as parts
from wholefit.nn.networks._registry import network


@network("generator")
class Generator(nn.Module):
    """Dense layers from noise (n, inputs) to rows (n, outputs), given a label where `classes`.

    100-128-256-784 with batch normalisation of the second layer learns 247,952 numbers.
    """

    def __init__(
        self, inputs: int = 100, outputs: int = 784, hidden: Sequence[int] = (128, 256),
        activation: str = "leaky_relu", norm: str = "batch", output: str = "tanh",
        classes: int = 0,
    ) -> None:
        super().__init__()
        self.inputs, self.classes = inputs, classes
        self.layers = parts.dense(inputs + classes, hidden, outputs, activation, norm=norm)
        self.final = parts.output(output)

    def forward(self, z: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """Made rows."""
        return self.final(self.layers(parts.with_label(z, label, self.classes)))


@network("discriminator")
class Discriminator(nn.Module):
    """Dense layers from rows (n, inputs) to one logit (n,), high for real.

    784-128-64-1 learns 108,801 numbers. `spectral` holds each layer's largest singular value at 1
    (Miyato et al. 2018), which keeps the pair from running away.
    """

    def __init__(
        self, inputs: int = 784, hidden: Sequence[int] = (128, 64),
        activation: str = "leaky_relu", spectral: bool = False, classes: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.classes = classes
        self.layers = parts.dense(inputs + classes, hidden, 1, activation, dropout=dropout,
                                  wrap=spectral_norm if spectral else None)

    def forward(self, x: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """Logits."""
        return self.layers(parts.with_label(x, label, self.classes)).squeeze(1)


@network("conv_generator")
class ConvGenerator(nn.Module):
    """Noise to images by transposed convolutions (Radford, Metz and Chintala 2016).

    (n, inputs) to (n, channels * height * width), row by row.
    """

    def __init__(
        self, channels: int, height: int, width: int, inputs: int = 64,
        filters: Sequence[int] = (32, 64), activation: str = "relu", norm: str = "batch",
        output: str = "tanh", classes: int = 0,
    ) -> None:
        super().__init__()
        sizes = parts.halved(height, width, len(filters))
        self.inputs, self.classes = inputs, classes
        self.small = (filters[-1], *sizes[-1])
        self.start = nn.Linear(inputs + classes, filters[-1] * sizes[-1][0] * sizes[-1][1])
        self.norm = nn.BatchNorm2d(filters[-1]) if norm == "batch" else nn.Identity()
        self.bend = parts.activation(activation)
        self.grow = parts.growing(filters, channels, sizes, activation, norm=norm)
        self.final = parts.output(output)

    def forward(self, z: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """Made images."""
        small = self.start(parts.with_label(z, label, self.classes)).reshape(len(z), *self.small)
        return self.final(self.grow(self.bend(self.norm(small)))).flatten(1)


@network("conv_discriminator")
class ConvDiscriminator(nn.Module):
    """Images to one logit (n,) by convolutions; labels by projection (Miyato and Koyama 2018)."""

    def __init__(
        self, channels: int, height: int, width: int, filters: Sequence[int] = (32, 64),
        activation: str = "leaky_relu", spectral: bool = True, classes: int = 0,
    ) -> None:
        super().__init__()
        sizes = parts.halved(height, width, len(filters))
        keep = spectral_norm if spectral else (lambda layer: layer)
        self.shape, self.classes = (channels, height, width), classes
        flat = filters[-1] * sizes[-1][0] * sizes[-1][1]
        self.shrink = parts.shrinking(channels, filters, activation,
                                      wrap=spectral_norm if spectral else None)
        self.last = keep(nn.Linear(flat, 1))
        self.label = keep(nn.Embedding(classes, flat)) if classes else None

    def forward(self, x: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """Logits."""
        found = self.shrink(x.reshape(len(x), *self.shape)).flatten(1)
        logit = self.last(found).squeeze(1)
        if self.label is None or label is None:
            return logit
        return logit + (found * self.label(label.long())).sum(dim=1)
