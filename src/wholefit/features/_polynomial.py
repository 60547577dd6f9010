"""Products and powers of numeric columns."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement, pairwise
from math import comb

import numpy as np

from wholefit.base.errors import ParameterError

MOST = 5000
"""More terms than this cost more than they tell; the error says what to do instead."""


class Terms:
    """All products of 2..degree of `columns`, in the order of scikit-learn's PolynomialFeatures.

    Columns in `flags` (0/1) are never multiplied by themselves: their powers say nothing new.
    """

    def __init__(
        self, columns: list[str], flags: list[str], degree: int, distinct: bool
    ) -> None:
        _check_count(len(columns), degree, distinct)
        self.columns, self.flags, self.degree, self.distinct = columns, flags, degree, distinct
        self._combos = _combos(columns, set(flags), degree, distinct)
        self.names = [_name(columns, combo) for combo in self._combos]
        self.sources = ["*".join(dict.fromkeys(columns[i] for i in c)) for c in self._combos]
        self._steps = _steps(len(columns), self._combos)

    def of(self, tile: np.ndarray, limit: float) -> np.ndarray:
        """Terms (terms, rows) of values (columns, rows), kept within +-limit."""
        grown = np.empty((len(tile) + len(self._combos), tile.shape[1]))
        grown[:len(tile)] = tile
        done = len(tile)
        with np.errstate(over="ignore", invalid="ignore"):
            for parents, factors in self._steps:
                block = grown[done:done + len(parents)]
                np.multiply(grown[parents], tile[factors], out=block)
                np.clip(block, -limit, limit, out=block)
                done += len(parents)
        return grown[len(tile):]


def _check_count(columns: int, degree: int, distinct: bool) -> None:
    if distinct:
        count = sum(comb(columns, d) for d in range(2, degree + 1))
    else:
        count = comb(columns + degree, degree) - columns - 1
    if count > MOST:
        raise ParameterError(
            f"Encoding.degree must make at most {MOST:,} terms; {degree} makes {count:,} of "
            f"{columns} numeric columns: lower the degree, set interactions_only=True, or leave "
            "columns out with roles={'name': 'ignored'}."
        )


def _combos(
    columns: list[str], flags: set[str], degree: int, distinct: bool
) -> list[tuple[int, ...]]:
    draw = combinations if distinct else combinations_with_replacement
    flat = {i for i, name in enumerate(columns) if name in flags}
    return [
        combo for d in range(2, degree + 1) for combo in draw(range(len(columns)), d)
        if not any(a == b and a in flat for a, b in pairwise(combo))
    ]


def _steps(columns: int, combos: list[tuple[int, ...]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each degree: every term is an earlier one (its parent) times one column."""
    place: dict[tuple[int, ...], int] = {(i,): i for i in range(columns)}
    place.update({combo: columns + i for i, combo in enumerate(combos)})
    steps = []
    for degree in sorted({len(combo) for combo in combos}):
        mine = [combo for combo in combos if len(combo) == degree]
        steps.append((np.array([place[c[:-1]] for c in mine]), np.array([c[-1] for c in mine])))
    return steps


def _name(columns: list[str], combo: tuple[int, ...]) -> str:
    powers = {i: combo.count(i) for i in combo}
    return "*".join(columns[i] + (f"^{p}" if p > 1 else "") for i, p in powers.items())
