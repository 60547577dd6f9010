"""Each strategy against its contract: the same again, resumed at any point, and its own law."""

from __future__ import annotations

import json
import math
from collections import Counter
from itertools import pairwise, product

import pytest

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.training.tuning import Setting, Space, Strategy, Suggestion, strategies
from wholefit.training.tuning.strategies._rungs import rungs

SPACE = Space.of(["decision_tree", "logistic"], {
    "decision_tree.max_depth": (2, 12), "decision_tree.ccp_alpha": (0.0, 0.02),
    "logistic.C": (1e-3, 1e3), "degree": [1, 2]})
SMALL = Space.of(["decision_tree"], {"max_depth": [2, 3, 4], "criterion": ["default", "entropy"]})
NAMES = ["asha", "bayes", "grid", "halving", "random"]


def loss(suggestion: Suggestion) -> float:
    """A smooth valley, noisier and higher on fewer rows."""
    values = suggestion.values
    if values["model"] == "logistic":
        found = 1.0 + abs(math.log10(values["logistic.C"]) - 1)
    else:
        found = 0.5 + abs(values["decision_tree.max_depth"] - 7) / 5
    return found + 0.3 * (values["encoding.degree"] == 2) + 0.2 * (1 - suggestion.share)


def made(name: str, **how: object) -> Strategy:
    setting = {"seed": 3, "trials": 30, "rows": 5_000, **how}
    return strategies.make(name, Setting(SPACE, **setting))  # type: ignore[arg-type]


def run(strategy: Strategy, count: int) -> list[Suggestion]:
    """Ask and tell, one after the other."""
    found = []
    for _ in range(count):
        asked = strategy.ask()
        if asked is None:
            break
        found.append(asked)
        strategy.tell(asked, loss(asked), 1.0)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_asks_the_same(name: str) -> None:
    first, second = run(made(name), 24), run(made(name), 24)
    assert first == second and [one.number for one in first] == list(range(len(first)))
    assert run(made(name, seed=4), 24) != first


@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_goes_on_from_its_state(name: str) -> None:
    """At every step another copy, restored from JSON, as processes of one study do."""
    whole, found = run(made(name), 24), []
    strategy = made(name)
    for _ in range(24):
        asked = strategy.ask()
        if asked is None:
            break
        other = made(name)
        other.restore(json.loads(json.dumps(strategy.state())))
        other.tell(asked, loss(asked), 1.0)
        found.append(asked)
        strategy = made(name)
        strategy.restore(json.loads(json.dumps(other.state())))
    assert found == whole


@pytest.mark.parametrize("name", NAMES)
def test_several_may_be_tried_at_once_and_fail(name: str) -> None:
    strategy, open_, told = made(name), [], 0
    for _ in range(60):
        asked = strategy.ask()
        if asked is not None:
            open_.append(asked)
        if open_ and (asked is None or len(open_) == 4):
            done = open_.pop()  # the last begun ends first
            strategy.tell(done, math.inf if done.number % 5 == 0 else loss(done), 1.0)
            told += 1
    assert told >= 20


@pytest.mark.parametrize("name", [name for name in NAMES if name != "grid"])
def test_it_finds_the_valley(name: str) -> None:
    found = run(made(name, trials=60), 60)
    best = min((one for one in found if one.whole), key=loss)
    assert best.values["model"] == "decision_tree" and loss(best) <= 0.9


def test_a_grid_has_every_combination_once_in_mixed_order() -> None:
    setting = Setting(SMALL, 0)
    found = [one.values for one in run_all(strategies.make("grid", setting))]
    every = [dict(zip(SMALL.dims, point, strict=True))
             for point in product([2, 3, 4], ["default", "entropy"])]
    assert sorted(map(SMALL.key, found)) == sorted(map(SMALL.key, every))
    assert found != every
    straight = strategies.make("grid(shuffled=False)", setting)
    assert [one.values for one in run_all(straight)] == every


def test_a_grid_over_several_models_and_ranges() -> None:
    found = run_all(strategies.make("grid(resolution=4)", Setting(SPACE, 0)))
    assert Counter(one.values["model"] for one in found) == {"decision_tree": 32, "logistic": 8}
    assert len({SPACE.key(one.values) for one in found}) == 40


def run_all(strategy: Strategy) -> list[Suggestion]:
    found: list[Suggestion] = []
    while (asked := strategy.ask()) is not None:
        found.append(asked)
    return found


def test_a_grid_that_never_ends_is_refused() -> None:
    with pytest.raises(ParameterError, match="combinations"):
        strategies.make("grid(resolution=30)", Setting(Space.of(["lightgbm"]), 0))


def test_random_search_repeats_nothing_and_ends_with_a_small_space() -> None:
    found = run_all(strategies.make("random", Setting(SMALL, 0)))
    assert len(found) == 6 == len({SMALL.key(one.values) for one in found})
    assert found[0].values == SMALL.usual()


def test_rungs_save_folds_first_and_cost_a_part_of_the_next() -> None:
    found = rungs(Setting(SPACE, 0, folds=5, rows=100_000), 3, None)
    assert found[-1] == (1.0, None) and len(found) == 5
    costs = [share * (folds or 5) for share, folds in found]
    assert [high / low for low, high in pairwise(costs)] == pytest.approx(
        [3.0] * 4)
    assert rungs(Setting(SPACE, 0, folds=5, rows=100), 3, None) == [(1.0, None)]
    assert rungs(Setting(SPACE, 0, folds=5, rows=300), 3, None) == [
        (pytest.approx(5 / 6), 2), (1.0, None)]
    assert len(rungs(Setting(SPACE, 0, rows=100_000, trials=10), 3, None)) == 2


def test_halving_lets_the_best_third_climb_and_waits_for_a_rung_to_end() -> None:
    strategy = made("halving", trials=None)
    first = [strategy.ask() for _ in range(243)]
    assert all(one is not None and one.note == {"rung": 0} for one in first)
    assert strategy.ask() is None
    losses = {one.number: (one.number * 7919) % 243 for one in first if one}
    for one in first:
        assert one is not None
        strategy.tell(one, losses[one.number], 1.0)
    second = [strategy.ask() for _ in range(81)]
    best = sorted((one for one in first if one), key=lambda one: losses[one.number])[:81]
    assert [one.values for one in second if one] == [one.values for one in best]
    assert {(one.share, one.folds) for one in second if one} == {strategy.rungs[1]}  # type: ignore[attr-defined]


def test_asha_climbs_only_from_the_best_third_and_once() -> None:
    strategy, known = made("asha", trials=None), dict[tuple[int, int], float]()
    for _ in range(150):
        asked = strategy.ask()
        assert asked is not None
        rung, climber = asked.note["rung"], asked.note["climber"]
        assert (rung, climber) not in known
        if rung:
            below = sorted(value for (at, _), value in known.items() if at == rung - 1)
            assert known[rung - 1, climber] <= below[len(below) // 3 - 1]
        known[rung, climber] = loss(asked)
        strategy.tell(asked, known[rung, climber], 1.0)
    counts = Counter(rung for rung, _ in known)
    assert counts[0] > 2 * counts[1] > 4 * counts[2] > 0


def test_bayes_learns_where_random_does_not() -> None:
    learnt, drawn = run(made("bayes", trials=50), 50), run(made("random", trials=50), 50)
    late = [sum(loss(one) for one in found[25:]) / 25 for found in (learnt, drawn)]
    assert late[0] < late[1] - 0.2


def test_words_that_name_no_strategy_are_refused() -> None:
    for words, error in (("bayse", UnknownNameError), ("halving(eta=1)", ParameterError),
                         ("halving(etta=3)", UnknownNameError), ("halving(3)", ParameterError),
                         ("", ParameterError), (3, ParameterError)):
        with pytest.raises(error):
            strategies.check(words)  # type: ignore[arg-type]


def test_every_strategy_says_what_it_is_for() -> None:
    for row in strategies.describe():
        assert row["summary"].endswith(".") and all(each["doc"] for each in row["options"])
