"""Networks whose weights are kept in fewer bits, perhaps with sums in whole numbers of 8 bits.

Config: what a State of kind "network" holds, and `weights`, the list of packed tensors
(`_packed.py`), and `arithmetic`:

    float64   weights are unpacked once, and the network answers as it would have
    float32   the same in half as many bits
    dynamic   what enters a dense or convolutional layer is rounded to 8 bits, each row by its own
              smallest and largest number; weights are int8
    static    the same, but by ranges that were learnt from calibration rows (array `ranges`,
              (layers, 2), in the order of config `observed`)

The sums of "dynamic" and "static" are those of integer arithmetic to the last bit: products of
whole numbers below 2**16 are added in float32 as long as every sum stays below 2**24, and those
blocks in float64. Jacob and others 2018, "Quantization and training of neural networks for
efficient integer-arithmetic-only inference".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.optional import need
from wholefit.base.state import State
from wholefit.models._kernels import _layers, _packed
from wholefit.models._kernels.network import Network

KIND, BLOB = "compressed", "weights.safetensors"
ARITHMETIC = ("float64", "float32", "dynamic", "static")
# 518 products of at most 255 * 127 stay below 2**24, up to which float32 holds whole numbers.
_EXACT = 512
_WEIGHT = re.compile(r"w\d+\.")


class Compressed(Network):
    """Answers with a State of kind "compressed"."""

    def _reader(self, state: State) -> Any:
        arithmetic, made_of = state.config.get("arithmetic"), state.config["made_of"]
        if arithmetic not in ARITHMETIC:
            raise StateError(f"a compressed network adds up in one of {', '.join(ARITHMETIC)}; got "
                             f"{str(arithmetic)[:40]!r}.")
        tensors = _packed.unpack(state.config.get("weights"), state.arrays)
        ranges = ranges_of(state) if arithmetic == "static" else {}
        dtype = np.float64 if arithmetic == "float64" else np.float32
        steps = _layers.steps_of(made_of, {name: each.values.astype(dtype)
                                           for name, each in tensors.items()},
                                 _dense_layer(arithmetic, tensors, ranges))
        if steps is not None:
            return partial(_through, self._inputs, steps, dtype)
        need("torch", extra="deep", user="a network")
        from wholefit.models._networks import _compressed

        return _compressed.reader(network_of(state), self._inputs, arithmetic, ranges)


def network_of(state: State) -> State:
    """The State of kind "network" with the weights unpacked to float32.

    It answers as the compressed one does where that adds up in floats ("float64" exactly); where
    it adds up in whole numbers, without the rounding of what enters each layer.
    """
    tensors = _packed.unpack(state.config.get("weights"), state.arrays)
    config = {name: value for name, value in state.config.items()
              if name not in ("weights", "arithmetic", "observed")}
    arrays = {name: array for name, array in state.arrays.items()
              if name != "ranges" and not _WEIGHT.match(name)}
    blob = _packed.safetensors({name: each.values for name, each in tensors.items()})
    return State("network", config, arrays, {BLOB: blob})


def unpacked(state: State) -> State:
    """The state with every compressed network in it as `network_of` has it; itself if none."""
    if state.kind == KIND:
        return network_of(state)
    parts = {name: unpacked(part) for name, part in state.parts.items()}
    if all(parts[name] is part for name, part in state.parts.items()):
        return state
    return State(state.kind, state.config, state.arrays, state.blobs, parts)


def compressed_state(
    network: State, listed: list[dict[str, Any]], packed: dict[str, np.ndarray], *,
    arithmetic: str = "float64", ranges: dict[str, tuple[float, float]] | None = None,
) -> State:
    """The State of a network whose weights are `listed` and `packed`; see `_packed.pack`."""
    config = {**network.config, "weights": listed, "arithmetic": arithmetic}
    arrays = {**network.arrays, **packed}
    if ranges is not None:
        config["observed"] = list(ranges)
        arrays["ranges"] = np.array(list(ranges.values()), dtype=np.float64).reshape(-1, 2)
    return State(KIND, config, arrays)


def ranges_of(state: State) -> dict[str, tuple[float, float]]:
    """Layer to (smallest, largest) of what enters it; StateError if they do not hold together."""
    names, ranges = state.config.get("observed"), state.arrays.get("ranges")
    if not isinstance(names, list) or ranges is None or ranges.shape != (len(names), 2) \
            or not np.isfinite(ranges).all() or not (ranges[:, 0] <= ranges[:, 1]).all():
        raise StateError("the ranges of a network's layers do not belong together.")
    return {str(name): (float(low), float(high))
            for name, (low, high) in zip(names, ranges, strict=True)}


def summed(codes: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """codes (n, p) @ weight (p, outputs), both whole numbers in float32; exact, in float64."""
    if weight.shape[0] <= _EXACT:
        return (codes @ weight).astype(np.float64)
    total = np.zeros((len(codes), weight.shape[1]))
    for at in range(0, weight.shape[0], _EXACT):
        total += codes[:, at:at + _EXACT] @ weight[at:at + _EXACT]
    return total


def _through(inputs: Any, steps: list[_layers.Step], dtype: Any, X: np.ndarray) -> np.ndarray:
    x = inputs.split(X, dtype)[0]
    for step in steps:
        x = step(x)
    return np.asarray(x, dtype=np.float64)


def _dense_layer(
    arithmetic: str, tensors: dict[str, _packed.Whole], ranges: dict[str, tuple[float, float]]
) -> Callable[..., _layers.Step]:
    """What `_layers.steps_of` makes a dense layer with."""
    if arithmetic in ("float64", "float32"):
        return _float_layer if arithmetic == "float32" else _layers.dense_layer

    def made(weights: dict[str, np.ndarray], at: int, width: int, size: int) -> _layers.Step:
        _layers.dense_layer(weights, at, width, size)  # its shapes are looked at there
        kept = tensors[f"layers.{at}.weight"]
        if kept.codes is None or kept.scale is None:
            raise ValueError(f"layer {at} is to add up in whole numbers and is not kept in int8")
        whole = np.ascontiguousarray(kept.codes.T, dtype=np.float32)
        bias = weights[f"layers.{at}.bias"].astype(np.float64)
        known = ranges[f"layers.{at}"] if arithmetic == "static" else None
        return partial(_int8_layer, whole, kept.scale, bias, known)

    return made


def _float_layer(weights: dict[str, np.ndarray], at: int, width: int, size: int) -> _layers.Step:
    step = _layers.dense_layer(weights, at, width, size)
    return lambda x: step(x.astype(np.float32, copy=False))


def _int8_layer(
    weight: np.ndarray, scale: np.ndarray, bias: np.ndarray,
    known: tuple[float, float] | None, x: np.ndarray,
) -> np.ndarray:
    low, high = known if known is not None else (x.min(axis=1, keepdims=True, initial=0.0),
                                                 x.max(axis=1, keepdims=True, initial=0.0))
    codes, step = _packed.rounded(x, low, high)
    found = summed(codes.astype(np.float32, copy=False), weight)
    return np.asarray(found * (step * scale) + bias)
