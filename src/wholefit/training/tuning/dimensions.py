"""Dimensions of a search space: what one setting may be, and how likely each value is.

Every dimension maps the unit interval onto its values by its quantile function, so that drawing,
mutating, spreading points evenly and measuring importance need to know numbers in [0, 1] only.

>>> Real(0.01, 1.0, log=True).at(0.5)
0.1
>>> Choice(("a", "b", "c")).at(0.99)
'c'
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

from wholefit.base.errors import ParameterError

# Of an unbounded distribution, the points at equal steps start and end here.
_TAIL = 0.01
_PLAIN = (bool, int, float, str, type(None))


class Dimension(Protocol):
    """What one setting may be."""

    def at(self, place: float) -> Any:
        """The value below which the share `place`, in [0, 1], of draws lies."""
        ...

    def place(self, value: Any) -> float:
        """Where in [0, 1] a value lies: `at(place(v)) == v` up to rounding; ParameterError if it
        is none of the dimension's.
        """
        ...

    def steps(self, most: int) -> tuple[Any, ...]:
        """At most `most` values that cover the dimension evenly; all of them if it lists them."""
        ...

    def to_json(self) -> dict[str, Any]:
        """JSON-able form, for a study to know its space again."""
        ...


@dataclass(frozen=True)
class Choice:
    """One of a few values, each as likely; they must be plain or tuples of plain values."""

    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise ParameterError("a choice must have at least one option; got none.")
        for option in self.options:
            if not _is_plain(option):
                raise ParameterError("options must be numbers, words, True, False, None or tuples "
                                     f"of them; got {option!r}.")
        if len({_key(option) for option in self.options}) < len(self.options):
            raise ParameterError(f"options must differ; got {self.options!r}.")

    def at(self, place: float) -> Any:
        """The option whose equal share of [0, 1] holds `place`."""
        return self.options[min(int(place * len(self.options)), len(self.options) - 1)]

    def place(self, value: Any) -> float:
        """The middle of the option's share."""
        for index, option in enumerate(self.options):
            if _key(option) == _key(value):
                return (index + 0.5) / len(self.options)
        raise ParameterError(f"must be one of {list(self.options)!r}; got {value!r}.")

    def steps(self, most: int) -> tuple[Any, ...]:
        """All options: a list is what was asked for."""
        return self.options

    def to_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"kind": "choice", "options": [jsonable(option) for option in self.options]}


@dataclass(frozen=True)
class Real:
    """A number between two bounds, even or, with `log`, even in its logarithm."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high, self.log)

    def at(self, place: float) -> float:
        """The quantile."""
        if not self.log:
            return self.low + place * (self.high - self.low)
        found = math.exp(math.log(self.low) + place * (math.log(self.high) - math.log(self.low)))
        return min(max(float(f"{found:.12g}"), self.low), self.high)

    def place(self, value: Any) -> float:
        """The share of draws below the value."""
        number = _number(value, self.low, self.high)
        if self.log:
            return (math.log(number) - math.log(self.low)) / (
                math.log(self.high) - math.log(self.low))
        return (number - self.low) / (self.high - self.low)

    def steps(self, most: int) -> tuple[Any, ...]:
        """`most` values from end to end, even in the dimension's scale."""
        return tuple(self.at(place) for place in _even(most))

    def to_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"kind": "real", "low": self.low, "high": self.high, "log": self.log}


@dataclass(frozen=True)
class Whole:
    """A whole number between two bounds, both included; `log` makes its logarithm even."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high, self.log)

    def at(self, place: float) -> int:
        """The quantile; each number has its share of [low - 1/2, high + 1/2]."""
        low, high = self.low - 0.5, self.high + 0.5
        if self.log:
            found = math.exp(math.log(low) + place * (math.log(high) - math.log(low)))
        else:
            found = low + place * (high - low)
        return int(min(max(math.floor(found + 0.5), self.low), self.high))

    def place(self, value: Any) -> float:
        """The middle of the number's share."""
        number = _number(value, self.low, self.high)
        if number != int(number):
            raise ParameterError(f"must be a whole number; got {value!r}.")
        low, high = self.low - 0.5, self.high + 0.5
        if self.log:
            ends = [(math.log(number + half) - math.log(low)) / (math.log(high) - math.log(low))
                    for half in (-0.5, 0.5)]
            return sum(ends) / 2
        return (number - low) / (high - low)

    def steps(self, most: int) -> tuple[Any, ...]:
        """At most `most` different numbers from end to end, even in the dimension's scale."""
        line = Real(self.low, self.high, self.log)
        return tuple(dict.fromkeys(round(line.at(place)) for place in _even(most)))

    def to_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"kind": "whole", "low": self.low, "high": self.high, "log": self.log}


@dataclass(frozen=True)
class Distribution:
    """A number drawn from a distribution: a frozen one of scipy.stats, or what has `ppf` and `cdf`.

    `whole` rounds to the nearest whole number (always for discrete distributions).
    """

    law: Any
    whole: bool = False

    def __post_init__(self) -> None:
        if not (hasattr(self.law, "ppf") and hasattr(self.law, "cdf")):
            raise ParameterError("a distribution must have ppf and cdf, as the frozen ones of "
                                 f"scipy.stats do; got {self.law!r}.")
        if not math.isfinite(float(self.law.ppf(0.5))):
            raise ParameterError(f"a distribution must have a median; got {self.law!r}.")

    def at(self, place: float) -> float | int:
        """The quantile; the ends, which may be infinite, are cut off at a millionth."""
        found = float(self.law.ppf(min(max(place, 1e-6), 1 - 1e-6)))
        return round(found) if self._is_whole() else found

    def place(self, value: Any) -> float:
        """The share of draws below the value."""
        number = _number(value, -math.inf, math.inf)
        return float(self.law.cdf(number))

    def steps(self, most: int) -> tuple[Any, ...]:
        """At most `most` quantiles, from the 1st to the 99th percentile."""
        places = (_TAIL + place * (1 - 2 * _TAIL) for place in _even(most))
        return tuple(dict.fromkeys(self.at(place) for place in places))

    def to_json(self) -> dict[str, Any]:
        """What can be told of it: its name, its arguments and a few quantiles."""
        kind = getattr(getattr(self.law, "dist", None), "name", type(self.law).__name__)
        return {"kind": "distribution", "law": str(kind), "whole": self._is_whole(),
                "quantiles": [self.at(place) for place in (0.05, 0.5, 0.95)]}

    def _is_whole(self) -> bool:
        return self.whole or hasattr(self.law, "pmf")


def jsonable(value: Any) -> Any:
    """Tuples as lists, as JSON has them."""
    return [jsonable(item) for item in value] if isinstance(value, tuple) else value


def _even(most: int) -> list[float]:
    return [0.5] if most == 1 else [index / (most - 1) for index in range(most)]


def _check_bounds(low: float, high: float, log: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ParameterError(f"a range must run from a lower to a higher number; got {low!r} to "
                             f"{high!r}: for one value only, give that value.")
    if log and low <= 0:
        raise ParameterError(f"a range on a log scale must start above 0; got {low!r}.")


def _number(value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ParameterError(f"must be a number between {low:g} and {high:g}; got {value!r}.")
    return float(value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(item) for item in value)
    return isinstance(value, _PLAIN) and value == value


def _key(value: Any) -> Any:
    """What tells options apart: 1, 1.0 and True are three."""
    if isinstance(value, (tuple, list)):
        return tuple(_key(item) for item in value)
    return type(value).__name__, value
