"""Listeners of a run: each is one callable `(event, loop)`; those with a state are checkpointed."""

from __future__ import annotations

import csv
import json
import math
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import WholefitWarning
from wholefit.nn.averaging import Averaged, Kept
from wholefit.nn.loop import Loop
from wholefit.nn.metrics import LARGER_IS_BETTER


def figure(row: Mapping[str, float], watch: str) -> tuple[float | None, bool]:
    """(value, larger is better) of what is watched in a row of the history.

    `watch` is "loss" or a metric: of the rows held out where there are any, else of the training.
    """
    for name in (f"valid_{watch}", watch):
        if name in row:
            return float(row[name]), watch in LARGER_IS_BETTER
    return None, watch in LARGER_IS_BETTER


class EarlyStopping:
    """Stops when a figure has not become better for `patience` epochs; puts the best weights back.

    `patience` None never stops and only puts back. With `averaged`, its means are what is kept.
    """

    every_step = False

    def __init__(
        self, module: nn.Module, patience: int | None, *, watch: str = "loss",
        averaged: Averaged | None = None,
    ) -> None:
        self.best, self.epoch, self.bad = math.inf, 0, 0
        self._module, self._patience, self._watch = module, patience, watch
        self._averaged = averaged
        self._kept: Kept | None = None

    def __call__(self, event: str, loop: Loop) -> None:
        """Look after each epoch; put back at the end."""
        if event == "epoch":
            self._look(loop)
        elif event == "end" and self._kept is not None:
            self._kept.put_back()

    @property
    def holds(self) -> bool:
        """True once there are weights that the end will put back."""
        return self._kept is not None

    def _look(self, loop: Loop) -> None:
        value, larger = figure(loop.history[-1], self._watch)
        if value is None:
            return
        value = -value if larger else value
        if value < self.best:
            self.best, self.epoch, self.bad = value, loop.epoch, 0
            self._keep()
            return
        self.bad += 1
        if self._patience is not None and self.bad >= self._patience:
            loop.stop(f"no better {self._watch} for {self.bad} epochs; the weights of epoch "
                      f"{self.epoch} are put back")

    def _keep(self) -> None:
        if self._averaged is not None:
            self._averaged.swap()
        if self._kept is None:
            self._kept = Kept(self._module)
        else:
            self._kept.keep()
        if self._averaged is not None:
            self._averaged.swap()

    def state_dict(self) -> dict[str, Any]:
        """Best figure and weights."""
        return {"best": self.best, "epoch": self.epoch, "bad": self.bad,
                "kept": None if self._kept is None else list(self._kept.copies)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.best, self.epoch = float(state["best"]), int(state["epoch"])
        self.bad = int(state["bad"])
        if state["kept"] is not None:
            self._kept = Kept(self._module)
            for mine, other in zip(self._kept.copies, state["kept"], strict=True):
                mine.copy_(other)


class Sound:
    """Ends the run when a loss is not a number any more; the last good weights are put back.

    Losses are looked at every `every` steps, so that a device is not waited for at each.
    """

    def __init__(self, module: nn.Module, *, every: int = 16) -> None:
        self._kept, self._module, self._every = Kept(module), module, every
        self._good, self.failed = 0, False

    def __call__(self, event: str, loop: Loop) -> None:
        """Look at the losses so far."""
        if event == "step" and loop.step % self._every == 0:
            self._look(loop.last, loop, loop.epoch + 1)
        elif event == "epoch" and not self.failed:
            row = loop.history[-1]
            self._look(row, loop, loop.epoch)
            if not self.failed:
                self._kept.keep()
                self._good = loop.epoch

    def _look(self, figures: Mapping[str, Any], loop: Loop, epoch: int) -> None:
        wrong = [name for name in figures if name.endswith("loss")
                 and not math.isfinite(float(figures[name]))]
        if not wrong or self.failed:
            return
        self.failed = True
        self._kept.put_back()
        where = f"of epoch {self._good}" if self._good else "of the beginning"
        reason = (f"the {wrong[0].replace('_', ' ')} was not a finite number any more in epoch "
                  f"{epoch} (step {loop.step}); the weights {where} are put back. Try a lower "
                  f"rate, clip=1.0, or look for infinite values in the data")
        warnings.warn(reason + ".", WholefitWarning, stacklevel=2)
        loop.stop(reason)

    def state_dict(self) -> dict[str, Any]:
        """The good weights."""
        return {"good": self._good, "failed": self.failed, "kept": list(self._kept.copies)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._good, self.failed = int(state["good"]), bool(state.get("failed", False))
        for mine, other in zip(self._kept.copies, state["kept"], strict=True):
            mine.copy_(other)


class Log:
    """Writes each row of the history to a file as it comes: .csv, or .jsonl (one object a line)."""

    every_step = False

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def alike(self, inside: str) -> Log:
        """A fresh one that writes a file of this name in a folder beside it."""
        return Log(self._path.parent / inside / self._path.name)

    def __call__(self, event: str, loop: Loop) -> None:
        """One row an epoch; the file is written anew where the run begins."""
        if event == "begin":
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text("")
            for row in loop.history:  # a resumed run writes what went before again
                self._write(row)
        elif event == "epoch":
            self._write(loop.history[-1])

    def _write(self, row: Mapping[str, float]) -> None:
        with self._path.open("a", newline="") as file:
            if self._path.suffix != ".csv":
                file.write(json.dumps(dict(row)) + "\n")
                return
            table = csv.writer(file)
            if file.tell() == 0:
                table.writerow(row)
            table.writerow(row.values())


class GradientWatch:
    """Keeps the norm of each parameter's gradient, and warns where they vanish or explode.

    Looks every `every` steps. Vanishing: the first layer's norm by its number of weights is under
    `low` of the last layer's. Exploding: the norm of all is over `high`. `norms` maps names to
    lists, `steps` says when.
    """

    def __init__(
        self, module: nn.Module, *, every: int = 50, low: float = 1e-4, high: float = 1e3,
    ) -> None:
        self.steps: list[int] = []
        self.norms: dict[str, list[float]] = {
            name: [] for name, p in module.named_parameters() if p.requires_grad and p.dim() > 1}
        self.warnings: list[str] = []
        self._module, self._every, self._low, self._high = module, every, low, high

    def __call__(self, event: str, loop: Loop) -> None:
        """Look at the gradients of the step just made."""
        if event != "step" or (loop.step - 1) % self._every:
            return
        found = {name: p.grad for name, p in self._module.named_parameters() if name in self.norms}
        if any(grad is None for grad in found.values()) or not found:
            return
        self.steps.append(loop.step)
        sizes = {}
        for name, grad in found.items():
            norm = float(torch.linalg.vector_norm(grad))
            self.norms[name].append(norm)
            sizes[name] = norm / math.sqrt(grad.numel())
        self._judge(sizes, loop.step)

    def _judge(self, sizes: Mapping[str, float], step: int) -> None:
        (first, low), (last, high) = next(iter(sizes.items())), list(sizes.items())[-1]
        total = math.sqrt(sum(norms[-1] ** 2 for norms in self.norms.values()))
        if not math.isfinite(total):
            self._say("not finite", f"gradients are not finite at step {step}: lower the rate or "
                      "set clip=1.0.")
        elif total > self._high:
            self._say("explode", f"gradients explode: their norm is {total:.3g} at step {step}; "
                      "set clip=1.0 or lower the rate.")
        elif high > 0 and low < self._low * high:
            self._say("vanish", f"gradients vanish: those of {first} are {low / high:.1g} times "
                      f"those of {last} at step {step}; ReLU, norms or residuals help.")

    def _say(self, kind: str, sentence: str) -> None:
        if any(kind in said for said in self.warnings):
            return
        self.warnings.append(sentence)
        warnings.warn(sentence, WholefitWarning, stacklevel=2)


class Every:
    """Calls `function(loop)` each `steps` steps, or each `epochs` epochs."""

    def __init__(
        self, function: Callable[[Loop], None], *, steps: int | None = None,
        epochs: int | None = None,
    ) -> None:
        self._function, self._steps, self._epochs = function, steps, epochs

    def __call__(self, event: str, loop: Loop) -> None:
        """Call it where it is due."""
        every, count = ((self._steps, loop.step) if event == "step"
                        else (self._epochs, loop.epoch) if event == "epoch" else (None, 0))
        if every and count % every == 0:
            self._function(loop)
