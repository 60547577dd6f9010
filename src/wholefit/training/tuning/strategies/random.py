"""Random search: configurations drawn one by one, each from its own stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base import seeds
from wholefit.base.params import Params, param
from wholefit.training.tuning._strategy import Suggestion
from wholefit.training.tuning.strategies._distinct import Distinct

# Draws of one suggestion before a small space counts as used up.
_TRIES = 200


class Random(Distinct):
    """Independent draws (Bergstra and Bengio 2012), the models' defaults first."""

    name: ClassVar[str] = "random"
    summary: ClassVar[str] = (
        "Draws every setting anew: hard to beat for the first dozens of trials, when many "
        "settings hardly matter, and when several machines search.")

    @dataclass(frozen=True)
    class Options(Params):
        """How it draws."""

        defaults: bool = param(True, "Begin with each model's defaults.")

    def tell(self, suggestion: Suggestion, loss: float, seconds: float) -> None:
        """It learns nothing from what became of earlier draws."""

    def _candidates(self) -> Iterator[dict[str, Any]]:
        """The defaults, then draws."""
        space = self.setting.space
        if self.options.defaults:
            yield from (space.usual(label) for label in space.models)
        for attempt in range(_TRIES):
            yield space.draw(seeds.generator(
                self.setting.seed, "random search", self._asked, attempt))
