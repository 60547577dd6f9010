"""Compressed networks that torch answers with: in float32, or with what enters layers rounded.

torch has no arithmetic of 8 bits here: what enters a layer is rounded as integer arithmetic would
round it, and added up in floats. So the answers, and what they lose, are those of 8 bits; the
speed is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.state import State
from wholefit.models._kernels._network_inputs import Inputs
from wholefit.models._kernels._packed import rounded
from wholefit.models._networks import _states

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d)
Ranges = Mapping[str, tuple[float, float]]


def reader(
    state: State, inputs: Inputs, arithmetic: str, ranges: Ranges
) -> Callable[[np.ndarray], np.ndarray]:
    """What answers a matrix with the unpacked network `state` in that arithmetic."""
    answering = _states.answering(state, inputs)
    if arithmetic == "float32":
        answering.exact = False
        answering.module = answering.module.float()
    elif arithmetic in ("dynamic", "static"):
        for name, layer in layers(answering.module.inner):
            known = ranges.get(name) if arithmetic == "static" else None
            layer.register_forward_pre_hook(partial(_round, known))
    return answering.raw


def layers(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """Dense and convolutional layers, by name."""
    return [(name, each) for name, each in module.named_modules() if isinstance(each, LAYERS)]


def observed(state: State, X: np.ndarray, note: Callable[[str, np.ndarray], None]) -> None:
    """Answer X with the network `state`, and `note` what enters each layer by its name."""
    inputs = Inputs.of_config(state.config.get("inputs"), state.arrays)
    answering = _states.answering(state, inputs)

    def seen(name: str, layer: nn.Module, entered: Any) -> None:
        note(name, entered[0].detach().numpy())

    for name, layer in layers(answering.module.inner):
        layer.register_forward_pre_hook(partial(seen, name))
    answering.raw(X)


def _round(known: tuple[float, float] | None, layer: nn.Module, entered: Any) -> Any:
    x = entered[0].detach().numpy()
    if known is None:
        # Each row by itself, so that its answer does not hang on its neighbours.
        axes = tuple(range(1, x.ndim))
        low, high = x.min(axis=axes, keepdims=True), x.max(axis=axes, keepdims=True)
    else:
        low, high = known
    codes, step = rounded(x, low, high)
    return (torch.from_numpy((codes * step).astype(x.dtype, copy=False)), *entered[1:])
