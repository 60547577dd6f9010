"""Fully connected networks as operations: inputs cut and scaled, then layer after layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.artifact.exports._program import Program, Reg
from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels import _safetensors

_ACTIVATIONS = ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh",
                "softplus")
_EPSILON = 1e-5
_FAR = 100.0
_LEAST = 1e-7


def network(program: Program, state: State, x: Reg) -> Reg:
    """The sums of a plain network's last layer; StateError for any other network."""
    made_of, blob = state.config["made_of"], state.blobs.get("weights.safetensors")
    if (blob is None or made_of.get("network") != "mlp" or made_of.get("residual")
            or made_of.get("activation", "relu") not in _ACTIVATIONS
            or made_of.get("norm", "none") not in ("none", "batch", "layer")):
        raise StateError(f"the network {made_of.get('network')!r} has no form in this runtime, "
                         "which knows plain dense layers: export to torch or onnx.")
    weights = {name: np.asarray(array, np.float64)
               for name, array in _safetensors.arrays(blob).items()}
    found = _inputs(program, state, x)
    try:
        return _layers(program, made_of, weights, found)
    except KeyError as error:
        raise StateError(f"the weights do not fit the network: {error}") from error


def _layers(
    program: Program, made_of: dict[str, Any], weights: dict[str, np.ndarray], found: Reg
) -> Reg:
    norm, activation = made_of.get("norm", "none"), made_of.get("activation", "relu")
    at = 0
    for _ in made_of.get("hidden", [64]):
        found = _dense(program, weights, at, found)
        at += 1
        if norm != "none":
            found = _normed(program, weights, at, norm, found)
            at += 1
        found = program.do(activation, found.width, found)
        at += 1 + (float(made_of.get("dropout", 0.0)) > 0)
    return _dense(program, weights, at, found)


def _dense(program: Program, weights: dict[str, np.ndarray], at: int, x: Reg) -> Reg:
    weight, bias = weights[f"layers.{at}.weight"], weights[f"layers.{at}.bias"]
    if weight.ndim != 2 or weight.shape[1] != x.width or bias.shape != (len(weight),):
        raise StateError(f"layer {at} of the network is of another size than its input.")
    return program.do("dense", len(weight), x, program.table(weight), program.table(bias))


def _normed(
    program: Program, weights: dict[str, np.ndarray], at: int, norm: str, x: Reg
) -> Reg:
    weight, bias = weights[f"layers.{at}.weight"], weights[f"layers.{at}.bias"]
    if norm == "layer":
        return program.do("layer_norm", x.width, x, program.table(weight), program.table(bias),
                          _EPSILON)
    mean, variance = (weights[f"layers.{at}.running_{word}"] for word in ("mean", "var"))
    return program.do("affine", x.width, x, program.table(mean),
                      program.table(weight / np.sqrt(variance + _EPSILON)), program.table(bias))


def _inputs(program: Program, state: State, x: Reg) -> Reg:
    """Numbers scaled, then category codes as 0/1 numbers."""
    inputs = state.config["inputs"]
    spans, scaling = inputs["spans"], inputs["scaling"]
    if int(inputs["features"]) != x.width or {span["kind"] for span in spans} - {
            "numbers", "codes"} or (not inputs["onehot"] and any(
                span["kind"] == "codes" for span in spans)):
        raise StateError("the inputs of this network have no form in this runtime: export to "
                         "torch or onnx.")
    numbers, codes = _places(spans, "numbers"), _places(spans, "codes")
    levels = [int(level) for span in spans if span["kind"] == "codes" for level in span["levels"]]
    whole = program.register(len(numbers) + sum(levels))
    if len(numbers):
        shown = program.do("pick", len(numbers), x, program.table(numbers, "i4"))
        shown = _scaled(program, scaling, state.arrays, shown)
        program.do("copy", whole, shown, start=0, width=len(numbers))
    if len(codes):
        program.do("lit", whole, x, program.table(codes, "i4"), program.table(levels, "i4"),
                   start=len(numbers), width=sum(levels))
    return whole


def _scaled(program: Program, scaling: str, arrays: dict[str, np.ndarray], x: Reg) -> Reg:
    if scaling == "none":
        return x
    if scaling == "quantile":
        quantiles = arrays["quantiles"]
        return program.do("ranked", x.width, x, program.table(quantiles.T), len(quantiles),
                          _LEAST)
    zeros = program.table(np.zeros(x.width))
    found = program.do("affine", x.width, x, program.table(arrays["centre"]),
                       program.table(arrays["factor"]), zeros)
    found = program.do("clip", x.width, found, -_FAR, _FAR)
    return program.do("bent", x.width, found) if scaling == "robust" else found


def _places(spans: list[dict[str, Any]], kind: str) -> np.ndarray:
    runs = [np.arange(int(span["start"]), int(span["stop"])) for span in spans
            if span["kind"] == kind]
    return np.concatenate(runs) if runs else np.zeros(0, np.int64)
