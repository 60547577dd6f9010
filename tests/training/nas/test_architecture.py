"""The strategy: halving over epochs, breeding, limits; and prices of networks."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from wholefit import models
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import BudgetError, ParameterError
from wholefit.training.nas.space import limited, ranges
from wholefit.training.tuning import Setting, Space, Whole
from wholefit.training.tuning.strategies import make

EPOCHS = [6, 18, 54]


@pytest.fixture(scope="module")
def space() -> Space:
    model = models.make("cell_mlp(epochs=54)")
    return Space.of([model], ranges(model))


def _judged(values: dict[str, Any]) -> float:
    """Better with more epochs; a gated node helps more than width."""
    gates = sum(word.startswith("gated") for word in values["cell_mlp.cell"])
    return 5 - gates + 3 / values["cell_mlp.epochs"] - values["cell_mlp.width"] / 1000


def _searched(strategy: Any, trials: int) -> list[Any]:
    found = []
    for _ in range(trials):
        asked = strategy.ask()
        found.append(asked)
        strategy.tell(asked, _judged(asked.values), 1.0)
    return found


def test_a_third_goes_on_and_the_last_step_sees_all_folds(space: Space) -> None:
    found = _searched(make("architecture", Setting(space, 0)), 80)
    steps = Counter(asked.values["cell_mlp.epochs"] for asked in found)
    assert set(steps) == set(EPOCHS)
    # What was among the best third once has gone on, also where better ones came later.
    assert steps[6] // 3 <= steps[18] < 0.6 * steps[6]
    assert steps[18] // 3 <= steps[54] < 0.6 * steps[18]
    for asked in found:
        assert asked.folds == (None if asked.values["cell_mlp.epochs"] == 54 else 1)
    first = [asked for asked in found if asked.values["cell_mlp.epochs"] == 6]
    assert len({space.key(asked.values) for asked in first}) == len(first)
    assert dict(first[0].values, **{"cell_mlp.epochs": 0}) == dict(
        space.usual(), **{"cell_mlp.epochs": 0}), "the default comes first"


def test_what_goes_on_is_the_best_so_far(space: Space) -> None:
    strategy = make("architecture(evolve=0.0)", Setting(space, 1))
    found = _searched(strategy, 60)
    step0 = [(at, _judged(asked.values)) for at, asked in enumerate(found)
             if asked.note["step"] == 0]
    for at, asked in enumerate(found):
        if asked.note["step"] == 1:
            before = [loss for when, loss in step0 if when < at]
            mine = next(loss for (when, loss) in step0
                        if found[when].note["network"] == asked.note["network"])
            rank = sum(loss < mine for loss in before)
            assert rank < len(before) / 3


def test_offspring_are_better_than_draws(space: Space) -> None:
    means = {}
    for evolve in (0.0, 1.0):
        found = _searched(make(f"architecture(evolve={evolve})", Setting(space, 2)), 120)
        late = [_judged(asked.values) for asked in found[60:] if asked.note["step"] == 0]
        means[evolve] = sum(late) / len(late)
    assert means[1.0] < means[0.0] - 0.5


def test_it_goes_on_from_its_state(space: Space) -> None:
    straight = [asked.values for asked in _searched(make("architecture", Setting(space, 5)), 40)]
    state, again = None, []
    for _ in range(40):
        strategy = make("architecture", Setting(space, 5))
        if state is not None:
            strategy.restore(json.loads(json.dumps(state)))
        asked = strategy.ask()
        again.append(asked.values)
        strategy.tell(asked, _judged(asked.values), 1.0)
        state = strategy.state()
    assert again == straight


def test_what_fails_goes_no_further(space: Space) -> None:
    strategy = make("architecture", Setting(space, 0))
    for _ in range(30):
        asked = strategy.ask()
        assert asked.note["step"] == 0
        strategy.tell(asked, math.inf, 1.0)


def test_several_may_be_trained_at_once(space: Space) -> None:
    strategy = make("architecture", Setting(space, 0))
    asked = [strategy.ask() for _ in range(9)]
    for each in reversed(asked):
        strategy.tell(each, _judged(each.values), 1.0)
    later = [strategy.ask() for _ in range(4)]
    assert [each.note["step"] for each in later] == [1, 1, 1, 0]


def test_a_note_that_was_altered_changes_nothing(space: Space) -> None:
    strategy = make("architecture", Setting(space, 0))
    asked = strategy.ask()
    before = strategy.state()
    for note in ({}, {"network": 7, "step": 0}, {"network": -1, "step": 0},
                 {"network": "x", "step": 0}, {"network": 0, "step": 5}):
        strategy.tell(dataclasses.replace(asked, note=note), 1.0, 1.0)
    assert strategy.state() == before
    strategy.tell(asked, 1.0, 1.0)
    assert strategy.state() != before


class _Prices:
    """Width for parameters, a second a cell; `asked` counts what was timed."""

    def __init__(self) -> None:
        self.asked = 0

    def parameters(self, model: Any) -> int:
        return int(model.width)

    def latency(self, model: Any, limit: float | None = None) -> float:
        self.asked += 1
        return float(model.repeat)


class _Clock(Clock):
    """A second for each network timed, of `seconds`."""

    def __init__(self, prices: _Prices, seconds: float) -> None:
        super().__init__(Budget(seconds=seconds))
        self.prices, self.seconds = prices, seconds

    def left(self) -> float:
        return self.seconds - self.prices.asked


def test_limits_hold_for_all_that_is_suggested(space: Space) -> None:
    small = limited(space, _Prices(), parameters=60, latency=1.0)
    for name in ("architecture", "random", "bayes(startup=4)", "genetic(first=4, population=4)"):
        strategy = make(name, Setting(small, 0, trials=40))
        for asked in _searched(strategy, 40):
            assert asked.values["cell_mlp.width"] <= 60, name
            assert asked.values["cell_mlp.repeat"] == 1, name
    assert limited(space, _Prices(), None, None) is space


def test_what_is_drawn_within_a_limit_is_not_all_of_one_size(space: Space) -> None:
    small = limited(space, _Prices(), parameters=60, latency=None)
    found = [small.draw(np.random.default_rng(seed)) for seed in range(40)]
    assert len({values["cell_mlp.width"] for values in found}) > 5
    assert len({values["cell_mlp.cell"] for values in found}) > 20


def test_widths_go_below_the_usual_only_where_nothing_was_said_of_them(space: Space) -> None:
    assert limited(space, _Prices(), 40, None).dims["cell_mlp.width"] == space.dims[
        "cell_mlp.width"]
    below = limited(space, _Prices(), parameters=10, latency=None)
    assert below.dims["cell_mlp.width"] == Whole(8, 256, log=True)
    assert below.models["cell_mlp"].to_dict()["width"] <= 10
    for name in ("width", "cell_mlp.width"):
        with pytest.raises(ParameterError, match=r"at most 10 parameters: .* has 32: .*width 32"):
            limited(space, _Prices(), parameters=10, latency=None, said=[name])
    with pytest.raises(ParameterError, match=r"at most 1 parameters: allow more.*found has 4: "):
        limited(space, _Prices(), parameters=1, latency=None)


def test_what_no_network_can_keep_is_refused_after_a_few_were_timed(space: Space) -> None:
    prices = _Prices()
    with pytest.raises(ParameterError, match=r"in 0\.001 s: allow more.* found takes 1 s: "):
        limited(space, prices, None, latency=0.001, clock=_Clock(prices, 500))
    assert prices.asked < 80
    prices = _Prices()
    with pytest.raises(BudgetError, match="the time was up before a network was found"):
        limited(space, prices, None, latency=0.001, clock=_Clock(prices, 5))
    assert prices.asked <= 3


def test_nothing_is_timed_once_the_clock_is_near_its_end(space: Space) -> None:
    prices = _Prices()
    small = limited(space, prices, None, latency=1.0, clock=_Clock(prices, 60))
    found = _searched(make("architecture", Setting(small, 0)), 90)
    assert all(asked.values["cell_mlp.repeat"] == 1 for asked in found)
    assert 10 < prices.asked <= 18, "timing has three tenths of the time"
    drawn = [small.draw(np.random.default_rng(seed)) for seed in range(20)]
    assert len({(values["cell_mlp.width"], values["cell_mlp.cell"]) for values in drawn}) > 2
    assert prices.asked <= 18


def test_what_comes_before_a_network_must_fit_too() -> None:
    class Prices(_Prices):
        def parameters(self, model: Any) -> int:
            return 40 if getattr(model, "changes", {}).get("degree") == 2 else 4

    model = models.make("cell_mlp(epochs=54)")
    space = Space.of([model], {**ranges(model), "encoding.degree": [1, 2]})
    small = limited(space, Prices(), parameters=20, latency=None)
    drawn = [small.draw(np.random.default_rng(seed)) for seed in range(9)]
    drawn += [small.admitted({**space.usual(), "encoding.degree": 2})]
    assert {values["encoding.degree"] for values in drawn} == {1}




def test_the_last_of_a_count_bring_the_best_to_the_end(space: Space) -> None:
    found = _searched(make("architecture", Setting(space, 0, trials=12)), 12)
    assert all(asked.note["step"] > 0 for asked in found[-3:])
    assert any(asked.folds is None for asked in found[-3:])


def test_other_spaces_are_refused() -> None:
    with pytest.raises(ParameterError, match="needs a list of epochs"):
        make("architecture", Setting(Space.of(["ridge"], {"alpha": (0.1, 1.0)}), 0))
