"""Names of networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import nn

Kind = TypeVar("Kind", bound=type[nn.Module])
REGISTRY: dict[str, type[nn.Module]] = {}


def network(name: str) -> Callable[[Kind], Kind]:
    """Enter a module class under `name`; its `__init__` takes plain JSON values only."""
    def enter(kind: Kind) -> Kind:
        REGISTRY[name] = kind
        return kind

    return enter
