"""Networks for images: sizes by formula and by torch, whitening, attention, options."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.nn import predict, train
from wholefit.nn.networks import (
    make,
    output_size,
    parameter_groups,
    parameters,
    prepare,
    receptive_field,
    recipe_of,
)
from wholefit.nn.recipe import Recipe


def test_output_size_against_torch() -> None:
    """Every combination of a small grid; one and the same formula for convolution and pooling."""
    checked = 0
    for size in (5, 8, 28):
        for kernel in (1, 2, 3, 5):
            for stride in (1, 2, 3):
                for padding in (0, 1, 2):
                    for dilation in (1, 2):
                        wanted = output_size(size, kernel, stride, padding, dilation)
                        if wanted < 1:
                            continue
                        conv = nn.Conv1d(1, 1, kernel, stride, padding, dilation)
                        assert conv(torch.zeros(1, 1, size)).shape[2] == wanted
                        checked += 1
                        if padding <= kernel // 2:
                            pool = nn.MaxPool1d(kernel, stride, padding, dilation, ceil_mode=True)
                            assert pool(torch.zeros(1, 1, size)).shape[2] == output_size(
                                size, kernel, stride, padding, dilation, ceil=True)
    assert checked > 150


def test_output_size_known_cases() -> None:
    assert output_size(28, 3) == 26
    assert output_size(28, 3, stride=2) == 13, "(28 - 3) / 2 + 1 is 13.5: the floor counts"
    assert output_size(28, 3, padding=1) == 28
    assert output_size(28, 3, dilation=2) == 24
    assert output_size(3, 5) == 0, "the window does not fit"
    with pytest.raises(ParameterError, match="stride"):
        output_size(28, 3, stride=0)
    with pytest.raises(ParameterError, match="kernel"):
        receptive_field([(0, 1, 1)])


def test_stages_say_everything() -> None:
    module = make("cnn", channels=2, height=20, width=12, outputs=3, pool=None, norm="none",
                  gather="max", hidden=[], activation="tanh", stages=[
        {"channels": 6, "kernel": 5, "stride": 2, "padding": 2, "norm": "batch"},
        {"channels": 8, "dilation": 2, "groups": 2, "pool": "average", "pool_size": 3,
         "pool_stride": 2, "dropout": 0.5},
        {"channels": 9, "kernel": 1, "activation": "gelu", "norm": "layer"}])
    kinds = [type(layer).__name__ for layer in module.features]
    assert kinds == ["Conv2d", "BatchNorm2d", "Tanh", "Conv2d", "Tanh", "AvgPool2d", "Dropout",
                     "Conv2d", "GroupNorm", "GELU"]
    assert module.features[3].groups == 2 and module.features[3].dilation == (2, 2)
    assert module.features[0].bias is None, "the norm has an offset of its own"
    assert module(torch.zeros(2, 2, 20, 12)).shape == (2, 3)
    assert module.head[0].in_features == 9


@pytest.mark.parametrize(("options", "error", "said"), [
    ({"stages": [32] * 6}, ParameterError, "stage 4 leaves nothing"),
    ({"stages": [{"channels": 3, "kernal": 3}]}, UnknownNameError, "did you mean 'kernel'"),
    ({"stages": [{"kernel": 3}]}, ParameterError, "needs channels"),
    ({"stages": [0]}, ParameterError, "needs channels"),
    ({"stages": [{"channels": 4, "padding": "full"}]}, ParameterError, "or 'same' or 'valid'"),
    ({"stages": [{"channels": 4, "stride": 0}]}, ParameterError, "needs stride"),
    ({"stages": [{"channels": 4, "groups": 3}]}, ParameterError, "groups must divide"),
    ({"gather": "sum"}, UnknownNameError, "way to gather"),
    ({"norm": "group"}, UnknownNameError, "norm"),
    ({"pool": "min"}, UnknownNameError, "pooling"),
])
def test_what_a_cnn_refuses(options: dict[str, object], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        make("cnn", channels=1, height=28, width=28, outputs=10, **options)


def test_residual_blocks_against_a_plain_sum() -> None:
    module = make("resnet", channels=1, height=8, width=8, outputs=2, depth=8, size=4).eval()
    x = torch.randn(2, 1, 8, 8)
    first = module.features[:3](x)
    block = module.features[3]
    torch.testing.assert_close(block(first), torch.relu(first + block.add.branch(first)))
    assert module.features(x).shape == (2, 16, 2, 2)
    for depth in (2, 21):
        with pytest.raises(ParameterError, match="6 n"):
            make("resnet", channels=1, height=8, width=8, outputs=2, depth=depth)
    sizes = [parameters(make("resnet", channels=3, height=32, width=32, outputs=10, depth=d))
             for d in (20, 32)]
    assert sizes[0] < sizes[1]


def test_whitened_patches_have_unit_variance_and_do_not_correlate() -> None:
    torch.manual_seed(0)
    base = torch.randn(300, 1, 12, 12)
    x = torch.cat([base, 0.9 * base + 0.3 * torch.randn(300, 1, 12, 12)], 1)
    module = make("whitened_cnn", channels=2, height=12, width=12, outputs=3, sizes=[8])
    module.prepare(x)
    found = (module.whiten(x) - module.whiten.bias[:, None, None]).transpose(0, 1).flatten(1)[:8]
    moment = found @ found.T / found.shape[1]
    torch.testing.assert_close(moment, torch.eye(8), atol=0.05, rtol=0)
    assert torch.equal(module.whiten.weight[8:], -module.whiten.weight[:8])
    assert not module.whiten.weight.requires_grad
    with pytest.raises(ParameterError, match="too small"):
        make("whitened_cnn", channels=2, height=8, width=8, outputs=3)
    for residual in (False, True):
        made = make("whitened_cnn", channels=1, height=28, width=28, outputs=3, sizes=[4, 4],
                    residual=residual)
        assert made(torch.zeros(2, 1, 28, 28)).shape == (2, 3)


def test_attention_on_request_changes_nothing_and_sums_to_one() -> None:
    for gather, tokens in (("mean", 12), ("class", 13)):
        torch.manual_seed(0)
        module = make("vision_transformer", channels=1, height=12, width=16, outputs=3, size=8,
                      depth=2, heads=2, gather=gather).eval()
        x = torch.randn(5, 1, 12, 16)
        answer, seen = module(x, weights=True)
        torch.testing.assert_close(answer, module(x), atol=1e-5, rtol=1e-4)
        assert [each.shape for each in seen] == [(5, 2, tokens, tokens)] * 2
        torch.testing.assert_close(seen[0].sum(-1), torch.ones(5, 2, tokens))
    with pytest.raises(ParameterError, match="heads must divide"):
        make("vision_transformer", channels=1, height=12, width=16, outputs=3, size=10)
    with pytest.raises(ParameterError, match="gather must be"):
        make("vision_transformer", channels=1, height=12, width=16, outputs=3, gather="sum")


def test_positions_matter_to_the_transformer() -> None:
    """Without positions the mean of patches would not see them change places."""
    torch.manual_seed(0)
    module = make("vision_transformer", channels=1, height=8, width=8, outputs=3, size=8, depth=1,
                  heads=2).eval()
    x = torch.randn(1, 1, 8, 8)
    swapped = torch.cat([x[:, :, 4:], x[:, :, :4]], 2)
    with torch.no_grad():
        assert not torch.allclose(module(x), module(swapped), atol=1e-5)
        module.positions.zero_()
        torch.testing.assert_close(module(x), module(swapped), atol=1e-5, rtol=1e-4)


def _bars(rows: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of noise with a bright bar somewhere: lying (0) or standing (1)."""
    draw = torch.Generator().manual_seed(seed)
    images = 0.5 * torch.randn(rows, 1, 12, 12, generator=draw)
    kinds = torch.randint(0, 2, (rows,), generator=draw)
    places = torch.randint(0, 12, (rows,), generator=draw)
    for image, kind, place in zip(images[:, 0], kinds.tolist(), places.tolist(), strict=True):
        image.select(kind, place).add_(1.5)
    return images, kinds


@pytest.mark.parametrize(("name", "options", "recipe"), [
    ("cnn", {"stages": [8, 8], "hidden": [16]}, {"epochs": 8, "rate": 5e-3}),
    ("resnet", {"depth": 8, "size": 4}, {"epochs": 12, "rate": 0.05}),
    ("whitened_cnn", {"sizes": [8, 8]}, {"epochs": 8, "rate": 0.1}),
    ("vision_transformer", {"size": 16, "depth": 2, "heads": 2}, {"epochs": 16, "rate": 3e-3}),
])
def test_they_learn_which_way_a_bar_lies(
    name: str, options: dict[str, object], recipe: dict[str, object]
) -> None:
    torch.manual_seed(0)
    module = make(name, channels=1, height=12, width=12, outputs=2, **options)
    images, kinds = _bars(600, seed=1)
    prepare(module, images)
    plan = Recipe(**{**recipe_of(name), "batch": 32, "device": "cpu", **recipe})
    groups = parameter_groups(module, plan.rate, plan.weight_decay)
    trained = train(module, (images, kinds), plan, groups=groups, threads=1)
    fresh, truth = _bars(300, seed=2)
    assert (predict(trained.module, (fresh,)).argmax(1) == truth.numpy()).mean() > 0.95
