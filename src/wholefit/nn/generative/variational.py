"""Training of a variational autoencoder: what rows cost to rebuild, and what their codes tell.

The bound on -log p(x) that is made small is reconstruction + beta * KL. `beta` above 1 wants codes
that say less, one at a time (Higgins et al. 2017); `free` nats of each code number cost nothing,
which keeps codes from being given up (Kingma et al. 2016); `warmup` lets beta grow from nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from wholefit.base.budget import Clock
from wholefit.base.errors import unknown
from wholefit.base.params import param
from wholefit.nn.batches import Arrays, tensors
from wholefit.nn.generative._steps import Learning, Learnt, OneModule, run
from wholefit.nn.loop import Callback
from wholefit.nn.predicting import place

Cost = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
COLLAPSED = 0.01
"""Nats below which a number of the code tells nothing of its row."""


@dataclass(frozen=True)
class Variation(Learning):
    """How a variational autoencoder learns."""

    beta: float = param(1.0, "How much the codes' cost counts.", low=0, search=(0.1, 10), log=True)
    free: float = param(0.0, "Nats of each number of the code that cost nothing.", low=0)
    warmup: float = param(0.1, "Share of the steps in which beta grows from nothing.", low=0,
                          high=1)


def train_vae(
    module: nn.Module, rows: Any, how: Variation, *, labels: Any = None, valid: Any = None,
    valid_labels: Any = None, cost: str | Cost = "bernoulli",
    callbacks: Sequence[Callback] = (), clock: Clock | None = None,
) -> Learnt:
    """Train a "vae" or "conv_vae" on `rows` (n, p), given `labels` (n,) if it is conditional.

    `cost` is "bernoulli" (rows from 0 to 1; the network's raw rows are logits), "gaussian" (squared
    error over two), or a function of raw rows and rows that gives nats (n,). `valid` are rows held
    out, judged after each epoch. The history tells nats a row: loss, reconstruction, kl.
    """
    device = place(how.device)
    data = tensors(_with(rows, labels), device)
    held = None if valid is None else tensors(_with(valid, valid_labels), device)
    return run(Variational(module.to(device), data, how, held, cost_of(cost)), callbacks, clock)


class Variational(OneModule):
    """The work of a variational autoencoder."""

    def __init__(
        self, module: nn.Module, data: Sequence[torch.Tensor], how: Variation,
        valid: Sequence[torch.Tensor] | None = None, cost: Cost | None = None,
    ) -> None:
        super().__init__(module, data, how, valid)
        self.how, self.cost, self.done = how, cost or bernoulli, 0
        self.rising = max(1, round(how.warmup * how.epochs * len(self.batches)))

    def step(self, batch: Any) -> dict[str, Any]:
        """Rebuild a batch from drawn codes, and learn."""
        self.module.train()
        self.done += 1
        beta = self.how.beta * min(1.0, self.done / self.rising)
        rebuilt, told = self._costs(batch, self.normal(len(batch[0]), self.module.code))
        kl = told.mean(dim=0)
        charged = torch.clamp(kl, min=self.how.free).sum() if self.how.free else kl.sum()
        loss = rebuilt + beta * charged
        self.learn(loss)
        return {"loss": loss, "reconstruction": rebuilt, "kl": kl.sum()}

    def _costs(self, batch: Any, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rows, *label = batch
        module: Any = self.module
        raw, mean, spread = module.through(rows, noise, *label)
        return self.cost(raw, rows.reshape(raw.shape) if rows.numel() == raw.numel() else
                         rows).mean(), divergence(mean, spread)

    def judge(self) -> Mapping[str, float]:
        """The bound on rows held out, at full beta, always with the same noise."""
        if self.valid is None:
            return {}
        self.module.eval()
        fixed = torch.Generator().manual_seed(0)
        noise = torch.randn(len(self.valid[0]), self.module.code, generator=fixed)
        with torch.no_grad():
            rebuilt, told = self._costs(self.valid, noise.to(self.device))
        kl = float(told.sum(dim=1).mean())
        return {"valid_loss": float(rebuilt) + self.how.beta * kl,
                "valid_reconstruction": float(rebuilt), "valid_kl": kl}

    def state_dict(self) -> dict[str, Any]:
        """Everything, with the steps done."""
        return {**super().state_dict(), "done": self.done}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self.done = int(state["done"])


def divergence(mean: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    """KL from N(mean, exp(spread)) to N(0, 1), in nats for each number of the code: (n, code)."""
    return -0.5 * (1 + spread - mean.square() - spread.exp())


def bernoulli(raw: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Nats (n,) of rows between 0 and 1 under logits."""
    return binary_cross_entropy_with_logits(raw, rows, reduction="none").flatten(1).sum(dim=1)


def gaussian(raw: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Nats (n,) of rows under normal numbers of spread 1, but for a constant."""
    return 0.5 * (raw - rows).square().flatten(1).sum(dim=1)


def cost_of(cost: str | Cost) -> Cost:
    """The cost of that name, or the function as it is."""
    known: dict[str, Cost] = {"bernoulli": bernoulli, "gaussian": gaussian}
    if not isinstance(cost, str):
        return cost
    if cost not in known:
        raise unknown("cost", cost, known)
    return known[cost]


@dataclass(frozen=True)
class Codes:
    """What each number of the code tells: KL in nats, most first, and those given up."""

    kl: tuple[float, ...]
    order: tuple[int, ...]
    collapsed: int

    @property
    def said(self) -> str:
        """In a sentence."""
        count = len(self.kl)
        if self.collapsed == count:
            return (f"posterior collapse: none of the {count} numbers of the code tells anything "
                    "of its row; lower beta, give free nats, or a longer warm-up")
        return (f"{count - self.collapsed} of {count} numbers of the code are used; together they "
                f"tell {sum(self.kl):.1f} nats of a row")


def codes(module: nn.Module, rows: Any, labels: Any = None, *, batch: int = 1024) -> Codes:
    """What the codes of `rows` tell, number by number (posterior collapse shows here)."""
    module.eval()
    device = next(module.parameters()).device
    total, count = np.zeros(int(module.code)), 0
    given = tensors(_with(rows, labels), device)
    with torch.inference_mode():
        for start in range(0, len(given[0]), batch):
            piece = [array[start:start + batch] for array in given]
            mean, spread = module.encode(*piece)
            total += divergence(mean, spread).double().sum(dim=0).cpu().numpy()
            count += len(piece[0])
    kl = total / max(count, 1)
    order = np.argsort(-kl, kind="stable")
    return Codes(tuple(float(value) for value in kl[order]), tuple(int(at) for at in order),
                 int((kl < COLLAPSED).sum()))


def walk(start: np.ndarray, stop: np.ndarray, steps: int = 8) -> np.ndarray:
    """Codes (steps, code) from one to another along the sphere, where normal codes live.

    Spherical interpolation (Shoemake 1985; White 2016): a straight line would pass nearer to the
    middle than codes ever are.
    """
    a, b = np.asarray(start, np.float64), np.asarray(stop, np.float64)
    long = np.linalg.norm(a) * np.linalg.norm(b)
    angle = float(np.arccos(np.clip(a @ b / long, -1, 1))) if long > 0 else 0.0
    share = np.linspace(0, 1, steps)[:, None]
    if np.sin(angle) < 1e-6:
        return np.asarray((1 - share) * a + share * b)
    return np.asarray((np.sin((1 - share) * angle) * a + np.sin(share * angle) * b)
                      / np.sin(angle))


def _with(rows: Any, labels: Any) -> Arrays:
    return (rows,) if labels is None else (rows, labels)
