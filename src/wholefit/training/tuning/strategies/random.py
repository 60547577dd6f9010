"""Random search: configurations drawn one by one, each from its own stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base import seeds
from wholefit.base.params import Params, param
from wholefit.training.tuning._strategy import Setting, Suggestion

# Draws of one suggestion before a small space counts as used up.
_TRIES = 200


class Random:
    """Independent draws (Bergstra and Bengio 2012), the models' defaults first."""

    name: ClassVar[str] = "random"
    summary: ClassVar[str] = (
        "Draws every setting anew: hard to beat for the first dozens of trials, when many "
        "settings hardly matter, and when several machines search.")

    @dataclass(frozen=True)
    class Options(Params):
        """How it draws."""

        defaults: bool = param(True, "Begin with each model's defaults.")

    def __init__(self, setting: Setting, options: Options) -> None:
        self.setting, self.options = setting, options
        self._asked = 0
        self._keys: set[str] = set()

    def ask(self) -> Suggestion | None:
        """The next draw that is not the same as one before; None when a finite space is used up."""
        space = self.setting.space
        if len(self._keys) >= space.size():
            return None
        for values in self._drawn():
            key = space.key(values)
            if key not in self._keys:
                self._keys.add(key)
                self._asked += 1
                return Suggestion(self._asked - 1, values)
        return None

    def tell(self, suggestion: Suggestion, loss: float, seconds: float) -> None:
        """It learns nothing from what became of earlier draws."""

    def state(self) -> dict[str, Any]:
        """How many were asked for, and which."""
        return {"asked": self._asked, "keys": sorted(self._keys)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._asked, self._keys = int(state["asked"]), set(state["keys"])

    def _drawn(self) -> Any:
        """Candidates for the next suggestion."""
        space = self.setting.space
        if self.options.defaults:
            yield from (space.usual(label) for label in space.models)
        for attempt in range(_TRIES):
            yield space.draw(seeds.generator(
                self.setting.seed, "random search", self._asked, attempt))
