"""Grid search: every combination of a few values of each setting."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from wholefit.base import seeds
from wholefit.base.errors import ParameterError
from wholefit.base.params import Params, param
from wholefit.training.tuning._strategy import Setting, Suggestion
from wholefit.training.tuning.space import MODEL

_MOST = 1_000_000


class Grid:
    """All combinations, in an order drawn at random, so that what was tried by the time a budget
    ends is spread over the whole grid.
    """

    name: ClassVar[str] = "grid"
    summary: ClassVar[str] = (
        "Tries every combination: for a few settings with a few values each, where the whole "
        "picture is wanted; its cost multiplies with every setting.")

    @dataclass(frozen=True)
    class Options(Params):
        """How fine it is."""

        resolution: int = param(
            3, "Values of a setting that is given as a range or a distribution.", low=1,
            high=1000)
        shuffled: bool = param(True, "In a random order; else the last setting changes first.")

    def __init__(self, setting: Setting, options: Options) -> None:
        self.setting, self.options = setting, options
        self._asked = 0
        self._points = self._grid()
        size = sum(_product(points) for _, points in self._points)
        if size > _MOST:
            raise ParameterError(
                f"the grid has {size:,} combinations; give fewer settings or fewer values (a "
                "list each), or say strategy='random'.")
        self.size = size

    def ask(self) -> Suggestion | None:
        """The next combination; None after the last."""
        if self._asked >= self.size:
            return None
        number = self._asked
        self._asked += 1
        return Suggestion(number, self._combination(int(self._order[number])))

    def tell(self, suggestion: Suggestion, loss: float, seconds: float) -> None:
        """The grid stands; nothing is learnt."""

    def state(self) -> dict[str, Any]:
        """How many were asked for."""
        return {"asked": self._asked}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._asked = int(state["asked"])

    @cached_property
    def _order(self) -> Any:
        import numpy as np

        if not self.options.shuffled:
            return np.arange(self.size)
        return seeds.generator(self.setting.seed, "grid").permutation(self.size)

    def _grid(self) -> list[tuple[str, dict[str, tuple[Any, ...]]]]:
        """Of each model, the values of each of its dimensions."""
        space = self.setting.space
        return [(label, {name: space.dims[name].steps(self.options.resolution)
                         for name in space.active(label) if name != MODEL})
                for label in space.models]

    def _combination(self, index: int) -> dict[str, Any]:
        place = 0
        while index >= _product(self._points[place][1]):
            index -= _product(self._points[place][1])
            place += 1
        label, points = self._points[place]
        values: dict[str, Any] = {}
        for name in reversed(points):
            index, step = divmod(index, len(points[name]))
            values[name] = points[name][step]
        first = {MODEL: label} if MODEL in self.setting.space.dims else {}
        return {**first, **{name: values[name] for name in points}}


def _product(points: dict[str, tuple[Any, ...]]) -> int:
    found = 1
    for values in points.values():
        found *= len(values)
    return found
