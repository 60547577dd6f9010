"""A sequence network from a file that may be hostile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from wholefit.base.errors import StateError
from wholefit.nn import rebuilding

# What costs time or memory when the network runs, whatever its weights.
_MOST = {"layers": 1000, "heads": 1000, "length": 1 << 16}
_LARGEST = 1 << 31


def rebuilt(made_of: Any, stored: bytes, allowed: Sequence[str]) -> nn.Module:
    """The network of `made_of` (one of `allowed`) with its weights; StateError unless they fit."""
    words = made_of.items() if isinstance(made_of, dict) else ()
    for name, value in words:
        if isinstance(value, (int, float)) and not 0 <= value <= _MOST.get(name, _LARGEST):
            raise StateError(f"the stored network is damaged: {name} is {value!r}.")
    return rebuilding.rebuilt(made_of, stored, allowed)
