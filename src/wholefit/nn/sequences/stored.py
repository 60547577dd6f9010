"""A network from a file that may be hostile: shapes are compared before memory is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import StateError, WholefitError
from wholefit.base.optional import need
from wholefit.nn import networks
from wholefit.nn.weights import from_bytes

_MOST = {"layers": 1000, "heads": 1000, "length": 1 << 16}
_LARGEST = 1 << 31


def rebuilt(made_of: Any, stored: bytes, allowed: Sequence[str]) -> nn.Module:
    """The network of `made_of` (one of `allowed`) with its weights; StateError unless they fit."""
    if not isinstance(made_of, dict) or made_of.get("network") not in allowed:
        raise StateError("the stored network is damaged: it must be one of "
                         f"{', '.join(allowed)}.")
    for name, value in made_of.items():
        if isinstance(value, (int, float)) and not 0 <= value <= _MOST.get(name, _LARGEST):
            raise StateError(f"the stored network is damaged: {name} is {value!r}.")
    try:
        known = {name: tuple(value.shape) for name, value in need(
            "safetensors.torch", extra="deep", user="loading a network").load(stored).items()}
        with torch.random.fork_rng(devices=[]):
            with torch.device("meta"):
                planned = networks.make(**made_of)
            wanted = {name: tuple(value.shape) for name, value in planned.state_dict().items()}
            if wanted != known:
                raise StateError("the stored network is damaged: its weights have other shapes.")
            module = networks.make(**made_of)
    except ImportError:
        raise
    except (StateError, RecursionError, MemoryError):
        raise
    except (WholefitError, Exception) as error:  # torch and safetensors raise many kinds
        raise StateError(f"the stored network is damaged: {error}") from error
    return from_bytes(module, stored).eval()
