"""Finding a rate and a batch size by trying, and how much memory a step takes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import BudgetError, ParameterError
from wholefit.nn import losses, optimizers
from wholefit.nn.averaging import Kept
from wholefit.nn.batches import Arrays, Resident, tensors
from wholefit.nn.losses import Loss
from wholefit.nn.precision import untouched
from wholefit.nn.predicting import place
from wholefit.nn.quiet import settle
from wholefit.nn.recipe import Recipe

# Rates that a sweep tries at least.
_FEWEST = 20


@dataclass(frozen=True)
class RateFound:
    """`rates` tried, their smoothed `losses`, and `rate`: where the loss falls fastest."""

    rates: list[float]
    losses: list[float]
    rate: float


@dataclass(frozen=True)
class BatchFound:
    """`sizes` tried, rows a second of each, and `batch`: the smallest that is nearly quickest."""

    sizes: list[int]
    rows_per_second: list[float]
    batch: int


def find_rate(
    module: nn.Module, data: Arrays, recipe: Recipe, *, low: float = 1e-6, high: float = 1.0,
    steps: int = 100, loss: Any = None,
) -> RateFound:
    """Try rates from `low` to `high`, a little larger at each step (Smith 2017).

    Stops when the loss has become four times its best. The rate given is the one at which the
    smoothed loss fell fastest. The module is as it was afterwards.
    """
    if not 0 < low < high or steps < 10:
        raise ParameterError(f"find_rate needs 0 < low < high and steps >= 10; got low={low}, "
                             f"high={high}, steps={steps}.")
    device = place(recipe.device)
    aim = losses.of(module, losses.make(recipe, own=loss))
    batches = _batches(module.to(device), data, recipe, aim, device)
    found = sweep(Tried(module, aim, batches), recipe, low=low, high=high, steps=steps)
    assert found is not None  # without a limit of time there is always an answer
    return found


@dataclass
class Tried:
    """What `sweep` makes steps of: batches of (inputs..., target[, weight]), whose last array is
    the rows' weight where `weighted`; `chunk` rows are taken at once, all if None."""

    module: nn.Module
    loss: Loss
    batches: Any
    groups: optimizers.Groups | None = None
    weighted: bool = False
    chunk: int | None = None

    def learn(self, update: Callable[[], None]) -> float:
        """One step; the mean loss before it."""
        batch = self.batches.next_batch() or self.batches.next_batch()
        assert batch is not None
        self.module.zero_grad(set_to_none=True)
        rows, value = len(batch[0]), 0.0
        for part in zip(*(a.split(self.chunk or rows) for a in batch), strict=True):
            *inputs, target, weight = part if self.weighted else (*part, None)
            loss = self.loss(self.module(*inputs), target, weight) * (len(target) / rows)
            loss.backward()
            value += float(loss.detach())
        update()
        return value


def sweep(
    tried: Tried, recipe: Recipe, *, low: float = 1e-6, high: float = 1.0, steps: int = 100,
    seconds: float = math.inf,
) -> RateFound | None:
    """As `find_rate`, for what lies ready; fewer steps where `seconds` are short.

    None where they do not suffice for twenty. The module and its batches are as they were
    afterwards.
    """
    if recipe.optimizer == "lbfgs":
        raise ParameterError("find_rate tries rates of small steps; Recipe.optimizer 'lbfgs' "
                             "searches along a line at each: give it rate=1.")
    kept, place_of = Kept(tried.module), tried.batches.state_dict()
    with untouched(tried.module):
        optimizer = optimizers.make(tried.module, recipe, tried.groups)
        update = optimizers.stepper(optimizer)
        shares = [group["lr"] / recipe.rate for group in optimizer.param_groups]

        def step(rate: float) -> float:
            for group, share in zip(optimizer.param_groups, shares, strict=True):
                group["lr"] = rate * share
            return tried.learn(update)

        count = _affordable(lambda: step(low), steps, seconds)
        rates, found = _climb(step, low, high, count) if count else ([], [])
        kept.put_back()
    tried.batches.load_state_dict(place_of)
    return RateFound(rates, found, _steepest(rates, found)) if count else None


def _affordable(step: Callable[[], float], steps: int, seconds: float) -> int:
    """How many of the steps there is time for; 0 where they are too few to tell anything."""
    if math.isinf(seconds):
        return steps
    began = time.perf_counter()
    step()  # the first is slow: it may take the time of several, and is not counted on
    if time.perf_counter() - began > seconds:
        return 0
    again = time.perf_counter()
    step()
    each = max(time.perf_counter() - again, 1e-9)
    count = int(min(steps, (seconds - (time.perf_counter() - began)) / each))
    return count if count >= min(steps, _FEWEST) else 0


def _climb(
    step: Callable[[float], float], low: float, high: float, steps: int,
) -> tuple[list[float], list[float]]:
    """Rates tried and smoothed losses, until the loss is four times its best."""
    rates: list[float] = []
    found: list[float] = []
    smooth, best = 0.0, math.inf
    for number in range(steps):
        rate = low * (high / low) ** (number / (steps - 1))
        value = step(rate)
        smooth = 0.95 * smooth + 0.05 * value
        mean = smooth / (1 - 0.95 ** (number + 1))
        if not math.isfinite(value) or mean > 4 * best:
            break
        best = min(best, mean)
        rates.append(rate)
        found.append(mean)
    return rates, found


def _steepest(rates: Sequence[float], found: Sequence[float]) -> float:
    if len(rates) < 3:
        raise ParameterError("no rate was found: the loss is not finite from the start; look for "
                             "infinite values in the data.")
    first, wide = len(rates) // 10, max(1, len(rates) // 20)  # the first means are of few losses
    lowest = min(range(first, len(found)), key=found.__getitem__)
    last = max(first + wide, min(lowest, len(found) - 1 - wide))
    places = [at for at in range(first + wide, last + 1) if at + wide < len(found)]
    return rates[max(places, key=lambda at: found[at - wide] - found[at + wide], default=lowest)]


def _batches(
    module: nn.Module, data: Arrays, recipe: Recipe, aim: Loss, device: torch.device,
) -> Resident:
    arrays = list(tensors(data, device))
    arrays[-1] = aim.prepare(arrays[-1])
    return Resident(arrays, recipe.batch, seed=recipe.seed)


def find_batch(
    module: nn.Module, data: Arrays, recipe: Recipe, *, most: int = 4096, seconds: float = 10.0,
    bytes: int | None = None, loss: Any = None,
) -> BatchFound:
    """Time steps of 8, 16, 32 ... rows until `most`, the rows there are, `bytes` or `seconds`.

    The batch given is the smallest with nine tenths of the most rows a second. The module is as it
    was afterwards.
    """
    device = place(recipe.device)
    aim = losses.of(module, losses.make(recipe, own=loss))
    whole = _batches(module.to(device), data, recipe, aim, device)
    sizes: list[int] = []
    speeds: list[float] = []
    began, size = time.perf_counter(), 8
    with untouched(module):
        while size <= min(most, whole.rows) and time.perf_counter() - began < seconds:
            if bytes is not None and step_bytes(module, aim, whole.arrays, size)[1] > bytes:
                break
            try:
                speeds.append(_speed(module, aim, whole.arrays, size, device))
            except torch.OutOfMemoryError:
                break
            sizes.append(size)
            size *= 2
    if not sizes:
        return BatchFound([], [], min(8, whole.rows))
    best = max(speeds)
    return BatchFound(sizes, speeds, next(s for s, v in zip(sizes, speeds, strict=True)
                                          if v >= 0.9 * best))


def _speed(
    module: nn.Module, aim: Loss, arrays: Sequence[torch.Tensor], size: int, device: torch.device,
) -> float:
    """Rows a second of forward and backward, the quickest of three."""
    best, batch = math.inf, tuple(array[:size] for array in arrays)
    for _ in range(4):
        began = time.perf_counter()
        module.zero_grad(set_to_none=True)
        aim(module(*batch[:-1]), batch[-1]).backward()
        settle(device)
        best = min(best, time.perf_counter() - began)
    return size / best


def step_bytes(
    module: nn.Module, aim: Loss, arrays: Sequence[torch.Tensor], rows: int,
) -> tuple[int, int]:
    """(bytes that do not depend on the batch, bytes of a step of `rows`), parameters included.

    What autograd keeps for a few rows is counted, not timed, and grows with the rows: the answer
    is the same on every machine. Weights, gradients and two moments are the fixed part.
    """
    few = min(8, rows, len(arrays[0]))
    fixed = sum(p.numel() * p.element_size() * (4 if p.requires_grad else 1)
                for p in module.parameters())
    own = {p.untyped_storage().data_ptr() for p in module.parameters()}
    seen: dict[int, int] = {}

    def count(tensor: torch.Tensor) -> torch.Tensor:
        store = tensor.untyped_storage()
        if store.data_ptr() not in own:
            seen[store.data_ptr()] = store.nbytes()
        return tensor

    batch = tuple(array[:few].clone() for array in arrays)
    with untouched(module), torch.autograd.graph.saved_tensors_hooks(count, lambda kept: kept):
        aim(module(*batch[:-1]), batch[-1]).backward()
    inputs = sum(array.numel() * array.element_size() for array in batch)
    each = (sum(seen.values()) * 2 + inputs) / few  # as much again for what passes by
    return fixed, fixed + int(each * rows)


def fit_memory(
    module: nn.Module, aim: Loss, batch: Sequence[torch.Tensor], held: int, limit: int,
) -> int | None:
    """Rows that a step can take at once beside `held` bytes of rows; None: the whole batch.

    Raises BudgetError where not even one row fits.
    """
    rows = len(batch[0])
    fixed, whole = step_bytes(module, aim, batch, rows)
    if held + whole <= limit:
        return None
    room, each = limit - held - fixed, max(1, (whole - fixed) // rows)
    if room < each:
        raise BudgetError(
            f"the rows take {held / 1e6:.3g} MB, the network {fixed / 1e6:.3g} MB and one row of a "
            f"step {each / 1e6:.3g} MB, more than the {limit / 1e6:.3g} MB of the budget: give "
            "more, or rows as a memory-mapped .npy file.")
    return int(room // each)
