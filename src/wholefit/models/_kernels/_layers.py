"""Fully connected networks in numpy alone: no torch is woken to answer with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from scipy.special import erf, expit

from wholefit.base.errors import StateError
from wholefit.models._kernels import _safetensors

Step = Callable[[np.ndarray], np.ndarray]
# torch's constants of selu, and of the norms' guard against a division by nothing.
_SELU = (1.0507009873554805, 1.6732632423543772)
_EPSILON = 1e-5
_ACTIVATIONS: dict[str, Step] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: _SELU[0] * np.where(x > 0, x, _SELU[1] * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * 0.5 * (1 + erf(x / np.sqrt(2))),
    "silu": lambda x: x * expit(x),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "sigmoid": expit,
    "tanh": np.tanh,
    "softplus": lambda x: np.logaddexp(0, x),
}


def plain(made_of: Mapping[str, Any], blob: bytes | None) -> Step | None:
    """What answers rows (n, inputs) for a network of that make; None if torch must.

    It knows the network "mlp" with the activations and norms above, without residual layers.
    StateError if the weights do not fit it.
    """
    if blob is None or not known(made_of):
        return None
    weights = {name: array.astype(np.float64)
               for name, array in _safetensors.arrays(blob).items()}
    steps = steps_of(made_of, weights, dense_layer) or []

    def answer(x: np.ndarray) -> np.ndarray:
        for step in steps:
            x = step(x)
        return x

    return answer


def steps_of(
    made_of: Mapping[str, Any], weights: dict[str, np.ndarray], dense: Callable[..., Step]
) -> list[Step] | None:
    """The layers, one after the other; None if torch must answer. StateError if they do not fit.

    `dense(weights, at, width, size)` makes a dense layer: `dense_layer`, or one that adds up in
    another arithmetic.
    """
    if not known(made_of):
        return None
    try:
        hidden = [int(size) for size in made_of.get("hidden", [64])]
        return _steps(made_of, weights, hidden, dense)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise StateError(f"the weights do not fit the network: {error}") from error


def known(made_of: Mapping[str, Any]) -> bool:
    """True for networks that numpy answers with."""
    return (made_of.get("network") == "mlp" and not made_of.get("residual")
            and made_of.get("activation", "relu") in _ACTIVATIONS
            and made_of.get("norm", "none") in ("none", "batch", "layer"))


def _steps(
    made_of: Mapping[str, Any], weights: dict[str, np.ndarray], hidden: list[int],
    dense: Callable[..., Step],
) -> list[Step]:
    norm, activation = made_of.get("norm", "none"), made_of.get("activation", "relu")
    at, width = 0, int(made_of["inputs"])
    steps: list[Step] = []
    for size in hidden:
        steps.append(dense(weights, at, width, size))
        at, width = at + 1, size
        if norm != "none":
            steps.append(_norm(weights, at, norm, size))
            at += 1
        steps.append(_ACTIVATIONS[activation])
        at += 1 + (float(made_of.get("dropout", 0.0)) > 0)
    return [*steps, dense(weights, at, width, int(made_of["outputs"]))]


def dense_layer(weights: dict[str, np.ndarray], at: int, width: int, size: int) -> Step:
    """A dense layer of `size` outputs, the `at`-th of the stack; ValueError if it does not fit."""
    weight, bias = weights[f"layers.{at}.weight"], weights[f"layers.{at}.bias"]
    if weight.shape != (size, width) or bias.shape != (size,):
        raise ValueError(f"layer {at} is {weight.shape}, not {(size, width)}")
    return partial(_apply, weight.T, bias)


def _apply(weight: np.ndarray, bias: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.asarray(x @ weight + bias)


def _norm(weights: dict[str, np.ndarray], at: int, norm: str, size: int) -> Step:
    weight, bias = weights[f"layers.{at}.weight"], weights[f"layers.{at}.bias"]
    if weight.shape != (size,) or bias.shape != (size,):
        raise ValueError(f"norm {at} is of {weight.shape}, not of {size}")
    if norm == "layer":
        return partial(_layer_norm, weight, bias)
    mean, variance = (weights[f"layers.{at}.running_{word}"] for word in ("mean", "var"))
    if mean.shape != (size,) or variance.shape != (size,):
        raise ValueError(f"norm {at} has figures of another size")
    factor = weight / np.sqrt(variance + _EPSILON)
    return lambda x: (x - mean) * factor + bias


def _layer_norm(weight: np.ndarray, bias: np.ndarray, x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=1, keepdims=True)
    return np.asarray(
        centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + _EPSILON) * weight + bias)
