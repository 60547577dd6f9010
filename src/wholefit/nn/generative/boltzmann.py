"""Training of restricted Boltzmann machines: contrastive divergence, with or without memory.

CD-k starts its chains at the rows and runs them k rounds (Hinton 2002); persistent CD goes on with
the chains of the step before (Tieleman 2008), which lets them reach what rows do not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.budget import Clock
from wholefit.base.params import param
from wholefit.nn.batches import tensors
from wholefit.nn.generative._steps import Learning, Learnt, OneModule, run
from wholefit.nn.loop import Callback
from wholefit.nn.predicting import place


@dataclass(frozen=True)
class Divergence(Learning):
    """How a restricted Boltzmann machine learns."""

    rounds: int = param(1, "Rounds of drawing hidden and visible units a step: the k of CD-k.",
                        low=1, search=(1, 15))
    persistent: bool = param(False, "Go on with the chains of the step before.")
    weight_decay: float = param(1e-4, "How much weights shrink.", low=0)


def train_rbm(
    module: nn.Module, rows: Any, how: Divergence, *, valid: Any = None,
    callbacks: Sequence[Callback] = (), clock: Clock | None = None,
) -> Learnt:
    """Train an "rbm" on `rows` (n, visible), 0 to 1.

    The history tells the cross-entropy of rows rebuilt in one round, and, with `valid`, the gap of
    mean free energy between rows held out and rows learnt from: it grows when rows are learnt by
    heart (Hinton 2010).
    """
    device = place(how.device)
    held = None if valid is None else tensors([valid], device)
    return run(Contrastive(module.to(device), tensors([rows], device), how, held), callbacks,
               clock)


class Contrastive(OneModule):
    """The work of a restricted Boltzmann machine."""

    def __init__(
        self, module: nn.Module, data: Sequence[torch.Tensor], how: Divergence,
        valid: Sequence[torch.Tensor] | None = None,
    ) -> None:
        super().__init__(module, data, how, valid)
        self.how = how
        self.chains: torch.Tensor | None = None
        self.rows = data[0][:2048]

    def step(self, batch: Any) -> dict[str, Any]:
        """Lower the energy of rows, raise that of what the chains reach."""
        rows, = batch
        module: Any = self.module
        with torch.no_grad():
            chains = rows if self.chains is None or not self.how.persistent else self.chains
            for _ in range(self.how.rounds):
                chains = module.gibbs(chains, self.noise)
            self.chains = chains
            again = module.back(module(rows)).clamp(1e-6, 1 - 1e-6)
            rebuilt = nn.functional.binary_cross_entropy(again, rows)
        tax = self.how.weight_decay * module.weight.square().sum()
        loss = module.free_energy(rows).mean() - module.free_energy(chains).mean() + tax
        self.learn(loss)
        return {"energy_gap": loss, "reconstruction": rebuilt}

    def judge(self) -> Mapping[str, float]:
        """Free energy of rows held out minus that of rows learnt from."""
        if self.valid is None:
            return {}
        module: Any = self.module
        with torch.no_grad():
            gap = module.free_energy(self.valid[0]).mean() - module.free_energy(self.rows).mean()
        return {"free_energy_gap": float(gap)}

    def state_dict(self) -> dict[str, Any]:
        """Everything, with the chains."""
        return {**super().state_dict(), "chains": self.chains}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self.chains = state["chains"]


def sample_rbm(
    module: nn.Module, start: np.ndarray, *, rounds: int = 500, seed: int = 0
) -> np.ndarray:
    """Probabilities (n, visible) at the end of chains that begin at `start` (n, visible)."""
    machine: Any = module
    draws = torch.Generator().manual_seed(seed)
    device = machine.weight.device
    with torch.inference_mode():
        v = torch.from_numpy(np.asarray(start, np.float32)).to(device)
        for _ in range(rounds):
            v = machine.gibbs(v, draws)
        even = torch.rand(len(v), machine.hidden.shape[0], generator=draws).to(device)
        found = machine.back((even < machine(v)).float())
    return np.asarray(found.cpu().numpy())
