"""What every miner of itemsets works with: baskets as arrays, bits of them, and what was found.

Baskets are a CSR matrix without values: item codes of basket b lie in `item[start[b]:start[b+1]]`,
sorted and different. Found itemsets are levels by size, each sorted, so that any two miners that
agree give arrays that are equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError

# Entries turned into bits at once: two arrays of 16 MB.
_BLOCK = 1 << 21


class TooManyError(DataError):
    """More itemsets than the stated limit are frequent."""


@dataclass(frozen=True, eq=False)
class Baskets:
    """`start` (n + 1,) int64 and `item` (lines,) int32: baskets of different items, sorted."""

    start: np.ndarray
    item: np.ndarray
    items: int

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def sizes(self) -> np.ndarray:
        """Items in each basket, (n,)."""
        return np.diff(self.start)

    def counts(self) -> np.ndarray:
        """Baskets that hold each item, (items,) int64."""
        return np.bincount(self.item, minlength=self.items).astype(np.int64)

    def take(self, rows: np.ndarray) -> Baskets:
        """The baskets of these rows, in that order."""
        sizes = self.sizes[rows]
        start = np.concatenate([[0], np.cumsum(sizes)])
        at = np.arange(start[-1]) + np.repeat(self.start[rows] - start[:-1], sizes)
        return Baskets(start, self.item[at], self.items)

    def relabelled(self, code: np.ndarray) -> Baskets:
        """Items under new codes (items,), those with -1 left out; codes in each basket sorted."""
        new = code[self.item]
        kept = new >= 0
        start = np.concatenate([[0], np.cumsum(kept)])[self.start]
        matrix = _csr(start, new[kept], int(code.max(initial=-1)) + 1)
        matrix.sort_indices()
        return Baskets(start, matrix.indices, matrix.shape[1])

    def matrix(self) -> Any:
        """The baskets as a scipy CSR matrix of ones, (n, items) int32."""
        return _csr(self.start, self.item, self.items)

    def by_item(self) -> tuple[np.ndarray, np.ndarray]:
        """The other way round: (items + 1,) starts, and the baskets that hold each item."""
        turned = self.matrix().tocsc()
        return turned.indptr, turned.indices


@dataclass(frozen=True, eq=False)
class Level:
    """Itemsets of one size: `items` (sets, size) int32, rows sorted; `counts` (sets,) int64."""

    items: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.counts)


@dataclass(frozen=True, eq=False)
class Itemsets:
    """Everything frequent among `baskets` baskets: `levels[k]` holds the sets of k + 1 items."""

    levels: tuple[Level, ...]
    baskets: int

    def __len__(self) -> int:
        return sum(len(level) for level in self.levels)

    def counted(self, sets: np.ndarray) -> np.ndarray:
        """Counts of `sets` (s, k) whose rows are sorted; -1 for one that is not frequent."""
        place = self.places(sets)
        if sets.shape[1] > len(self.levels):
            return place
        return np.where(place >= 0, self.levels[sets.shape[1] - 1].counts[place], -1)

    def places(self, sets: np.ndarray) -> np.ndarray:
        """Rows of `sets` (s, k), each sorted, within their level; -1 for one that is not there."""
        place = np.full(len(sets), -1, dtype=np.int64)
        if sets.shape[1] > len(self.levels) or not len(sets):
            return place
        place = np.zeros(len(sets), dtype=np.int64)
        known = np.ones(len(sets), dtype=bool)
        for size, (keys, width) in enumerate(self._keys()[: sets.shape[1]]):
            wanted = place * width + sets[:, size]
            found = np.searchsorted(keys, wanted)
            known &= (found < len(keys)) & (sets[:, size] < width)
            found = np.minimum(found, len(keys) - 1)
            known &= keys[found] == wanted
            place = found
        return np.where(known, place, -1)

    def _keys(self) -> list[tuple[np.ndarray, int]]:
        """For each level sorted keys of (row of the prefix in the level before, last item)."""
        made: list[tuple[np.ndarray, int]] = []
        width = max((int(level.items.max()) for level in self.levels if len(level)), default=0) + 1
        for level in self.levels:
            place = np.zeros(len(level), dtype=np.int64)
            for size, (keys, _) in enumerate(made):
                place = np.searchsorted(keys, place * width + level.items[:, size])
            made.append((place * width + level.items[:, -1], width))
        return made

    def subsets(self, size: int) -> np.ndarray:
        """For the sets of `size` items, rows of the sets without their i-th item, (sets, size)."""
        items = self.levels[size - 1].items
        return np.stack([self.places(np.delete(items, at, axis=1)) for at in range(size)], axis=1)

    def closed(self) -> list[np.ndarray]:
        """For each level, which sets are held by more baskets than any larger set, (sets,) bool.

        A set that is not closed says nothing that one of its supersets does not say (Pasquier et
        al. 1999).
        """
        return [largest < level.counts for level, largest in self._above()]

    def maximal(self) -> list[np.ndarray]:
        """For each level, which sets have no frequent superset, (sets,) bool."""
        return [largest == 0 for _, largest in self._above()]

    def _above(self) -> Iterator[tuple[Level, np.ndarray]]:
        """Each level with the largest count among the supersets of each set, 0 without any."""
        for size, level in enumerate(self.levels, start=1):
            largest = np.zeros(len(level), dtype=np.int64)
            if size < len(self.levels):
                below, above = self.subsets(size + 1), self.levels[size].counts
                np.maximum.at(largest, below.ravel(), np.repeat(above, size + 1))
            yield level, largest


class Collector:
    """Takes up frequent sets as they are found, and stops where there are more than `limit`."""

    def __init__(self, baskets: int, limit: int | None) -> None:
        self._baskets, self._limit, self.found = baskets, limit, 0
        self._parts: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}

    def add(self, items: np.ndarray, counts: np.ndarray) -> None:
        """Sets (s, k) of item codes in any order, with their counts (s,)."""
        if not len(counts):
            return
        self.found += len(counts)
        if self._limit is not None and self.found > self._limit:
            raise TooManyError(f"more than {self._limit:,} itemsets are frequent.")
        self._parts.setdefault(items.shape[1], []).append((items, counts))

    def done(self) -> Itemsets:
        """All of them in the order that every miner gives."""
        levels = []
        for size in range(1, max(self._parts, default=0) + 1):
            items = np.concatenate([items for items, _ in self._parts[size]]).astype(np.int32)
            counts = np.concatenate([counts for _, counts in self._parts[size]]).astype(np.int64)
            items = np.sort(items, axis=1)
            order = np.lexsort(items.T[::-1])
            levels.append(Level(np.ascontiguousarray(items[order]), counts[order]))
        return Itemsets(tuple(levels), self._baskets)


def packed(baskets: Baskets, places: np.ndarray | None = None,
           width: int | None = None) -> np.ndarray:
    """One row of bits an item, (items, words) uint64: bit `places[b]` says that basket b has it."""
    start, rows = baskets.by_item()
    rows = rows if places is None else places[rows]
    words = -(-(len(baskets) if width is None else width) // 64)
    bits = np.zeros((baskets.items, words), dtype=np.uint64)
    flat = bits.reshape(-1)
    for first, last in _blocks(start):
        held = np.repeat(np.arange(first, last), np.diff(start[first:last + 1]))
        row = rows[start[first]:start[last]].astype(np.int64)
        key = held * words + (row >> 6)
        one = np.uint64(1) << (row & 63).astype(np.uint64)
        if places is not None:
            order = np.argsort(key, kind="stable")
            key, one = key[order], one[order]
        edges = np.flatnonzero(np.diff(key, prepend=-1))
        if len(edges):
            flat[key[edges]] = np.bitwise_or.reduceat(one, edges)
    return bits


def _blocks(start: np.ndarray) -> Iterator[tuple[int, int]]:
    """Items in runs of about `_BLOCK` entries."""
    first, items = 0, len(start) - 1
    while first < items:
        last = int(np.searchsorted(start, start[first] + _BLOCK, side="right")) - 1
        last = min(max(last, first + 1), items)
        yield first, last
        first = last


def popcount(bits: np.ndarray) -> np.ndarray:
    """Ones in each row, (rows,) int64."""
    return np.bitwise_count(bits).sum(axis=1, dtype=np.int64)


def pairs_within(ends: np.ndarray, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All a < b < ends[a], at most about `most` at once: the pairs that share a prefix."""
    follow = ends - np.arange(len(ends)) - 1
    total = np.concatenate([[0], np.cumsum(follow)])
    first = 0
    while first < len(ends):
        last = int(np.searchsorted(total, total[first] + most, side="right")) - 1
        last = min(max(last, first + 1), len(ends))
        a = np.repeat(np.arange(first, last), follow[first:last])
        b = np.arange(len(a)) - np.repeat(total[first:last] - total[first], follow[first:last])
        if len(a):
            yield a, b + a + 1
        first = last


def baskets_of(X: Any) -> Baskets:
    """Baskets from a scipy sparse or dense matrix (n, items): what is not zero is held."""
    if isinstance(X, Baskets):
        return X
    if hasattr(X, "tocsr"):
        matrix = X.tocsr().copy()
        matrix.eliminate_zeros()
        matrix.sum_duplicates()
        return Baskets(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32),
                       matrix.shape[1])
    held = np.asarray(X) != 0
    if held.ndim != 2:
        raise DataError(f"baskets must be a matrix, one row a basket; got shape {held.shape}.")
    rows, items = np.nonzero(held)
    start = np.searchsorted(rows, np.arange(len(held) + 1))
    return Baskets(start.astype(np.int64), items.astype(np.int32), held.shape[1])


def grouped(basket: np.ndarray, item: np.ndarray, baskets: int, items: int) -> Baskets:
    """Baskets from lines: codes (lines,) of the basket and the item; repeated lines count once."""
    key = basket.astype(np.int64) * max(items, 1)
    key += item
    key.sort()
    if len(key):
        key = key[np.concatenate([[True], key[1:] != key[:-1]])]
    held = (key // max(items, 1))
    start = np.searchsorted(held, np.arange(baskets + 1))
    held *= max(items, 1)
    return Baskets(start.astype(np.int64), (key - held).astype(np.int32), items)


def frequent(counts: np.ndarray, min_count: int, descending: bool = False) -> np.ndarray:
    """Items held by at least `min_count` baskets, the rarest (or commonest) first."""
    kept = np.flatnonzero(counts >= max(min_count, 1))
    return kept[np.lexsort((kept, -counts[kept] if descending else counts[kept]))]


def coded(order: Sequence[int] | np.ndarray, items: int) -> np.ndarray:
    """New code of each item: its place in `order`, -1 for one that is not there."""
    code = np.full(items, -1, dtype=np.int32)
    code[np.asarray(order, dtype=np.intp)] = np.arange(len(order), dtype=np.int32)
    return code


def _csr(start: np.ndarray, item: np.ndarray, items: int) -> Any:
    from scipy.sparse import csr_matrix

    ones = np.ones(len(item), dtype=np.int32)
    return csr_matrix((ones, item, start), shape=(len(start) - 1, items))
