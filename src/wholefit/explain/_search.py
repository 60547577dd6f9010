"""The search for counterfactuals: few changes of a row after which the model answers otherwise.

All single changes are asked, then all pairs, then all triples, as long as there are no more of
them than may be asked; beyond, the most promising rows of each number of changes are carried on
(a beam). What reaches the wanted answer is freed of needless changes and brought as near to the
row as it stays reached. All asking is in large blocks.

Sparse and diverse counterfactuals: Wachter, Mittelstadt & Russell (2017), Mothilal, Sharma & Tan
(2020, DiCE); here without gradients, for any model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

import numpy as np

from wholefit.explain.pool import Pool

# A row's answers to: is it as wanted, and how far is it from that (0 where it is).
Judge = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

_BEAM, _SHORT, _KEPT = 24, 5, 60
_LEAST_COLUMNS = 20


@dataclass(frozen=True, eq=False)
class Moves:
    """What may change: `columns` (places), and of each the pool's rows that lend a value.

    `coarse` and `fine` are row numbers, `cost` the distance of every pool row's value from the
    asked row's, (rows, columns of the pool).
    """

    columns: Sequence[int]
    coarse: Sequence[np.ndarray]
    fine: Sequence[np.ndarray]
    cost: np.ndarray


@dataclass(eq=False)
class Hunt:
    """What was found: rows of `take` that are as wanted, and how thoroughly it was looked for."""

    take: np.ndarray
    complete: int = 0
    asked: int = 0
    nearest: tuple[np.ndarray, float] | None = None
    seen: list[np.ndarray] = field(default_factory=list)


def hunt(pool: Pool, moves: Moves, judge: Judge, *, most: int, wanted: int, budget: int) -> Hunt:
    """Look for rows with at most `most` changes; stop once `wanted` sets of columns are found."""
    search = _Search(pool, moves, judge, budget)
    search.singles()
    for count in range(2, min(most, len(moves.columns)) + 1):
        if search.enough(wanted):
            break
        if not search.all_of(count):
            search.beam()
    return search.finished()


class _Search:
    """The state of one hunt."""

    def __init__(self, pool: Pool, moves: Moves, judge: Judge, budget: int) -> None:
        self.pool, self.moves, self.judge, self.budget = pool, moves, judge, budget
        self.own = pool.own([0])[0]
        self.done = Hunt(np.zeros((0, len(self.own)), dtype=np.intp))
        self.front: np.ndarray | None = None
        self.gap: np.ndarray = np.zeros(0)

    def singles(self) -> None:
        """Every coarse value of every column, alone."""
        parts = [(at, rows) for at, rows in zip(self.moves.columns, self.moves.coarse, strict=True)
                 if len(rows)]
        take = np.repeat(self.own[None], sum(len(rows) for _, rows in parts), axis=0)
        start = 0
        for at, rows in parts:
            take[start:start + len(rows), at] = rows
            start += len(rows)
        self.done.complete = 1
        self._step(take)
        self._shorten(take)

    def all_of(self, count: int) -> bool:
        """Ask every combination of `count` changes; False where there are too many."""
        if self.done.complete < count - 1:
            return False
        sizes = [len(rows) for rows in self.moves.coarse]
        total = _combinations(sizes, count)
        if not 0 < total <= self.budget - self.done.asked // 2:
            return False
        parts = []
        for chosen in combinations(range(len(sizes)), count):
            values = np.array(list(product(*(self.moves.coarse[i] for i in chosen))))
            if len(values):
                part = np.repeat(self.own[None], len(values), axis=0)
                part[:, [self.moves.columns[i] for i in chosen]] = values
                parts.append(part)
        self.done.complete = count
        self._step(np.concatenate(parts))
        return True

    def beam(self) -> None:
        """One more change to each of the most promising rows, from short lists of values."""
        if self.front is None or not len(self.front):
            return
        parts = []
        # Where there are many columns, those follow that move the answer most by themselves.
        most = max(_LEAST_COLUMNS, self.budget // (len(self.front) * _SHORT))
        for at, rows in [(self.moves.columns[i], self.short[i]) for i in self.promise[:most]]:
            free = self.front[self.front[:, at] == self.own[at]]
            part = np.repeat(free, len(rows), axis=0)
            part[:, at] = np.tile(rows, len(free))
            parts.append(part)
        take = _distinct(np.concatenate(parts))
        if len(take):
            self._step(take)

    def enough(self, wanted: int) -> bool:
        """Whether so many different sets of columns were found."""
        return len({tuple(np.flatnonzero(row != self.own)) for row in self.done.take}) >= wanted

    def finished(self) -> Hunt:
        """What was found, without needless changes and as near as it comes."""
        if len(self.done.take):
            self.done.take = self._nearer(self._pruned(self.done.take))
        return self.done

    def cost(self, take: np.ndarray) -> np.ndarray:
        """Total distance of rows from the asked one, (m,)."""
        return self.moves.cost[take, np.arange(take.shape[1])].sum(axis=1)

    def _ask(self, take: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.done.asked += len(take)
        return self.judge(self.pool.answer(take))

    def _step(self, take: np.ndarray) -> None:
        reached, gap = self._ask(take)
        cost = self.cost(take)
        self._note_nearest(take, gap)
        if reached.any():
            self.done.take = np.concatenate(
                [self.done.take, _cheapest_of_sets(take[reached], cost[reached], self.own)])
        rest = np.flatnonzero(~reached)
        self.gap = gap
        order = rest[np.lexsort((cost[rest], np.round(gap[rest], 9)))]
        # A third of the beam goes to rows that get far for little, so that it holds different ones.
        eager = rest[np.argsort(gap[rest] + 0.2 * cost[rest], kind="stable")]
        chosen = [*order[:_BEAM - _BEAM // 3], *eager[:_BEAM // 3]]
        self.front = take[np.unique(np.array(chosen, dtype=np.intp))]

    def _note_nearest(self, take: np.ndarray, gap: np.ndarray) -> None:
        if len(gap):
            best = int(gap.argmin())
            if self.done.nearest is None or gap[best] < self.done.nearest[1]:
                self.done.nearest = (take[best], float(gap[best]))

    def _shorten(self, take: np.ndarray) -> None:
        """For each column the values that get nearest to the wanted answer, for least distance."""
        self.short, start, cost = [], 0, self.cost(take)
        promise = []
        for rows in self.moves.coarse:
            part = slice(start, start + len(rows))
            gap, price = self.gap[part], cost[part]
            far = np.argsort(gap, kind="stable")[:_SHORT - 2]
            thrifty = np.argsort(gap + 0.5 * price, kind="stable")[:2]
            self.short.append(rows[np.unique(np.concatenate([far, thrifty]))])
            promise.append(float(gap.min(initial=np.inf)))
            start += len(rows)
        self.promise = np.argsort(promise, kind="stable").tolist()

    def _pruned(self, take: np.ndarray) -> np.ndarray:
        """The cheapest rows that still reach with some of their changes undone."""
        take = take[np.argsort(self._order(take), kind="stable")[:_KEPT]]
        parts = [take]
        for row in take:
            changed = np.flatnonzero(row != self.own)
            for count in range(1, len(changed)):
                for kept in combinations(changed, count):
                    part = self.own.copy()
                    part[list(kept)] = row[list(kept)]
                    parts.append(part[None])
        every = _distinct(np.concatenate(parts))
        every = every[self._ask(every)[0]]
        return _irreducible(every[np.argsort(self._order(every), kind="stable")], self.own)

    def _nearer(self, take: np.ndarray) -> np.ndarray:
        """Each number brought nearer, in two rounds, as long as the answer stays as wanted."""
        fine = dict(zip(self.moves.columns, self.moves.fine, strict=True))
        for _ in range(2):
            for at in self.moves.columns:
                take = self._nearer_in(take, at, fine[at])
        return take

    def _nearer_in(self, take: np.ndarray, at: int, rows: np.ndarray) -> np.ndarray:
        moved = np.flatnonzero(take[:, at] != self.own[at])
        if not len(moved) or not len(rows):
            return take
        price = self.moves.cost[:, at]
        owner = np.repeat(moved, len(rows))
        value = np.tile(rows, len(moved))
        less = price[value] < price[take[owner, at]] - 1e-12
        owner, value = owner[less], value[less]
        if not len(owner):
            return take
        asked = take[owner].copy()
        asked[:, at] = value
        reached = self._ask(asked)[0]
        take = take.copy()
        # The dearest first, so that the cheapest that reaches is written last.
        for one in np.flatnonzero(reached)[np.argsort(-price[value[reached]], kind="stable")]:
            take[owner[one], at] = value[one]
        return take

    def _order(self, take: np.ndarray) -> np.ndarray:
        return (take != self.own).sum(axis=1) + self.cost(take)


def _distinct(take: np.ndarray) -> np.ndarray:
    """Each row once. By a hash: sorting whole rows would cost more than asking the model."""
    factors = np.random.default_rng(0).integers(1, 2**62, take.shape[1], dtype=np.int64)
    with np.errstate(over="ignore"):
        key = (take.astype(np.int64) * factors).sum(axis=1)
    return take[np.sort(np.unique(key, return_index=True)[1])]


def _combinations(sizes: Sequence[int], count: int) -> int:
    """How many ways there are to change `count` columns, each to one of its values."""
    ways = [1] + [0] * count  # the elementary symmetric polynomials of the sizes
    for size in sizes:
        for many in range(count, 0, -1):
            ways[many] += ways[many - 1] * size
    return ways[count]


def _cheapest_of_sets(take: np.ndarray, cost: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Of each set of changed columns, the two rows that lie nearest."""
    kept, seen = [], dict[bytes, int]()
    for at in np.argsort(cost, kind="stable"):
        key = (take[at] != own).tobytes()
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= 2:
            kept.append(at)
        if len(kept) >= 4 * _KEPT:
            break
    return take[kept]


def _irreducible(take: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Rows none of which holds all the changes of another; `take` in order of cost."""
    kept: list[np.ndarray] = []
    for row in take[np.argsort((take != own).sum(axis=1), kind="stable")]:
        changed = row != own
        if changed.any() and not any(
                (row[other != own] == other[other != own]).all() for other in kept):
            kept.append(row)
    return np.array(kept, dtype=np.intp).reshape(len(kept), len(own))
