"""Activation functions by name, each with its formula; a user's own beside them.

    activation("relu"), activation({"name": "leaky_relu", "slope": 0.2})
    FORMULAS["elu"]      # "x if x > 0 else alpha (exp(x) - 1)"
    gain("relu")         # 1.4142...: what keeps the size of signals from layer to layer
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.errors import ParameterError, unknown
from wholefit.nn.layers import registry

# What a network's option holds: a name, or a name with options.
Activation = str | Mapping[str, Any]

FORMULAS = {
    "identity": "x",
    "relu": "max(0, x)",
    "leaky_relu": "x if x > 0 else slope x",
    "elu": "x if x > 0 else alpha (exp(x) - 1)",
    "selu": "1.0507 (x if x > 0 else 1.67326 (exp(x) - 1))",
    "gelu": "x P(Z <= x), Z standard normal",
    "silu": "x / (1 + exp(-x))",
    "swish": "x / (1 + exp(-x))",
    "mish": "x tanh(log(1 + exp(x)))",
    "sigmoid": "1 / (1 + exp(-x))",
    "hard_sigmoid": "min(1, max(0, x / 6 + 1 / 2))",
    "tanh": "(exp(x) - exp(-x)) / (exp(x) + exp(-x))",
    "softplus": "log(1 + exp(beta x)) / beta",
    "softsign": "x / (1 + |x|)",
    "softmax": "exp(x_i) / sum_j exp(x_j), over the last axis",
    "log_softmax": "x_i - log(sum_j exp(x_j)), over the last axis",
    "step": "1 if x >= 0 else 0; the gradient passes where |x| < width, as if it were x",
}


class _Step(torch.autograd.Function):
    """The Heaviside step, whose gradient is that of the identity near 0 (Bengio et al. 2013)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, width: float) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.width = width
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        (x,) = ctx.saved_tensors
        return gradient * (x.abs() < ctx.width), None


class Step(nn.Module):
    """1 where x >= 0, else 0; with `width` 0 the gradient is 0, as the true derivative is."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Zeros and ones of the type of x."""
        return _Step.apply(x, self.width)


class Applied(nn.Module):
    """A plain function of a tensor as a module."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor], name: str) -> None:
        super().__init__()
        self.function, self.name = function, name

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """function(x)."""
        return self.function(x)

    def extra_repr(self) -> str:
        """The name it is known by."""
        return self.name


def _leaky_relu(slope: float = 0.01) -> nn.Module:
    return nn.LeakyReLU(slope)


_MADE: dict[str, Callable[..., nn.Module]] = {
    "identity": nn.Identity, "relu": nn.ReLU, "leaky_relu": _leaky_relu, "elu": nn.ELU,
    "selu": nn.SELU, "gelu": nn.GELU, "silu": nn.SiLU, "swish": nn.SiLU, "mish": nn.Mish,
    "sigmoid": nn.Sigmoid, "hard_sigmoid": nn.Hardsigmoid, "tanh": nn.Tanh,
    "softplus": nn.Softplus, "softsign": nn.Softsign, "softmax": partial(nn.Softmax, dim=-1),
    "log_softmax": partial(nn.LogSoftmax, dim=-1), "step": Step,
}
# They look at a whole row: a network cannot use them between layers one number at a time.
_OF_ROWS = ("softmax", "log_softmax")


def activation(what: Activation) -> nn.Module:
    """A fresh module for a name, or for {"name": ..., options}.

    Raises UnknownNameError for a misspelt name, ParameterError for an option it does not take.
    """
    name, options = _read(what)
    made = _MADE.get(name) or _own(name)
    if made is None:
        raise unknown("activation", name, names())
    try:
        return made(**options)
    except TypeError as error:
        raise ParameterError(f"the activation {name!r} does not take {options}: {error}."
                             ) from error


def names() -> list[str]:
    """Names of all activations, the user's own too, in alphabetical order."""
    own = {*registry.names("activation"), *registry.names("function")}
    return sorted({*_MADE, *own})


def gain(what: Activation) -> float:
    """The factor of weights that keeps the mean square of signals from layer to layer.

    1 / sqrt(E[f(Z)^2]) for Z standard normal, by quadrature, for any function of one number, the
    user's own too: sqrt(2) for relu (He et al. 2015), 1 for selu (Klambauer et al. 2017) and for
    what looks at whole rows.
    """
    name, _ = _read(what)
    if name in _OF_ROWS:
        return 1.0
    module = activation(what).eval()
    points, masses = _normal()
    try:
        with torch.no_grad():
            found = module(torch.as_tensor(points, device="cpu"))
    except (RuntimeError, NotImplementedError):  # one that wants another shape, or has no values
        return 1.0
    square = float(np.sum(masses * found.numpy() ** 2))
    return 1 / math.sqrt(square) if math.isfinite(square) and square > 0 else 1.0


@cache
def _normal() -> tuple[np.ndarray, np.ndarray]:
    """Points and their shares of a standard normal, close enough for functions with kinks."""
    points = np.linspace(-12, 12, 4801)
    masses = np.exp(-points**2 / 2)
    return points.astype(np.float32), masses / masses.sum()


def _read(what: Activation) -> tuple[str, dict[str, Any]]:
    if isinstance(what, str):
        return what, {}
    if isinstance(what, Mapping) and isinstance(what.get("name"), str):
        return what["name"], {key: value for key, value in what.items() if key != "name"}
    raise ParameterError(f"an activation is a name, or a dict with 'name' and options; got "
                         f"{what!r}. Known: {', '.join(names())}.")


def _own(name: str) -> Callable[..., nn.Module] | None:
    if name in registry.names("function"):
        return partial(Applied, registry.get("function", name).apply, name)
    if name not in registry.names("activation"):
        return None
    found = registry.get("activation", name)
    if inspect.isclass(found) and issubclass(found, nn.Module):
        return found
    return lambda **options: Applied(partial(found, **options) if options else found, name)
