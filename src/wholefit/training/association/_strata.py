"""Baskets by size: their strata, and how many baskets of each stratum hold each itemset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wholefit.evaluation.association import Strata
from wholefit.models._itemsets.base import Baskets, Itemsets, Level, coded, packed

# Sizes up to this have strata of their own; above, a stratum spans 6% of sizes.
_EXACT = 32
_STEP = 1.06
# Neighbouring sizes are joined until a stratum has so many baskets, if they are not too unlike.
_FEWEST = 10
_WIDEST = 1.5
# Words of bits looked at in one call.
_CHUNK = 1 << 18


@dataclass(frozen=True, eq=False)
class Shelf:
    """Bits of the frequent items, baskets in order of size, each stratum from a new word on.

    `bits` (frequent items, words); `row` (items,) is an item's row, -1 where it is rare;
    `starts` (strata,) each stratum's first word; `place` (baskets,) the bit of each basket.
    """

    bits: np.ndarray
    row: np.ndarray
    starts: np.ndarray
    place: np.ndarray
    strata: Strata

    def holders(self, sets: np.ndarray) -> np.ndarray:
        """Bits of the baskets that hold all items of each set (s, k); -1 stands for no item."""
        held = np.array(self.bits[self.row[sets[:, 0]]])
        for at in range(1, sets.shape[1]):
            there = sets[:, at] >= 0
            held[there] &= self.bits[self.row[sets[there, at]]]
        return held

    def chunks(self, sets: int) -> Iterator[slice]:
        """Sets in runs that fit the cache."""
        step = max(1, _CHUNK // max(self.bits.shape[1], 1))
        return (slice(at, min(at + step, sets)) for at in range(0, sets, step))

    def by_stratum(self, level: Level) -> np.ndarray:
        """How many baskets of each stratum hold each set of a level, (sets, strata) int32."""
        out = np.zeros((len(level), len(self.starts)), dtype=np.int32)
        for run in self.chunks(len(level)):
            ones = np.bitwise_count(self.holders(level.items[run]))
            out[run] = np.add.reduceat(ones, self.starts, axis=1, dtype=np.int32)
        return out

    def tables(self, found: Itemsets) -> list[np.ndarray]:
        """`by_stratum` of every level."""
        return [self.by_stratum(level) for level in found.levels]


def shelf(baskets: Baskets, items: np.ndarray) -> Shelf:
    """Bits of these `items` (frequent ones) by stratum; baskets without anything are left out."""
    sizes = baskets.sizes
    group = _groups(sizes)
    order = np.lexsort((sizes, group))
    order = order[group[order] >= 0]
    counts = np.bincount(group[order], minlength=int(group.max(initial=-1)) + 1)
    words = -(-counts // 64)
    starts = np.concatenate([[0], np.cumsum(words)]).astype(np.int64)
    within = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    place = np.full(len(baskets), -1, dtype=np.int64)
    place[order] = starts[group[order]] * 64 + within
    row = coded(items, baskets.items)
    bits = packed(baskets.relabelled(row), place, int(starts[-1]) * 64)
    strata = Strata(counts.astype(np.float64), _means(sizes, group, counts),
                    _squares(baskets, group, counts))
    return Shelf(bits, row, starts[:-1], place, strata)


def _groups(sizes: np.ndarray) -> np.ndarray:
    """The stratum of each basket, (n,), -1 for an empty one."""
    different, which, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    step = np.where(different <= _EXACT, different, _EXACT + np.floor(
        np.log(np.maximum(different, _EXACT) / _EXACT) / np.log(_STEP))).astype(np.int64)
    group = np.full(len(different), -1, dtype=np.int64)
    now, filled, first = -1, 0, 0
    for at, size in enumerate(different):
        if size == 0:
            continue
        same = now >= 0 and step[at] == step[at - 1]
        thin = now >= 0 and filled < _FEWEST and size <= _WIDEST * first
        if not (same or thin):
            now, filled, first = now + 1, 0, int(size)
        group[at], filled = now, filled + int(counts[at])
    return group[which]


def _means(sizes: np.ndarray, group: np.ndarray, counts: np.ndarray) -> np.ndarray:
    full = group >= 0
    return np.bincount(group[full], sizes[full], len(counts)) / np.maximum(counts, 1)


def _squares(baskets: Baskets, group: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Sum over all items of the squared share of a stratum's baskets that hold it."""
    out = np.zeros(len(counts))
    for stratum in range(len(counts)):
        held = baskets.take(np.flatnonzero(group == stratum)).item
        share = np.bincount(held) / max(int(counts[stratum]), 1)
        out[stratum] = float(share @ share)
    return out
