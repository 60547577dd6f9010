"""Eclat on bitsets: the baskets that hold a set are bits, and a larger set is an AND of two rows.

After Zaki (2000), with two turns of our own. Pairs are counted at once by a product of sparse
matrices. And what contains the i-th item is looked for among the baskets of that item alone,
whose bits are gathered into rows as short as the item is rare (the rarest come first), many
candidates in one numpy call.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wholefit.models._itemsets.base import (
    Baskets,
    Collector,
    Itemsets,
    coded,
    frequent,
    packed,
    pairs_within,
    popcount,
)

# Words of candidates looked at in one call: 1 MB of them stay in the processor's cache.
_CHUNK = 1 << 17
# Words of frequent sets kept at once; beyond, a level is gone through in parts.
_KEPT = 1 << 24
# Items whose frequent pairs are kept as a square of truth values.
_SQUARE = 6000
# Rows of the sparse product counted at once.
_ROWS = 256


def mine(baskets: Baskets, min_count: int, max_items: int | None,
         limit: int | None = None) -> Itemsets:
    """Every set of at most `max_items` items in at least `min_count` baskets."""
    found = Collector(len(baskets), limit)
    counts = baskets.counts()
    order = frequent(counts, min_count)
    found.add(order[:, None], counts[order])
    if len(order) > 1 and max_items != 1:
        thin = baskets.relabelled(coded(order, baskets.items))
        first, second, both = _pairs(thin, min_count)
        found.add(order[np.column_stack([first, second])], both)
        if max_items is None or max_items > 2:
            _triples(thin, order, first, second, min_count, max_items, found)
    return found.done()


def _pairs(thin: Baskets, min_count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequent pairs a < b, in order, and how many baskets hold both."""
    matrix = thin.matrix()
    turned = matrix.T.tocsr()
    parts = []
    for start in range(0, thin.items, _ROWS):
        product = (turned[start:start + _ROWS] @ matrix).tocoo()
        kept = (product.data >= min_count) & (product.col > product.row + start)
        a, b = product.row[kept].astype(np.int64) + start, product.col[kept].astype(np.int64)
        in_order = np.lexsort((b, a))
        parts.append((a[in_order], b[in_order], product.data[kept][in_order].astype(np.int64)))
    first, second, both = (np.concatenate(part) for part in zip(*parts, strict=True))
    return first, second, both


def _triples(thin: Baskets, order: np.ndarray, first: np.ndarray, second: np.ndarray,
             min_count: int, max_items: int | None, found: Collector) -> None:
    """Sets of three and more, an item at a time: those in which it is the rarest."""
    bits = packed(thin)
    start, rows = thin.by_item()
    together = np.zeros((0, 0), dtype=bool)
    if thin.items <= _SQUARE:
        together = np.zeros((thin.items, thin.items), dtype=bool)
        together[first, second] = True
    ends = np.searchsorted(first, np.arange(thin.items + 1))
    for item in range(thin.items):
        partners = second[ends[item]:ends[item + 1]]
        if len(partners) < 2:
            continue
        holders = rows[start[item]:start[item + 1]]
        within = _projected(bits, item, partners, holders, len(thin))
        allowed = together[np.ix_(partners, partners)] if len(together) else None
        for sets, counts in _grow(within, min_count, max_items, allowed):
            whole = np.concatenate(
                [np.full((len(sets), 1), item), partners[sets]], axis=1)
            found.add(order[whole], counts)


def _projected(bits: np.ndarray, item: int, partners: np.ndarray, holders: np.ndarray,
               baskets: int) -> np.ndarray:
    """Bits of the partners among the baskets that hold the item, (partners, fewer words)."""
    if len(holders) * 3 > baskets:
        return np.asarray(bits[partners] & bits[item])
    word, shift = holders >> 6, (holders & 63).astype(np.uint64)
    width = -(-len(holders) // 64)
    out = np.zeros((len(partners), width * 8), dtype=np.uint8)
    step = max(1, 8 * _CHUNK // max(len(holders), 1))
    for at in range(0, len(partners), step):
        taken = bits[partners[at:at + step, None], word]
        taken >>= shift
        taken &= np.uint64(1)
        packed_rows = np.packbits(taken.astype(np.uint8), axis=1, bitorder="little")
        out[at:at + step, :packed_rows.shape[1]] = packed_rows
    return out.view(np.uint64)


def _grow(single: np.ndarray, min_count: int, max_items: int | None,
          allowed: np.ndarray | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Sets of two and more of the rows of `single`, with their counts; a level, or part, a time."""
    sets = np.arange(len(single), dtype=np.int64)[:, None]
    yield from _larger(sets, single, min_count, max_items, allowed)


def _larger(sets: np.ndarray, bits: np.ndarray, min_count: int, max_items: int | None,
            allowed: np.ndarray | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What grows out of `sets` (s, k), sorted, of which `bits` (s, words) are the baskets."""
    if max_items is not None and sets.shape[1] + 2 > max_items:
        return
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    words = 0
    for a, b in pairs_within(_class_ends(sets), max(1, _CHUNK // max(bits.shape[1], 1))):
        if allowed is not None:
            fine = allowed[sets[a, -1], sets[b, -1]]
            a, b = a[fine], b[fine]
        both = bits[a] & bits[b]
        counts = popcount(both)
        enough = counts >= min_count
        if enough.any():
            a, b = a[enough], b[enough]
            grown = np.concatenate([sets[a], sets[b, -1:]], axis=1)
            yield grown, counts[enough]
            kept.append((grown, both[enough]))
            words += kept[-1][1].size
        if words > _KEPT:
            yield from _onward(kept, min_count, max_items, allowed)
            kept, words = [], 0
    if kept:
        yield from _onward(kept, min_count, max_items, allowed)


def _onward(kept: list[tuple[np.ndarray, np.ndarray]], min_count: int, max_items: int | None,
            allowed: np.ndarray | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    sets = np.concatenate([sets for sets, _ in kept])
    bits = np.concatenate([bits for _, bits in kept])
    yield from _larger(sets, bits, min_count, max_items, allowed)


def _class_ends(sets: np.ndarray) -> np.ndarray:
    """For each of the sorted sets, where the run of those with the same prefix ends, (s,)."""
    if sets.shape[1] == 1:
        return np.full(len(sets), len(sets))
    fresh = (sets[1:, :-1] != sets[:-1, :-1]).any(axis=1)
    starts = np.concatenate([[0], np.flatnonzero(fresh) + 1, [len(sets)]])
    return np.repeat(starts[1:], np.diff(starts))
