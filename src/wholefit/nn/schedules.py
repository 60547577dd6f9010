"""How the rate goes over the steps, as a pure function of where a run is; and the plan of a run.

Every schedule gives the same numbers as torch's scheduler of that kind (the tests compare them),
but knows nothing of what went before: a resumed run goes on exactly, and a run under a clock may
change its planned length and still end where the schedule ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wholefit.base.budget import Clock
from wholefit.nn.recipe import Recipe

# Loshchilov and Hutter 2016 (cosine), Smith and Topin 2017 (one cycle, with torch's numbers).
_START, _END, _RISE = 25.0, 1e4, 0.3


def factor(recipe: Recipe) -> Callable[[float, int], float]:
    """`at(step, total)`: what the rate is multiplied with at that step of that many."""
    main = _MAIN[recipe.schedule]

    def at(step: float, total: int) -> float:
        if recipe.schedule == "one_cycle":
            return _one_cycle(step, total, recipe.warmup or _RISE)
        warm = math.ceil(recipe.warmup * total)
        if step < warm:
            return (step + 1) / (warm + 1)
        return main(step - warm, max(1, total - warm), recipe)

    return at


def _constant(step: float, total: int, recipe: Recipe) -> float:
    return 1.0


def _step(step: float, total: int, recipe: Recipe) -> float:
    return recipe.drop ** (int(step) // max(1, round(recipe.every * total)))


def _cosine(step: float, total: int, recipe: Recipe) -> float:
    return (1 + math.cos(math.pi * min(1.0, step / total))) / 2


def _linear(step: float, total: int, recipe: Recipe) -> float:
    return 1 - min(1.0, step / total)


def _coslog4(step: float, total: int, recipe: Recipe) -> float:
    """Four waves, each twice as long as the one before (Holzmüller and others 2024)."""
    return (1 - math.cos(2 * math.pi * math.log2(1 + 15 * min(1.0, step / total)))) / 2


def _one_cycle(step: float, total: int, rise: float) -> float:
    top, last = rise * total - 1, total - 1
    if top > 0 and step <= top:
        return _between(1 / _START, 1.0, step / top)
    if last <= top:
        return 1.0
    return _between(1.0, 1 / (_START * _END), min(1.0, (step - max(top, 0)) / (last - max(top, 0))))


def _between(first: float, second: float, share: float) -> float:
    return second + (first - second) / 2 * (1 + math.cos(math.pi * share))


_MAIN: dict[str, Callable[[float, int, Recipe], float]] = {
    "constant": _constant, "plateau": _constant, "one_cycle": _constant, "step": _step,
    "cosine": _cosine, "linear": _linear, "coslog4": _coslog4,
}


class Plan:
    """How many updates a run will make, and where in its schedule it is.

    Without a limit of time, `total` is known and the place is the number of updates done. With one,
    the speed is measured as the run goes, and `total` becomes what fits; the place moves on so that
    it reaches the end when the time is up. `changes` are the (update, total) at which that
    happened: given to another run, it does the same by count.
    """

    def __init__(
        self, total: int, clock: Clock | None = None, *,
        changes: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.total, self.done = total, 0
        self.changes: list[tuple[int, int]] = []
        self._most, self._clock = total, clock
        self._given = dict(changes)
        self._from, self._share = 0, 0.0
        self._next, self._began, self._first = 8, -1.0, 1

    def place(self) -> float:
        """Where the coming update stands among `total`, counted from nought."""
        if not self.changes:
            return float(self.done)
        rest = max(1, self.total - self._from)
        share = self._share + (1 - self._share) * (self.done - self._from) / rest
        return share * self.total

    def advance(self) -> None:
        """One more update was made."""
        self.done += 1
        if self._given:
            if self.done in self._given:
                self._change(self._given[self.done])
        elif self._clock is not None and self._clock.budget.seconds is not None:
            self._look()

    def _look(self) -> None:
        clock = self._clock
        assert clock is not None
        if self._began < 0:  # the first update is slow, and not counted
            self._began, self._first = clock.spent(), self.done
        if self.done < self._next or self.done <= self._first:
            return
        each = (clock.spent() - self._began) / (self.done - self._first)
        fits = self.done + max(1, int(clock.left() / max(each, 1e-9)))
        self._next = max(self._next * 2, self._next + fits // 20) if self.done < fits // 20 \
            else self._next + max(8, fits // 20)
        total = min(self._most, fits)
        if abs(total - self.total) > 0.01 * self.total:
            self._change(total)

    def _change(self, total: int) -> None:
        self._share = min(1.0, self.place() / self.total)
        self._from, self.total = self.done, total
        self.changes.append((self.done, total))

    def state_dict(self) -> dict[str, Any]:
        """Counts and changes."""
        return {"total": self.total, "done": self.done, "from": self._from, "share": self._share,
                "changes": [list(pair) for pair in self.changes]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there; a clock is measured anew."""
        self.total, self.done = int(state["total"]), int(state["done"])
        self._from, self._share = int(state["from"]), float(state["share"])
        self.changes = [(int(a), int(b)) for a, b in state["changes"]]
        self._next, self._began = self.done + 8, -1.0


class Plateau:
    """The rate drops when a figure has not become better for some epochs (as torch's does)."""

    def __init__(self, drop: float, wait: int, *, larger: bool = False) -> None:
        self.factor = 1.0
        self._drop, self._wait, self._larger = drop, wait, larger
        self._best, self._bad = math.inf, 0

    def look(self, figure: float) -> None:
        """One epoch's figure."""
        value = -figure if self._larger else figure
        # Better by one part in ten thousand, torch's default.
        bound = self._best - 1e-4 * abs(self._best) if math.isfinite(self._best) else self._best
        if value < bound:
            self._best, self._bad = value, 0
        else:
            self._bad += 1
        if self._bad > self._wait:
            self.factor, self._bad = self.factor * self._drop, 0

    def state_dict(self) -> dict[str, Any]:
        """Best and counts."""
        return {"factor": self.factor, "best": self._best, "bad": self._bad}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.factor, self._best = float(state["factor"]), float(state["best"])
        self._bad = int(state["bad"])
