"""What holds for every network here: plain options, seeds, gradients, recipes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.nn import networks
from wholefit.nn.networks import make, parameter_groups, prepare, recipe_of
from wholefit.nn.recipe import Recipe
from wholefit.nn.weights import from_bytes, to_bytes

IMAGE = {"channels": 3, "height": 16, "width": 16, "outputs": 4}
TABLE = {"inputs": 5, "outputs": 4, "levels": [3, 12]}
SMALL: dict[str, tuple[dict[str, Any], Any]] = {
    "perceptron": ({"inputs": 5, "outputs": 4}, "numbers"),
    "mlp": ({"inputs": 5, "outputs": 4, "norm": "batch", "dropout": 0.1, "residual": True,
             "hidden": [8, 8]}, "numbers"),
    "cnn": ({**IMAGE, "norm": "batch", "stages": [8, {"channels": 8, "pool": None}],
             "activation": {"name": "leaky_relu", "slope": 0.2}, "dropout": 0.1}, "image"),
    "resnet": ({**IMAGE, "depth": 8, "size": 4, "drop": 0.2, "squeeze": True}, "image"),
    "whitened_cnn": ({**IMAGE, "sizes": [8, 16]}, "image"),
    "vision_transformer": ({**IMAGE, "size": 16, "depth": 2, "heads": 2, "dropout": 0.1,
                            "gather": "class"}, "image"),
    "realmlp": ({**TABLE, "hidden": [16, 16]}, "table"),
    "tabm": ({**TABLE, "hidden": [16, 16], "members": 3}, "table"),
    "cell_mlp": ({**TABLE, "cell": ["dense 0", "gated 1", "narrow 0 2", "identity 0"], "width": 8,
                  "embedding": "piecewise"}, "table"),
    "cell_cnn": ({**IMAGE, "cell": ["conv3 0", "separable5 1", "max3 0", "average3 1"],
                  "stages": 2, "filters": 4}, "image"),
    "graph": ({"inputs": [{"name": "x", "shape": [5]}], "outputs": ["y"], "nodes": [
        {"name": "y", "layer": "dense", "size": 4}]}, "numbers"),
}


def _inputs(kind: str, rows: int = 6) -> tuple[torch.Tensor, ...]:
    draw = torch.Generator().manual_seed(3)
    if kind == "image":
        return (torch.randn(rows, 3, 16, 16, generator=draw),)
    numbers = torch.randn(rows, 5, generator=draw)
    if kind == "numbers":
        return (numbers,)
    return numbers, torch.stack([torch.randint(-1, 4, (rows,), generator=draw),
                                 torch.randint(0, 12, (rows,), generator=draw)], 1)


@pytest.mark.parametrize("name", SMALL)
def test_made_of_is_json_and_makes_the_same_again(name: str) -> None:
    options, kind = SMALL[name]
    torch.manual_seed(7)
    first = prepare(make(name, **options), *_inputs(kind, 40)).eval()
    torch.manual_seed(7)
    again = prepare(make(**json.loads(json.dumps(first.made_of, sort_keys=True))),
                    *_inputs(kind, 40)).eval()
    for key, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key
    torch.manual_seed(8)
    other = make(**json.loads(json.dumps(first.made_of))).eval()
    inputs = _inputs(kind)
    if name != "perceptron":
        assert not torch.equal(other(*inputs), first(*inputs)) or name == "realmlp"
    restored = from_bytes(other, to_bytes(first))
    assert torch.equal(restored(*inputs), first(*inputs)), "weights and what was prepared travel"


@pytest.mark.parametrize("name", sorted(set(SMALL) - {"perceptron"}))
def test_gradients_reach_every_weight(name: str) -> None:
    options, kind = SMALL[name]
    torch.manual_seed(0)
    module = prepare(make(name, **options), *_inputs(kind, 40)).train()
    if name == "realmlp":  # its last layer begins at 0, which holds the rest back for one step
        torch.nn.init.normal_(module.head.weight)
    inputs = _inputs(kind, 40)
    out = module(*inputs)
    out.square().sum().backward()
    silent = [key for key, p in module.named_parameters()
              if p.requires_grad and (p.grad is None or not p.grad.isfinite().all()
                                      or not p.grad.any())]
    assert not silent


@pytest.mark.parametrize("name", SMALL)
def test_answers_do_not_depend_on_the_rest_of_the_batch(name: str) -> None:
    options, kind = SMALL[name]
    module, inputs = make(name, **options).eval(), _inputs(kind)
    with torch.no_grad():
        whole = module(*inputs)
        assert whole.shape == (6, 4)
        alone = module(*(each[2:3] for each in inputs))
    torch.testing.assert_close(whole[2:3], alone, atol=1e-5, rtol=1e-4)
    assert module(*(each[:0] for each in inputs)).shape == (0, 4), "no rows, no answers"


@pytest.mark.parametrize("name", SMALL)
def test_the_recipe_is_one(name: str) -> None:
    for regression in (False, True):
        Recipe(**recipe_of(name, regression=regression))


def test_recipes_are_copies_and_say_regression_apart() -> None:
    recipe_of("mlp")["rate"] = 9
    assert recipe_of("mlp")["rate"] != 9
    assert "regression" not in recipe_of("realmlp")
    assert recipe_of("realmlp", regression=True) != recipe_of("realmlp")
    with pytest.raises(UnknownNameError, match="did you mean 'mlp'"):
        recipe_of("mpl")


@pytest.mark.parametrize("name", ["realmlp", "whitened_cnn"])
def test_groups_hold_each_weight_once(name: str) -> None:
    module = make(name, **SMALL[name][0])
    groups = parameter_groups(module, 0.1, 0.01)
    assert groups is not None
    held = [id(p) for group in groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in module.parameters() if p.requires_grad)
    assert {round(group["lr"], 6) for group in groups} > {0.1}
    torch.optim.SGD(groups, lr=0.1).step()
    assert parameter_groups(make("mlp", inputs=1, outputs=1), 0.1) is None


def test_errors_say_what_is_known() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'resnet'"):
        make("resnett")
    with pytest.raises(ParameterError, match="it takes inputs, outputs, hidden"):
        make("mlp", inputs=1, outputs=1, hiden=[3])
    assert {"cnn", "mlp", "tabm"} <= set(networks.names())


@pytest.mark.parametrize(("name", "options", "said"), [
    ("mlp", {"inputs": -1, "outputs": 2}, "mlp.inputs must be a whole number >= 0; got -1"),
    ("mlp", {"inputs": 2, "outputs": 0}, "mlp.outputs must be a whole number >= 1; got 0"),
    ("mlp", {"inputs": 2, "outputs": 2, "hidden": ["a"]}, "mlp.hidden must be whole numbers"),
    ("mlp", {"inputs": 2, "outputs": 2, "hidden": 5}, "mlp.hidden must be a list"),
    ("mlp", {"inputs": 10**9, "outputs": 10**6}, "cannot be made of"),
    ("cnn", {**IMAGE, "stages": 5}, "cnn.stages must be a list"),
    ("cnn", {**IMAGE, "height": 0}, "cnn.height"),
    ("resnet", {**IMAGE, "depth": "a"}, "resnet.depth"),
    ("whitened_cnn", {**IMAGE, "sizes": [0]}, "whitened_cnn.sizes"),
    ("vision_transformer", {**IMAGE, "heads": 0}, "vision_transformer.heads"),
    ("vision_transformer", {**IMAGE, "expand": float("nan")}, "cannot be made of"),
    ("realmlp", {"inputs": -1, "outputs": 1}, "inputs must be a whole number >= 0"),
    ("tabm", {"inputs": 1, "outputs": 1, "members": 0}, "tabm.members"),
    ("cell_mlp", {"inputs": 1, "outputs": 1, "cell": []}, "a list of 1 to 8 nodes"),
    ("cell_mlp", {"inputs": 1, "outputs": 1, "cell": ["dense 1"]}, "places before it, 0 to 0"),
    ("cell_mlp", {"inputs": 1, "outputs": 1, "repeat": 0}, "cell_mlp.repeat"),
    ("cell_cnn", {**IMAGE, "cell": ["conv3 0", "max3 0 0"]}, "two different places"),
    ("cell_cnn", {**IMAGE, "stages": 9}, "give fewer stages"),
    ("tabm", {"inputs": 1, "outputs": 1, "levels": 5}, "tabm.levels must be a list"),
    ("perceptron", {"inputs": "a"}, "perceptron.inputs"),
    ("graph", {"inputs": [], "nodes": [], "outputs": []}, "outputs must name a node"),
    ("graph", {"inputs": [{"name": "a"}], "nodes": [], "outputs": ["a"]}, "a name and a shape"),
    ("graph", {"inputs": [{"name": "a", "shape": [10**13]}], "nodes": [], "outputs": ["a"]},
     "cannot be made of"),
    ("graph", {"inputs": [], "nodes": ["x"], "outputs": ["a"]}, "must be a dict"),
])
def test_sizes_that_no_network_can_have(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        make(name, **options)
