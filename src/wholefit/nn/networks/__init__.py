"""Networks: readable modules, each known by a name and plain JSON options.

    module = make("mlp", inputs=4, outputs=3, hidden=[64])
    module.made_of                     # {"network": "mlp", "inputs": 4, "outputs": 3, ...}
    make(**module.made_of)             # the same shape again, untrained
    parameters(module)                 # 515
    recipe_of("mlp")                   # {"optimizer": "adamw", "rate": 0.001, ...}

One file, one family; the folder is the registry (a file that begins with "_" is machinery).
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any

from torch import nn

from wholefit.base.errors import ParameterError, WholefitError, unknown
from wholefit.base.wording import first_line
from wholefit.nn.networks._registry import RECIPES, REGISTRY, network
from wholefit.nn.networks._sizes import output_size, receptive_field

__all__ = ["make", "names", "network", "output_size", "parameter_groups", "parameters", "prepare",
           "prepare_by", "receptive_field", "recipe_of"]

# What torch and Python raise for sizes that no layer can have, or no memory can hold.
_REFUSALS = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError,
             ValueError)


def make(network: str, **options: Any) -> nn.Module:
    """The network of that name; `made_of` holds every option as plain JSON.

    Raises UnknownNameError for a misspelt name, ParameterError for an option it does not take.
    """
    kind = get(network)
    try:
        bound = inspect.signature(kind).bind(**options)
    except TypeError as error:
        raise ParameterError(f"network {network!r} {error}; it takes "
                             f"{', '.join(inspect.signature(kind).parameters)}.") from error
    bound.apply_defaults()
    try:
        made = kind(**options)
    except WholefitError:
        raise
    except _REFUSALS as error:
        raise ParameterError(f"network {network!r} cannot be made of {str(options)[:300]}: "
                             f"{first_line(error)}.") from error
    made.made_of = {"network": network, **bound.arguments}
    return made


def get(name: str) -> Callable[..., nn.Module]:
    """The class of that name."""
    _walk()
    if name not in REGISTRY:
        raise unknown("network", name, names())
    return REGISTRY[name]


def names() -> list[str]:
    """Names of all networks, in alphabetical order."""
    _walk()
    return sorted(REGISTRY)


def parameters(module: nn.Module, *, trainable: bool = False) -> int:
    """How many numbers the module learns (all it has, or those not frozen)."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad or not trainable)


def recipe_of(name: str, *, regression: bool = False) -> dict[str, Any]:
    """Fields of `Recipe` that suit the network of that name; empty where the defaults do."""
    get(name)
    found = dict(RECIPES[name])
    other = found.pop("regression", {})
    return {**found, **other} if regression else found


def parameter_groups(module: nn.Module, rate: float, weight_decay: float = 0.0
                     ) -> list[dict[str, Any]] | None:
    """What `train(groups=...)` takes, for a module that wants rates of its own for some weights.

    A module says so by `groups()`: dicts with "params", "factor" (of the rate) and perhaps "decay"
    (of the weight decay; 1 unless said). None where it has no wishes.
    """
    if not hasattr(module, "groups"):
        return None
    return [{"params": params, "lr": rate * group["factor"],
             "weight_decay": weight_decay * group.get("decay", 1.0)}
            for group in module.groups()
            if (params := [p for p in group["params"] if p.requires_grad])]


def prepare(module: nn.Module, *inputs: Any) -> nn.Module:
    """Let every part that learns from training rows before the first step do so.

    A module with `prepare(*inputs)` (scales, bins, whitening filters) is given the inputs of the
    training rows as tensors; what it learns lies in its buffers. Others stay as they are.
    """
    if hasattr(module, "prepare"):
        module.prepare(*inputs)
    return module


def prepare_by(module: nn.Module, target: Any, *inputs: Any) -> nn.Module:
    """As `prepare`, for what is learnt from the target too, of all training rows.

    A module with `prepare_by(target, *inputs)` is given the target as its loss is; a network of
    several parts gives each part its input.
    """
    if hasattr(module, "prepare_by"):
        module.prepare_by(target, *inputs)
    return module


@cache
def _walk() -> None:
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"{__name__}.{module.name}")
