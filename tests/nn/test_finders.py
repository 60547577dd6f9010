"""The finders find what a full search finds, and leave the module as it was."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn import Recipe, finders, losses, train

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(300, 6, generator=DRAW)
Y = (X[:, 0] + X[:, 1] > 0).long()


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))


def test_the_rate_found_learns_and_nothing_is_left_behind() -> None:
    module, before = network(), torch.get_rng_state()
    state = {name: value.clone() for name, value in module.state_dict().items()}
    found = finders.find_rate(module, (X, Y), Recipe(batch=32, optimizer="adam"))
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    assert torch.equal(before, torch.get_rng_state())
    assert 1e-4 < found.rate < 1
    assert found.rates == sorted(found.rates)
    slow = train(network(), (X, Y), Recipe(batch=32, epochs=3, optimizer="adam", rate=1e-5))
    good = train(network(), (X, Y), Recipe(batch=32, epochs=3, optimizer="adam", rate=found.rate))
    assert good.history[-1]["loss"] < slow.history[-1]["loss"] / 2


def test_rates_that_blow_up_are_not_followed() -> None:
    found = finders.find_rate(nn.Linear(6, 1), (X * 10, X[:, 0]),
                              Recipe(loss="squared", optimizer="sgd"), high=1e3)
    assert found.rates[-1] < 1e3
    assert found.rate < 0.1


def test_the_range_must_be_one() -> None:
    with pytest.raises(ParameterError, match="0 < low < high"):
        finders.find_rate(network(), (X, Y), Recipe(), low=1.0, high=0.1)


def test_a_search_along_lines_has_no_rate_to_find() -> None:
    with pytest.raises(ParameterError, match="lbfgs"):
        finders.find_rate(network(), (X, Y), Recipe(optimizer="lbfgs"))


def test_the_batch_found_is_the_smallest_that_is_nearly_quickest() -> None:
    found = finders.find_batch(network(), (X, Y), Recipe(), most=256)
    best = max(found.rows_per_second)
    quick = [s for s, v in zip(found.sizes, found.rows_per_second, strict=True) if v >= 0.9 * best]
    assert found.batch == quick[0]
    assert found.sizes == [8, 16, 32, 64, 128, 256]
    small = finders.find_batch(network(), (X, Y), Recipe(), bytes=1)
    assert small.sizes == []


def test_bytes_of_a_step_grow_with_the_rows_and_count_what_is_kept() -> None:
    module, loss = nn.Sequential(nn.Linear(6, 100), nn.Tanh(), nn.Linear(100, 2)), \
        losses.make(Recipe())
    fixed, small = finders.step_bytes(module, loss, (X, Y), 10)
    same, large = finders.step_bytes(module, loss, (X, Y), 20)
    assert fixed == same == 4 * 4 * sum(p.numel() for p in module.parameters())
    assert large - fixed == 2 * (small - fixed)
    assert small - fixed >= 10 * 100 * 4, "the output of tanh is kept for each row"
