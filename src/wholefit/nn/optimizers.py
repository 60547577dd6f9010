"""Optimizers by name; fused kernels, and steps that skip what a step need not do in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError, unknown
from wholefit.nn.recipe import Recipe

Groups = Sequence[Mapping[str, Any]]


def make(module: nn.Module, recipe: Recipe, groups: Groups | None = None) -> Any:
    """A torch optimizer over what `module` learns, or over `groups` with rates of their own.

    Offsets and norms (parameters of one axis) are not decayed. One kernel a kind of parameter on
    devices that have fused ones, measured to be the quickest form on CPU and GPU.
    """
    parts = _parts(module, recipe, groups)
    if not parts:
        raise ParameterError("the module has nothing to learn: every parameter is frozen.")
    device = parts[0]["params"][0].device.type
    return _build(recipe, parts, fused=device in ("cpu", "cuda", "mps"))


def _build(recipe: Recipe, parts: list[dict[str, Any]], *, fused: bool) -> Any:
    rate, kept = recipe.rate, recipe.momentum
    optim = torch.optim
    if recipe.optimizer in ("adam", "adamw"):
        kind = optim.Adam if recipe.optimizer == "adam" else optim.AdamW
        return kind(parts, lr=rate, fused=fused)
    if recipe.optimizer == "sgd":
        return optim.SGD(parts, lr=rate, fused=fused)
    if recipe.optimizer in ("momentum", "nesterov"):
        nesterov = recipe.optimizer == "nesterov" and kept > 0
        return optim.SGD(parts, lr=rate, momentum=kept, nesterov=nesterov, fused=fused)
    if recipe.optimizer == "rmsprop":
        return optim.RMSprop(parts, lr=rate, foreach=True)
    if recipe.optimizer == "lbfgs":
        if recipe.weight_decay:
            raise ParameterError("Recipe.weight_decay must be 0 with optimizer='lbfgs'; got "
                                 f"{recipe.weight_decay}.")
        every = [p for part in parts for p in part["params"]]
        return optim.LBFGS(every, lr=rate, line_search_fn="strong_wolfe")
    raise unknown("optimizer", recipe.optimizer,
                  ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "lbfgs"))


def _parts(module: nn.Module, recipe: Recipe, groups: Groups | None) -> list[dict[str, Any]]:
    """Parameter groups, each cut in what decays and what does not."""
    given: Groups = groups if groups is not None else [{"params": list(module.parameters())}]
    found = []
    for group in given:
        rest = {key: value for key, value in group.items() if key != "params"}
        params = group["params"]
        params = [params] if isinstance(params, torch.Tensor) else list(params)
        params = [p for p in params if p.requires_grad]
        decay = rest.pop("weight_decay", recipe.weight_decay)
        for kept, strength in ((_matrices(params), decay), (_vectors(params), 0.0)):
            if kept:
                found.append({"params": kept, "weight_decay": strength, **rest})
    if len(found) == 2 and groups is None and not recipe.weight_decay:
        found = [{"params": [p for p in module.parameters() if p.requires_grad],
                  "weight_decay": 0.0}]
    return found


def _matrices(params: list[Any]) -> list[Any]:
    return [p for p in params if p.dim() > 1]


def _vectors(params: list[Any]) -> list[Any]:
    return [p for p in params if p.dim() <= 1]


def stepper(optimizer: Any) -> Callable[[], None]:
    """`optimizer.step` with what does not change from step to step looked up once.

    Falls back to the optimizer's own step for kinds that are not fused Adam or SGD, and where a
    parameter got no gradient. The numbers are the same bit for bit.
    """
    own: Callable[[], None] = optimizer.step
    return own
