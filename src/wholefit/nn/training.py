"""Supervised training: a module, arrays, a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from wholefit.base.budget import Budget, Clock
from wholefit.base.seeds import derive
from wholefit.nn.batches import Arrays, Change
from wholefit.nn.callbacks import EarlyStopping, Sound
from wholefit.nn.checkpoints import Checkpoint, of
from wholefit.nn.loop import Callback, Loop
from wholefit.nn.memory import kept
from wholefit.nn.predicting import place
from wholefit.nn.preparing import Given, prepare
from wholefit.nn.quiet import quiet, threads_for
from wholefit.nn.recipe import Recipe
from wholefit.nn.recurrences import quick
from wholefit.nn.supervised import Supervised


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training leaves: the module (in eval mode), its history, why it stopped.

    `steps` counts batches. `decided` says what was measured and chosen on the way (precision,
    compilation, parts of a batch) and, under a limit of time, how the plan changed.
    """

    module: nn.Module
    history: list[dict[str, float]]
    stopped: str | None = None
    steps: int = 0
    decided: dict[str, Any] = field(default_factory=dict)


def train(
    module: nn.Module, data: Arrays, recipe: Recipe, *, valid: Arrays | None = None,
    weights: Any = None, change: Change | None = None, loss: Any = None,
    groups: Sequence[Mapping[str, Any]] | None = None, callbacks: Sequence[Callback] = (),
    clock: Clock | None = None, class_weights: Any = None, valid_weights: Any = None,
    metrics: Any = "usual", steps: int | None = None, threads: int | None = None,
    checkpoint: str | Path | Checkpoint | None = None, plan: Sequence[tuple[int, int]] = (),
    spread: Any = None, tokens: Sequence[int] = (0,), chosen: Mapping[str, Any] | None = None,
) -> Trained:
    """Train `module` on `data`: its inputs, then the target, arrays of equal length.

    `module(*inputs)` gives logits (n, classes) or numbers (n,) / (n, outputs); for tokens (n,
    length, vocabulary) and a target (n, length) padded with -100. Arrays in files (np.memmap) are
    streamed, and take no `Recipe.bucket`. `valid` are rows held out, like `data`: judged after each
    epoch, and what `patience` looks at (without them it looks at the training loss). `weights` (n,)
    weigh rows, `valid_weights` those held out, `class_weights` (k,) classes. `change` alters each
    batch (inputs..., target). `loss(output, target)` -> (n,) takes the place of `recipe.loss`.
    `metrics` are names or own callables. `groups` are parameter groups with rates of their own, as
    torch's optimizers take them. `clock` limits time and memory: schedules end when the time does,
    and a step that would not fit is made in parts. `steps` ends the run early; `threads` are
    torch's while it trains. `checkpoint` is a folder: the run is saved there after each epoch, and
    goes on from there bit for bit. `plan` repeats the `decided["plan"]` of a run under a clock.
    `spread` is for `parallel.train`. `tokens` are the places of inputs that hold token numbers, for
    `Recipe.bucket`. `chosen` repeats the `decided["chosen"]` of a run whose rate, precision or
    compilation was left open. Raises ParameterError, DataError, BudgetError, StateError.
    """
    clock = clock or Clock(Budget())
    device = place(recipe.device)
    given = Given(
        data=data, valid=valid, weights=weights, valid_weights=valid_weights, change=change,
        loss=loss, class_weights=class_weights, groups=groups, metrics=metrics, clock=clock,
        plan=plan, spread=spread, tokens=tokens,
        strange=any(getattr(each, "every_step", True) for each in callbacks))
    saver = _saver(checkpoint, spread)
    recipe, known = _repeated(recipe, given, chosen or {}, saver)
    count = threads_for(module, recipe, data[0], device, threads)
    with _surrounded(module, recipe, device, count):
        parts, recipe, decided = prepare(module, recipe, device, given)
        if known:
            decided["chosen"] = {**known, **decided.get("chosen", {})}
        work = Supervised(parts, recipe)
        best = [] if recipe.patience is None else [EarlyStopping(
            module, recipe.patience, watch=recipe.watch, averaged=work.averaged)]
        sound = Sound(module)
        loop = Loop(work, epochs=recipe.epochs, steps=steps, clock=clock,
                    callbacks=[sound, *best, *callbacks, *saver])
        if saver:
            saver[0].recipe = {**saver[0].recipe, **recipe.to_dict(),
                               "chosen": decided.get("chosen")}
            saver[0].resume(loop)
        history = loop.run()
        # After a loss that was no number the mean is none either: the last good weights answer.
        if work.averaged is not None and not sound.failed and not any(
                each.holds for each in best):
            work.averaged.swap()
    if work.plan.changes:
        decided["plan"] = list(work.plan.changes)
    if work.replay is not None:
        decided["replay"] = work.replay.note
    for param in module.parameters():
        param.grad = None
    if decided.get("layout") == "channels last":
        module.to(memory_format=torch.contiguous_format)
    return Trained(module.eval(), history, loop.stopped, loop.step, decided)


@contextmanager
def _surrounded(
    module: nn.Module, recipe: Recipe, device: torch.device, count: int | None,
) -> Iterator[None]:
    """Inside, what a training sets of torch, the module and the memory; outside, as it was."""
    # A compiler knows torch's own layers best.
    shorter = quick(module, device) if recipe.compiled == "no" else nullcontext()
    with kept(), shorter, quiet(derive(recipe.seed, "torch"), device, count):
        yield


def _repeated(
    recipe: Recipe, given: Given, chosen: Mapping[str, Any], saver: Sequence[Checkpoint],
) -> tuple[Recipe, dict[str, Any]]:
    """What is left open as it was chosen before, in the run repeated or the one that goes on.

    With it, what of that was left open.
    """
    if saver:
        chosen = {"precision": saver[0].decided("precision"),
                  **(saver[0].decided("chosen") or {}), **chosen}
    known = {name: chosen[name] for name in ("precision", "compiled")
             if getattr(recipe, name) == "auto" and chosen.get(name) not in (None, "auto")}
    recipe, given.repeats = recipe.replace(**known), known.get("compiled") == "yes"
    if recipe.find and chosen.get("rate"):
        known["rate"] = float(chosen["rate"])
        recipe = given.at(recipe, known["rate"])
    return recipe, known


def _saver(asked: str | Path | Checkpoint | None, spread: Any) -> list[Checkpoint]:
    if asked is None:
        return []
    found = of(asked)
    found.silent = spread is not None and spread.rank > 0
    return [found]
