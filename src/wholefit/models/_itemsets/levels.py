"""Apriori: a level at a time, and only sets of which every part is frequent are counted."""

from __future__ import annotations

import numpy as np

from wholefit.models._itemsets.base import (
    Baskets,
    Collector,
    Itemsets,
    coded,
    packed,
    pairs_within,
    popcount,
)
from wholefit.models._itemsets.eclat import _class_ends

# Words of candidates counted in one call.
_CHUNK = 1 << 20


def mine(baskets: Baskets, min_count: int, max_items: int | None,
         limit: int | None = None) -> Itemsets:
    """Every set of at most `max_items` items in at least `min_count` baskets.

    Agrawal and Srikant (1994): sets of k + 1 items are joined from two of k that share all but
    the last, and one that has an infrequent part is left out before any basket is looked at.
    """
    found = Collector(len(baskets), limit)
    counts = baskets.counts()
    order = np.flatnonzero(counts >= max(min_count, 1))
    found.add(order[:, None], counts[order])
    bits = packed(baskets.relabelled(coded(order, baskets.items))) if len(order) else None
    sets = np.arange(len(order), dtype=np.int64)[:, None]
    while bits is not None and len(sets) > 1 and (max_items is None or sets.shape[1] < max_items):
        sets, counts = _next(sets, bits, min_count)
        found.add(order[sets], counts)
    return found.done()


def _next(sets: np.ndarray, bits: np.ndarray, min_count: int) -> tuple[np.ndarray, np.ndarray]:
    """The frequent sets of one item more, sorted, and their counts."""
    grown, counted = [np.zeros((0, sets.shape[1] + 1), np.int64)], [np.zeros(0, np.int64)]
    for a, b in pairs_within(_class_ends(sets), max(1, _CHUNK // max(bits.shape[1], 1))):
        candidates = np.concatenate([sets[a], sets[b, -1:]], axis=1)
        candidates = candidates[_all_parts_in(candidates, sets)]
        held = bits[candidates[:, 0]]
        for at in range(1, candidates.shape[1]):
            held &= bits[candidates[:, at]]
        counts = popcount(held)
        enough = counts >= min_count
        grown.append(candidates[enough])
        counted.append(counts[enough])
    return np.concatenate(grown), np.concatenate(counted)


def _all_parts_in(candidates: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Which candidates (c, k + 1) have all their parts of k items among the sorted sets (s, k)."""
    known = _rows(sets)
    fine = np.ones(len(candidates), dtype=bool)
    for at in range(candidates.shape[1] - 2):  # without the last or last but one: joined from them
        wanted = _rows(np.delete(candidates, at, axis=1))
        place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        fine &= known[place] == wanted
    return fine


def _rows(sets: np.ndarray) -> np.ndarray:
    """Each row as one value that sorts as the row does: its numbers, the high byte first."""
    big = np.ascontiguousarray(sets.astype(">u4"))
    return big.view(f"S{4 * sets.shape[1]}").ravel() if sets.shape[1] else np.zeros(0, "S4")
