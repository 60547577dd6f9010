"""What the two sides of an adversarial pair make small, and penalties that keep them stable.

    non_saturating   log loss; the generator raises log D(made) (Goodfellow et al. 2014)
    hinge            margins of 1 (Lim and Ye 2017; Miyato et al. 2018)
    wasserstein      means; the critic must be held smooth (Arjovsky, Chintala and Bottou 2017)

Penalties are of the discriminator's slope: "gradient" holds its length at 1 between real and made
rows (Gulrajani et al. 2017), "r1" at 0 on real rows (Mescheder, Geiger and Nowozin 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.functional import relu, softplus

LOSSES = ("non_saturating", "hinge", "wasserstein")
PENALTIES = ("none", "gradient", "r1")


def discriminator_loss(kind: str, real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """What the discriminator makes small, from its logits (n,) of real and made rows."""
    if kind == "hinge":
        return relu(1 - real).mean() + relu(1 + made).mean()
    if kind == "wasserstein":
        return made.mean() - real.mean()
    return softplus(-real).mean() + softplus(made).mean()


def generator_loss(kind: str, made: torch.Tensor) -> torch.Tensor:
    """What the generator makes small, from the logits (n,) of what it made."""
    return softplus(-made).mean() if kind == "non_saturating" else -made.mean()


def penalty(
    kind: str, discriminate: Callable[[torch.Tensor], Any], real: torch.Tensor,
    made: torch.Tensor, even: torch.Tensor,
) -> torch.Tensor:
    """How far the slope of `discriminate` is from what the penalty wants; a mean over rows.

    `even` (n,), 0 to 1, says where between a real and a made row "gradient" looks.
    """
    if kind == "r1":
        at = real.detach().requires_grad_(True)
    else:
        share = even.reshape(-1, *([1] * (real.dim() - 1)))
        at = (share * real + (1 - share) * made).detach().requires_grad_(True)
    slope, = torch.autograd.grad(discriminate(at).sum(), at, create_graph=True)
    square = slope.flatten(1).square().sum(dim=1)
    return 0.5 * square.mean() if kind == "r1" else (
        (square + 1e-12).sqrt() - 1).square().mean()
