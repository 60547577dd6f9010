"""Names of networks, and how each is best trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import nn

Kind = TypeVar("Kind", bound=type[nn.Module])
REGISTRY: dict[str, type[nn.Module]] = {}
RECIPES: dict[str, dict[str, Any]] = {}


def network(name: str, recipe: Mapping[str, Any] | None = None) -> Callable[[Kind], Kind]:
    """Enter a module class under `name`; its `__init__` takes plain JSON values only.

    `recipe` are fields of `Recipe` that suit it; where they differ for a regression, the key
    "regression" holds those that do.
    """
    def enter(kind: Kind) -> Kind:
        REGISTRY[name] = kind
        RECIPES[name] = dict(recipe or {})
        return kind

    return enter
