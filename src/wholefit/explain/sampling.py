"""Shapley values of columns for any model, from its answers to composed rows alone.

What a set of columns is worth is the mean answer over the background with those columns taken
from the row. With few columns every set is asked, and the values are exact for that background.
With more, columns are taken over one by one in random orders, each order also backwards, once for
every row of the background in a pass (Strumbelj and Kononenko 2014; antithetic orders: Mitchell
et al. 2022, "Sampling permutations for Shapley value estimation"). Passes are repeated until the
standard error of each value is small beside the largest, or the evaluations allowed are spent.

Orders change from pass to pass and not from row to row, so a row's values do not hang on the rows
beside it. Each order adds up to the difference between the row's answer and that of its background
row; so do their means, and the values add up exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from wholefit.base.events import emit
from wholefit.base.seeds import generator
from wholefit.explain.pool import Pool

_ENUMERATED = 10  # columns up to which all 2^d sets may be asked
_CELLS = 4_000_000  # row numbers of composed rows that are written at once
_LEAST_PASSES = 2

Ask = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Sampled:
    """Values and standard errors (n, columns, outputs), the start (outputs,), and the cost.

    `enumerated`: every set was asked, and there is no error; `evaluations` counts composed rows
    that the model was asked.
    """

    values: np.ndarray
    errors: np.ndarray
    base: np.ndarray
    enumerated: bool
    evaluations: int


def enumerable(columns: int, background: int, evaluations: int) -> bool:
    """Whether every set of so many columns can be asked within the evaluations of a row."""
    return columns <= _ENUMERATED and (1 << columns) * background <= evaluations


def affordable(columns: int, most: int, evaluations: int) -> int:
    """How many background rows the evaluations of a row allow two passes over; at least 10."""
    return min(most, max(10, evaluations // (4 * max(1, columns))))


def active(pool: Pool) -> np.ndarray:
    """Which columns can matter to the model at all, by place: some feature comes from them."""
    if not pool.separable:
        return np.arange(len(pool.columns))
    return np.array([at for at, made in enumerate(pool.groups) if len(made)], dtype=np.intp)


def sampled(
    pool: Pool, rows: np.ndarray, background: np.ndarray, *, evaluations: int,
    precision: float, seed: int,
) -> Sampled:
    """Shapley values of these rows of the pool, compared with those of its rows.

    `evaluations` is what one row may cost; `precision` the standard error that is small enough,
    as a share of the row's largest value.
    """
    places = active(pool)
    ask = _asking(pool)
    start = ask(pool.own(background))
    shape = (len(rows), len(pool.columns), start.shape[1])
    values, errors, spent = np.zeros(shape), np.zeros(shape), len(background)
    whole = enumerable(len(places), len(background), evaluations)
    ends = ask(pool.own(rows)) if len(rows) else np.zeros((0, start.shape[1]))
    orders = _Orders(len(places), len(background), seed)
    for at, row in enumerate(rows):
        emit("explain_step", step=f"asking about row {at + 1:,} of {len(rows):,}")
        asked = _Row(pool, ask, int(row), background, places, start, ends[at])
        if whole:
            values[at, places], cost = asked.enumerated(), (1 << len(places)) * len(background)
        else:
            values[at, places], errors[at, places], cost = asked.permuted(
                orders, evaluations, precision)
        spent += cost
    return Sampled(values, errors, start.mean(axis=0), whole, spent)


def _asking(pool: Pool) -> Ask:
    def ask(take: np.ndarray) -> np.ndarray:
        found = pool.answer(take)
        return found[:, None] if found.ndim == 1 else found

    return ask


class _Orders:
    """Ranks (background, columns) of columns in the orders of each pass, made once."""

    def __init__(self, columns: int, background: int, seed: int) -> None:
        self._columns, self._background, self._seed = columns, background, seed
        self._made: list[np.ndarray] = []

    def ranks(self, turn: int) -> np.ndarray:
        while len(self._made) <= turn:
            draw = generator(self._seed, "orders", len(self._made))
            self._made.append(draw.permuted(
                np.tile(np.arange(self._columns), (self._background, 1)), axis=1))
        return self._made[turn]


@dataclass(frozen=True, eq=False)
class _Row:
    """One row to explain: `start` (background, outputs) and `end` (outputs,) are known answers."""

    pool: Pool
    ask: Ask
    row: int
    background: np.ndarray
    places: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def enumerated(self) -> np.ndarray:
        """Values (places, outputs) from every set of columns."""
        count = len(self.places)
        sets = (np.arange(1 << count)[:, None] >> np.arange(count) & 1).astype(bool)
        worth = np.concatenate([
            self._asked(np.repeat(part, len(self.background), axis=0),
                        np.tile(self.background, len(part)))
            .reshape(len(part), len(self.background), -1).mean(axis=1)
            for part in self._parts(sets, len(self.background))])
        return _shapley(worth, count)

    def permuted(
        self, orders: _Orders, evaluations: int, precision: float
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """Values and errors (places, outputs), and how many rows were asked."""
        first = np.zeros((len(self.background), len(self.places), len(self.end)))
        square, turn, spent = np.zeros_like(first), 0, 0
        cost = 2 * max(0, len(self.places) - 1) * len(self.background)
        while turn < _LEAST_PASSES or spent + cost <= evaluations:
            found = self._pass(orders.ranks(turn))
            first += found
            square += found ** 2
            turn, spent = turn + 1, spent + cost
            if turn < _LEAST_PASSES:
                continue
            values = first.mean(axis=0) / turn
            errors = _errors(first, square, turn)
            if errors.max(initial=0) <= precision * np.abs(values).max(initial=0):
                break
        return values, errors, spent

    def _pass(self, ranks: np.ndarray) -> np.ndarray:
        """What each column adds (background, places, outputs), over an order and its reverse."""
        forth = self._walked(ranks)
        back = self._walked(len(self.places) - 1 - ranks)
        return (forth + back) / 2

    def _walked(self, ranks: np.ndarray) -> np.ndarray:
        count = len(self.places)
        if not count:
            return np.zeros((len(ranks), 0, len(self.end)))
        steps = np.arange(1, count)[:, None]
        met = []
        for part in self._parts(np.arange(len(ranks)), max(1, count - 1)):
            taken = (ranks[part][:, None, :] < steps).reshape(-1, count)
            lent = np.repeat(self.background[part], count - 1)
            met.append(self._asked(taken, lent).reshape(len(part), count - 1, len(self.end)))
        between = np.concatenate(met)
        ends = np.broadcast_to(self.end, (len(ranks), 1, len(self.end)))
        walk = np.concatenate([self.start[:, None], between, ends], axis=1)
        return np.take_along_axis(np.diff(walk, axis=1), ranks[:, :, None], axis=1)

    def _asked(self, taken: np.ndarray, lent: np.ndarray) -> np.ndarray:
        """Answers to rows that take these places (m, places) from the row, the rest from `lent`."""
        take = np.repeat(lent[:, None], len(self.pool.columns), axis=1)
        take[:, self.places] = np.where(taken, self.row, take[:, self.places])
        return self.ask(take) if len(take) else np.zeros((0, len(self.end)))

    def _parts(self, whole: np.ndarray, each: int) -> Iterator[np.ndarray]:
        """Stretches of `whole` whose composed rows, `each` of them an entry, fit in memory."""
        step = max(1, _CELLS // (each * max(1, len(self.pool.columns))))
        return (whole[at:at + step] for at in range(0, len(whole), step))


def _errors(first: np.ndarray, square: np.ndarray, turns: int) -> np.ndarray:
    """Standard errors (places, outputs) of the values, from how passes differ in each stratum."""
    spread = np.maximum(square - first ** 2 / turns, 0) / (turns - 1)
    return np.asarray(np.sqrt(spread.sum(axis=0) / turns) / len(first))


def _shapley(worth: np.ndarray, count: int) -> np.ndarray:
    """Shapley values (count, outputs) from what every set (2^count, outputs) is worth."""
    from math import factorial

    sets = np.arange(1 << count)
    sizes = np.array([bin(each).count("1") for each in sets])
    weights = np.array([factorial(size) * factorial(count - size - 1) / factorial(count)
                        for size in range(count)])
    found = np.zeros((count, worth.shape[1]))
    for at in range(count):
        without = sets[(sets >> at & 1) == 0]
        found[at] = weights[sizes[without]] @ (worth[without | 1 << at] - worth[without])
    return found
