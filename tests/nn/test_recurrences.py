"""Recurrent layers computed another way: torch's own numbers, gradients and training."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from wholefit.nn import Recipe, networks, train
from wholefit.nn.recurrences import quick

LAYERS = [
    {}, {"nonlinearity": "relu"}, {"bias": False}, {"num_layers": 3}, {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "batch_first": True, "nonlinearity": "relu"}]


def passed(layer: Any, x: torch.Tensor, lengths: Any = None) -> list[torch.Tensor]:
    """Output, last states, and the gradients of all weights and of the input."""
    x = x.clone().requires_grad_()
    if lengths is None:
        out, last = layer(x)
    else:
        given = pack_padded_sequence(x, lengths, layer.batch_first, enforce_sorted=False)
        packed, last = layer(given)
        out, _ = pad_packed_sequence(packed, layer.batch_first)
    weight = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
    ((out * weight).sum() + (last ** 3).sum()).backward()
    grads = [p.grad for p in layer.parameters()]
    layer.zero_grad()
    return [out.detach(), last.detach(), x.grad, *grads]


def same(found: list[torch.Tensor], truth: list[torch.Tensor], tol: float) -> None:
    for one, other in zip(found, truth, strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        assert float((one - other).abs().max()) <= tol * float(other.abs().max())


@pytest.mark.parametrize("lengths", [None, [4, 9, 1, 9, 6]])
@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_the_numbers_are_torchs(options: dict[str, Any], lengths: list[int] | None) -> None:
    """In double precision to 12 digits, in float32 to 1e-5 of the largest."""
    torch.manual_seed(1)
    for dtype, tol in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        layer = nn.RNN(7, 6, **options).to(dtype)
        x = torch.randn(*((5, 9, 7) if layer.batch_first else (9, 5, 7)), dtype=dtype)
        truth = passed(layer, x, lengths)
        with quick(layer, "cpu"):
            assert "forward" in vars(layer)
            found = passed(layer, x, lengths)
        assert "forward" not in vars(layer)
        same(found, truth, tol)


@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_derivatives_of_derivatives_are_right(options: dict[str, Any]) -> None:
    """As a penalty on a gradient takes them; by differences, in double precision."""
    torch.manual_seed(1)
    layer = nn.RNN(2, 3, **options).double()
    x = torch.randn(3, 3, 2, dtype=torch.float64, requires_grad=True)

    def answer(x: torch.Tensor, *_: torch.Tensor) -> Any:
        return layer(x)[0]

    with quick(layer, "cpu"):
        assert torch.autograd.gradcheck(answer, (x, *layer.parameters()))
        assert torch.autograd.gradgradcheck(answer, (x, *layer.parameters()))


def test_dropout_between_layers_draws_as_torchs_does() -> None:
    layer, x = nn.RNN(4, 5, num_layers=2, dropout=0.5), torch.randn(6, 3, 4)
    answers = []
    for device in ("meta", "cpu"):  # on another device nothing is changed
        torch.manual_seed(3)
        with quick(layer, device):
            answers.append(passed(layer, x))
    same(*answers, tol=1e-5)


@pytest.mark.parametrize("given", [
    lambda x: (x, torch.ones(1, 5, 6)), lambda x: (x[:, 0],), lambda x: (x[:0],)])
def test_what_is_not_its_kind_is_left_to_torch(given: Any) -> None:
    layer, x = nn.RNN(7, 6), torch.randn(9, 5, 7)
    try:
        truth = layer(*given(x))
    except RuntimeError as error:
        with quick(layer, "cpu"), pytest.raises(RuntimeError, match=str(error)[:20]):
            layer(*given(x))
        return
    with quick(layer, "cpu"):
        found = layer(*given(x))
    assert torch.equal(found[0], truth[0]) and torch.equal(found[1], truth[1])


def test_wrong_sizes_raise_torchs_own_error() -> None:
    layer = nn.RNN(7, 6)
    with quick(layer, "cpu"), pytest.raises(RuntimeError, match=r"input\.size"):
        layer(torch.randn(9, 5, 8))


def test_a_copy_made_inside_is_a_layer_of_its_own() -> None:
    layer, x = nn.RNN(7, 6), torch.randn(9, 5, 7)
    with quick(layer, "cpu"):
        other = copy.deepcopy(layer)
        with torch.no_grad():
            other.weight_hh_l0.zero_()
        assert not torch.allclose(layer(x)[0], other(x)[0])


class Last(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.RNN(3, 8, batch_first=True), nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x)[0][:, -1])


def series() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(256, 12, 3)).astype(np.float32)
    return x, (x[:, -3:, 0].sum(1) > 0).astype(np.int64)


def test_a_training_is_the_same_within_rounding_and_replayed_bit_by_bit() -> None:
    """Beside a loop by hand of the same batches; and recorded steps are those that are not."""
    x, y = series()
    recipe = Recipe(epochs=3, batch=256, rate=0.01, optimizer="adam", loss="cross_entropy", seed=0,
                    device="cpu")
    losses = {}
    for replay in ("yes", "no"):
        torch.manual_seed(0)
        found = train(Last(), (x, y), recipe.replace(replay=replay, epochs=12))
        losses[replay] = [row["loss"] for row in found.history]
        assert "forward" not in vars(found.module.body)
    assert losses["yes"] == losses["no"]
    torch.manual_seed(0)
    module = Last()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    for expected in losses["no"]:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(module(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        optimizer.step()
        assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_our_own_network_learns_by_it() -> None:
    x, y = series()
    torch.manual_seed(0)
    module = networks.make("rnn", features=3, length=12, outputs=2, hidden=16)
    found = train(module, (x, y), Recipe(epochs=30, batch=32, rate=0.01, optimizer="adam",
                                         loss="cross_entropy", seed=0, device="cpu"))
    assert found.history[-1]["loss"] < 0.3 < found.history[0]["loss"]
