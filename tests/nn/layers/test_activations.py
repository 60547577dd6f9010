"""Activations against their formulas, written out here in numpy, and their slopes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import erf

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.nn import layers
from wholefit.nn.layers import FORMULAS, activation, activations, gain

X = np.linspace(-6, 6, 241) + 0.013  # no point on a kink


def _softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum()


CLOSED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(0, x),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(x) - 1)),
    "gelu": lambda x: x * (1 + erf(x / math.sqrt(2))) / 2,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "tanh": lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softmax": _softmax,
    "log_softmax": lambda x: np.log(_softmax(x)),
    "step": lambda x: (x >= 0).astype(float),
}
# The step hands on a slope that is not its own; that is tested by itself.
SMOOTH = sorted(set(CLOSED) - {"step"})


def test_every_name_has_a_formula_and_a_test() -> None:
    assert set(FORMULAS) == set(CLOSED) == set(activations._MADE)


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_values(name: str) -> None:
    found = activation(name)(torch.tensor(X)).numpy()
    np.testing.assert_allclose(found, CLOSED[name](X), atol=1e-12)


@pytest.mark.parametrize("name", SMOOTH)
def test_slopes(name: str) -> None:
    """A random mix of outputs, so that softmax's whole Jacobian counts, by central differences."""
    mix = np.random.default_rng(0).normal(size=len(X))
    x = torch.tensor(X, requires_grad=True)
    (activation(name)(x) @ torch.tensor(mix)).backward()
    step = 1e-6
    for at in range(0, len(X), 7):
        moved = np.eye(len(X))[at] * step
        slope = (CLOSED[name](X + moved) - CLOSED[name](X - moved)) @ mix / (2 * step)
        assert float(x.grad[at]) == pytest.approx(slope, abs=1e-7)


def test_options() -> None:
    x = torch.tensor([-2.0, 3.0])
    assert activation({"name": "leaky_relu", "slope": 0.2})(x).tolist() == pytest.approx([-0.4, 3])
    assert activation({"name": "elu", "alpha": 2.0})(x)[0] == pytest.approx(2 * (math.exp(-2) - 1))
    assert activation({"name": "softplus", "beta": 2.0})(x)[1] == pytest.approx(
        math.log1p(math.exp(6)) / 2)


@pytest.mark.parametrize(("width", "slopes"), [(1.0, [0, 1, 1, 0]), (0.0, [0, 0, 0, 0]),
                                               (3.0, [1, 1, 1, 1])])
def test_the_step_hands_gradients_straight_through(width: float, slopes: list[float]) -> None:
    x = torch.tensor([-2.0, -0.5, 0.5, 2.0], requires_grad=True)
    found = activation({"name": "step", "width": width})(x)
    assert found.tolist() == [0, 0, 1, 1]
    found.sum().backward()
    assert x.grad.tolist() == slopes
    assert activation("step")(torch.zeros(1)).item() == 1, "1 at 0"


def test_softmax_sums_to_one_and_stays_finite() -> None:
    found = activation("softmax")(torch.tensor([[1000.0, 1001.0, -1000.0]]))
    assert found.sum().item() == pytest.approx(1) and found.isfinite().all()


def test_gain_keeps_the_mean_square() -> None:
    assert gain("relu") == pytest.approx(math.sqrt(2), rel=1e-3)
    assert gain("identity") == pytest.approx(1, rel=1e-6)
    assert gain("selu") == pytest.approx(1, abs=2e-3)
    assert gain({"name": "leaky_relu", "slope": 0.5}) == pytest.approx(
        math.sqrt(2 / (1 + 0.25)), rel=1e-3)
    assert gain("softmax") == 1
    z = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    for name in ("tanh", "gelu", "mish", "sigmoid"):
        assert gain(name) == pytest.approx(
            1 / math.sqrt(activation(name)(z).square().mean()), rel=0.02)


@pytest.mark.parametrize(("what", "error", "said"), [
    ("rellu", UnknownNameError, "did you mean 'relu'"),
    ({"name": "relu", "slope": 1}, ParameterError, "does not take"),
    ({"slope": 1}, ParameterError, "with 'name'"),
    (3, ParameterError, "a name"),
    (None, ParameterError, "a name"),
    ({"name": ["relu"]}, ParameterError, "a name"),
])
def test_what_is_no_activation(what: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        activation(what)  # type: ignore[arg-type]


def test_dead_and_living_units() -> None:
    """Where all inputs are negative, relu learns nothing; elu and leaky relu still do."""
    for name, alive in (("relu", False), ("elu", True), ("leaky_relu", True), ("gelu", True)):
        x = torch.full((5,), -1.5, requires_grad=True)
        activation(name)(x).sum().backward()
        assert bool(x.grad.abs().sum() > 0) == alive, name


def test_names_hold_the_users_own() -> None:
    layers.add("activation", "halved")(lambda x: x / 2)
    try:
        assert "halved" in activations.names()
        assert "halved" in repr(activation("halved"))
    finally:
        layers.remove("activation", "halved")
    assert "halved" not in activations.names()
