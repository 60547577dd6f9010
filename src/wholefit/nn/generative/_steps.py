"""What the works here share: batches that begin anew, Adam, the words of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from wholefit.base.budget import Budget, Clock
from wholefit.base.params import Params, param
from wholefit.base.seeds import derive
from wholefit.nn import optimizers
from wholefit.nn.batches import Resident
from wholefit.nn.checkpoints import go_on
from wholefit.nn.loop import Callback, Loop
from wholefit.nn.quiet import device_random, quiet, set_device_random


@dataclass(frozen=True)
class Learning(Params):
    """Words that every training here has."""

    epochs: int = param(30, "Times that all rows are seen.", low=1, search=(5, 300), log=True)
    batch: int = param(128, "Rows a step; at most the rows there are.", low=1,
                       search=(32, 512), log=True)
    rate: float = param(1e-3, "Size of the steps.", above=0, search=(1e-4, 1e-2), log=True)
    seed: int = param(0, "Everything random follows from it.", low=0)
    device: str = param("auto", "Where to train: 'auto' is the first of cuda, mps, cpu.",
                        choices=("auto", "cpu", "cuda", "mps"))


@dataclass(frozen=True, eq=False)
class Learnt:
    """What a training leaves: the module in eval mode, its history, why it stopped early."""

    module: nn.Module
    history: list[dict[str, float]]
    stopped: str | None = None


class OneModule:
    """A work with one module, one optimizer, resident batches and random draws of its own."""

    def __init__(
        self, module: nn.Module, data: Sequence[torch.Tensor], learning: Learning,
        valid: Sequence[torch.Tensor] | None = None,
    ) -> None:
        self.module, self.learning, self.valid = module, learning, valid
        self.device = data[0].device
        self.noise = torch.Generator().manual_seed(derive(learning.seed, "noise"))
        self.batches = Resident(data, learning.batch, seed=derive(learning.seed, "batches"))
        self.optimizer = torch.optim.Adam(module.parameters(), lr=learning.rate, fused=True)

    def next_batch(self) -> Any:
        """The next rows, with what else goes with them."""
        return self.batches.next_batch()

    def step(self, batch: Any) -> Mapping[str, Any]:
        """Learn from one batch."""
        raise NotImplementedError

    def learn(self, loss: torch.Tensor) -> None:
        """One step down the loss."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def normal(self, *shape: int) -> torch.Tensor:
        """Normal numbers of this work's own draws, on its device."""
        return torch.randn(*shape, generator=self.noise).to(self.device)

    def judge(self) -> Mapping[str, float]:
        """Figures of rows held out; none here."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Module, optimizer, and where the random draws are."""
        return {"module": self.module.state_dict(), "optimizer": self.optimizer.state_dict(),
                "noise": self.noise.get_state(), "batches": kept(self.batches),
                "random": drawn(self.device)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.module.load_state_dict(state["module"])
        optimizers.load(self.optimizer, state["optimizer"])
        self.noise.set_state(state["noise"])
        restore(self.batches, state["batches"])
        redraw(state["random"], self.device)


def run(
    work: OneModule, callbacks: Sequence[Callback], clock: Clock | None
) -> Learnt:
    """Drive a work for its epochs; torch's own random numbers are left as they were.

    Where a `Checkpoint` among the callbacks has saved it before, it goes on from there.
    """
    loop = Loop(work, epochs=work.learning.epochs, clock=clock or Clock(Budget()),
                callbacks=callbacks)
    with quiet(derive(work.learning.seed, "training"), work.device):
        go_on(loop)
        history = loop.run()
    return Learnt(work.module.eval(), history, loop.stopped)


def drawn(device: torch.device | str) -> dict[str, Any]:
    """Where torch's own generators are, the device's too: dropout draws from them."""
    return {"torch": torch.get_rng_state(), "device": device_random(device)}


def redraw(state: Mapping[str, Any], device: torch.device | str) -> None:
    """Bring torch's own generators back to where `drawn` found them."""
    torch.set_rng_state(state["torch"])
    set_device_random(state["device"], device)


def kept(batches: Any) -> Any:
    """Where a stream of batches is: its own words, or its random draws and what is queued."""
    if hasattr(batches, "state_dict"):
        return batches.state_dict()
    return {"generator": batches.generator.get_state(), "queue": batches._queue}


def restore(batches: Any, state: Any) -> None:
    """Bring a stream of batches back to where `kept` found it."""
    if hasattr(batches, "load_state_dict"):
        batches.load_state_dict(state)
        return
    batches.generator.set_state(state["generator"])
    batches._queue = None if state["queue"] is None else list(state["queue"])
