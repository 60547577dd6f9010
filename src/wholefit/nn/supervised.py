"""Supervised learning as a `Work`: one module, one loss, one optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from wholefit.base.budget import Clock
from wholefit.base.errors import ParameterError
from wholefit.nn import metrics, optimizers, schedules
from wholefit.nn.averaging import Averaged
from wholefit.nn.batches import parts
from wholefit.nn.callbacks import figure
from wholefit.nn.losses import Loss
from wholefit.nn.quiet import device_random, set_device_random, settle
from wholefit.nn.recipe import Recipe
from wholefit.nn.replaying import Replay


@dataclass
class Parts:
    """What a `Supervised` is made of: batches of (inputs..., target[, weight]) and rows to judge.

    `weighted` says that the last array of both is the rows' weight. `forward` stands for the module
    where something quicker does (a compiled one); `reduce` gives a number's mean over all
    processes. `chunk` rows of a batch are taken at once, all if None: their gradients add up.
    """

    module: nn.Module
    batches: Any
    loss: Loss
    valid: Sequence[torch.Tensor] | None = None
    weighted: bool = False
    metrics: Any = ()
    groups: optimizers.Groups | None = None
    device: Any = "cpu"
    clock: Clock | None = None
    changes: Sequence[tuple[int, int]] = ()
    replay: bool = False
    chunk: int | None = None
    forward: Callable[..., Any] | None = None
    reduce: Callable[[torch.Tensor], torch.Tensor] | None = None


class Supervised:
    """Forward, loss, backward, update; and the judgement of rows held out."""

    def __init__(self, parts: Parts, recipe: Recipe, epochs: int | None = None) -> None:
        self.module, self.batches, self.loss = parts.module, parts.batches, parts.loss
        self.recipe, self.parts, self.valid = recipe, parts, parts.valid
        self.forward = parts.forward or parts.module
        self.optimizer = optimizers.make(parts.module, recipe, parts.groups)
        self._params = [p for group in self.optimizer.param_groups for p in group["params"]]
        self._rates = [group["lr"] for group in self.optimizer.param_groups]
        self._factor = schedules.factor(recipe)
        self._moves = recipe.schedule != "constant" or recipe.warmup > 0
        updates = -(-len(parts.batches) // recipe.accumulate)
        self.plan = schedules.Plan((epochs or recipe.epochs) * updates, parts.clock,
                                   changes=parts.changes)
        self._plateau = schedules.Plateau(
            recipe.drop, recipe.wait, larger=recipe.watch in metrics.LARGER_IS_BETTER,
        ) if recipe.schedule == "plateau" else None
        self.averaged = Averaged(parts.module, recipe.ema) if recipe.ema is not None else None
        self._update_now = optimizers.stepper(self.optimizer)
        self._scaler = torch.amp.GradScaler(self.device.type) \
            if recipe.precision == "float16" and self.device.type == "cuda" else None
        self._half = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(recipe.precision)
        self._gathered, self._mass = 0, 0.0
        self._classes = recipe.loss == "cross_entropy"
        self._summed = (recipe.accumulate > 1 or parts.reduce is not None
                        or parts.chunk is not None)
        self._live = False  # True while the module is in training mode
        self.replay: Replay | None = None
        self.step = self._choose_step()  # type: ignore[method-assign, assignment]

    @property
    def device(self) -> Any:
        """Where the module lies."""
        return torch.device(self.parts.device)

    @property
    def judge_steps(self) -> float:
        """About how many steps a judgement takes: a forward pass is a third of a step."""
        return 0.0 if self.valid is None else len(self.valid[0]) / self.batches.size / 3

    def settle(self) -> None:
        """Wait for the device."""
        settle(self.device)

    def next_batch(self) -> Any:
        """Inputs, target and perhaps weight; None at the end of an epoch."""
        if not self._live:
            self.module.train()
            self._live = True
            if self.replay is not None:
                self.replay.begin_epoch()
        batch = self.batches.next_batch()
        if batch is None and self._gathered:
            self._apply()
        return batch

    def _choose_step(self) -> Callable[[Any], dict[str, Any]]:
        recipe = self.recipe
        if recipe.optimizer == "lbfgs":
            if self._summed or self._half:
                raise ParameterError("Recipe.optimizer 'lbfgs' takes neither accumulate nor half "
                                     "precision nor several processes; use 'adamw'.")
            return self._closure_step
        replay = self.parts.replay and not (self._summed or self._half)
        if replay:
            self.replay = Replay(
                self.module, self._loss_of, self._params, always=recipe.replay == "yes",
                left=lambda: self.plan.total - self.plan.done)
        if self._summed or self._half or recipe.clip is not None:
            return self._full_step
        if replay:
            return self._replayed_step
        return self._full_step if self.parts.weighted else self._plain_step

    def _loss_of(self, batch: Any) -> torch.Tensor:
        return self.loss(*self._answer(batch))

    def _replayed_step(self, batch: Any) -> dict[str, Any]:
        """The plain step with a recording in place of forward and backward."""
        assert self.replay is not None
        loss = self.replay(batch)
        if self._moves:
            self._set_rates()
        self._update_now()
        self._after()
        return {"loss": loss}

    def step(self, batch: Any) -> dict[str, Any]:
        """Learn from one batch; replaced at once by the shortest form that does what is asked."""
        return self._full_step(batch)

    def _plain_step(self, batch: Any) -> dict[str, Any]:
        """Nothing but forward, backward and update."""
        for param in self._params:
            param.grad = None
        loss = self.loss(self.forward(*batch[:-1]), batch[-1])
        loss.backward()
        if self._moves:
            self._set_rates()
        self._update_now()
        self._after()
        return {"loss": loss.detach()}

    def _full_step(self, batch: Any) -> dict[str, Any]:
        """With weights, accumulation, half precision, clipping."""
        if not self._gathered:
            for param in self._params:
                param.grad = None
        if self.replay is not None:
            loss = self.replay(batch)
            self._apply()
            return {"loss": loss}
        if self._summed:
            return self._gather(batch)
        loss = self._loss_of(batch)
        self._backward(loss)
        self._apply()
        return {"loss": loss.detach()}

    def _gather(self, batch: Any) -> dict[str, Any]:
        """Gradients of a sum, in parts; they are divided by the mass of all when it is known."""
        totals, masses = [], []
        size = self.parts.chunk or len(batch[0])
        for part in zip(*(array.split(size) for array in batch), strict=True):
            total, mass = self.loss.total(*self._answer(part))
            self._backward(total)
            totals.append(total.detach())
            masses.append(mass.detach())
        total, mass = sum(totals), sum(masses)
        self._mass = self._mass + mass
        self._gathered += 1
        if self._gathered == self.recipe.accumulate:
            self._apply()
        if self.parts.reduce is not None:  # what stops a run must be the same in every process
            total, mass = self.parts.reduce(total), self.parts.reduce(mass)
        return {"loss": total / mass}

    def _answer(self, batch: Any) -> tuple[Any, Any, Any]:
        *inputs, target = batch[:-1] if self.parts.weighted else batch
        weight = batch[-1] if self.parts.weighted else None
        if self._half is None:
            return self.forward(*inputs), target, weight
        with torch.autocast(self.device.type, dtype=self._half):
            output = self.forward(*inputs)
        output = output.float() if isinstance(output, torch.Tensor) else output
        return output, target, weight

    def _backward(self, loss: torch.Tensor) -> None:
        (self._scaler.scale(loss) if self._scaler is not None else loss).backward()

    def _apply(self) -> None:
        """One update from the gradients gathered."""
        self._gathered = 0
        if self._scaler is not None:
            self._scaler.unscale_(self.optimizer)
        grads = [p.grad for p in self._params if p.grad is not None]
        if self._summed:
            mass = torch.as_tensor(self._mass, device=self.device)
            if self.parts.reduce is not None:
                mass = self.parts.reduce(mass)
            torch._foreach_div_(grads, mass.to(grads[0].dtype))
            self._mass = 0.0
        if self.recipe.clip is not None:
            nn.utils.clip_grad_norm_(self._params, self.recipe.clip)
        if self._moves:
            self._set_rates()
        if self._scaler is not None:
            self._scaler.step(self.optimizer)
            self._scaler.update()
        else:
            self._update_now()
        self._after()

    def _after(self) -> None:
        self.plan.advance()
        if self.averaged is not None:
            self.averaged.update()

    def _closure_step(self, batch: Any) -> dict[str, Any]:
        """L-BFGS asks for the loss several times a step."""
        found: list[Any] = []

        def closure() -> Any:
            for param in self._params:
                param.grad = None
            output, target, weight = self._answer(batch)
            loss = self.loss(output, target, weight)
            loss.backward()
            found.append(loss.detach())
            return loss

        if self._moves:
            self._set_rates()
        self.optimizer.step(closure)
        self._after()
        return {"loss": found[0]}

    def _set_rates(self) -> None:
        share = self._factor(self.plan.place(), self.plan.total)
        if self._plateau is not None:
            share *= self._plateau.factor
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share

    def judge(self) -> dict[str, float]:
        """Loss and metrics of the rows held out, in eval mode, with the mean weights if kept."""
        return {} if self.valid is None else self._judge()

    def heed(self, row: Mapping[str, float]) -> None:
        """What "plateau" looks at: rows held out where there are any, else the training itself."""
        value = None if self._plateau is None else figure(row, self.recipe.watch)[0]
        if self._plateau is not None and value is not None:
            self._plateau.look(value)

    def _judge(self) -> dict[str, float]:
        assert self.valid is not None
        if self.averaged is not None:
            self.averaged.swap()
        self.module.eval()
        self._live = False
        figures = metrics.make(self.parts.metrics)
        size, sums, masses = max(256, self.batches.size), 0.0, 0.0
        with torch.inference_mode():
            for batch in zip(*(parts(array, size, self.device) for array in self.valid),
                             strict=True):
                output, target, weight = self._answer(batch)
                total, mass = self.loss.total(output, target, weight)
                sums, masses = sums + total.double(), masses + mass.double()
                if self._classes and target.dim() == output.dim():
                    target = target.argmax(-1)  # probabilities of classes
                for each in figures:
                    each.add(output, target)
        if self.averaged is not None:
            self.averaged.swap()
        return {"valid_loss": float(sums / masses),
                **{f"valid_{each.name}": each.result() for each in figures}}

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimizer, batches, plan, means, generators: everything that going on needs."""
        optional = {"plateau": self._plateau, "averaged": self.averaged, "scaler": self._scaler}
        return {
            "module": self.module.state_dict(), "optimizer": self.optimizer.state_dict(),
            "batches": self.batches.state_dict(), "plan": self.plan.state_dict(),
            "gathered": self._gathered, "mass": self._mass,
            "grads": [p.grad for p in self._params] if self._gathered else None,
            "random": torch.get_rng_state(),
            "device_random": device_random(self.device),
            **{name: each.state_dict() for name, each in optional.items() if each is not None},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.module.load_state_dict(state["module"])
        optimizers.load(self.optimizer, state["optimizer"])
        self.batches.load_state_dict(state["batches"])
        self.plan.load_state_dict(state["plan"])
        self._gathered, self._mass = int(state["gathered"]), state["mass"]
        if state["grads"] is not None:
            for param, grad in zip(self._params, state["grads"], strict=True):
                param.grad = None if grad is None else optimizers.like(param, grad)
        for name, each in (("plateau", self._plateau), ("averaged", self.averaged),
                           ("scaler", self._scaler)):
            if each is not None:
                each.load_state_dict(state[name])
        self._update_now = optimizers.stepper(self.optimizer)
        torch.set_rng_state(state["random"])
        set_device_random(state["device_random"], self.device)
