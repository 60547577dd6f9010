"""Teaching a network: rows held out, epochs that suit the rows and the time, the module taught."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit import nn as engine
from wholefit.base import seeds
from wholefit.base.budget import Budget, Clock
from wholefit.models._networks._answering import Figures, Prepared
from wholefit.nn import Recipe, losses, networks

# Below this many rows none is held out: too few to judge by, too dear to miss.
LEAST_TO_HOLD_OUT = 60
_MOST_HELD_OUT = 10_000
# Share of the time left for what comes after the last step.
_SPARE = 0.9
# A training guessed to take less than this share of its time is not timed first.
_QUICK = 0.1


@dataclass(frozen=True)
class Lesson:
    """What the network of that name is taught: its inputs, target (n,) or (n, outputs), and how.

    `strata` are class codes by which rows are held out, or None; `seconds` may be spent; `fresh`
    is a network that has learnt nothing yet.
    """

    inputs: Sequence[np.ndarray]
    target: np.ndarray
    weights: np.ndarray | None
    name: str
    recipe: Mapping[str, Any]
    seed: int
    validation: float = 0.15
    strata: np.ndarray | None = None
    seconds: float | None = None
    figures: Figures = ()
    change: Callable[..., Any] | None = None
    fresh: bool = True


def made(options: Mapping[str, Any], seed: int) -> nn.Module:
    """The untrained network, the same for the same seed; torch's own generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.derive(seed, "weights"))
        return networks.make(**options)


def settled(
    name: str, recipe: Mapping[str, Any], rows: int, held_out: bool, seed: int
) -> Recipe:
    """The recipe that suits the network of that name and the rows, with what `recipe` changes.

    Batches of a thirty-second of the rows, from 32 to what the network's own recipe says; where no
    row is held out there is nothing to stop by.
    """
    usual = networks.recipe_of(name, regression=recipe.get("loss") == "squared")
    wanted = {**usual, **recipe}
    if "batch" not in recipe:
        size = 2 ** round(np.log2(max(rows, 1) / 32)) if rows > 32 else 1
        wanted["batch"] = int(np.clip(size, 32, max(32, usual.get("batch", 256))))
    wanted.setdefault("seed", seeds.derive(seed, "training") % 2**31)
    if not held_out:
        wanted["patience"] = None
    return Recipe.from_dict(wanted)


def teach(module: nn.Module, lesson: Lesson) -> engine.Trained:
    """Train `module` on the lesson; what comes back holds the module itself."""
    start = time.perf_counter()
    train, held = _held_out(lesson)
    recipe = settled(lesson.name, lesson.recipe, len(train), len(held) > 0, lesson.seed)
    data = [*lesson.inputs, lesson.target]
    taught = _taken(data, train)
    if lesson.fresh and not lesson.figures:
        networks.prepare(module, *map(torch.from_numpy, taught[:-1]))
    options = _options(module, recipe, lesson)
    if lesson.weights is not None:
        options["weights"] = lesson.weights[train]
    if lesson.seconds is not None:
        recipe = _in_time(module, taught, recipe, lesson, start)
        left = max(lesson.seconds * _SPARE - (time.perf_counter() - start), 1e-3)
        options["clock"] = Clock(Budget(seconds=left))
    valid = _taken(data, held) if len(held) else None
    with torch.random.fork_rng(devices=[]):
        found = engine.train(_whole(module, lesson), taught, recipe, valid=valid, **options)
    return engine.Trained(module, found.history, found.stopped)


def _whole(module: nn.Module, lesson: Lesson) -> nn.Module:
    return Prepared(module, lesson.figures) if lesson.figures else module


def _options(module: Any, recipe: Recipe, lesson: Lesson) -> dict[str, Any]:
    """What the module itself wants of its training: rates of its own, a loss of its members."""
    found: dict[str, Any] = {"change": lesson.change}
    groups = networks.parameter_groups(module, recipe.rate, recipe.weight_decay)
    if groups is not None:
        found["groups"] = groups
    if hasattr(module, "loss_of"):
        usual = losses.make(recipe)
        found["loss"] = module.loss_of(lambda output, target: usual.elements(output, target)[0])
    return found


def _taken(data: Sequence[np.ndarray], rows: np.ndarray) -> list[np.ndarray]:
    if len(rows) == len(data[0]):
        return list(data)
    return [array[rows] for array in data]


def _held_out(lesson: Lesson) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from and rows to judge by; of every class with two rows or more, some."""
    rows = len(lesson.target)
    everything, nothing = np.arange(rows), np.zeros(0, dtype=np.intp)
    wanted = min(round(rows * lesson.validation), _MOST_HELD_OUT)
    if rows < LEAST_TO_HOLD_OUT or not wanted:
        return everything, nothing
    order = seeds.generator(lesson.seed, "held out").permutation(rows)
    if lesson.strata is None:
        return np.sort(order[wanted:]), np.sort(order[:wanted])
    held: list[np.ndarray] = []
    for code in np.unique(lesson.strata):
        mine = order[lesson.strata[order] == code]
        held.append(mine[:min(len(mine) - 1, max(1, round(len(mine) * wanted / rows)))])
    chosen = np.sort(np.concatenate(held))
    return np.setdiff1d(everything, chosen), chosen


def _in_time(
    module: nn.Module, data: Sequence[np.ndarray], recipe: Recipe, lesson: Lesson, start: float,
) -> Recipe:
    """The recipe with as many epochs as fit the time, so that its schedule comes to its end.

    A copy of the network takes a few steps for a stopwatch. A schedule that is cut short leaves
    large steps behind; a shorter one does not.
    """
    import copy

    assert lesson.seconds is not None
    steps = max(1, -(-len(data[0]) // recipe.batch))
    if not lesson.figures and _guess(module, len(data[0]), recipe, steps) < (
            _QUICK * lesson.seconds):
        return recipe
    some = [array[:recipe.batch * min(8, steps)] for array in data]
    quick = recipe.replace(epochs=1, warmup=0.0, schedule="constant", compiled="no")
    copied = copy.deepcopy(module)
    rest = _options(copied, quick, lesson)
    whole = _whole(copied, lesson)
    times = []
    for _ in range(2):  # the first pays for what is made once
        began = time.perf_counter()
        with torch.random.fork_rng(devices=[]):
            engine.train(whole, some, quick, **rest)
        times.append(time.perf_counter() - began)
    each = min(times) * steps / max(1, -(-len(some[0]) // recipe.batch))
    left = lesson.seconds * _SPARE - (time.perf_counter() - start)
    return recipe.replace(epochs=int(np.clip(left / max(each, 1e-9), 1, recipe.epochs)))


def _guess(module: nn.Module, rows: int, recipe: Recipe, steps: int) -> float:
    """Seconds that dense layers should take, high rather than low: a millisecond a step beside
    six operations a weight and row, a thousand million of them a second.
    """
    return recipe.epochs * (steps * 1e-3 + rows * 6e-9 * networks.parameters(module))
