"""Does another device give what the CPU gives? Measured on a network and rows of one's own.

No two devices add numbers up in the same order, so their bits differ; how far they may is stated
here for each precision, and `agreement` measures how far they do. The reference is the CPU in
float32.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn import losses, precision
from wholefit.nn.batches import Arrays, tensors
from wholefit.nn.predicting import here, place, predict
from wholefit.nn.quiet import quiet
from wholefit.nn.recipe import Recipe
from wholefit.nn.training import train


@dataclass(frozen=True)
class Tolerance:
    """How far answers, gradients and the loss after a training may be from the CPU's in float32.

    The first two are |a - b| / |b| over all numbers together (Euclidean). The loss's difference is
    measured in losses of the untrained network: beside the loss of one that has learnt its rows, a
    number near nothing, any rounding would be large.
    """

    answers: float
    gradients: float
    loss: float


# Roundings are 2^-24 (float32), 2^-11 (float16, and TF32, in which a GPU may convolve) and 2^-9
# (bfloat16) of a number. A few layers add theirs up, and steps of a training add up those of the
# steps before: hence the room.
TOLERANCES = {"float32": Tolerance(2e-3, 5e-3, 1e-2), "float16": Tolerance(5e-3, 2e-2, 2e-2),
              "bfloat16": Tolerance(2e-2, 5e-2, 3e-2)}


@dataclass(frozen=True)
class Agreement:
    """How far a device is from the CPU: relative distances, as `Tolerance` has them."""

    device: str
    precision: str
    steps: int
    answers: float
    gradients: float
    loss: float

    @property
    def tolerance(self) -> Tolerance:
        """What is promised of this precision."""
        return TOLERANCES[self.precision]

    @property
    def holds(self) -> bool:
        """True where all three are within the tolerance."""
        wide = self.tolerance
        return (self.answers <= wide.answers and self.gradients <= wide.gradients
                and self.loss <= wide.loss)


def others() -> list[str]:
    """The devices of this machine besides the CPU."""
    return [name for name in ("cuda", "mps") if here(name)]


def agreement(
    module: nn.Module, data: Arrays, recipe: Recipe | None = None, *, device: str,
    precision: str = "float32", steps: int = 50, threads: int | None = None,
) -> Agreement:
    """Compare `device` in `precision` with the CPU in float32; `module` stays as it is.

    `data` are inputs and the target, as `train` takes them; its first batch is answered and
    derived, then `steps` steps of `recipe` are made on each device from the same weights, in the
    same order of rows, and the loss of all rows is compared. `threads` are torch's on the device
    that is compared (of use where that is the CPU itself). Raises ParameterError for a module that
    draws random numbers (dropout): each device draws its own, so their numbers cannot be alike.
    """
    if precision not in TOLERANCES:
        raise ParameterError(f"agreement precision must be one of {', '.join(TOLERANCES)}; got "
                             f"{precision!r}.")
    if steps < 1:
        raise ParameterError(f"agreement steps must be >= 1; got {steps}.")
    asked = (recipe or Recipe()).replace(compiled="no", replay="no", find=False, patience=None)
    rows = tensors(data)
    updates = -(-len(rows[0]) // asked.batch)
    asked = asked.replace(epochs=-(-steps // updates))
    first = _Side(module, rows, asked.replace(device="cpu", precision="float32"), steps, None)
    other = _Side(module, rows, asked.replace(device=device, precision=precision), steps, threads)
    return Agreement(place(device).type, precision, steps,
                     _distance(other.answers(), first.answers()),
                     _distance(other.gradients(), first.gradients()),
                     _distance(other.learnt(), first.learnt(), first.loss_of(module)))


class _Side:
    """One device: what it answers, what it derives, and where its training ends."""

    def __init__(self, module: nn.Module, rows: Sequence[torch.Tensor], recipe: Recipe,
                 steps: int, threads: int | None) -> None:
        self.module, self.rows, self.recipe = module, rows, recipe
        self.steps, self.threads, self.device = steps, threads, place(recipe.device)
        precision.check(recipe, self.device)

    def answers(self) -> torch.Tensor:
        """Of the first batch, in eval mode."""
        with torch.no_grad():
            return self._on_first(lambda module, batch: self._forward(module, batch), learns=False)

    def gradients(self) -> torch.Tensor:
        """Of the first batch's loss, all in one row."""
        return self._on_first(self._derived, learns=True)

    def learnt(self) -> torch.Tensor:
        """The loss of all rows after the steps."""
        found = train(copy.deepcopy(self.module), self.rows, self.recipe, steps=self.steps,
                      threads=self.threads, metrics=())
        return self.loss_of(found.module)

    def loss_of(self, module: nn.Module) -> torch.Tensor:
        """Of all rows (1,); answered in float32, so that the weights alone count."""
        output = torch.from_numpy(predict(copy.deepcopy(module), self.rows[:-1]))
        aim = losses.of(self.module, losses.make(self.recipe))
        return aim(output, aim.prepare(self.rows[-1])).reshape(1)

    def _on_first(self, what: Callable[[nn.Module, Any], torch.Tensor], *,
                  learns: bool) -> torch.Tensor:
        module = copy.deepcopy(self.module).to(self.device).train(learns)
        batch = [each[:self.recipe.batch].to(self.device) for each in self.rows]
        with quiet(0, self.device, self.threads):
            return what(module, batch).detach().float().cpu().flatten().double()

    def _forward(self, module: nn.Module, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        half = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(self.recipe.precision)
        with torch.autocast(self.device.type, dtype=half, enabled=half is not None):
            return module(*batch[:-1]).float()

    def _derived(self, module: nn.Module, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        aim = losses.of(module, losses.make(self.recipe))
        drawn = torch.get_rng_state()
        output = self._forward(module, batch)
        if self.device.type == "cpu" and not torch.equal(drawn, torch.get_rng_state()):
            raise ParameterError(
                "agreement needs a network that draws no random numbers while it learns, for each "
                "device draws its own: make it with dropout=0.")
        aim(output, aim.prepare(batch[-1])).backward()
        return torch.cat([p.grad.flatten() for p in module.parameters() if p.grad is not None])


def _distance(found: torch.Tensor, truth: torch.Tensor, unit: torch.Tensor | None = None) -> float:
    """|found - truth| / |unit|, which is the truth by default; infinite where one is no number."""
    size = float((truth if unit is None else unit).norm())
    off = float((found - truth).norm())
    if not math.isfinite(size + off):
        return math.inf
    return off / size if size else off
