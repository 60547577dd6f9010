"""Training of autoencoders: plain, denoising and sparse.

    plain      rebuild rows from their codes
    denoising  rebuild rows from spoilt ones (Vincent et al. 2008): `noise` says how they are spoilt
    sparse     few code numbers speak at a time: "l1" taxes their size, "kl" their mean activity
               against `active` (Ng 2011)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from wholefit.base.budget import Clock
from wholefit.base.params import param
from wholefit.nn.batches import tensors
from wholefit.nn.generative._steps import Learning, Learnt, OneModule, run
from wholefit.nn.loop import Callback
from wholefit.nn.predicting import place


@dataclass(frozen=True)
class Rebuilding(Learning):
    """How an autoencoder learns."""

    loss: str = param("squared", "What rebuilding costs: squared error, or log loss of rows from "
                      "0 to 1.", choices=("squared", "binary"))
    noise: str = param("none", "How rows are spoilt before they are rebuilt: normal noise is "
                       "added, or numbers are set to 0.", choices=("none", "gaussian", "mask"))
    strength: float = param(0.3, "Spread of the noise, or the share of numbers set to 0.", low=0)
    sparsity: str = param("none", "What is asked of the code.", choices=("none", "l1", "kl"))
    weight: float = param(1e-3, "How much sparsity counts.", low=0, search=(1e-5, 1e-1), log=True)
    active: float = param(0.05, "Mean activity that 'kl' wants of each code number.", above=0,
                          below=1)


def train_autoencoder(
    module: nn.Module, rows: Any, how: Rebuilding, *, valid: Any = None,
    callbacks: Sequence[Callback] = (), clock: Clock | None = None,
) -> Learnt:
    """Train a network with `encode` and `decode` on `rows` (n, p); `valid` rows are judged."""
    device = place(how.device)
    held = None if valid is None else tensors([valid], device)
    return run(Rebuilt(module.to(device), tensors([rows], device), how, held), callbacks, clock)


class Rebuilt(OneModule):
    """The work of an autoencoder."""

    def __init__(
        self, module: nn.Module, data: Sequence[torch.Tensor], how: Rebuilding,
        valid: Sequence[torch.Tensor] | None = None,
    ) -> None:
        super().__init__(module, data, how, valid)
        self.how = how

    def step(self, batch: Any) -> dict[str, Any]:
        """Rebuild a batch, and learn."""
        self.module.train()
        rows, = batch
        module: Any = self.module
        code = module.encode(self._spoilt(rows))
        rebuilt = _COSTS[self.how.loss](module.decode(code).reshape(rows.shape), rows)
        found = {"reconstruction": rebuilt}
        loss = rebuilt
        if self.how.sparsity != "none":
            found["sparsity"] = tax = sparsity(self.how.sparsity, code, self.how.active)
            loss = loss + self.how.weight * tax
        self.learn(loss)
        return {"loss": loss, **found}

    def _spoilt(self, rows: torch.Tensor) -> torch.Tensor:
        if self.how.noise == "gaussian":
            return rows + self.how.strength * self.normal(*rows.shape)
        if self.how.noise == "mask":
            even = torch.rand(rows.shape, generator=self.noise).to(rows.device)
            return rows * (even >= self.how.strength)
        return rows

    def judge(self) -> Mapping[str, float]:
        """What rebuilding rows held out costs, from the rows as they are."""
        if self.valid is None:
            return {}
        self.module.eval()
        rows, = self.valid
        with torch.no_grad():
            return {"valid_loss": float(_COSTS[self.how.loss](self.module(rows), rows))}


def sparsity(kind: str, code: torch.Tensor, active: float) -> torch.Tensor:
    """The tax on a batch of codes (n, code): a number.

    "l1" is their mean size, summed over the code; "kl" the divergence of each number's mean
    activity, its sigmoid, from `active`, summed.
    """
    if kind == "l1":
        return code.abs().sum(dim=1).mean()
    mean = torch.sigmoid(code).mean(dim=0).clamp(1e-6, 1 - 1e-6)
    rho = torch.full_like(mean, active)
    return (rho * (rho / mean).log() + (1 - rho) * ((1 - rho) / (1 - mean)).log()).sum()


def _binary(made: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    return nn.functional.binary_cross_entropy(made.clamp(1e-7, 1 - 1e-7), rows)


_COSTS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "squared": nn.functional.mse_loss, "binary": _binary,
}
