"""Networks: readable modules, each known by a name and plain JSON options.

    module = make("mlp", inputs=4, outputs=3, hidden=[64])
    module.made_of                     # {"network": "mlp", "inputs": 4, "outputs": 3, ...}
    make(**module.made_of)             # the same shape again, untrained
    parameters(module)                 # 515

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

from wholefit.base.errors import ParameterError, unknown
from wholefit.nn.networks._registry import REGISTRY, network

__all__ = ["make", "names", "network", "parameters"]


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
    made = kind(**options)
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


@cache
def _walk() -> None:
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"{__name__}.{module.name}")
