"""Bodies: what of a network is kept, the parts in which it can be frozen, and its identity."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError


class Body(nn.Module):
    """A network without its head: whatever it took, to features (n, feature_width).

    A network that says its own `features`, `feature_width` and `stages` is asked; of any other the
    last linear layer is the head, and is taken off.
    """

    def __init__(self, whole: nn.Module) -> None:
        super().__init__()
        self.says = hasattr(whole, "features") and hasattr(whole, "feature_width")
        if self.says:
            self.feature_width = int(whole.feature_width)
            _put(whole, _name_of(whole, getattr(whole, "head", None)), nn.Identity())
        else:
            name, last = _last_linear(whole)
            self.feature_width = int(last.in_features)
            _put(whole, name, nn.Identity())
        self.whole = whole

    def stages(self) -> list[nn.Module]:
        """The parts that can be frozen, from the input up."""
        return stages(self.whole)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Features."""
        return self.whole.features(*inputs) if self.says else self.whole(*inputs)


def stages(module: nn.Module) -> list[nn.Module]:
    """A module's parts with weights, from the input up, as it registers them.

    A module may say its own by `stages()`. Lists and sequences are taken apart; what has weights
    of its own beside its parts stays whole.
    """
    said = getattr(module, "stages", None)
    if callable(said):
        return [part for part in said() if _has_weights(part)]
    return list(_parts(module))


def fingerprint(module: nn.Module) -> str:
    """A checksum of everything that decides its answers: parameters and buffers, by name."""
    found = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        array = value.detach().cpu().contiguous()
        found.update(f"{name}|{array.dtype}|{tuple(array.shape)}|".encode())
        found.update(array.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def _parts(module: nn.Module) -> Iterator[nn.Module]:
    for part in module.children():
        if not _has_weights(part):
            continue
        own = any(True for _ in part.parameters(recurse=False))
        if isinstance(part, (nn.Sequential, nn.ModuleList)) or (
                not own and sum(map(_has_weights, part.children())) == 1):
            yield from _parts(part)
        else:
            yield part


def _has_weights(module: nn.Module) -> bool:
    return any(True for _ in module.parameters())


def _last_linear(module: nn.Module) -> tuple[str, Any]:
    linear = [(name, part) for name, part in module.named_modules() if isinstance(part, nn.Linear)]
    if not linear:
        raise ParameterError(
            f"{type(module).__name__} has no linear layer that could be its head; give it "
            "features(x), feature_width and a head of that name.")
    return linear[-1]


def _name_of(module: nn.Module, part: nn.Module | None) -> str:
    """The name of a part; "" where there is none to take off."""
    return next((name for name, found in module.named_modules() if found is part and name), "")


def _put(module: nn.Module, name: str, part: nn.Module) -> None:
    if not name:
        return
    *path, last = name.split(".")
    for step in path:
        module = getattr(module, step)
    setattr(module, last, part)
