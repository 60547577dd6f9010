"""Parts of a user's own, entered by name and used by networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.nn import layers
from wholefit.nn.layers import registry
from wholefit.nn.networks import make, parameters


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = {kind: dict(known) for kind, known in registry._KNOWN.items()}
    yield
    for kind, known in before.items():
        registry._KNOWN[kind].clear()
        registry._KNOWN[kind].update(known)


def test_a_function_as_activation() -> None:
    @layers.add("activation", "cubed")
    def cubed(x: torch.Tensor, times: float = 1.0) -> torch.Tensor:
        return times * x ** 3

    module = make("mlp", inputs=2, outputs=1, hidden=[2],
                  activation={"name": "cubed", "times": 2.0})
    first, _, last = module.layers
    x = torch.randn(3, 2)
    assert torch.equal(module(x), last(2 * first(x) ** 3))
    assert module.made_of["activation"] == {"name": "cubed", "times": 2.0}


def test_a_module_with_weights_as_activation() -> None:
    @layers.add("activation", "learnt_slope")
    class LearntSlope(nn.Module):
        def __init__(self, start: float = 0.25) -> None:
            super().__init__()
            self.slope = nn.Parameter(torch.tensor(start))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.where(x > 0, x, self.slope * x)

    plain = make("mlp", inputs=3, outputs=2, hidden=[4, 4])
    own = make("mlp", inputs=3, outputs=2, hidden=[4, 4], activation="learnt_slope")
    assert parameters(own) == parameters(plain) + 2
    own(torch.randn(9, 3)).sum().backward()
    assert all(p.grad is not None for p in own.parameters())


def test_an_autograd_function() -> None:
    """Forward x c, backward the gradient times c: what autograd itself finds."""
    @layers.add("function", "tripled")
    class Tripled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 3

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            return gradient * 3

    layers.add("activation", "by_torch")(lambda x: x * 3)
    grads = []
    for name in ("tripled", "by_torch"):
        torch.manual_seed(0)
        module = make("mlp", inputs=2, outputs=1, hidden=[3], activation=name, init="torch")
        module(torch.ones(4, 2)).sum().backward()
        grads.append([p.grad for p in module.parameters()])
    assert all(torch.allclose(a, b) for a, b in zip(*grads, strict=True))
    x = torch.randn(5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layers.get("function", "tripled").apply, (x,))


def test_a_layer_in_a_plan() -> None:
    @layers.add("layer", "kernel_only")
    class KernelOnly(nn.Module):
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.kernel = nn.Parameter(torch.randn(inputs, outputs))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.kernel

    module = make("graph", inputs=[{"name": "pixels", "shape": [784]}], outputs=["digit"], nodes=[
        {"name": "wide", "layer": "dense", "size": 256},
        {"name": "relu", "layer": "activation", "kind": "relu"},
        {"name": "mine", "layer": "kernel_only", "outputs": 128},
        {"name": "digit", "layer": "dense", "size": 10}])
    assert parameters(module) == 784 * 256 + 256 + 256 * 128 + 128 * 10 + 10
    assert module(torch.zeros(5, 784)).shape == (5, 10)


def test_losses_and_metrics_are_kept_by_name() -> None:
    @layers.add("loss", "mean_square")
    def mean_square(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (output.squeeze(-1) - target) ** 2

    layers.add("metric", "share_right")(
        lambda output, target: (output.argmax(-1) == target).float().mean())
    assert layers.get("loss", "mean_square") is mean_square
    assert layers.names("metric") == ["share_right"]


def test_errors() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'activation'"):
        layers.add("activations", "x")
    with pytest.raises(UnknownNameError, match="no loss is named 'nothing'"):
        layers.get("loss", "nothing")
    with pytest.raises(UnknownNameError):
        layers.remove("layer", "nothing")
    with pytest.raises(ParameterError, match="must be callable"):
        layers.add("loss", "number")(3)  # type: ignore[type-var]
    layers.add("loss", "twice")(abs)
    with pytest.raises(ParameterError, match="replace=True"):
        layers.add("loss", "twice")(abs)
    layers.add("loss", "twice", replace=True)(max)
    assert layers.get("loss", "twice") is max
