"""First weights keep signals alive through depth, and follow from the seed."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from wholefit.base.errors import UnknownNameError
from wholefit.nn import layers
from wholefit.nn.layers import initialise
from wholefit.nn.networks import make


def _mean_square(activation: str, init: str, depth: int = 12) -> float:
    torch.manual_seed(0)
    module = make("mlp", inputs=256, outputs=256, hidden=[256] * depth, activation=activation,
                  init=init)
    with torch.no_grad():
        return float(module(torch.randn(64, 256)).square().mean())


@pytest.mark.parametrize("activation", ["identity", "relu", "leaky_relu", "elu", "gelu", "silu",
                                        "mish", "selu", "tanh", "softsign"])
def test_signals_pass_many_layers(activation: str) -> None:
    assert 0.02 < _mean_square(activation, "auto") < 500


def test_what_torch_makes_fades_and_zeros_are_silent() -> None:
    assert _mean_square("relu", "torch") < 0.01
    assert _mean_square("relu", "xavier") < 0.01
    assert _mean_square("relu", "orthogonal") > 0.05
    assert _mean_square("relu", "zeros") == 0


def test_sizes_of_each_scheme() -> None:
    def deviation(scheme: str, activation: str = "relu") -> float:
        torch.manual_seed(1)
        layer = nn.Linear(400, 600)
        initialise(layer, activation, scheme=scheme)
        assert (layer.bias == 0).all()
        return float(layer.weight.detach().std())

    assert deviation("auto") == pytest.approx(math.sqrt(2 / 400), rel=0.02)
    assert deviation("kaiming", "tanh") == pytest.approx(math.sqrt(2 / 400), rel=0.02)
    assert deviation("lecun") == pytest.approx(math.sqrt(1 / 400), rel=0.02)
    assert deviation("xavier") == pytest.approx(math.sqrt(2 / 1000), rel=0.02)
    assert deviation("auto", "tanh") == pytest.approx(layers.gain("tanh") / 20, rel=0.02)


def test_orthogonal_rows() -> None:
    layer = nn.Linear(8, 8)
    initialise(layer, "identity", scheme="orthogonal")
    torch.testing.assert_close(layer.weight @ layer.weight.T, torch.eye(8), atol=1e-5, rtol=0)


def test_convolutions_count_their_window_and_the_last_layer_has_gain_one() -> None:
    torch.manual_seed(0)
    conv, last = nn.Conv2d(16, 64, 5), nn.Linear(500, 100)
    initialise(nn.Sequential(conv, last), "relu", last=last)
    assert float(conv.weight.detach().std()) == pytest.approx(math.sqrt(2 / (16 * 25)), rel=0.03)
    assert float(last.weight.detach().std()) == pytest.approx(math.sqrt(1 / 500), rel=0.03)


def test_torch_leaves_what_is_there() -> None:
    layer = nn.Linear(3, 3)
    before = layer.weight.clone()
    assert torch.equal(initialise(layer, scheme="torch").weight, before)


def test_a_misspelt_scheme() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'xavier'"):
        initialise(nn.Linear(1, 1), scheme="xavir")
