"""Networks made of one cell, repeated: what an architecture search searches.

A cell is a small graph of operations (see `wholefit.base.cells`), as in Zoph et al. 2018: the
search finds what one cell looks like, and how many of them stand behind each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from wholefit.base import cells
from wholefit.base.errors import ParameterError
from wholefit.nn import layers
from wholefit.nn.networks._checks import several, whole
from wholefit.nn.networks._registry import network
from wholefit.nn.networks.tabular import Features

_ROW = ("dense 0", "identity 0")
_PICTURE = ("conv3 0", "conv3 1", "identity 0")


@network("cell_mlp", recipe={
    "optimizer": "adamw", "rate": 2e-3, "batch": 256, "epochs": 60, "schedule": "cosine",
    "warmup": 0.05, "weight_decay": 1e-2, "patience": 12, "clip": 1.0})
class CellMLP(nn.Module):
    """Cells over rows; numbers (n, inputs) and codes (n, c) to (n, outputs).

    Numbers are scaled robustly and embedded as in `realmlp`, brought to `width` numbers, changed by
    `repeat` cells of the same form, and answered by a dense layer. Operations: "identity"; "dense",
    a dense layer; "gated", one half of a layer opened and closed by the other (Dauphin et al.
    2017); "narrow", two layers with a quarter of the width between them. `levels` are the levels of
    each code; `prepare` learns the scales.
    """

    def __init__(
        self, inputs: int, outputs: int, levels: Sequence[int] = (),
        cell: Sequence[str] = _ROW, repeat: int = 2, width: int = 128,
        embedding: str = "none", size: int = 4, activation: layers.Activation = "relu",
        norm: str = "layer", dropout: float = 0.1,
    ) -> None:
        super().__init__()
        several("cell_mlp", levels=levels, cell=cell)
        whole("cell_mlp", outputs=outputs, repeat=repeat, width=width, levels=levels, size=size)
        nodes = cells.parse(cell, cells.ROWS)
        self.features = Features(inputs, levels, embedding, size)
        self.stem = nn.Sequential(nn.Linear(self.features.width, width),
                                  layers.activation(activation))
        self.cells = nn.Sequential(*(
            Cell(nodes, partial(_of_rows, width=width, norm=norm, activation=activation,
                                dropout=dropout)) for _ in range(repeat)))
        self.even = layers.norm(norm, width)
        self.head = nn.Linear(width, outputs)
        layers.initialise(self, activation, last=self.head)

    def prepare(self, numbers: torch.Tensor, codes: torch.Tensor | None = None) -> None:
        """Learn the scales of training rows."""
        self.features.prepare(numbers)

    def forward(self, numbers: torch.Tensor, codes: torch.Tensor | None = None) -> torch.Tensor:
        """Logits or numbers."""
        return self.head(self.even(self.cells(self.stem(self.features(numbers, codes)))))


@network("cell_cnn", recipe={
    "optimizer": "adamw", "rate": 4e-3, "batch": 128, "epochs": 12, "schedule": "one_cycle",
    "weight_decay": 1e-2})
class CellCNN(nn.Module):
    """Cells over pictures (n, channels, height, width) to (n, outputs).

    A convolution to `width` channels; then `stages` times `repeat` cells of the same form, each
    stage after the first at half the sides and twice the channels; the mean of each map, and a
    dense layer. Operations: "identity"; "conv3", "conv5"; "separable3", "separable5", each channel
    by itself and then all together (Chollet 2017); "max3", "average3", pools that keep the sides.
    """

    def __init__(
        self, channels: int, height: int, width: int, outputs: int,
        cell: Sequence[str] = _PICTURE, repeat: int = 1, stages: int = 3, filters: int = 16,
        activation: layers.Activation = "relu", norm: str = "batch", dropout: float = 0.1,
    ) -> None:
        super().__init__()
        several("cell_cnn", cell=cell)
        whole("cell_cnn", channels=channels, height=height, width=width, outputs=outputs,
              repeat=repeat, stages=stages, filters=filters)
        nodes = cells.parse(cell, cells.PICTURES)
        if min(height, width) < 2 ** (min(stages, 64) - 1):
            raise ParameterError(f"cell_cnn halves the sides {stages - 1} times: images of "
                                 f"{height} x {width} are too small for that; give fewer stages.")
        stack: list[Any] = _conv(channels, filters, 3, norm, activation)
        size = filters
        for stage in range(stages):
            if stage:
                stack += [nn.MaxPool2d(2), *_conv(size, 2 * size, 1, norm, activation)]
                size *= 2
            made = partial(_of_pictures, size=size, norm=norm, activation=activation)
            stack += [Cell(nodes, made) for _ in range(repeat)]
        self.features = nn.Sequential(*stack)
        self.gather = layers.GlobalPool("average")
        self.drop = layers.dropout(dropout)
        self.head = nn.Linear(size, outputs)
        layers.initialise(self, activation, last=self.head)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits or numbers."""
        return self.head(self.drop(self.gather(self.features(x))))


class Cell(nn.Module):
    """One cell: `made(op)` is the module of each node.

    Sums of k terms are divided by the root of k, so that signals stay on one scale.
    """

    def __init__(self, nodes: Sequence[cells.Node], made: Callable[[str], nn.Module]) -> None:
        super().__init__()
        self.sources = [node.sources for node in nodes]
        self.ends = cells.ends(nodes)
        self.ops = nn.ModuleList(made(node.op) for node in nodes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Like x."""
        known = [x]
        for op, sources in zip(self.ops, self.sources, strict=True):
            known.append(op(_summed([known[at] for at in sources])))
        return _summed([known[at] for at in self.ends])


def _summed(values: Sequence[torch.Tensor]) -> torch.Tensor:
    if len(values) == 1:
        return values[0]
    found = values[0]
    for value in values[1:]:
        found = found + value
    return found / math.sqrt(len(values))


def _of_rows(op: str, width: int, norm: str, activation: layers.Activation, dropout: float
             ) -> nn.Module:
    if op == "identity":
        return nn.Identity()
    inner: list[Any] = {
        "dense": lambda: [nn.Linear(width, width), layers.activation(activation)],
        "gated": lambda: [nn.Linear(width, 2 * width), nn.GLU(dim=-1)],
        "narrow": lambda: [nn.Linear(width, max(1, width // 4)), layers.activation(activation),
                           nn.Linear(max(1, width // 4), width)],
    }[op]()
    return _stack([layers.norm(norm, width), *inner, layers.dropout(dropout)])


def _of_pictures(op: str, size: int, norm: str, activation: layers.Activation) -> nn.Module:
    if op == "identity":
        return nn.Identity()
    kernel = int(op[-1])
    if op.startswith("conv"):
        return _stack(_conv(size, size, kernel, norm, activation))
    if op.startswith("separable"):
        alone = nn.Conv2d(size, size, kernel, padding=kernel // 2, groups=size, bias=False)
        return _stack([alone, *_conv(size, size, 1, norm, activation)])
    kind: Any = nn.MaxPool2d if op.startswith("max") else nn.AvgPool2d
    return kind(kernel, 1, kernel // 2)


def _conv(before: int, size: int, kernel: int, norm: str, activation: layers.Activation
          ) -> list[Any]:
    return [nn.Conv2d(before, size, kernel, padding=kernel // 2, bias=norm == "none"),
            layers.norm(norm, size, images=True), layers.activation(activation)]


def _stack(parts: Sequence[Any]) -> nn.Module:
    return nn.Sequential(*(part for part in parts if type(part) is not nn.Identity))
