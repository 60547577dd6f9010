"""Torch as it was: its random numbers and its threads are put back after whatever used them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.nn.recipe import Recipe

# Modules that use a weight several times a row.
_REUSED = (nn.modules.conv._ConvNd, nn.RNNBase, nn.MultiheadAttention)


@contextmanager
def quiet(seed: int, device: Any = "cpu", count: int | None = None) -> Iterator[None]:
    """Torch's own generators begin at `seed` inside, and are as they were outside; threads too.

    On a CPU what is too small for a normal number counts as 0 inside (see `flushed`).
    """
    device = torch.device(device)
    devices = [device.index or 0] if device.type == "cuda" else []
    small = flushed() if device.type == "cpu" else nullcontext()
    with torch.random.fork_rng(devices=devices), threads(count), small:
        if device.type == "cpu":  # torch.manual_seed would seed every other device as well
            torch.default_generator.manual_seed(seed)
        else:
            torch.manual_seed(seed)
        yield


def device_random(device: Any) -> torch.Tensor | None:
    """Where the device's own generator is; None for a CPU, which draws from torch's."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.mps.get_rng_state() if device.type == "mps" else None


def set_device_random(state: torch.Tensor | None, device: Any) -> None:
    """Bring it back to where `device_random` found it; a state of another kind is left."""
    device = torch.device(device)
    if state is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    elif state is not None and device.type == "mps":
        torch.mps.set_rng_state(state)


def settle(device: Any) -> None:
    """Wait until the device has done what it was asked to."""
    device = torch.device(device)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def flushed() -> Iterator[None]:
    """Inside, numbers below the least normal one (1e-38 in float32) count as 0 in this thread.

    Where gradients or moments fade, many are; processors take a hundred times as long for them,
    which made steps of a recurrent network on 100 words three times longer.
    """
    before = float(torch.full((1,), 1e-40) * 1.0) == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Torch works on `count` threads inside (None leaves it), and on as many as before outside."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(max(1, count))
    try:
        yield
    finally:
        if count is not None:
            torch.set_num_threads(before)


def threads_for(
    module: nn.Module, recipe: Recipe, first: Any, device: torch.device, asked: int | None,
) -> int | None:
    """One thread for networks with little to do a step, else what was asked for.

    Products below ten million multiplications are over before a second thread has woken; on two
    busy cores, waiting for it made steps of a small network twenty times longer. `first` is the
    first input: what is used at each place of it counts as often.
    """
    if device.type != "cpu":
        return asked
    size = min(recipe.batch, max(1, len(first))) * sum(p.numel() for p in module.parameters())
    if any(isinstance(each, _REUSED) for each in module.modules()):
        shape = np.shape(first) if isinstance(first, list | tuple) else tuple(first.shape)
        size *= math.prod(shape[2:]) if len(shape) > 3 else math.prod(shape[1:2])
    return 1 if size < 10_000_000 else asked
