"""Rows that are some numbers, then blocks of one-hot categories: what they cost, how they are made.

Everywhere, `numbers` counts the numbers and `sizes` the levels of each block behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

SPREAD = (-6.0, 2.0)
"""Log variances of numbers that a decoder may say."""


def mixed_cost(
    numbers: int, sizes: Sequence[int] = (), limits: tuple[float, float] = SPREAD
) -> Callable[[Any, Any], Any]:
    """Nats (n,) of rows under what a decoder says of them: means, then log variances of the
    numbers, then logits of the blocks.

    Log variances beyond `limits` count as those; log(2 pi) / 2 for each number is left out.
    """
    def cost(raw: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        spread = raw[:, numbers:2 * numbers].clamp(*limits)
        away = (raw[:, :numbers] - rows[:, :numbers]).square()
        found = 0.5 * (spread + away * torch.exp(-spread)).sum(dim=1)
        said = raw[:, 2 * numbers:].split(list(sizes), 1) if sizes else ()
        true = rows[:, numbers:].split(list(sizes), 1) if sizes else ()
        for logits, block in zip(said, true, strict=True):
            found = found - (block * torch.log_softmax(logits, dim=1)).sum(dim=1)
        return found

    return cost


def soft_draw(
    numbers: int, sizes: Sequence[int], heat: float = 0.3
) -> Callable[[Any, torch.Generator], Any]:
    """What makes a generator's logits nearly one-hot draws, so that gradients pass.

    The Gumbel softmax of Jang, Gu and Poole (2017); `heat` is its temperature.
    """
    def finish(raw: torch.Tensor, draws: torch.Generator) -> torch.Tensor:
        parts = [raw[:, :numbers]]
        for block in raw[:, numbers:].split(list(sizes), 1) if sizes else ():
            even = torch.rand(block.shape, generator=draws).to(raw.device).clamp(1e-7, 1 - 1e-7)
            parts.append(torch.softmax((block - torch.log(-torch.log(even))) / heat, dim=1))
        return torch.cat(parts, dim=1)

    return finish


def begin_at(machine: Any, shares: Any) -> None:
    """Set the visible offsets of an "rbm" to the units' own shares (Hinton 2010)."""
    with torch.no_grad():
        even = torch.as_tensor(shares, dtype=torch.float32).clamp(0.001, 0.999)
        machine.visible.copy_(torch.log(even / (1 - even)))


def linear_layers(module: Any) -> tuple[list[Any], list[Any]]:
    """Weights (in, out) and offsets (out,) of the linear layers of a dense module, in order."""
    layers = [each for each in module.modules() if isinstance(each, torch.nn.Linear)]
    return ([layer.weight.detach().cpu().numpy().T.copy() for layer in layers],
            [layer.bias.detach().cpu().numpy().copy() for layer in layers])
