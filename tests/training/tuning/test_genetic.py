"""Genetic programming: fronts, typed crossover, and whether breeding finds more than drawing."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from wholefit.training.tuning import Choice, Setting, Space
from wholefit.training.tuning.strategies import _nsga, make
from wholefit.training.tuning.strategies.genetic import change, complexity, cross

MODELS = ["ridge", "random_forest", "knn"]
GIVEN = {"*": True, "encoding.degree": [1, 2], "encoding.rare": (0.0, 0.05),
         "encoding.scale": ["none", "standard"]}


@pytest.fixture(scope="module")
def space() -> Space:
    return Space.of(MODELS, GIVEN)


def _run(name: str, space: Space, judge: Any, trials: int, seed: int) -> list[float]:
    strategy = make(name, Setting(space, seed, trials=trials))
    losses = []
    for _ in range(trials):
        asked = strategy.ask()
        assert asked is not None
        losses.append(judge(space, asked.values))
        strategy.tell(asked, losses[-1], 1.0)
    return losses


def test_fronts_are_those_of_brute_force() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        points = rng.integers(0, 6, size=(25, 2 + int(rng.integers(2)))).tolist()
        left, expected = set(range(len(points))), []
        while left:
            front = [a for a in sorted(left) if not any(
                all(x <= y for x, y in zip(points[b], points[a], strict=True))
                and points[b] != points[a] for b in left)]
            expected.append(front)
            left -= set(front)
        assert _nsga.fronts(points) == expected
    assert _nsga.fronts([]) == []


def test_crowding_is_the_box_between_neighbours() -> None:
    points = [(0.0, 4.0), (1.0, 3.0), (3.0, 1.0), (4.0, 0.0)]
    assert _nsga.crowding(points) == [math.inf, 0.75 + 0.75, 0.75 + 0.75, math.inf]
    assert _nsga.crowding([(1.0, 1.0), (1.0, 1.0)])[0] == math.inf
    best = _nsga.ranks([(0.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    assert sorted(range(3), key=lambda at: best[at]) == [0, 2, 1]


def test_children_are_of_the_space_and_of_their_model(space: Space) -> None:
    rng = np.random.default_rng(1)
    swapped = 0
    for _ in range(200):
        a, b = space.draw(rng), space.draw(rng)
        child = cross(space, a, b, rng)
        assert list(child) == space.active(space.label(child))
        for name, place in space.places(child).items():
            assert 0 <= place <= 1, name
        if space.label(a) != space.label(b):
            giver = a if space.label(child) == space.label(a) else b
            own = [name for name in child if name.startswith(f"{space.label(child)}.")]
            assert all(child[name] == giver[name] for name in own), "a model keeps its parameters"
            swapped += 1
        space.build(child)
        altered = change(space, child, rng, 1.5)
        assert altered != child and list(altered) == space.active(space.label(altered))
        space.build(altered)
    assert swapped > 100


def test_numbers_between_two_parents(space: Space) -> None:
    one = Space.of(["ridge"], {"alpha": (0.01, 100.0)})
    a, b = {"ridge.alpha": 0.1}, {"ridge.alpha": 10.0}
    rng = np.random.default_rng(0)
    found = [cross(one, a, b, rng)["ridge.alpha"] for _ in range(100)]
    assert min(found) == 0.1 and max(found) == 10.0 and len(set(found)) > 20


def test_complexity_counts_steps_and_the_model(space: Space) -> None:
    usual = space.usual("ridge")
    assert complexity(space, usual) == space.models["ridge"].burden
    more = {**usual, "encoding.degree": 2, "encoding.rare": 0.03}
    assert complexity(space, more) == space.models["ridge"].burden + 10


def test_it_goes_on_from_its_state(space: Space) -> None:
    def judge(values: dict[str, Any]) -> float:
        return len(json.dumps(values)) + sum(
            value for value in values.values() if isinstance(value, float))

    whole = make("genetic(population=6)", Setting(space, 3))
    straight = []
    for _ in range(30):
        asked = whole.ask()
        straight.append(asked.values)
        whole.tell(asked, judge(asked.values), 0.0)
    broken, again = None, []
    for number in range(30):
        step = make("genetic(population=6)", Setting(space, 3))
        if broken is not None:
            step.restore(json.loads(json.dumps(broken)))
        asked = step.ask()
        assert asked.number == number
        again.append(asked.values)
        step.tell(asked, judge(asked.values), 0.0)
        broken = step.state()
    assert again == straight
    assert len({space.key(values) for values in straight}) == 30, "nothing is tried twice"


def test_what_fails_has_no_offspring(space: Space) -> None:
    strategy = make("genetic(population=4, first=2)", Setting(space, 0))
    for _ in range(20):
        asked = strategy.ask()
        bad = space.label(asked.values) != "knn"
        strategy.tell(asked, math.inf if bad else float(asked.number), 0.0)
    assert {space.label(values) for values, _ in strategy.front()} == {"knn"}


def test_a_finite_space_ends() -> None:
    tiny = Space.of(["knn"], {"k": [1, 2], "encoding.degree": [1, 2]})
    strategy = make("genetic(population=2, first=0)", Setting(tiny, 0))
    asked = []
    while (found := strategy.ask()) is not None:
        asked.append(tiny.key(found.values))
        strategy.tell(found, float(len(asked)), 0.0)
    assert len(asked) == len(set(asked)) == 4


def test_several_may_be_at_work_at_once(space: Space) -> None:
    strategy = make("genetic(population=4)", Setting(space, 0))
    first = [strategy.ask() for _ in range(12)]
    assert [each.number for each in first] == list(range(12))
    for each in reversed(first):
        strategy.tell(each, float(each.number), 0.0)
    assert strategy.ask().number == 12


def _bowl(space: Space, values: dict[str, Any]) -> float:
    """A valley in the middle of one family, with a prize for two steps that go together."""
    places = space.places(values)
    away = {"random_forest": 0.0, "ridge": 0.5, "knn": 0.8}[space.label(values)]
    mine = [place for name, place in places.items()
            if name.startswith(f"{space.label(values)}.") and not isinstance(
                space.dims[name], Choice)]
    near = sum((place - 0.7) ** 2 for place in mine)
    both = values["encoding.degree"] == 2 and values["encoding.scale"] == "standard"
    return away + near + (0.0 if both else 0.3)


def test_breeding_finds_more_than_drawing(space: Space) -> None:
    gains = []
    for seed in range(10):
        bred = min(_run("genetic", space, _bowl, 80, seed))
        drawn = min(_run("random", space, _bowl, 80, seed))
        gains.append(drawn - bred)
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / math.sqrt(len(gains)) > 0


def test_the_front_holds_cheap_and_good(space: Space) -> None:
    strategy = make("genetic", Setting(space, 0))
    for _ in range(60):
        asked = strategy.ask()
        strategy.tell(asked, _bowl(space, asked.values), 0.0)
    front = strategy.front()
    losses = [aims[0] for _, aims in front]
    costs = [aims[1] for _, aims in front]
    assert losses == sorted(losses) and costs == sorted(costs, reverse=True)
    assert len(front) >= 2
