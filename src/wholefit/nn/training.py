"""Supervised training: a module, arrays, a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from wholefit.base.budget import Budget, Clock
from wholefit.nn.batches import Arrays, Change, Resident, tensors
from wholefit.nn.loop import Callback, Loop
from wholefit.nn.predicting import place
from wholefit.nn.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training leaves: the module (in eval mode), its history, why it stopped."""

    module: nn.Module
    history: list[dict[str, float]]
    stopped: str | None = None


def train(
    module: nn.Module, data: Arrays, recipe: Recipe, *, valid: Arrays | None = None,
    weights: Any = None, change: Change | None = None, loss: Any = None,
    groups: Sequence[Mapping[str, Any]] | None = None, callbacks: Sequence[Callback] = (),
    clock: Clock | None = None,
) -> Trained:
    """Train `module` on `data`: its inputs, then the target, arrays of equal length.

    `module(*inputs)` gives logits (n, classes) or numbers (n,) / (n, outputs). `valid` are rows
    held out, like `data`: judged after each epoch, and what `patience` looks at. `weights` (n,)
    weigh rows. `change` alters each batch (inputs..., target). `loss(output, target)` -> (n,) takes
    the place of `recipe.loss`. `groups` are parameter groups with rates of their own, as torch's
    optimizers take them. Raises ParameterError.
    """
    torch.manual_seed(recipe.seed)
    device = place(recipe.device)
    work = Supervised(module.to(device), data, recipe, valid=valid, change=change, loss=loss,
                      device=device)
    loop = Loop(work, epochs=recipe.epochs, clock=clock or Clock(Budget()), callbacks=callbacks)
    history = loop.run()
    return Trained(module.eval(), history, loop.stopped)


class Supervised:
    """One module, one loss, one optimizer: a `Work`."""

    def __init__(
        self, module: nn.Module, data: Arrays, recipe: Recipe, *, valid: Arrays | None,
        change: Change | None, loss: Any, device: torch.device,
    ) -> None:
        self.module = module
        self.batches = Resident(tensors(data, device), recipe.batch, seed=recipe.seed,
                                change=change)
        self.valid = None if valid is None else tensors(valid, device)
        self.loss = loss or _LOSSES[recipe.loss]
        self.optimizer = torch.optim.AdamW(module.parameters(), lr=recipe.rate,
                                           weight_decay=recipe.weight_decay, fused=True)

    def next_batch(self) -> Any:
        """Inputs and target."""
        return self.batches.next_batch()

    def step(self, batch: Any) -> dict[str, Any]:
        """Forward, backward, update."""
        self.module.train()
        *inputs, target = batch
        loss = self.loss(self.module(*inputs), target)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return {"loss": loss}

    def judge(self) -> dict[str, float]:
        """The loss of the rows held out."""
        if self.valid is None:
            return {}
        self.module.eval()
        with torch.inference_mode():
            *inputs, target = self.valid
            return {"valid_loss": float(self.loss(self.module(*inputs), target))}

    def state_dict(self) -> dict[str, Any]:
        """Module and optimizer."""
        return {"module": self.module.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])


def _squared(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return nn.functional.mse_loss(output.squeeze(-1), target.to(output.dtype))


_LOSSES: dict[str, Any] = {
    "cross_entropy": lambda output, target: nn.functional.cross_entropy(output, target.long()),
    "squared": _squared,
}
