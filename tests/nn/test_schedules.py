"""Schedules give torch's numbers, and a plan under a clock ends where the schedule ends."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as theirs

from wholefit.base.budget import Budget, Clock
from wholefit.nn import Recipe, schedules, train

TOTAL = 40


def rates_of(make: Any) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, found = make(optimizer), []
    for _ in range(TOTAL):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def warm(optimizer: Any) -> Any:
    rise = theirs.LinearLR(optimizer, 1 / 5, 1.0, total_iters=4)
    return theirs.SequentialLR(
        optimizer, [rise, theirs.CosineAnnealingLR(optimizer, TOTAL - 4)], [4])


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize(("options", "make"), [
    ({"schedule": "constant"}, lambda o: theirs.ConstantLR(o, 1.0)),
    ({"schedule": "step", "every": 0.25, "drop": 0.5}, lambda o: theirs.StepLR(o, 10, 0.5)),
    ({"schedule": "cosine"}, lambda o: theirs.CosineAnnealingLR(o, TOTAL)),
    ({"schedule": "linear"}, lambda o: theirs.LinearLR(o, 1.0, 0.0, total_iters=TOTAL)),
    ({"schedule": "one_cycle"}, lambda o: theirs.OneCycleLR(
        o, 1.0, total_steps=TOTAL + 1 - 1, cycle_momentum=False)),
    ({"schedule": "cosine", "warmup": 0.1}, warm),
], ids=lambda value: value["schedule"] if isinstance(value, dict) else "")
def test_rates_are_torchs(options: dict[str, Any], make: Any) -> None:
    at = schedules.factor(Recipe(**options))
    expected = rates_of(make) if options["schedule"] != "one_cycle" else one_cycle(make)
    assert [at(step, TOTAL) for step in range(TOTAL)] == pytest.approx(expected, abs=1e-12)


def one_cycle(make: Any) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, found = make(optimizer), []
    for step in range(TOTAL):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step + 1 < TOTAL:
            scheduler.step()
    return found


@pytest.mark.parametrize("larger", [False, True])
def test_plateau_is_torchs(larger: bool) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = theirs.ReduceLROnPlateau(optimizer, "max" if larger else "min", 0.5, 2,
                                         threshold_mode="rel")
    mine = schedules.Plateau(0.5, 2, larger=larger)
    draws = torch.rand(60, generator=torch.Generator().manual_seed(1)).tolist()
    for number, draw in enumerate(draws):
        value = 1 + draw / (1 + number)
        reference.step(value)
        mine.look(value)
        assert mine.factor == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-7)
    assert mine.factor < 1


class Ticking(Clock):
    """A clock that a test moves."""

    def __init__(self, seconds: float) -> None:
        super().__init__(Budget(seconds=seconds))
        self.now = 0.0

    def spent(self) -> float:
        return self.now


@pytest.mark.parametrize("each", [0.01, 0.05, 0.3])
def test_a_plan_ends_with_the_time(each: float) -> None:
    clock = Ticking(10.0)
    plan = schedules.Plan(1000, clock)
    at = schedules.factor(Recipe(schedule="cosine"))
    rates = []
    while clock.left() > each and plan.done < 1000:
        rates.append(at(plan.place(), plan.total))
        clock.now += each
        plan.advance()
    assert rates[-1] < 0.02, "the schedule has come to its end"
    assert all(a >= b for a, b in pairwise(rates))
    assert len(rates) == pytest.approx(min(1000, 10 / each), rel=0.05)


def test_a_plan_is_repeated_by_count() -> None:
    clock = Ticking(10.0)
    plan = schedules.Plan(1000, clock)
    places = []
    for number in range(150):
        places.append((plan.place(), plan.total))
        clock.now += 0.04 + 0.02 * math.sin(number)
        plan.advance()
    again = schedules.Plan(1000, changes=plan.changes)
    repeated = []
    for _ in range(150):
        repeated.append((again.place(), again.total))
        again.advance()
    assert repeated == places
    assert plan.changes


def test_without_a_limit_the_place_is_the_count() -> None:
    plan = schedules.Plan(10, Clock(Budget()))
    for number in range(10):
        assert plan.place() == number
        plan.advance()


def test_plateau_looks_at_the_training_where_no_row_is_held_out() -> None:
    rates: list[float] = []

    def note(event: str, loop: Any) -> None:
        if event == "step":
            rates.append(loop.work.optimizer.param_groups[0]["lr"])

    recipe = Recipe(epochs=6, batch=10, schedule="plateau", wait=1, drop=0.5, optimizer="sgd",
                    rate=1e-9, loss="squared")
    train(torch.nn.Linear(2, 1), (torch.ones(10, 2), torch.ones(10)), recipe, callbacks=[note])
    assert rates == pytest.approx([1e-9] * 3 + [5e-10] * 2 + [2.5e-10])
