"""Asynchronous successive halving: climb as soon as there is reason to."""

from __future__ import annotations

from typing import Any, ClassVar

from wholefit.training.tuning._strategy import Setting, Suggestion
from wholefit.training.tuning.strategies._rungs import Climb, fresh, rungs, suggested


class Asha:
    """ASHA (Li et al. 2020): whatever is among the best 1/eta known at its rung climbs at once;
    when there is none such, a fresh configuration begins at the bottom.
    """

    name: ClassVar[str] = "asha"
    summary: ClassVar[str] = (
        "Successive halving that never waits: for large data and several processes on one study.")

    Options = Climb

    def __init__(self, setting: Setting, options: Climb) -> None:
        self.setting, self.options = setting, options
        self.rungs = rungs(setting, options.eta, options.least)
        self._asked = self._fresh = 0
        # Of each rung: what is known there (loss, climber), and the climbers that went on.
        self._known: list[list[tuple[float, int]]] = [[] for _ in self.rungs]
        self._gone: list[set[int]] = [set() for _ in self.rungs]
        self._values: dict[int, dict[str, Any]] = {}

    def ask(self) -> Suggestion | None:
        """The highest climb that is due, else a fresh configuration; never None."""
        for rung in range(len(self.rungs) - 2, -1, -1):
            climber = self._due(rung)
            if climber is not None:
                self._gone[rung].add(climber)
                return self._suggest(climber, rung + 1)
        climber = self._fresh
        self._fresh += 1
        self._values[climber] = fresh(self.setting, climber)
        return self._suggest(climber, 0)

    def tell(self, suggestion: Suggestion, loss: float, seconds: float) -> None:
        """Known at its rung from now on."""
        rung, climber = int(suggestion.note["rung"]), int(suggestion.note["climber"])
        self._known[rung].append((loss, climber))

    def state(self) -> dict[str, Any]:
        """Every climber, and what is known at each rung."""
        return {"asked": self._asked, "fresh": self._fresh,
                "known": [[list(one) for one in rung] for rung in self._known],
                "gone": [sorted(rung) for rung in self._gone],
                "values": {str(climber): self.setting.space.packed(values)
                           for climber, values in self._values.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._asked, self._fresh = int(state["asked"]), int(state["fresh"])
        self._known = [[(float(loss), int(climber)) for loss, climber in rung]
                       for rung in state["known"]]
        self._gone = [set(rung) for rung in state["gone"]]
        self._values = {int(climber): self.setting.space.unpack(values)
                        for climber, values in state["values"].items()}

    def _due(self, rung: int) -> int | None:
        """The best of those that may climb from this rung and have not."""
        known = sorted(self._known[rung])
        may = known[: len(known) // self.options.eta]
        return next((climber for loss, climber in may
                     if climber not in self._gone[rung] and loss < float("inf")), None)

    def _suggest(self, climber: int, rung: int) -> Suggestion:
        number, self._asked = self._asked, self._asked + 1
        return suggested(number, self._values[climber], self.rungs[rung],
                         {"rung": rung, "climber": climber})
