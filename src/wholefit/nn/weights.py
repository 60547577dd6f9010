"""A module's weights as safetensors bytes, and back: no code is loaded."""

from __future__ import annotations

from torch import nn

from wholefit.base.errors import StateError
from wholefit.base.optional import need


def to_bytes(module: nn.Module) -> bytes:
    """Parameters and buffers as one safetensors file."""
    kept = {name: value.detach().cpu().contiguous().clone()
            for name, value in module.state_dict().items()}
    return bytes(need("safetensors.torch", extra="deep", user="saving a network").save(kept))


def from_bytes(module: nn.Module, stored: bytes) -> nn.Module:
    """Fill `module` with what `to_bytes` wrote; StateError if it does not fit."""
    loader = need("safetensors.torch", extra="deep", user="loading a network")
    try:
        module.load_state_dict(loader.load(stored), strict=True)
    except Exception as error:  # safetensors and torch raise several kinds for a damaged file
        raise StateError(f"the weights do not fit the network: {error}") from error
    return module
