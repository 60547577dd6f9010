"""Networks by a plan: several inputs, shared layers, several answers."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.nn.networks import make, parameters

TWO = [{"name": "left", "shape": [784]}, {"name": "right", "shape": [784]}]


def test_two_inputs_laid_side_by_side() -> None:
    module = make("graph", inputs=TWO, outputs=["digit"], nodes=[
        {"name": "both", "layer": "concatenate", "from": ["left", "right"]},
        {"name": "digit", "layer": "dense", "size": 10}])
    assert parameters(module) == 1568 * 10 + 10
    left, right = torch.randn(3, 784), torch.randn(3, 784)
    assert torch.equal(module(left, right), module.parts["digit"](torch.cat([left, right], 1)))
    assert module.shapes["both"] == (1568,)


def test_shared_layers_and_several_answers() -> None:
    module = make("graph", inputs=TWO, outputs=["same", "digit"], nodes=[
        {"name": "seen", "layer": "dense", "size": 16, "from": "left"},
        {"name": "seen_too", "same": "seen", "from": "right"},
        {"name": "product", "layer": "multiply", "from": ["seen", "seen_too"]},
        {"name": "same", "layer": "dense", "size": 1},
        {"name": "digit", "layer": "dense", "size": 10, "from": "seen"}])
    assert parameters(module) == 785 * 16 + 17 + 170, "one set of weights for both inputs"
    left, right = torch.randn(3, 784), torch.randn(3, 784)
    same, digit = module(left, right)
    assert same.shape == (3, 1) and digit.shape == (3, 10)
    torch.testing.assert_close(same, module(right, left)[0], atol=1e-5, rtol=1e-4)
    same.sum().backward()
    assert module.parts["seen"].weight.grad.any()


def test_an_image_beside_numbers() -> None:
    module = make("graph", outputs=["price"], inputs=[
        {"name": "photo", "shape": [3, 12, 12]}, {"name": "facts", "shape": [4]}], nodes=[
        {"name": "conv", "layer": "conv", "channels": 8, "padding": 1, "from": "photo"},
        {"name": "even", "layer": "norm", "kind": "batch"},
        {"name": "bent", "layer": "activation", "kind": "relu"},
        {"name": "less", "layer": "pool", "kind": "max", "size": 2},
        {"name": "more", "layer": "conv", "channels": 8, "padding": 1},
        {"name": "sum", "layer": "add", "from": ["less", "more"]},
        {"name": "gathered", "layer": "gather", "kind": "average"},
        {"name": "dense", "layer": "network", "from": "facts",
         "made": {"network": "mlp", "inputs": 4, "outputs": 8}},
        {"name": "all", "layer": "concatenate", "from": ["gathered", "dense"]},
        {"name": "some", "layer": "dropout", "share": 0.2},
        {"name": "price", "layer": "dense", "size": 1}])
    assert module(torch.zeros(2, 3, 12, 12), torch.zeros(2, 4)).shape == (2, 1)
    assert module.shapes["less"] == (8, 6, 6)
    assert module.made_of["network"] == "graph"


@pytest.mark.parametrize(("nodes", "error", "said"), [
    ([{"name": "a", "layer": "dens", "size": 1}], UnknownNameError, "did you mean 'dense'"),
    ([{"name": "a", "layer": "dense", "wide": 1}], ParameterError, "does not take"),
    ([{"name": "a", "layer": "dense", "size": 1, "from": "lft"}], UnknownNameError, "'left'"),
    ([{"layer": "flatten"}], ParameterError, "a name of its own"),
    ([{"name": "left", "layer": "flatten"}], ParameterError, "a name of its own"),
    ([{"name": "a.b", "layer": "flatten"}], ParameterError, "without dots"),
    ([{"name": "a", "same": "b"}], UnknownNameError, "node with a layer"),
    ([{"name": "a", "layer": "conv", "channels": 2}], ParameterError, "cannot take|does not take"),
    ([{"name": "a", "layer": "add", "from": []}], ParameterError, "takes nothing in"),
    ([{"name": "a", "layer": "network", "made": {"network": "mpl"}}], UnknownNameError, "mlp"),
    ([], UnknownNameError, "node"),
])
def test_what_a_plan_refuses(nodes: list[Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        make("graph", inputs=TWO, nodes=nodes, outputs=["a"])


def test_the_wrong_number_of_inputs() -> None:
    module = make("graph", inputs=TWO, outputs=["left"], nodes=[])
    with pytest.raises(ParameterError, match=r"takes 2 inputs \(left, right\); got 1"):
        module(torch.zeros(1, 784))
