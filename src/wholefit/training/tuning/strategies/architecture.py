"""Architecture search: many networks trained briefly, the best of them longer, and bred from.

Asynchronous successive halving (Li et al. 2020) over epochs: a network begins with the fewest and
one fold; of all that were trained so far a third is trained three times as long; what reaches the
last step is judged on all folds. New networks are drawn, or are the best so far with a change
(Real et al. 2019).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from wholefit.base import seeds
from wholefit.base.errors import ParameterError
from wholefit.base.params import Params, param
from wholefit.training.tuning._strategy import Setting, Suggestion
from wholefit.training.tuning.dimensions import Choice, jsonable
from wholefit.training.tuning.space import MODEL, Space
from wholefit.training.tuning.strategies.genetic import change

_TRIES = 50
_EPOCHS = ".epochs"


@dataclass
class _Network:
    """A network with the losses it reached, step by step; `asked` counts the steps begun."""

    values: dict[str, Any]
    losses: list[float] = field(default_factory=list)
    asked: int = 1

    @property
    def waiting(self) -> bool:
        """True if every step begun was told."""
        return len(self.losses) == self.asked


class Architecture:
    """Successive halving over epochs, with offspring of the best."""

    name: ClassVar[str] = "architecture"
    summary: ClassVar[str] = (
        "Trains many networks briefly and the promising ones longer: for networks whose epochs "
        "are a list of steps in the space, as `wf.architecture_search` makes it.")

    @dataclass(frozen=True)
    class Options(Params):
        """How it spends."""

        eta: int = param(3, "Of how many networks one is trained longer.", low=2, high=100)
        folds: int = param(1, "Folds that shorter trainings are judged by.", low=1)
        evolve: float = param(0.5, "Share of new networks that are a good one with a change.",
                              low=0, high=1)
        changes: float = param(1.5, "Settings changed in each of those, in the mean.", above=0)
        first: int = param(9, "Networks drawn before the first is bred.", low=1)

    def __init__(self, setting: Setting, options: Options) -> None:
        self.setting, self.options = setting, options
        self._networks: list[_Network] = []
        self._keys: set[str] = set()
        self._asked = 0
        self._steps = {label: _steps(setting.space, label) for label in setting.space.models}

    def ask(self) -> Suggestion | None:
        """A promising network for longer, or a new one; None when a finite space is used up."""
        at = self._furthest() if self._is_late() else self._promising()
        if at is None:
            at = self._begin()
            if at is None:
                return None
        else:
            self._networks[at].asked += 1
        network = self._networks[at]
        self._asked += 1
        steps = self._steps[self.setting.space.label(network.values)]
        last = network.asked == len(steps)
        return Suggestion(
            self._asked - 1, self._at(network.values, network.asked - 1),
            folds=None if last or self.options.folds >= self.setting.folds else self.options.folds,
            note={"network": at, "step": network.asked - 1})

    def tell(self, suggestion: Suggestion, loss: float, seconds: float) -> None:
        """How good a network was after its step; what failed goes no further."""
        at, step = suggestion.note.get("network"), suggestion.note.get("step")
        # A note may come from a file that was altered: what it does not know is left alone.
        if isinstance(at, int) and 0 <= at < len(self._networks):
            losses = self._networks[at].losses
            if step == len(losses) < self._networks[at].asked:
                losses.append(float(loss))

    def state(self) -> dict[str, Any]:
        """All networks and how far they came."""
        return {"asked": self._asked, "networks": [
            {"values": {name: jsonable(value) for name, value in network.values.items()},
             "losses": [loss if math.isfinite(loss) else None for loss in network.losses],
             "asked": network.asked} for network in self._networks]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._asked = int(state["asked"])
        self._networks = [
            _Network(self.setting.space.unpack(each["values"]),
                     [math.inf if loss is None else float(loss) for loss in each["losses"]],
                     int(each["asked"])) for each in state["networks"]]
        self._keys = {self.setting.space.key(network.values) for network in self._networks}

    # How it is done

    def _promising(self) -> int | None:
        """The best network that may be trained longer, of the longest trained ones first."""
        longest = max(map(len, self._steps.values()))
        for step in reversed(range(longest - 1)):
            told = [at for at, network in enumerate(self._networks)
                    if len(network.losses) > step and math.isfinite(network.losses[step])]
            best = sorted(told, key=lambda at: (self._networks[at].losses[step], at))
            for at in best[:len(told) // self.options.eta]:
                network = self._networks[at]
                steps = self._steps[self.setting.space.label(network.values)]
                if network.waiting and len(network.losses) == step + 1 < len(steps):
                    return at
        return None

    def _is_late(self) -> bool:
        """True for the last trials of a count: they bring the best to a full training."""
        trials = self.setting.trials
        return trials is not None and self._asked >= trials - max(map(len, self._steps.values()))

    def _furthest(self) -> int | None:
        """The best of those that came furthest and can go on."""
        def can(network: _Network) -> bool:
            steps = self._steps[self.setting.space.label(network.values)]
            return network.waiting and len(network.losses) < len(steps) and math.isfinite(
                network.losses[-1])

        found = [at for at, network in enumerate(self._networks) if can(network)]
        return min(found, default=None, key=lambda at: (
            -len(self._networks[at].losses), self._networks[at].losses[-1], at))

    def _begin(self) -> int | None:
        """A network that was not tried before, at its first step."""
        for values in self._candidates():
            key = self.setting.space.key(values)
            if key not in self._keys:
                self._keys.add(key)
                self._networks.append(_Network(values))
                return len(self._networks) - 1
        return None

    def _candidates(self) -> Iterator[dict[str, Any]]:
        """The default first; then draws and changed ones, at the shortest training."""
        space, count = self.setting.space, len(self._networks)
        yield from (self._at(space.usual(label), 0) for label in space.models)
        bred = seeds.generator(self.setting.seed, "bred", count).random() < self.options.evolve
        parents = self._parents() if bred and count >= self.options.first else []
        for attempt in range(_TRIES if parents else 0):
            rng = seeds.generator(self.setting.seed, "changed", count, attempt)
            parent = parents[int(rng.integers(len(parents)))].values
            child = self._at(change(space, parent, rng, self.options.changes), 0)
            if space.allows(child):
                yield child
        for attempt in range(_TRIES):
            rng = seeds.generator(self.setting.seed, "drawn", count, attempt)
            yield self._at(space.draw(rng), 0)

    def _parents(self) -> list[_Network]:
        """The best three of those that came furthest."""
        good = [network for network in self._networks
                if network.losses and math.isfinite(network.losses[-1])]
        return sorted(good, key=lambda each: (-len(each.losses), each.losses[-1]))[:3]

    def _at(self, values: dict[str, Any], step: int) -> dict[str, Any]:
        """The configuration with the epochs of that step."""
        label = self.setting.space.label(values)
        return {**values, label + _EPOCHS: self._steps[label][step]}


def _steps(space: Space, label: str) -> list[Any]:
    """The epochs that the space lists for a model, in order."""
    dim = space.dims.get(label + _EPOCHS)
    if not isinstance(dim, Choice) or MODEL + _EPOCHS in space.dims:
        raise ParameterError("strategy 'architecture' needs a list of epochs for each model, such "
                             f"as space={{'{label}.epochs': [6, 18, 54]}}; got none for {label}.")
    return sorted(dim.options)
