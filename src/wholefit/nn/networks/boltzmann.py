"""The restricted Boltzmann machine: visible and hidden units, and nothing within either.

Smolensky 1986; Hinton 2002. How it learns (contrastive divergence, persistent chains) is in
`wholefit.nn.generative.boltzmann`.
"""

from __future__ import annotations

import torch
from torch import nn

from wholefit.nn.networks._registry import network


@network("rbm")
class RBM(nn.Module):
    """Binary units; rows (n, visible) hold 0 or 1, or probabilities between.

    The energy of a pair is -v'Wh - a'v - b'h. `forward` gives the hidden units' probabilities, so
    that machines stack: what one gives is what the next one learns.
    """

    def __init__(self, visible: int, hidden: int = 128) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(visible, hidden))
        self.visible = nn.Parameter(torch.zeros(visible))
        self.hidden = nn.Parameter(torch.zeros(hidden))

    def forward(self, v: torch.Tensor) -> torch.Tensor:
        """P(h = 1 | v), (n, hidden)."""
        return torch.sigmoid(v @ self.weight + self.hidden)

    def back(self, h: torch.Tensor) -> torch.Tensor:
        """P(v = 1 | h), (n, visible)."""
        return torch.sigmoid(h @ self.weight.T + self.visible)

    def free_energy(self, v: torch.Tensor) -> torch.Tensor:
        """-log of the unnormalised probability of each row, (n,)."""
        return -(v @ self.visible) - nn.functional.softplus(v @ self.weight + self.hidden).sum(1)

    def gibbs(self, v: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """One round: hidden units drawn, then visible ones drawn; 0 and 1, (n, visible)."""
        hidden = _drawn(self(v), generator)
        return _drawn(self.back(hidden), generator)


def _drawn(chance: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
    even = torch.rand(chance.shape, generator=generator).to(chance.device)
    return (even < chance).to(chance.dtype)
