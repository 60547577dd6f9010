"""What generative networks are built of: stacks of layers, one-hot labels, sizes of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError, unknown
from wholefit.nn import layers as common

_OUTPUTS: dict[str, Any] = {"linear": nn.Identity, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


def activation(name: str) -> nn.Module:
    """The activation of that name; leaky ones leak a fifth (Radford and others 2015)."""
    return common.activation({"name": name, "slope": 0.2} if name == "leaky_relu" else name)


def output(name: str) -> nn.Module:
    """What the last layer ends in: "linear", "sigmoid" (0 to 1) or "tanh" (-1 to 1)."""
    if name not in _OUTPUTS:
        raise unknown("output", name, _OUTPUTS)
    return _OUTPUTS[name]()


def dense(
    inputs: int, hidden: Sequence[int], outputs: int, bend: str, *, norm: str = "none",
    dropout: float = 0.0, wrap: Any = None,
) -> nn.Sequential:
    """Linear layers with an activation after each but the last.

    `norm="batch"` normalises after every hidden layer but the first. `wrap(layer)` is put around
    each linear layer (spectral normalisation).
    """
    layers: list[Any] = []
    keep = wrap or (lambda layer: layer)
    for at, size in enumerate(hidden):
        layers.append(keep(nn.Linear(inputs, size)))
        if norm == "batch" and at:
            layers.append(nn.BatchNorm1d(size))
        elif norm == "layer":
            layers.append(nn.LayerNorm(size))
        layers.append(activation(bend))
        if dropout:
            layers.append(nn.Dropout(dropout))
        inputs = size
    return nn.Sequential(*layers, keep(nn.Linear(inputs, outputs)))


def with_label(x: torch.Tensor, label: torch.Tensor | None, classes: int) -> torch.Tensor:
    """Rows with their label one-hot behind them; the rows alone where there are no classes."""
    if not classes:
        return x
    if label is None:
        raise ParameterError("this network is conditional: it needs a label for every row.")
    return torch.cat([x, nn.functional.one_hot(label.long(), classes).to(x.dtype)], dim=1)


def halved(height: int, width: int, times: int) -> list[tuple[int, int]]:
    """Sizes of an image that is halved `times` times, rounded down, the whole size first."""
    sizes = [(height, width)]
    for _ in range(times):
        height, width = height // 2, width // 2
        sizes.append((height, width))
    if min(height, width) < 1:
        raise ParameterError(f"an image of {sizes[0][0]}x{sizes[0][1]} cannot be halved {times} "
                             f"times: use at most {max(0, min(sizes[0]).bit_length() - 1)} "
                             "filters.")
    return sizes


def shrinking(
    channels: int, filters: Sequence[int], bend: str, *, norm: str = "none", wrap: Any = None
) -> nn.Sequential:
    """Convolutions (4x4, stride 2) that halve an image once a filter count."""
    layers: list[Any] = []
    keep = wrap or (lambda layer: layer)
    for at, count in enumerate(filters):
        layers.append(keep(nn.Conv2d(channels, count, 4, stride=2, padding=1)))
        if norm == "batch" and at:
            layers.append(nn.BatchNorm2d(count))
        layers.append(activation(bend))
        channels = count
    return nn.Sequential(*layers)


def growing(
    filters: Sequence[int], channels: int, sizes: Sequence[tuple[int, int]], bend: str,
    *, norm: str = "none",
) -> nn.Sequential:
    """The way back: transposed convolutions from the last of `sizes` to the first.

    `filters` are those of `shrinking`, in its order.
    """
    layers: list[Any] = []
    wide = [channels, *filters]
    for at in range(len(filters), 0, -1):
        (small, thin), (tall, broad) = sizes[at], sizes[at - 1]
        layers.append(nn.ConvTranspose2d(wide[at], wide[at - 1], 4, stride=2, padding=1,
                                         output_padding=(tall - 2 * small, broad - 2 * thin)))
        if at > 1:
            if norm == "batch":
                layers.append(nn.BatchNorm2d(wide[at - 1]))
            layers.append(activation(bend))
    return nn.Sequential(*layers)
