"""Teaching a network: rows held out, epochs that suit the rows and the time, the module taught."""

from __future__ import annotations

import hashlib
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
from wholefit.base.errors import ParameterError, unknown
from wholefit.base.spool import Filed
from wholefit.models._networks._answering import Figures, Prepared
from wholefit.nn import Recipe, losses, networks
from wholefit.nn.checkpoints import Checkpoint
from wholefit.nn.layers import registry
from wholefit.nn.predicting import place

# Below this many rows none is held out: too few to judge by, too dear to miss.
LEAST_TO_HOLD_OUT = 60
_MOST_HELD_OUT = 10_000
# Share of the time left for what comes after the last step.
_SPARE = 0.9
# Rows that a network looks at to prepare itself: scales, bins, whitening filters.
_LOOKED_AT = 20_000
_PRINTED = 256  # pictures of a file whose checksum is taken at a time
# Losses for each kind of target: classes, several labels at once, numbers.
_LOSSES = {"cross_entropy": ("cross_entropy", "focal"), "multilabel": ("multilabel", "binary"),
           "squared": ("squared", "absolute", "huber")}
# What a training says of itself that was ended by its clock, or where that clock had ended it.
CUT_SHORT = ("the time is up", "the steps are done")


@dataclass(frozen=True)
class Lesson:
    """What the network of that name is taught: its inputs, target (n,) or (n, outputs), and how.

    `strata` are class codes by which rows are held out, or None; `seconds` may be spent; `fresh`
    is a network that has learnt nothing yet. `by_count` repeats what `counted` said of a lesson
    that a clock cut short. `tokens` are the places of inputs that hold token numbers, by whose
    lengths `Recipe.bucket` sorts rows. A lesson that `checkpoint` kept goes on from there, where
    `made_of`, the words that made network and pictures, is the same.
    `own` is the name of a loss of the user's, in place of the recipe's.
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
    jobs: int | None = None
    figures: Figures = ()
    change: Callable[..., Any] | None = None
    fresh: bool = True
    callbacks: Sequence[Callable[..., Any]] = ()
    by_count: Mapping[str, Any] | None = None
    tokens: Sequence[int] = ()
    checkpoint: Checkpoint | None = None
    own: str | None = None
    made_of: str = ""


def made(options: Mapping[str, Any], seed: int) -> nn.Module:
    """The untrained network, the same for the same seed; torch's own generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.derive(seed, "weights"))
        return networks.make(**options)


def aimed(recipe: Mapping[str, Any], aim: str) -> tuple[dict[str, Any], str | None]:
    """The recipe with a loss of the kind of `aim` ("cross_entropy", "multilabel", "squared").

    With it the name of the user's own loss, where the recipe names one that was entered by
    `layers.add("loss", ...)`. Raises ParameterError for a loss of another kind, UnknownNameError.
    """
    name = recipe.get("loss", aim)
    if name in _LOSSES[aim]:
        return {**recipe, "loss": name}, None
    entered = registry.names("loss")
    if name in entered:
        return {**recipe, "loss": aim}, name
    if name not in {each for kind in _LOSSES.values() for each in kind}:
        raise unknown("loss", name, [*_LOSSES[aim], *entered])
    raise ParameterError(
        f"loss {name!r} does not suit this target: take {' or '.join(map(repr, _LOSSES[aim]))}, or "
        "a function entered by layers.add('loss', ...).")


def settled(
    name: str, recipe: Mapping[str, Any], rows: int, held_out: bool, seed: int
) -> Recipe:
    """The recipe that suits the network of that name and the rows, with what `recipe` changes.

    Batches of a thirty-second of the rows, from 32 to what the network's own recipe says; where no
    row is held out there is nothing to stop by.
    """
    usual = networks.recipe_of(name, regression=recipe.get("loss") in _LOSSES["squared"])
    wanted = {**usual, **recipe}
    if "batch" not in recipe:
        size = 2 ** round(np.log2(max(rows, 1) / 32)) if rows > 32 else 1
        wanted["batch"] = int(np.clip(size, 32, max(32, usual.get("batch", 256))))
    wanted.setdefault("seed", seeds.derive(seed, "training") % 2**31)
    if not held_out:
        wanted["patience"] = None
    if "label_smoothing" not in recipe and wanted.get("loss") not in (None, *losses.SMOOTHED):
        wanted["label_smoothing"] = 0.0
    return Recipe.from_dict(wanted)


def teach(module: nn.Module, lesson: Lesson) -> engine.Trained:
    """Train `module` on the lesson; what comes back holds the module itself."""
    start = time.perf_counter()
    train, held = _held_out(lesson)
    recipe = settled(lesson.name, lesson.recipe, len(train), len(held) > 0, lesson.seed)
    data = [*lesson.inputs, lesson.target]
    taught = _taken(data, train)
    whole = Prepared(module, lesson.figures)
    if lesson.fresh:
        _prepared(module, whole, taught)
    groups = networks.parameter_groups(module, recipe.rate, recipe.weight_decay)
    options: dict[str, Any] = {"change": lesson.change, "groups": groups, "loss": lesson.own}
    if recipe.bucket:
        options["tokens"] = _tokens(lesson)
    if lesson.weights is not None:
        options["weights"] = lesson.weights[train]
    if lesson.seconds is not None:
        left = max(lesson.seconds * _SPARE - (time.perf_counter() - start), 1e-3)
        options["clock"] = Clock(Budget(seconds=left))
    if lesson.by_count:
        options["steps"] = lesson.by_count.get("steps")
        options["plan"] = [(int(at), int(total)) for at, total in lesson.by_count["plan"]]
        options["chosen"] = lesson.by_count.get("chosen")
    if lesson.checkpoint is not None:
        options["checkpoint"] = lesson.checkpoint.alike(facts={
            "data": _print(lesson, held), "own_loss": lesson.own, "network": lesson.made_of})
    if len(held):
        options["valid"] = _taken(data, held)
        if lesson.weights is not None and lesson.weights[held].any():
            options["valid_weights"] = lesson.weights[held]
    found = engine.train(whole if lesson.figures else module, taught, recipe,
                         threads=lesson.jobs, callbacks=lesson.callbacks, **options)
    decided = {**found.decided, "learning": told(recipe, found)}
    return engine.Trained(module, found.history, found.stopped, found.steps, decided)


def told(recipe: Recipe, found: engine.Trained) -> dict[str, Any]:
    """A training for the record: how long, where, in which numbers, at which rate, and why so.

    `rate_from` is "set", "found" (by a sweep) or "given" (a sweep had too little time); `why` holds
    what was measured where something was left open.
    """
    chosen = found.decided.get("chosen", {})
    swept = recipe.find and "too little time" not in found.decided.get("rate", "")
    return {
        "epochs": len(found.history), "planned": recipe.epochs, "steps": found.steps,
        "batch": recipe.batch, "optimizer": recipe.optimizer,
        "rate": float(chosen.get("rate", recipe.rate)),
        "rate_from": "found" if swept else "given" if recipe.find else "set",
        "device": place(recipe.device).type,
        "precision": chosen.get("precision", recipe.precision),
        "compiled": chosen.get("compiled", recipe.compiled) == "yes",
        "stopped": found.stopped,
        "why": {name: found.decided[name] for name in ("rate", "precision", "compiled")
                if name in found.decided and getattr(
                    recipe, "find" if name == "rate" else name) in (True, "auto")}}


def _prepared(module: nn.Module, whole: Prepared, taught: Sequence[Any]) -> None:
    """Let the network look at its rows, where it has something to learn of them before steps."""
    if hasattr(module, "prepare"):
        some = [torch.from_numpy(each[:_LOOKED_AT]) for each in taught[:-1]]
        networks.prepare(module, *whole.normalised(some))
    if hasattr(module, "prepare_by"):
        networks.prepare_by(module, *(torch.from_numpy(np.asarray(each)) for each in (
            taught[-1], *taught[:-1])))


def counted(found: engine.Trained) -> dict[str, Any]:
    """What a clock made of a training, by count, and what was measured and chosen in it.

    Nothing where it was not cut short and nothing was left open.
    """
    plan = [[int(at), int(total)] for at, total in found.decided.get("plan", ())]
    said: dict[str, Any] = {}
    if "chosen" in found.decided:
        said["chosen"] = found.decided["chosen"]
    if found.stopped in CUT_SHORT:
        said["steps"] = found.steps
    return {"plan": plan, **said} if plan or said else {}


def _print(lesson: Lesson, held: np.ndarray) -> str:
    """What tells these rows from others: a run goes on with its own alone."""
    found = hashlib.sha256()
    for array in (*lesson.inputs, lesson.target, held, lesson.weights):
        if isinstance(array, Filed):
            found.update(f"{array.dtype.str}{array.shape}".encode())
            for start in range(0, len(array), _PRINTED):
                found.update(array[start:start + _PRINTED].data)
        elif array is not None:
            whole = np.ascontiguousarray(array)
            found.update(f"{whole.dtype.str}{whole.shape}".encode())
            found.update(whole.reshape(-1).view(np.uint8).data)
    return found.hexdigest()[:16]


def _tokens(lesson: Lesson) -> Sequence[int]:
    if not lesson.tokens:
        raise ParameterError("recipe bucket=True sorts rows by the length of their tokens, and "
                             "these features hold none: leave it out, or give spans= of tokens.")
    return lesson.tokens


def _taken(data: Sequence[Any], rows: np.ndarray) -> list[Any]:
    if len(rows) == len(data[0]):
        return list(data)
    return [array.take(rows) if isinstance(array, Filed) else array[rows] for array in data]


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
