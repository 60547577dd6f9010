"""Names of ResNet-50's layers in Keras' first published weights, and ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import torch

_PARTS = {"branch2a": "narrow", "branch2b": "filter", "branch2c": "widen", "branch1": "across"}
_KINDS = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias",
          "moving_mean": "running_mean", "moving_variance": "running_var"}
_BEFORE = {"2": 0, "3": 3, "4": 7, "5": 13}
_LAYER = re.compile(r"(res|bn)([2-5])([a-f])_(branch\w+)\Z")


def renamed(given: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Arrays by Keras' names to tensors by ours; what has no name of ours keeps its own."""
    return {_name(name): _turned(array) for name, array in given.items()}


def _name(name: str) -> str:
    layer, _, kind = name.rpartition("/")
    end = _KINDS.get(kind, kind)
    if layer in ("conv1", "bn_conv1"):
        return f"stem.{'conv' if layer == 'conv1' else 'norm'}.{end}"
    found = _LAYER.match(layer)
    if found:
        sort, stage, letter, branch = found.groups()
        block = _BEFORE[stage] + ord(letter) - ord("a")
        inside = "conv" if sort == "res" else "norm"
        return f"blocks.{block}.{_PARTS.get(branch, branch)}.{inside}.{end}"
    return f"head.{end}" if layer in ("fc1000", "predictions", "probs") else name


def _turned(array: np.ndarray) -> torch.Tensor:
    """Keras has the channels last: (h, w, in, out) and (in, out)."""
    order = {4: (3, 2, 0, 1), 2: (1, 0)}.get(array.ndim)
    turned = array if order is None else array.transpose(order)
    return torch.from_numpy(np.ascontiguousarray(turned).copy())
