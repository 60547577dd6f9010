"""Numbers and codes of tables as vectors: against numpy and by what they promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.nn.layers import Categories, Periodic, Piecewise, RobustScale, Scaled
from wholefit.nn.layers.numeric import embedding


def test_robust_scale_against_numpy() -> None:
    rng = np.random.default_rng(0)
    x = rng.lognormal(size=(400, 3))
    layer = RobustScale(3)
    layer.prepare(torch.tensor(x))
    low, middle, high = np.quantile(x, [0.25, 0.5, 0.75], axis=0)
    z = (x - middle) / (high - low)
    wanted = z / np.sqrt(1 + (z / 3) ** 2)
    np.testing.assert_allclose(layer(torch.tensor(x, dtype=torch.float32)).numpy(), wanted,
                               rtol=1e-4, atol=1e-5)


def test_robust_scale_survives_anything() -> None:
    x = torch.tensor([[1.0, 5, 0, np.nan], [1, 5, 0, np.nan], [1, 5, 0, np.nan],
                      [1, 5, 9, np.nan], [np.inf, 5, 0, np.nan]])
    layer = RobustScale(4)
    layer.prepare(x)
    found = layer(torch.cat([x, torch.full((1, 4), 1e38), torch.full((1, 4), -1e38)]))
    assert found.isfinite().all() and found.abs().max() <= 3.0001
    assert (found[:5, 1] == 0).all(), "a constant is 0"
    assert found[3, 2] > 1, "half the rows are equal: the range is the scale"
    assert found[4, 0] == 0, "what is not finite is the median"


def test_nothing_to_learn_from() -> None:
    for rows, inputs in ((0, 3), (5, 0)):
        for layer in (RobustScale(inputs), Piecewise(inputs)):
            layer.prepare(torch.zeros(rows, inputs))
            assert layer(torch.zeros(2, inputs)).isfinite().all()


def test_piecewise_shares_against_a_plain_loop() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 2))
    layer = Piecewise(2, size=3, bins=5)
    layer.prepare(torch.tensor(x))
    edges = np.quantile(x, np.linspace(0, 1, 6), axis=0)
    asked = np.array([[-9.0, 0.1], [0.3, 9.0], [x[:, 0].min(), x[:, 1].max()]])
    found = layer.shares(torch.tensor(asked, dtype=torch.float32)).numpy()
    for row in range(3):
        for feature in range(2):
            for at in range(5):
                low, high = edges[at, feature], edges[at + 1, feature]
                share = (asked[row, feature] - low) / (high - low)
                wanted = np.clip(share, -1 if at == 0 else 0, 2 if at == 4 else 1)
                assert found[row, feature, at] == pytest.approx(wanted, abs=1e-3)
    assert layer(torch.tensor(asked, dtype=torch.float32)).shape == (3, 6)


def test_piecewise_with_equal_edges() -> None:
    layer = Piecewise(1, bins=4)
    layer.prepare(torch.tensor([[0.0]] * 90 + [[1.0]] * 10))
    shares = layer.shares(torch.tensor([[0.0], [1.0]]))
    assert shares.isfinite().all()
    assert (shares[0] != shares[1]).any(), "two values stay apart"


def test_periodic_against_numpy() -> None:
    torch.manual_seed(0)
    layer, x = Periodic(3, size=4), torch.randn(5, 3)
    wave = np.cos(2 * np.pi * x.numpy()[:, :, None] * layer.frequency.detach().numpy()
                  + layer.offset.detach().numpy())
    mixed = np.stack([wave[:, p] @ layer.weight.detach().numpy()[p] for p in range(3)], 1)
    wanted = np.concatenate([x.numpy()[:, :, None], mixed + layer.bias.detach().numpy()], 2)
    np.testing.assert_allclose(layer(x).detach().numpy(), wanted.reshape(5, 12), atol=1e-5)
    with pytest.raises(ParameterError, match="size must be >= 2"):
        Periodic(3, size=1)


def test_categories() -> None:
    torch.manual_seed(0)
    layer = Categories([3, 20, 2], size=4, one_hot=8)
    assert layer.width == 3 + 2 + 4
    codes = torch.tensor([[0, 5, 1], [2, 19, 0], [-1, 99, 7]])
    found = layer(codes)
    assert found[0, :5].tolist() == [1, 0, 0, 0, 1]
    assert found[1, :5].tolist() == [0, 0, 1, 1, 0]
    assert found[2, :5].tolist() == [0] * 5, "unseen is no level"
    assert torch.equal(found[0, 5:], layer.tables[0].weight[5])
    assert torch.equal(found[2, 5:], layer.tables[0].weight[20])
    assert layer(codes.double()).shape == (3, 9), "codes may come as numbers"
    assert Categories([])(torch.zeros(4, 0).long()).shape == (4, 0)
    with pytest.raises(ParameterError, match=r"shape \(rows, 3\)"):
        layer(codes[:, :2])
    with pytest.raises(ParameterError, match="levels must be >= 1"):
        Categories([0])


def test_scaled_begins_as_nothing() -> None:
    x = torch.randn(4, 3)
    assert torch.equal(Scaled(3)(x), x)


def test_a_misspelt_embedding() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'periodic'"):
        embedding("periodical", 2, 3)
