"""The perceptron: what a line can part, and what it cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wholefit.base.errors import DataError
from wholefit.nn.networks import make
from wholefit.nn.networks.perceptron import learn

CORNERS = [[0, 0], [0, 1], [1, 0], [1, 1]]


@pytest.mark.parametrize(("gate", "right"), [([0, 0, 0, 1], 4), ([0, 1, 1, 1], 4),
                                             ([1, 1, 1, 0], 4), ([0, 1, 1, 0], None)])
def test_gates(gate: list[int], right: int | None) -> None:
    """AND, OR and NAND are learnt without a mistake; XOR never is, and no line could."""
    perceptron = make("perceptron", inputs=2)
    mistakes = learn(perceptron, CORNERS, gate, epochs=200)
    found = perceptron(torch.tensor(CORNERS, dtype=torch.float32))[:, 0].tolist()
    hits = sum(a == b for a, b in zip(found, gate, strict=True))
    if right:
        assert hits == right and mistakes[-1] == 0 and len(mistakes) < 20
    else:
        assert hits < 4 and len(mistakes) == 200 and min(mistakes) > 0


def test_an_mlp_solves_what_it_cannot() -> None:
    """XOR by hand: a unit counts the ones, another sees both; their difference is the answer."""
    mlp = make("mlp", inputs=2, outputs=1, hidden=[2])
    with torch.no_grad():
        mlp.layers[0].weight.copy_(torch.tensor([[1.0, 1.0], [1.0, 1.0]]))
        mlp.layers[0].bias.copy_(torch.tensor([0.0, -1.0]))
        mlp.layers[2].weight.copy_(torch.tensor([[1.0, -2.0]]))
        mlp.layers[2].bias.zero_()
    assert mlp(torch.tensor(CORNERS, dtype=torch.float32))[:, 0].tolist() == [0, 1, 1, 0]


def test_the_rule_against_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3)).astype(np.float32)
    y = (x @ np.array([1.0, -2.0, 0.5]) + 0.3 >= 0).astype(int)
    weight, bias = np.zeros(3), 0.0
    for _ in range(5):
        for row, wanted in zip(x, y, strict=True):
            error = wanted - int(row @ weight + bias >= 0)
            weight, bias = weight + 0.5 * error * row, bias + 0.5 * error
    perceptron = make("perceptron", inputs=3)
    learn(perceptron, x, y, epochs=5, rate=0.5)
    np.testing.assert_allclose(perceptron.linear.weight[0].detach().numpy(), weight, atol=1e-4)
    assert float(perceptron.linear.bias.detach()) == pytest.approx(bias, abs=1e-4)


def test_against_scikit_learn() -> None:
    from sklearn.linear_model import Perceptron

    rng = np.random.default_rng(1)
    x = rng.normal(size=(100, 2)).astype(np.float32)
    y = (x.sum(1) > 0.2).astype(int)
    peer = Perceptron(shuffle=False, max_iter=200, tol=None).fit(x, y)
    ours = make("perceptron", inputs=2)
    assert learn(ours, x, y, epochs=500)[-1] == 0
    assert peer.score(x, y) == 1
    assert (ours(torch.tensor(x))[:, 0].detach().numpy() == y).all()


def test_a_threshold() -> None:
    """Hot from 25 degrees on: at 25 it is hot."""
    perceptron = make("perceptron", inputs=1)
    with torch.no_grad():
        perceptron.linear.weight.fill_(1.0)
        perceptron.linear.bias.fill_(-25.0)
    assert perceptron(torch.tensor([[24.9], [25.0], [30.0]]))[:, 0].tolist() == [0, 1, 1]


def test_no_gradient_passes() -> None:
    perceptron = make("perceptron", inputs=2)
    perceptron(torch.randn(5, 2)).sum().backward()
    assert not perceptron.linear.weight.grad.any()


def test_several_answers_and_wrong_shapes() -> None:
    perceptron = make("perceptron", inputs=2, outputs=2)
    assert learn(perceptron, CORNERS, [[0, 0], [0, 1], [0, 1], [1, 1]], epochs=50)[-1] == 0
    with pytest.raises(DataError, match="takes rows of 2 numbers and 2 answers"):
        learn(perceptron, CORNERS, [0, 1, 1, 0])
    with pytest.raises(DataError, match="takes rows"):
        learn(perceptron, [[1, 2, 3]], [[0, 1]])
