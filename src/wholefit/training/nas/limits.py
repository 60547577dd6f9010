"""Limits of an architecture's price, and the part of a space that lies within them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.budget import Budget, Clock
from wholefit.models import Model
from wholefit.training.nas.cells import Cells
from wholefit.training.tuning._ground import configured
from wholefit.training.tuning.dimensions import Choice
from wholefit.training.tuning.space import Space

# What the size and the pace of a network hang on: numbers, of which less is never dearer ...
NUMBERS = ("width", "filters", "repeat", "stages")
# ... and words, the least telling first.
WORDS = ("activation", "norm", "embedding", "cell")
# Draws before one is made smaller: those that fit as they are stay as likely as in the space.
_FRESH = 5
# How far from what was drawn to the smallest numbers a network is moved, step by step.
_STEPS = (0.25, 0.5, 0.75, 1.0)
# In this last part of the time no network is timed any more, and timing has this part of it.
_HURRY, _TIMING = 0.1, 0.3


@dataclass(eq=False)
class Limit:
    """The most parameters, the most seconds for 1,000 rows, or both; with the clock of the search.

    `prices` has `parameters(model)` and `latency(model, limit)`. `fits` is what was found to keep
    the limit: of each, the values that its price hangs on.
    """

    prices: Any
    parameters: int | None = None
    latency: float | None = None
    clock: Clock = field(default_factory=lambda: Clock(Budget()))
    fits: dict[str, dict[str, Any]] = field(default_factory=dict)
    _known: dict[str, float] = field(default_factory=dict)
    _timing: float = 0.0

    def __post_init__(self) -> None:
        left = self.clock.left()
        self._ends, self._most = (
            (_HURRY * left, _TIMING * left) if math.isfinite(left) else (0.0, math.inf))

    @property
    def hurried(self) -> bool:
        """True where there is no time left to time another network, or timing has had its part."""
        return self.latency is not None and (
            self.clock.left() <= self._ends or self._timing >= self._most)

    def times(self, model: Model) -> float:
        """How many times its limit a model's price is, the dearer of its prices."""
        found = 0.0
        if self.parameters is not None:
            found = self.prices.parameters(model) / self.parameters
        if self.latency is not None and found <= 1:
            before = self.clock.left()
            found = max(found, self.prices.latency(model, self.latency) / self.latency)
            if math.isfinite(before):
                self._timing += before - self.clock.left()
        return found

    def admits(self, model: Model, values: dict[str, Any], key: str) -> bool:
        """True if the model is within the limit; False, too, where time lacks to find out.

        `values` are what its price hangs on, `key` the same as text.
        """
        if key not in self._known:
            if self.hurried:
                return False
            self._known[key] = self.times(model)
            if self._known[key] <= 1:
                self.fits[key] = values
        return self._known[key] <= 1

    def price(self, model: Model) -> str:
        """What the model costs, in words, of what is limited and beyond it."""
        if self.parameters is not None:
            found = self.prices.parameters(model)
            if found > self.parameters or self.latency is None:
                return f"has {found:,}"
        return f"takes {self.prices.latency(model, self.latency):.2g} s"

    def __str__(self) -> str:
        said = [] if self.parameters is None else [f"at most {self.parameters:,} parameters"]
        if self.latency is not None:
            said.append(f"answers to 1,000 rows in {self.latency:g} s")
        return " and ".join(said)


@dataclass(frozen=True)
class Limited(Space):
    """A space of one model of which only a part is allowed: what is drawn lies in it.

    `limit` is what a network must keep; `least`, what the price of one that keeps it hangs on: what
    is too large is moved towards it.
    """

    limit: Limit = field(default_factory=lambda: Limit(None), repr=False)
    least: dict[str, Any] = field(default_factory=dict, repr=False)

    def allows(self, values: Mapping[str, Any]) -> bool:
        """True if the configuration keeps the limit."""
        known = priced(self, values)
        return self.limit.admits(configured(self, values), known, self.key(known))

    def signature(self) -> str:
        """Text that differs for spaces, and for limits, that differ."""
        return f"{super().signature()}; {self.limit}"

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """A configuration at random among those allowed; in a hurry, of a size known to be."""
        values = super().draw(rng)
        for _ in range(_FRESH - 1):
            if self.limit.hurried:
                known = list(self.limit.fits.values()) or [self.least]
                return {**values, **known[int(rng.integers(len(known)))]}
            if self.allows(values):
                return values
            values = super().draw(rng)
        return self.admitted(values)

    def admitted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration, made smaller where it is too large: its numbers first, then words."""
        if self.limit.hurried:
            return {**values, **self.least}
        return next((each for each in (dict(values), *self._smaller(values)) if self.allows(each)),
                    {**values, **self.least})

    def _smaller(self, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Smaller and smaller ones, as near as can be to what was asked for.

        It is looked at the smallest numbers first: where they do not help, the words must go.
        """
        words = [name for name in _sizes(self, WORDS) if name in self.least]
        for end in range(len(words) + 1):
            kept = {**values, **{name: self.least[name] for name in words[:end]}}
            if self.allows(self._moved(kept, 1.0)):
                yield from (self._moved(kept, share) for share in _STEPS)

    def _moved(self, values: dict[str, Any], share: float) -> dict[str, Any]:
        """Its numbers a share of the way to the least."""
        found = dict(values)
        for name in _sizes(self, NUMBERS):
            dim = self.dims[name]
            here, there = dim.place(values[name]), dim.place(self.least[name])
            found[name] = self.least[name] if share == 1 else dim.at(here + share * (there - here))
        return found


def smallest(space: Space, limit: Limit) -> tuple[dict[str, Any], float]:
    """The cheapest network that a search word by word finds, as the values that its price hangs on,
    and how many times the limit it costs. It ends with the first that keeps the limit, or with the
    time.
    """
    numbers = {name: _low(space, name) for name in _sizes(space, NUMBERS)}
    best = {**space.usual(), **numbers}
    for name in _sizes(space, ("cell",)):
        best[name] = _words(space, name)[0]
    cost = limit.times(configured(space, best))
    for name in reversed(_sizes(space, WORDS)):
        for word in _words(space, name):
            if cost <= 1 or limit.hurried:
                break
            tried = {**best, name: word}
            found = limit.times(configured(space, tried))
            if found < cost:
                best, cost = tried, found
    return priced(space, best), cost


def priced(space: Space, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a network's price hangs on: its sizes, and what comes before it, such as a
    degree of the encoding, or features.
    """
    sizes = set(_sizes(space, (*NUMBERS, *WORDS)))
    own = f"{space.label(values)}."
    return {name: value for name, value in values.items()
            if name in sizes or not name.startswith(own)}


def _sizes(space: Space, names: tuple[str, ...]) -> list[str]:
    """The space's dimensions of those names, in full."""
    label = next(iter(space.models))
    return [full for name in names if (full := f"{label}.{name}") in space.dims]


def _low(space: Space, name: str) -> Any:
    dim = space.dims[name]
    return min(dim.options) if isinstance(dim, Choice) else dim.at(0.0)


def _words(space: Space, name: str) -> list[Any]:
    """What a word may be; of cells, those of the fewest nodes."""
    options = list(space.dims[name].steps(9))
    if isinstance(space.dims[name], Cells):
        options = list(space.dims[name].options)  # type: ignore[attr-defined]
    if name.endswith(".cell"):
        fewest = min(map(len, options))
        options = [cell for cell in options if len(cell) == fewest]
    return options
