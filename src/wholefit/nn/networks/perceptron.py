"""The perceptron: one layer, a threshold, and a rule that learns without gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from wholefit.base.errors import DataError
from wholefit.nn.layers.activations import activation
from wholefit.nn.networks._checks import whole
from wholefit.nn.networks._registry import network


@network("perceptron")
class Perceptron(nn.Module):
    """1 where w x + b >= 0, else 0; (n, inputs) to (n, outputs) (Rosenblatt 1958).

    Weights start at 0. `learn` is Rosenblatt's rule; the step has no useful gradient.
    """

    by_gradient = False  # what trains by gradients refuses it, for nothing would be learnt

    def __init__(self, inputs: int, outputs: int = 1) -> None:
        super().__init__()
        whole("perceptron", inputs=inputs, outputs=outputs)
        self.linear = nn.Linear(inputs, outputs)
        self.step = activation({"name": "step", "width": 0.0})
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Zeros and ones."""
        return self.step(self.linear(x))


@torch.no_grad()
def learn(perceptron: Perceptron, x: Any, y: Any, *, epochs: int = 100, rate: float = 1.0
          ) -> list[int]:
    """Mistakes of each epoch; ends with the first epoch that has none.

    Row by row, in order: a wrong answer moves the weights by `rate` times the error times the row.
    x is (n, inputs), y zeros and ones (n,) or (n, outputs). If a line (a plane) parts the classes,
    some epoch has no mistake (Novikoff 1962); if none does, mistakes never end. Raises DataError.
    """
    rows = torch.as_tensor(x, dtype=torch.float32)
    weight, bias = perceptron.linear.weight, perceptron.linear.bias
    truth = torch.as_tensor(y, dtype=torch.float32).reshape(len(rows), -1)
    if rows.dim() != 2 or rows.shape[1] != weight.shape[1] or truth.shape[1] != len(weight):
        raise DataError(f"the perceptron takes rows of {weight.shape[1]} numbers and {len(weight)} "
                        f"answers a row; got {tuple(rows.shape)} and {tuple(truth.shape)}.")
    mistakes: list[int] = []
    for _ in range(epochs):
        mistakes.append(0)
        for row, wanted in zip(rows, truth, strict=True):
            error = wanted - perceptron(row[None])[0]
            weight += rate * error[:, None] * row
            bias += rate * error
            mistakes[-1] += int(error.abs().sum())
        if not mistakes[-1]:
            break
    return mistakes
