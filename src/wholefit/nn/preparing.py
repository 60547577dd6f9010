"""From what a caller gives to the parts of a supervised training."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from wholefit.base.budget import Clock
from wholefit.base.errors import DataError, ParameterError, WholefitWarning
from wholefit.base.seeds import derive
from wholefit.nn import finders, losses, precision
from wholefit.nn import metrics as figures
from wholefit.nn.batches import Arrays, Change, Resident, tensors
from wholefit.nn.buckets import Bucketed
from wholefit.nn.losses import Loss
from wholefit.nn.recipe import Recipe
from wholefit.nn.streams import Streamed, mapped
from wholefit.nn.supervised import Parts

# Share of the time there is that finding a rate may take.
_TO_FIND = 0.2


@dataclass
class Given:
    """What `train` was given.

    `strange` says that callbacks listen at each step.
    """

    data: Arrays
    valid: Arrays | None
    weights: Any
    valid_weights: Any
    change: Change | None
    loss: Any
    class_weights: Any
    groups: Any
    metrics: Any
    clock: Clock
    plan: Sequence[tuple[int, int]]
    spread: Any
    strange: bool
    repeats: bool = False  # compiled steps, because another run chose them
    tokens: Sequence[int] = (0,)

    def at(self, recipe: Recipe, rate: float) -> Recipe:
        """The recipe at a rate that was found; groups keep their shares of it."""
        if self.groups is not None:
            self.groups = [{**each, "lr": each["lr"] * rate / recipe.rate} if "lr" in each
                           else each for each in self.groups]
        return recipe.replace(rate=rate, find=False)


def prepare(
    module: nn.Module, recipe: Recipe, device: torch.device, given: Given,
) -> tuple[Parts, Recipe, dict[str, Any]]:
    """The parts, the recipe with every 'auto' decided, and what was decided."""
    precision.check(recipe, device)
    decided: dict[str, Any] = {}
    aim = losses.of(module, losses.make(recipe, classes=given.class_weights, own=given.loss))
    if recipe.layout != "plain" and device.type != "mps" and (
            recipe.layout == "channels_last" or _convolves(module)):
        module.to(memory_format=torch.channels_last)
        decided["layout"] = "channels last"
    parts = Parts(
        module=module.to(device), batches=None, loss=aim, device=device, clock=given.clock,
        groups=given.groups, changes=given.plan,
        weighted=given.weights is not None or given.valid_weights is not None,
        metrics=_metrics(given.metrics, recipe, own=given.loss is not None),
        replay=_replays(recipe, device, given))
    size = _size(module, recipe.batch, len(given.data[0]))
    parts.batches = _batches(recipe.replace(batch=size), aim, device, given,
                             weighted=parts.weighted)
    if given.valid is not None and len(given.valid[0]):
        parts.valid = _arrays(given.valid, given.valid_weights, aim, device,
                              weighted=parts.weighted)
    if given.clock.budget.bytes is not None:
        _fit(parts, recipe, given.clock.budget.bytes, decided)
    recipe = _found(parts, recipe, given, decided)
    recipe = _measure(parts, recipe, device, given, decided)
    if given.spread is not None:
        parts.forward, parts.replay = given.spread.forward(module), False
        parts.batches = given.spread.share(parts.batches)
        parts.reduce = given.spread.reduce
    return parts, recipe, decided


def _size(module: nn.Module, size: int, rows: int) -> int:
    """Rows a batch: one more where a batch norm would be left with a single row, as it refuses."""
    if any(isinstance(each, nn.modules.batchnorm._BatchNorm) for each in module.modules()):
        while 1 < size < rows and rows % size == 1:
            size += 1
    return size


def _convolves(module: nn.Module) -> bool:
    return any(isinstance(each, nn.Conv2d) for each in module.modules())


def _replays(recipe: Recipe, device: torch.device, given: Given) -> bool:
    """True where a recorded step may stand for a step.

    Only on a CPU: elsewhere kernels may be chosen by what is timed. Left to 'auto', not where
    somebody else's code could change what a step does from one to the next.
    """
    if recipe.replay == "no" or device.type != "cpu" or recipe.optimizer == "lbfgs":
        return False
    return recipe.replay == "yes" or not (given.strange or given.loss is not None)


def _batches(
    recipe: Recipe, aim: Loss, device: torch.device, given: Given, *, weighted: bool,
) -> Any:
    seed, change = derive(recipe.seed, "order"), _changed(given.change, weighted)
    if mapped(given.data):
        if recipe.bucket:
            raise ParameterError(
                "Recipe.bucket sorts all rows by length, and takes no arrays in files (np.memmap): "
                "leave bucket out, or give the arrays in memory, np.array(tokens), where they fit.")
        arrays = [np.asarray(each) if not isinstance(each, np.ndarray) else each
                  for each in given.data]
        if weighted:
            arrays.append(_weights(given.weights, len(arrays[0])))
        return Streamed(arrays, recipe.batch, seed=seed, change=change, device=device,
                        prepare=lambda held: _prepared(held, aim, weighted))
    arrays = _arrays(given.data, given.weights, aim, device, weighted=weighted)
    if recipe.bucket:
        return Bucketed(arrays, recipe.batch, seed=seed, change=change, weighted=weighted,
                        tokens=given.tokens)
    return Resident(arrays, recipe.batch, seed=seed, change=change)


def _prepared(held: Any, aim: Loss, weighted: bool) -> tuple[Any, ...]:
    place = len(held) - 1 - weighted
    return tuple(aim.prepare(each) if number == place else each
                 for number, each in enumerate(held))


def _arrays(
    data: Arrays, weights: Any, aim: Loss, device: Any, *, weighted: bool,
) -> list[Any]:
    found = list(tensors(data, device))
    found[-1] = aim.prepare(found[-1])
    if weighted:
        found.append(tensors([_weights(weights, len(found[0]))], device)[0])
    return found


def _weights(weights: Any, rows: int) -> np.ndarray:
    if weights is None:
        return np.ones(rows, np.float32)
    found = np.asarray(weights, np.float32)
    if found.shape != (rows,):
        raise DataError(f"weights must have one number for each of the {rows} rows; got shape "
                        f"{found.shape}.")
    if not np.isfinite(found).all() or (found < 0).any() or not found.any():
        raise DataError("weights must be finite, not negative and not all zero.")
    return found


def _changed(change: Change | None, weighted: bool) -> Change | None:
    """`change` sees inputs and target only; the weights go by, unless it mixes rows.

    One that does has `weighted(batch, generator)`, which takes and gives the weights too.
    """
    if change is None or not weighted:
        return change
    inner = change
    if hasattr(inner, "weighted"):
        return cast(Change, inner.weighted)
    return lambda batch, generator: (*inner(batch[:-1], generator), batch[-1])


def _metrics(asked: Any, recipe: Recipe, *, own: bool) -> Any:
    if isinstance(asked, str):
        if asked == "usual":
            return () if own else figures.usual(recipe.loss)
        return [asked]
    return asked or ()


def _fit(parts: Parts, recipe: Recipe, limit: int, decided: dict[str, Any]) -> None:
    """Steps in parts where the memory allows no whole one."""
    batch = parts.batches.sample()
    held = parts.batches.held if isinstance(parts.batches, Resident) else sum(
        a.nbytes for a in batch)
    if parts.weighted:
        batch = batch[:-1]
    parts.chunk = finders.fit_memory(
        parts.module, parts.loss, batch, held, limit)
    if parts.chunk is not None:
        decided["parts"] = f"steps of {len(batch[0])} rows are made {parts.chunk} at a time"


def _found(parts: Parts, recipe: Recipe, given: Given, decided: dict[str, Any]) -> Recipe:
    """The recipe with the rate that a sweep finds, in a fifth of the time there is at most."""
    if not recipe.find:
        return recipe
    if given.spread is not None:
        raise ParameterError("Recipe.find takes no several processes: each might find another "
                             "rate. Call find_rate before, and give rate=.")
    tried = finders.Tried(parts.module, parts.loss, parts.batches, parts.groups, parts.weighted,
                          parts.chunk)
    found = finders.sweep(tried, recipe, seconds=_TO_FIND * given.clock.left())
    if found is None:
        recipe = recipe.replace(find=False)
        said = f"too little time to find a rate: {recipe.rate:g} is taken, as it was given"
        warnings.warn(f"{said}. Give more time, or leave find out.", WholefitWarning,
                      stacklevel=2)
    else:
        recipe = given.at(recipe, found.rate)
        parts.groups = given.groups
        said = f"{found.rate:.3g}, where the loss fell fastest in {len(found.rates)} steps"
    decided["rate"] = said
    decided.setdefault("chosen", {})["rate"] = recipe.rate
    return recipe


def _measure(
    parts: Parts, recipe: Recipe, device: torch.device, given: Given, decided: dict[str, Any],
) -> Recipe:
    """Precision and compilation, where they are left open."""
    if "auto" not in (recipe.precision, recipe.compiled) and recipe.compiled == "no":
        return recipe
    batch = parts.batches.sample()
    batch = batch[:-1] if parts.weighted else batch
    if given.change is not None:
        batch = given.change(batch, torch.Generator().manual_seed(0))
    if parts.chunk is not None:  # a whole one would not fit into the memory
        batch = [array[:parts.chunk] for array in batch]
    if recipe.precision == "auto":
        word, decided["precision"] = precision.choose(parts.module, parts.loss, batch, device)
        recipe = recipe.replace(precision=word)
        decided.setdefault("chosen", {})["precision"] = word
    if recipe.compiled == "auto":
        parts.forward, decided["compiled"] = precision.compile_where_it_pays(
            parts.module, parts.loss, batch, device, steps=recipe.epochs * len(parts.batches),
            precision=recipe.precision, left=given.clock.left())
    elif recipe.compiled == "yes":
        parts.forward, decided["compiled"] = precision.compile_as_said(
            parts.module, parts.loss, batch, device, precision=recipe.precision,
            repeated=given.repeats)
    parts.replay = parts.replay and parts.forward is None
    if recipe.compiled == "auto" or given.repeats:
        taken = "no" if parts.forward is None else "yes"
        decided.setdefault("chosen", {})["compiled"] = taken
    return recipe
