"""Successive halving: many configurations on little, the best of them on more."""

from __future__ import annotations

from typing import Any, ClassVar

from wholefit.training.tuning._strategy import Setting, Suggestion
from wholefit.training.tuning.strategies._rungs import BRACKET, Climb, fresh, rungs, suggested

_LAST = 3


class Halving:
    """Brackets of rungs (Jamieson and Talwalkar 2016): of those tried at a rung the best 1/eta
    climb, once all of the rung are known. When a bracket has ended the next one begins.
    """

    name: ClassVar[str] = "halving"
    summary: ClassVar[str] = (
        "Gives many configurations a fold or a part of the rows, and the best of them more: for "
        "large data, where one full trial is dear; waits for a rung to end before it climbs.")

    Options = Climb

    def __init__(self, setting: Setting, options: Climb) -> None:
        self.setting, self.options = setting, options
        self.rungs = rungs(setting, options.eta, options.least)
        self._asked = self._fresh = 0
        self._rung = 0
        self._waiting: list[dict[str, Any]] = []
        self._open: dict[int, dict[str, Any]] = {}
        self._told: list[tuple[float, int, dict[str, Any]]] = []

    def ask(self) -> Suggestion | None:
        """The next of this rung; None while others of the rung are untold."""
        if not self._waiting and not self._open:
            self._climb()
        if not self._waiting:
            return None
        values = self._waiting.pop(0)
        number, self._asked = self._asked, self._asked + 1
        self._open[number] = values
        return suggested(number, values, self.rungs[self._rung], {"rung": self._rung})

    def tell(self, suggestion: Suggestion, loss: float, seconds: float) -> None:
        """Kept until the rung is complete."""
        values = self._open.pop(suggestion.number, None)
        if values is not None:
            self._told.append((loss, suggestion.number, values))

    def state(self) -> dict[str, Any]:
        """The rung that is being climbed, and what is known of it."""
        pack = self.setting.space.packed
        return {"asked": self._asked, "fresh": self._fresh, "rung": self._rung,
                "waiting": [pack(values) for values in self._waiting],
                "open": {str(number): pack(values) for number, values in self._open.items()},
                "told": [[loss, number, pack(values)] for loss, number, values in self._told]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        unpack = self.setting.space.unpack
        self._asked, self._fresh = int(state["asked"]), int(state["fresh"])
        self._rung = int(state["rung"])
        self._waiting = [unpack(values) for values in state["waiting"]]
        self._open = {int(number): unpack(values) for number, values in state["open"].items()}
        self._told = [(float(loss), int(number), unpack(values))
                      for loss, number, values in state["told"]]

    def _climb(self) -> None:
        """Fill the next rung with the best of this one; or begin a bracket."""
        top = len(self.rungs) - 1
        best = sorted(self._told, key=lambda one: one[:2])
        if best and self._rung < top:
            self._rung += 1
            keep = max(1, len(best) // self.options.eta)
        else:
            self._rung, keep = 0, 0
            begin = self._fresh
            self._fresh += self._width()
            self._waiting = [fresh(self.setting, number) for number in range(begin, self._fresh)]
        if keep:
            self._waiting = [values for _, _, values in best[:keep]]
        self._told = []

    def _width(self) -> int:
        """How many begin a bracket: as many as the trials left allow, or so that 3 finish it."""
        eta, levels = self.options.eta, len(self.rungs)
        usual = _LAST * eta ** (levels - 1)
        if self.setting.trials is None:
            if self.setting.room is None:
                return usual
            return min(usual, max(1, int(BRACKET * self.setting.room * eta ** (levels - 1)
                                         / levels)))
        left = self.setting.trials - self._asked
        width = 1
        while width < usual * eta and _bracket(width + 1, eta, levels) <= left:
            width += 1
        return width


def _bracket(width: int, eta: int, levels: int) -> int:
    """Trials of a whole bracket that begins with so many."""
    total = 0
    for _ in range(levels):
        total += width
        width = max(1, width // eta)
    return total
