"""Genetic programming over pipelines: good configurations are crossed and changed.

An individual is a whole pipeline: a model with its parameters, how columns become features, and
which engineered features stand beside them. Crossover is typed: a model changes hands with its own
parameters, never a parameter alone between two families. Pipelines compete by two objectives, the
loss and what the pipeline costs to hold and to read, as in TPOT (Olson et al. 2016), and survive
by NSGA-II (Deb et al. 2002); there are no generations: whoever is told joins at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base import seeds
from wholefit.base.params import Params, param
from wholefit.training.tuning._strategy import Setting, Suggestion
from wholefit.training.tuning.dimensions import Choice, jsonable
from wholefit.training.tuning.space import MODEL, Space
from wholefit.training.tuning.strategies import _nsga
from wholefit.training.tuning.strategies._distinct import Distinct

Values = dict[str, Any]
# Attempts at a child that was not tried before, until a fresh draw takes its place.
_TRIES = 50
# What one changed step before the model adds to what a pipeline costs, in burdens of models.
_STEP = 5.0
# How far a number moves, as a share of its range, and how often a crossed number is a mixture.
_MOVES, _MIXED = (0.05, 0.2), 0.5
# How many compete to be a parent, and how often their loss alone decides.
_RIVALS, _BY_LOSS = 3, 0.7


@dataclass(frozen=True)
class _Member:
    """One that was tried: its configuration and what it is judged by."""

    number: int
    values: Values
    aims: tuple[float, ...]


class Genetic(Distinct):
    """Crosses and changes the best pipelines so far."""

    name: ClassVar[str] = "genetic"
    summary: ClassVar[str] = (
        "Crosses and changes whole pipelines, and keeps those that are good for what they cost: "
        "for spaces of several models with steps before them, and a hundred trials or more.")

    @dataclass(frozen=True)
    class Options(Params):
        """How it breeds."""

        population: int = param(16, "Pipelines that may have offspring.", low=2, high=10_000)
        first: int | None = param(None, "Pipelines drawn at random before the first are crossed; "
                                  "None takes the population.", low=0, none=True)
        crossover: float = param(0.6, "Share of offspring that have two parents.", low=0, high=1)
        changes: float = param(1.5, "Settings changed in each, in the mean; at least one where "
                               "there is one parent.", low=0)
        second: str = param(
            "complexity", "What a pipeline is judged by beside its loss: the burden of its model "
            "and the steps before it, its seconds (then no two runs are alike), or nothing.",
            choices=("complexity", "seconds", "none"))

    def __init__(self, setting: Setting, options: Options) -> None:
        super().__init__(setting, options)
        self._members: list[_Member] = []

    def tell(self, suggestion: Suggestion, loss: float, seconds: float) -> None:
        """Take it in where it deserves a place; what failed has none."""
        if not math.isfinite(loss):
            return
        aims = [float(loss)]
        if self.options.second == "complexity":
            aims.append(complexity(self.setting.space, suggestion.values))
        elif self.options.second == "seconds":
            aims.append(float(seconds))
        self._members.append(_Member(suggestion.number, dict(suggestion.values), tuple(aims)))
        if len(self._members) > self.options.population:
            del self._members[self._worst()]

    def front(self) -> list[tuple[Values, tuple[float, ...]]]:
        """The pipelines that no other beats in both, by loss: configuration and figures."""
        if not self._members:
            return []
        first = _nsga.fronts([member.aims for member in self._members])[0]
        found = sorted((self._members[at] for at in first), key=lambda member: member.aims)
        return [(dict(member.values), member.aims) for member in found]

    def state(self) -> dict[str, Any]:
        """Who lives, and what was tried."""
        members = [{"number": member.number, "aims": list(member.aims),
                    "values": {name: jsonable(value) for name, value in member.values.items()}}
                   for member in self._members]
        return {**super().state(), "members": members}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        super().restore(state)
        self._members = [
            _Member(int(each["number"]), self.setting.space.unpack(each["values"]),
                    tuple(map(float, each["aims"]))) for each in state["members"]]

    # How it is done

    def _candidates(self) -> Iterator[Values]:
        """Defaults first, then draws, then offspring; draws again where nothing new is bred."""
        space, number = self.setting.space, self._asked
        if number < len(space.models):
            yield from (space.usual(label) for label in space.models)
        first = self.options.first
        first = self.options.population if first is None else first
        if number >= len(space.models) + first and len(self._members) > 1:
            for attempt in range(_TRIES):
                child = self._child(seeds.generator(
                    self.setting.seed, "genetic", number, attempt))
                if space.allows(child):
                    yield child
        for attempt in range(_TRIES):
            yield space.draw(seeds.generator(self.setting.seed, "drawn", number, attempt))

    def _child(self, rng: np.random.Generator) -> Values:
        space, ranks = self.setting.space, self._ranks()
        one = self._parent(rng, ranks)
        crossed = rng.random() < self.options.crossover
        child = cross(space, one, self._parent(rng, ranks), rng) if crossed else dict(one)
        return change(space, child, rng, self.options.changes, at_least=0 if crossed else 1)

    def _parent(self, rng: np.random.Generator, ranks: list[tuple[int, float]]) -> Values:
        """The best of some that are drawn: mostly by loss, else by front."""
        drawn = rng.integers(len(self._members), size=_RIVALS).tolist()
        by_loss = rng.random() < _BY_LOSS
        best = min(drawn, key=lambda at: self._members[at].aims if by_loss else ranks[at])
        return self._members[best].values

    def _worst(self) -> int:
        """Whose place is lost: the last by front, the better half by loss being safe."""
        ranks = self._ranks()
        by_loss = sorted(range(len(ranks)), key=lambda at: self._members[at].aims)
        return max(by_loss[len(ranks) // 2:],
                   key=lambda at: (ranks[at], self._members[at].number))

    def _ranks(self) -> list[tuple[int, float]]:
        return _nsga.ranks([member.aims for member in self._members])


def complexity(space: Space, values: Values) -> float:
    """What a pipeline is to hold and to read: its model's burden, and 5 for each changed step.

    A step is a setting of the encoding that is not its default, or an engineered feature.
    """
    usual = space.usual(space.label(values))
    steps = sum(1 for name in _before(space, values)
                if jsonable(values[name]) != jsonable(usual[name]))
    return float(space.models[space.label(values)].burden) + _STEP * steps


def cross(space: Space, a: Values, b: Values, rng: np.random.Generator) -> Values:
    """A mixture of two pipelines: steps from either, a model with all its parameters from one.

    Where both have the same model, its parameters come from either, numbers perhaps from between.
    """
    child = {name: (a if rng.random() < 0.5 else b)[name] for name in _before(space, a)}
    if space.label(a) != space.label(b):
        child |= _own(space, a if rng.random() < 0.5 else b)
    else:
        child |= {name: _mixed(space, name, value, b[name], rng)
                  for name, value in _own(space, a).items()}
    return {name: child[name] for name in space.active(space.label(child))}


def change(
    space: Space, values: Values, rng: np.random.Generator, changes: float, at_least: int = 1
) -> Values:
    """The pipeline with some settings changed, `changes` in the mean; numbers move a little.

    A change of model brings the defaults of the new one.
    """
    found = dict(values)
    names = [name for name in found if _can_change(space, name)]
    chosen = [name for name in names if rng.random() < changes / max(len(names), 1)]
    if len(chosen) < at_least and names:
        chosen = [names[int(rng.integers(len(names)))]]
    if MODEL in chosen:
        label = _other(space, MODEL, found[MODEL], rng)
        before = {name: found[name] for name in _before(space, found)}
        found = {**space.usual(label), **before}
    for name in chosen:
        if name in found and name != MODEL:
            found[name] = _changed(space, name, found[name], rng)
    return {name: found[name] for name in space.active(space.label(found))}


def _before(space: Space, values: Values) -> list[str]:
    """Names of what comes before the model."""
    mine = f"{space.label(values)}."
    return [name for name in values if name != MODEL and not name.startswith(mine)]


def _own(space: Space, values: Values) -> Values:
    """The model, where it was chosen, and its parameters."""
    before = set(_before(space, values))
    return {name: value for name, value in values.items() if name not in before}


def _mixed(space: Space, name: str, a: Any, b: Any, rng: np.random.Generator) -> Any:
    dim = space.dims[name]
    own = getattr(dim, "crossed", None)
    if own is not None:
        return own(a, b, rng)
    if isinstance(dim, Choice) or rng.random() >= _MIXED:
        return a if rng.random() < 0.5 else b
    low, high = sorted((dim.place(a), dim.place(b)))
    return dim.at(float(low + (high - low) * rng.random()))


def _changed(space: Space, name: str, value: Any, rng: np.random.Generator) -> Any:
    dim = space.dims[name]
    own = getattr(dim, "changed", None)
    if own is not None:
        return own(value, rng)
    if isinstance(dim, Choice):
        return _other(space, name, value, rng)
    for _ in range(_TRIES):
        step = _MOVES[int(rng.integers(len(_MOVES)))] * float(rng.standard_normal())
        place = abs(dim.place(value) + step)
        found = dim.at(min(max(2 - place if place > 1 else place, 0.0), 1.0))
        if found != value:
            return found
    return value


def _other(space: Space, name: str, value: Any, rng: np.random.Generator) -> Any:
    dim = space.dims[name]
    assert isinstance(dim, Choice)
    here = dim.place(value)
    others = [option for option in dim.options if dim.place(option) != here]
    return others[int(rng.integers(len(others)))]


def _can_change(space: Space, name: str) -> bool:
    dim = space.dims[name]
    return not isinstance(dim, Choice) or len(dim.options) > 1
