"""What is bought: a column, or several that come together, at a price for each row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wholefit.base.errors import ParameterError, unknown


@dataclass(frozen=True)
class Part:
    """Columns that are had together or not at all, and what a row of them costs."""

    name: str
    columns: tuple[str, ...]
    price: float


@dataclass(frozen=True)
class Parts:
    """What costs something, and the columns that cost nothing and are always kept."""

    paid: tuple[Part, ...]
    free: tuple[str, ...]

    def columns(self, names: Sequence[str]) -> list[str]:
        """The columns there are when these parts are bought."""
        return [*self.free, *(column for part in self.paid if part.name in names
                              for column in part.columns)]

    def price(self, names: Sequence[str]) -> float:
        """What a row costs when these parts are bought."""
        return math.fsum(part.price for part in self.paid if part.name in names)


def parts_of(
    features: Sequence[str], prices: Mapping[str, float] | None,
    together: Mapping[str, Sequence[str]] | None,
) -> Parts:
    """Parts by the prices said: of a column, or of a name in `together`; 1 each if none is said.

    What has no price, where prices are said, is free. ParameterError for a price that is no
    positive number, UnknownNameError for a column that is not learnt from.
    """
    bought = {name: tuple(columns) for name, columns in (together or {}).items()}
    _check_together(features, bought)
    inside = {column for columns in bought.values() for column in columns}
    every = {**bought, **{name: (name,) for name in features if name not in inside}}
    if prices is None:
        prices = dict.fromkeys(every, 1.0)
    for name, price in prices.items():
        if name not in every:
            raise unknown("column or part", name, list(every))
        if isinstance(price, bool) or not isinstance(price, (int, float)) or not (
                0 <= price < math.inf):
            raise ParameterError(f"the price of {name!r} must be a number >= 0; got {price!r}.")
    paid = tuple(Part(name, columns, float(prices[name])) for name, columns in every.items()
                 if prices.get(name, 0) > 0)
    if not paid:
        raise ParameterError("prices must give at least one column a price above 0; got none.")
    kept = {column for part in paid for column in part.columns}
    return Parts(paid, tuple(name for name in features if name not in kept))


def _check_together(features: Sequence[str], bought: Mapping[str, tuple[str, ...]]) -> None:
    seen: dict[str, str] = {}
    for name, columns in bought.items():
        if not columns:
            raise ParameterError(f"together: {name!r} must hold at least one column; got none.")
        for column in columns:
            if column not in features:
                raise unknown("column", column, list(features))
            if column in seen:
                raise ParameterError(f"together: {column!r} must be in one part only; it is in "
                                     f"{seen[column]!r} and {name!r}.")
            seen[column] = name
        if name in features and name not in columns:
            raise ParameterError(f"together: {name!r} is the name of a column that it does not "
                                 "hold; give it another name.")
