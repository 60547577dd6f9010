"""The finders find what a full search finds, and leave the module as it was."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from torch import nn

from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import ParameterError, WholefitWarning
from wholefit.nn import Recipe, finders, losses, train
from wholefit.nn.batches import Resident

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


def drop() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(mine, its) for mine, its in zip(
        one.state_dict().values(), other.state_dict().values(), strict=True))


def slowly(module: nn.Module, rate: float) -> list[dict[str, object]]:
    """The first layer at a third of the rate."""
    return [{"params": list(module[0].parameters()), "lr": rate / 3},  # type: ignore[index]
            {"params": list(module[3].parameters()), "lr": rate}]  # type: ignore[index]


def test_a_training_that_finds_its_rate_is_the_training_at_that_rate() -> None:
    """The sweep leaves nothing behind: dropout draws and rows come as if there had been none."""
    recipe, weights = Recipe(batch=32, epochs=2, find=True), 1.0 + torch.arange(300) % 2
    module = drop()
    found = train(module, (X, Y), recipe, weights=weights, groups=slowly(module, recipe.rate))
    rate = found.decided["chosen"]["rate"]
    assert rate != recipe.rate and 1e-4 < rate < 1
    module = drop()
    plain = train(module, (X, Y), recipe.replace(find=False, rate=rate), weights=weights,
                  groups=slowly(module, rate))
    assert same(found.module, plain.module)
    module = drop()
    again = train(module, (X, Y), recipe, weights=weights, groups=slowly(module, recipe.rate),
                  chosen=found.decided["chosen"])
    assert same(found.module, again.module)


def test_a_run_that_goes_on_keeps_the_rate_that_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = Recipe(batch=32, epochs=3, find=True)
    whole = train(drop(), (X, Y), recipe)
    train(drop(), (X, Y), recipe, steps=12, checkpoint=tmp_path)
    monkeypatch.setattr(finders, "sweep", lambda *_, **__: pytest.fail("a rate is sought again"))
    train(drop(), (X, Y), recipe, steps=15, checkpoint=tmp_path)
    rest = train(drop(), (X, Y), recipe, checkpoint=tmp_path)
    assert same(rest.module, whole.module)
    assert rest.decided["chosen"] == whole.decided["chosen"]
    with pytest.raises(ParameterError, match="rate"):
        train(drop(), (X, Y), recipe.replace(find=False, rate=0.5), checkpoint=tmp_path)


class Slow(nn.Module):
    """A network whose pass takes a twentieth of a second."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = drop()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.05)
        return self.inner(x)  # type: ignore[no-any-return]


def test_a_sweep_keeps_to_its_share_of_the_time_or_is_left_out() -> None:
    recipe = Recipe(batch=150, epochs=1, find=True)
    with pytest.warns(WholefitWarning, match="too little time to find a rate"):
        found = train(Slow(), (X, Y), recipe, clock=Clock(Budget(seconds=3)))
    assert found.decided["chosen"] == {"rate": recipe.rate}
    few = finders.sweep(finders.Tried(Slow(), losses.make(recipe), Resident((X, Y), 150)), recipe,
                        seconds=1.6)
    assert few is not None
    assert len(few.rates) < 40, "fewer than the hundred that it takes with time"


def test_a_step_in_parts_is_tried_in_parts() -> None:
    """The limit of memory holds for the sweep too, and its losses are those of whole steps."""
    asked = Recipe(batch=64, optimizer="sgd")
    seen: list[int] = []
    found = []
    for chunk in (None, 10):
        module = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2))
        torch.manual_seed(0)
        module.apply(lambda each: each.reset_parameters() if isinstance(each, nn.Linear) else None)
        module.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
        found.append(finders.sweep(finders.Tried(
            module, losses.make(asked), Resident((X, Y), 64), chunk=chunk), asked, steps=30))
        assert max(seen) == (chunk or 64)
        seen.clear()
    assert found[1].losses == pytest.approx(found[0].losses, rel=1e-4)  # type: ignore[union-attr]


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
