"""Inside networks: closed forms, completeness, and what is left as it was."""

from __future__ import annotations

import numpy as np
import pytest

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.base.optional import available
from wholefit.explain import attention, gradients

if not available("torch"):
    pytest.skip("torch is not installed here: pip install 'wholefit[deep]'",
                allow_module_level=True)

import torch
from torch import nn


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
    torch.set_num_threads(1)


def linear(outputs: int = 3) -> nn.Linear:
    return nn.Linear(5, outputs).double()


def convolution() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3),
                         nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(6 * 3 * 3, 3)).double()


class Reader(nn.Module):
    """Tokens, embedded, mixed by attention, and averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(30, 16)
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.mix = nn.TransformerEncoder(layer, 2)
        self.out = nn.Linear(16, 2)

    def forward(self, tokens):
        return self.out(self.mix(self.embed(tokens)).mean(1))


def test_of_a_linear_module_all_methods_have_closed_forms() -> None:
    module, x, base = linear(), torch.randn(4, 5).double(), torch.randn(5).double()
    slopes = gradients.gradient(module, x, target=1)
    weight = module.weight.detach().numpy()
    assert np.abs(slopes.values - weight[1]).max() < 1e-12
    assert np.abs(gradients.smooth(module, x, target=1).values - weight[1]).max() < 1e-12
    found = gradients.integrated(module, x, target=[0, 1, 2, 0], baseline=base)
    expected = weight[[0, 1, 2, 0]] * (x - base).numpy()
    assert np.abs(found.values - expected).max() < 1e-12
    assert found.steps == 16 and found.settled and np.abs(found.gap).max() < 1e-12
    covered = gradients.occluded(module, x, target=2, window=(1,), baseline=0.0)
    assert np.abs(covered.values - weight[2] * x.numpy()).max() < 1e-12


def test_the_largest_output_is_explained_where_none_is_named() -> None:
    module, x = linear(), torch.randn(6, 5).double()
    found = gradients.gradient(module, x)
    answer = module(x).detach().numpy()
    assert (found.outputs == answer.argmax(axis=1)).all()
    assert found.answers == pytest.approx(answer.max(axis=1))
    single = gradients.gradient(linear(1), x)
    assert (single.outputs == 0).all()


def test_steps_are_added_until_integrated_gradients_add_up() -> None:
    module = convolution().eval()
    x = torch.randn(3, 1, 12, 12).double()
    found = gradients.integrated(module, x, tolerance=1e-3, most=4096)
    whole = module(x).detach().numpy()[range(3), found.outputs] - module(
        torch.zeros_like(x)).detach().numpy()[range(3), found.outputs]
    assert found.settled and found.steps > 16
    gap = found.values.reshape(3, -1).sum(axis=1) - whole
    assert gap == pytest.approx(found.gap, abs=1e-12)
    assert (np.abs(gap) <= 1e-3 * np.maximum(np.abs(whole), 1e-3)).all()
    few = gradients.integrated(module, x, steps=2, tolerance=1e-6)
    assert few.steps == 2 and not few.settled and "more than was asked for" in few.to_text()


def test_occlusion_equals_covering_by_hand() -> None:
    module = convolution().eval()
    x = torch.randn(2, 1, 12, 12).double()
    found = gradients.occluded(module, x, target=1, window=(1, 4, 4), baseline=0.5)
    for top in range(0, 12, 4):
        gone = x.clone()
        gone[:, :, top:top + 4, 8:12] = 0.5
        lost = (module(x) - module(gone)).detach().numpy()[:, 1]
        assert found.values[:, 0, top, 8] == pytest.approx(lost, abs=1e-12)
    over = gradients.occluded(module, x, target=1, window=(1, 5, 5), stride=3)
    assert over.values.shape == (2, 1, 12, 12) and np.isfinite(over.values).all()


def test_grad_cam_is_the_weighted_sum_of_maps() -> None:
    module = convolution().eval()
    x = torch.randn(2, 1, 12, 12).double()
    found = gradients.grad_cam(module, x, "3", target=0, resized=False)
    maps = module[:4](x).detach().requires_grad_(True)
    slopes = torch.autograd.grad(module[4:](maps)[:, 0].sum(), maps)[0]
    by_hand = (slopes.mean((2, 3), keepdim=True) * maps).sum(1).clamp(min=0).detach().numpy()
    assert np.abs(found.values - by_hand).max() < 1e-12
    assert gradients.grad_cam(module, x, "3").values.shape == (2, 12, 12)
    with pytest.raises(ParameterError, match="must give maps"):
        gradients.grad_cam(module, x, "7")
    with pytest.raises(UnknownNameError, match="layer"):
        gradients.grad_cam(module, x, "conv9")


def test_a_module_is_left_as_it_was() -> None:
    module = convolution().train()
    module[1].eval()
    x = torch.randn(2, 1, 12, 12).double()
    first = gradients.integrated(module, x)
    assert [part.training for part in module][:3] == [True, False, True]
    assert all(each.grad is None for each in module.parameters())
    assert not module._forward_hooks and not x.requires_grad
    assert (gradients.integrated(module, x).values == first.values).all(), "dropout is at rest"


def test_tokens_are_explained_through_their_embedding() -> None:
    module = Reader().double()
    tokens = torch.randint(0, 30, (2, 6))
    with pytest.raises(ParameterError, match="through="):
        gradients.integrated(module, tokens)
    found = gradients.integrated(module, tokens, target=0, through="embed", tolerance=0.05)
    assert found.by_token().shape == (2, 6) and found.settled
    slopes = gradients.gradient(module, tokens, target=0, through="embed")
    embedded = module.embed(tokens).detach().requires_grad_(True)
    module.eval()
    direct = torch.autograd.grad(
        module.out(module.mix(embedded).mean(1))[:, 0].sum(), embedded)[0]
    assert np.abs(slopes.values - direct.numpy()).max() < 1e-12


def test_smooth_gradients_are_repeatable_and_near_the_gradient_for_little_noise() -> None:
    module, x = convolution().eval(), torch.randn(2, 1, 12, 12).double()
    one, two = (gradients.smooth(module, x, samples=5, seed=3).values for _ in range(2))
    assert (one == two).all()
    plain = gradients.gradient(module, x).values
    near = gradients.smooth(module, x, samples=3, noise=1e-9).values
    assert np.abs(near - plain).max() < 1e-6


def test_attention_weights_are_those_that_the_layer_used() -> None:
    module = Reader()
    tokens = torch.randint(0, 30, (2, 6))
    answer = module.eval()(tokens)
    found = attention.attention(module, tokens)
    assert list(found.weights) == ["mix.layers.0.self_attn", "mix.layers.1.self_attn"]
    layer = module.mix.layers[0].self_attn
    x = module.embed(tokens)
    expected = layer(x, x, x, need_weights=True, average_attn_weights=False)[1]
    assert np.abs(found.weights["mix.layers.0.self_attn"] - expected.detach().numpy()).max() < 1e-6
    assert all(np.allclose(each.sum(axis=3), 1, atol=1e-5) for each in found.weights.values())
    assert np.allclose(found.rollout.sum(axis=2), 1)
    assert torch.allclose(module(tokens), answer, atol=1e-6), "hooks are gone"
    assert "not why the network answered" in found.to_text()
    with pytest.raises(ParameterError, match=r"no nn\.MultiheadAttention"):
        attention.attention(linear(), torch.zeros(1, 5).double())


def test_rollout_multiplies_layers_with_their_way_around() -> None:
    a, b = np.full((1, 1, 2, 2), 0.5), np.eye(2)[None, None]
    mixed = 0.5 * a[:, 0] + 0.5 * np.eye(2)
    assert attention.rollout([a, b]) == pytest.approx(mixed)
    assert attention.rollout([np.ones((1, 1, 2, 3)) / 3]) is None


def test_activations_filters_and_pictures() -> None:
    from wholefit.api import networks

    module, x = convolution(), torch.randn(2, 1, 12, 12).double()
    given = attention.activations(module, x, "0")
    assert np.abs(given - module[0](x).detach().numpy()).max() < 1e-12
    assert attention.filters(module, "3").shape == (6, 4, 3, 3)
    with pytest.raises(ParameterError, match="must be a convolution"):
        attention.filters(module, "7")
    assert networks.why(module, x)._repr_html_().count("<svg") == 4
    assert networks.activations(module, x, "0").html.count("<svg") == 4
    assert "<svg" in networks.attention(
        Reader(), torch.randint(0, 30, (1, 3)), names=["a", "<b>", "c"]).html
    with pytest.raises(UnknownNameError, match="method"):
        networks.why(module, x, method="integral")


def test_wrong_questions_get_one_sentence() -> None:
    module, x = linear(), torch.randn(2, 5).double()
    with pytest.raises(ParameterError, match=r"target must be >= 0 and < 3"):
        gradients.gradient(module, x, target=3)
    with pytest.raises(ParameterError, match="baseline must fit"):
        gradients.integrated(module, x, baseline=torch.zeros(4))
    with pytest.raises(ParameterError, match=r"must be a torch\.nn\.Module"):
        gradients.gradient(lambda rows: rows, x)
    with pytest.raises(ParameterError, match="window and stride"):
        gradients.occluded(module, x, window=(1, 1))
    with pytest.raises(ParameterError, match="rows on its first axis"):
        gradients.gradient(module, x[0])
    with pytest.raises(ParameterError, match="samples must be"):
        gradients.smooth(module, x, samples=0)
