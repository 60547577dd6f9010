"""Supervised training: a module, arrays, a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import DataError
from wholefit.base.seeds import derive
from wholefit.nn import losses
from wholefit.nn import metrics as figures
from wholefit.nn.batches import Arrays, Change, Resident, tensors
from wholefit.nn.callbacks import EarlyStopping, Sound
from wholefit.nn.loop import Callback, Loop
from wholefit.nn.predicting import place
from wholefit.nn.recipe import Recipe
from wholefit.nn.supervised import Parts, Supervised, order_seed


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training leaves: the module (in eval mode), its history, why it stopped.

    `steps` counts batches. `decided` says what was measured and chosen on the way (precision,
    compilation, batch) and, under a limit of time, how the plan changed.
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
) -> Trained:
    """Train `module` on `data`: its inputs, then the target, arrays of equal length.

    `module(*inputs)` gives logits (n, classes) or numbers (n,) / (n, outputs); for tokens (n,
    length, vocabulary) and a target (n, length) padded with -100. `valid` are rows held out, like
    `data`: judged after each epoch, and what `patience` looks at. `weights` (n,) weigh rows,
    `valid_weights` those held out, `class_weights` (k,) classes. `change` alters each batch
    (inputs..., target). `loss(output, target)` -> (n,) takes the place of `recipe.loss`. `metrics`
    are names or own callables. `groups` are parameter groups with rates of their own, as torch's
    optimizers take them. `steps` ends the run early; `threads` are torch's while it trains. Raises
    ParameterError, DataError.
    """
    clock = clock or Clock(Budget())
    device = place(recipe.device)
    with quiet(recipe.seed, device, _threads(module, recipe, device, threads)):
        aim = losses.of(module, losses.make(recipe, classes=class_weights, own=loss))
        parts = Parts(
            module=module.to(device), batches=None, loss=aim, device=device, clock=clock,
            groups=groups, weighted=weights is not None or valid_weights is not None,
            metrics=_metrics(metrics, recipe, own=loss is not None))
        arrays = _arrays(data, weights, aim, device, weighted=parts.weighted)
        parts.batches = Resident(arrays, recipe.batch, seed=order_seed(recipe),
                                 change=_changed(change, parts.weighted))
        if valid is not None and len(valid[0]):
            parts.valid = _arrays(valid, valid_weights, aim, device, weighted=parts.weighted)
        parts.replay = _replays(parts, recipe, callbacks, own=loss is not None)
        work = Supervised(parts, recipe)
        best = _best(work, recipe)
        loop = Loop(work, epochs=recipe.epochs, steps=steps, clock=clock,
                    callbacks=[Sound(module), *best, *callbacks])
        history = loop.run()
        if work.averaged is not None and not any(each.holds for each in best):
            work.averaged.swap()
    decided: dict[str, Any] = {"plan": list(work.plan.changes)} if work.plan.changes else {}
    if work.replay is not None:
        decided["replay"] = work.replay.note
    return Trained(module.eval(), history, loop.stopped, loop.step, decided)


@contextmanager
def quiet(seed: int, device: Any, threads: int | None = None) -> Iterator[None]:
    """Torch's own generators seeded inside, and as they were outside; threads likewise."""
    device = torch.device(device)
    before = torch.get_num_threads()
    devices = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(derive(seed, "torch"))
        if threads is not None:
            torch.set_num_threads(max(1, threads))
        try:
            yield
        finally:
            if threads is not None:
                torch.set_num_threads(before)


def _threads(module: nn.Module, recipe: Recipe, device: Any, asked: int | None) -> int | None:
    """One thread for dense networks with little to do a step, else what was asked for.

    A product below ten million multiplications is over before a second thread has woken; on two
    busy cores, waiting for it made steps of a small network twenty times longer.
    """
    if device.type != "cpu":
        return asked
    dense = not any(isinstance(each, _REUSED) for each in module.modules())
    size = recipe.batch * sum(p.numel() for p in module.parameters())
    return 1 if dense and size < 10_000_000 else asked


# Modules that use a weight several times a row.
_REUSED = (nn.modules.conv._ConvNd, nn.RNNBase, nn.MultiheadAttention)


def _replays(
    parts: Parts, recipe: Recipe, callbacks: Sequence[Callback], *, own: bool,
) -> bool:
    """True where a recorded step may stand for a step.

    Only on a CPU: elsewhere kernels may be chosen by what is timed. Left to 'auto', not where
    somebody else's code could change what a step does from one to the next.
    """
    if recipe.replay == "no" or parts.device.type != "cpu" or recipe.optimizer == "lbfgs":
        return False
    strange = own or any(getattr(each, "every_step", True) for each in callbacks)
    return recipe.replay == "yes" or not strange


def _metrics(asked: Any, recipe: Recipe, *, own: bool) -> Any:
    if asked == "usual":
        return () if own else figures.usual(recipe.loss)
    return asked if isinstance(asked, Mapping) or not isinstance(asked, str) else [asked]


def _best(work: Supervised, recipe: Recipe) -> list[EarlyStopping]:
    if recipe.patience is None:
        return []
    return [EarlyStopping(work.module, recipe.patience, watch=recipe.watch,
                          averaged=work.averaged)]


def _arrays(
    data: Arrays, weights: Any, loss: losses.Loss, device: Any, *, weighted: bool,
) -> list[torch.Tensor]:
    found = list(tensors(data, device))
    found[-1] = loss.prepare(found[-1])
    if weighted:
        given = np.ones(len(found[0])) if weights is None else weights
        weight = tensors([given], device)[0].float()
        if weight.shape != (len(found[0]),):
            raise DataError(f"weights must have one number for each of the {len(found[0])} rows; "
                            f"got shape {tuple(weight.shape)}.")
        if not bool(torch.isfinite(weight).all()) or bool((weight < 0).any()):
            raise DataError("weights must be finite and not negative.")
        found.append(weight)
    return found


def _changed(change: Change | None, weighted: bool) -> Change | None:
    """`change` sees inputs and target only; the weights go by."""
    if change is None or not weighted:
        return change
    inner = change
    return lambda batch, generator: (*inner(batch[:-1], generator), batch[-1])
