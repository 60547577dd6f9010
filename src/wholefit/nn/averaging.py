"""Means of weights over a run, and weights kept to be put back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


class Averaged:
    """An exponential mean of a module's weights (Polyak and Juditsky 1992), beside the module.

    The decay of the first steps is (1 + t) / (10 + t), so that a short run does not answer with
    its first weights. Numbers that are not floats (counts) are taken as they are.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module, self.decay, self.count = module, decay, 0
        self._live, self._mean = [], []
        self._counts: list[tuple[Any, Any]] = []
        with torch.no_grad():
            for value in module.state_dict(keep_vars=True).values():
                copy = value.detach().clone()
                if value.is_floating_point():
                    self._live.append(value)
                    self._mean.append(copy)
                else:
                    self._counts.append((value, copy))

    def update(self) -> None:
        """One step later."""
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        with torch.no_grad():
            torch._foreach_lerp_(self._mean, [each.detach() for each in self._live], 1 - decay)
            for value, copy in self._counts:
                copy.copy_(value)

    def swap(self) -> None:
        """Exchange the module's weights with their means; a second call exchanges them back."""
        with torch.no_grad():
            for live, mean in [*zip(self._live, self._mean, strict=True), *self._counts]:
                kept = live.detach().clone()
                live.copy_(mean)
                mean.copy_(kept)

    def state_dict(self) -> dict[str, Any]:
        """The means and the count."""
        return {"count": self.count, "mean": list(self._mean),
                "counts": [copy for _, copy in self._counts]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.count = int(state["count"])
        with torch.no_grad():
            for mine, other in zip(self._mean, state["mean"], strict=True):
                mine.copy_(other)
            for (_, mine), other in zip(self._counts, state["counts"], strict=True):
                mine.copy_(other)


class Kept:
    """A copy of a module's weights that can be put back."""

    def __init__(self, module: nn.Module) -> None:
        self._live = [value.detach() for value in module.state_dict(keep_vars=True).values()]
        self.copies = [value.clone() for value in self._live]

    def keep(self) -> None:
        """Keep the weights of now in place of those kept before."""
        with torch.no_grad():
            for copy, value in zip(self.copies, self._live, strict=True):
                copy.copy_(value)

    def put_back(self) -> None:
        """The module gets what was kept."""
        with torch.no_grad():
            for copy, value in zip(self.copies, self._live, strict=True):
                value.copy_(copy)
