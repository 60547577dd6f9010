"""Parts of networks against torch's own and against what their papers say."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.nn.layers import (
    GlobalPool,
    PatchEmbedding,
    Residual,
    SqueezeExcite,
    StochasticDepth,
    dropout,
    norm,
    pool,
    spectral,
)


def test_flatten_against_pooling() -> None:
    maps = torch.randn(2, 4, 16, 16)
    assert nn.Flatten()(maps).shape == (2, 1024)
    assert GlobalPool("average")(maps).shape == (2, 4)
    torch.testing.assert_close(GlobalPool("average")(maps),
                               nn.functional.adaptive_avg_pool2d(maps, 1).flatten(1))
    assert torch.equal(GlobalPool("max")(maps),
                       nn.functional.adaptive_max_pool2d(maps, 1).flatten(1))


def test_pool_selects_or_averages() -> None:
    x = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    assert pool("max")(x).item() == 6 and pool("average")(x).item() == 3
    with pytest.raises(UnknownNameError, match="pooling"):
        pool("mean")
    with pytest.raises(UnknownNameError, match="pooling"):
        GlobalPool("sum")


def test_norms() -> None:
    x = torch.randn(500, 3) * 5 + 2
    torch.testing.assert_close(norm("batch", 3)(x).mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(norm("layer", 3)(x).mean(1), torch.zeros(500), atol=1e-5, rtol=0)
    images = torch.randn(4, 3, 5, 5) * 5 + 2
    found = norm("layer", 3, images=True)(images)
    torch.testing.assert_close(found.flatten(1).mean(1), torch.zeros(4), atol=1e-5, rtol=0)
    assert norm("batch", 3, images=True)(images).shape == images.shape
    assert torch.equal(norm("none", 3)(x), x)
    with pytest.raises(UnknownNameError, match="did you mean 'batch'"):
        norm("batchs", 3)


def test_stochastic_depth_drops_rows_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    layer = StochasticDepth(0.25)
    found = layer(torch.ones(40_000, 2))
    assert sorted(set(found.flatten().tolist())) == pytest.approx([0, 4 / 3])
    assert torch.equal(found[:, 0], found[:, 1]), "a row goes or stays as a whole"
    assert found.mean().item() == pytest.approx(1, abs=0.02)
    assert torch.equal(layer.eval()(torch.ones(5, 2)), torch.ones(5, 2))
    with pytest.raises(ParameterError, match="must be >= 0 and < 1; got 1"):
        StochasticDepth(1)
    with pytest.raises(ParameterError, match=r"dropout must be >= 0 and < 1; got -0\.1"):
        dropout(-0.1)


def test_squeeze_and_excite_weighs_channels() -> None:
    layer, x = SqueezeExcite(8), torch.randn(2, 8, 3, 3)
    share = layer(x) / x
    assert torch.allclose(share, share[:, :, :1, :1], atol=1e-5), "one weight a channel"
    assert ((share > 0) & (share < 1)).all()


def test_patches_are_what_unfold_cuts() -> None:
    layer, x = PatchEmbedding(3, 8, 12, 4, 5), torch.randn(2, 3, 8, 12)
    cut = nn.functional.unfold(x, 4, stride=4).transpose(1, 2)
    wanted = cut @ layer.cut.weight.flatten(1).T + layer.cut.bias
    torch.testing.assert_close(layer(x), wanted, atol=1e-5, rtol=1e-4)
    assert layer.count == 6
    with pytest.raises(ParameterError, match="do not tile"):
        PatchEmbedding(3, 9, 12, 4, 5)


def test_residual_adds() -> None:
    x = torch.randn(2, 3)
    assert torch.equal(Residual(nn.Identity())(x), 2 * x)
    half = nn.Linear(3, 2)
    assert torch.equal(Residual(half, half)(x), 2 * half(x))


def test_spectral_norm_is_one() -> None:
    torch.manual_seed(0)
    module = spectral(nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 5)), rounds=20)
    module.train()
    for _ in range(5):
        module(torch.randn(2, 20))
    for layer in (module[0], module[2]):
        assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=1e-3)
    names = set(module.state_dict())
    assert set(spectral(module).state_dict()) == names, "a second call changes nothing"
