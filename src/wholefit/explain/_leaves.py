"""Trees asked about rows of which some features are lent by others: only what changes is walked.

Where the lent features F of a row change, a tree's answer changes only if the row's path splits
on F, and then only from the first such split on. Two ways follow.

*Few lenders a row* (permutation): a leaf is a box. A row stays in its leaf as long as each lent
value lies within that box, which is one comparison of ranks for each row and tree; the few rows
that leave theirs are walked anew, from the first split on F.

*The same lenders for every row* (partial dependence, ICE): a row is walked once with both sides
of every split on F open. The leaves that it can reach, (rows, leaves) in a sparse matrix, times
what each leaf gives to each lender, (leaves, lenders), is the answer to all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.models._kernels.trees import Trees

Array = np.ndarray
# Pairs of a row and a tree at once, so that the working arrays stay small.
_PAIRS, _OPENED = 2_000_000, 200_000
_WALK = 1 << 15


class Leaves:
    """The rows X (n, p) of one forest, each in its leaf of every tree; (n, outputs) `raw`."""

    def __init__(self, trees: Trees, X: Any) -> None:
        self.trees, self.whole = trees, trees.prepared(X)
        self.rows = len(self.whole)
        nodes = trees.nodes
        self._leaf_nodes = np.flatnonzero(trees.leaf >= 0)
        self._feature = np.where(trees.leaf >= 0, -1, nodes["feature"])
        self._levels = _levels(trees)
        self._tree_of = np.repeat(np.arange(len(trees._roots)), [size for _, size in trees.spans()])
        self._missing = bool(np.isnan(self.whole).any())
        self._flat, self._width = self.whole.ravel(), self.whole.shape[1]
        self.leaf = trees.leaves(X)
        self._values = _laid_out(trees)
        self._sum = self._summed(self.leaf, slice(None))

    def raw(self) -> Array:
        """What the trees add up to for the rows as they are, before the link."""
        return self._ended(self._sum)

    def lent(self, features: Array, values: Array, which: Array) -> Array:
        """Raw answers (m, n, outputs): in round k, row i has values[which[k, i]] as `features`.

        `values` (q, len(features)) are as the model takes them, `which` (m, n) rows of them.
        """
        made = np.repeat(self._sum[None], len(which), axis=0)
        trees = self._trees_with(features)
        if not len(trees):
            return self._ended(made)
        lent = self.trees.prepared_of(features, values)
        first = self._first(features)
        boxes = [self._box(feature, lent[:, at]) for at, feature in enumerate(features)]
        step = max(1, _PAIRS // len(trees))
        for start in range(0, self.rows, step):
            rows = slice(start, min(start + step, self.rows))
            self._lend(made, rows, trees, features, lent, which, first, boxes)
        return self._ended(made)

    def grid(self, features: Array, values: Array) -> Array:
        """Raw answers (q, n, outputs): every row with each of `values` (q, len(features))."""
        trees = self._trees_with(features)
        if not len(trees):
            return self._ended(np.repeat(self._sum[None], len(values), axis=0))
        lent = self.trees.prepared_of(features, values)
        first = self._first(features)
        bits = self._bits(features, lent)
        made = np.empty((len(values), *self._sum.shape))
        step = max(1, _OPENED // len(trees))
        for start in range(0, self.rows, step):
            rows = slice(start, min(start + step, self.rows))
            made[:, rows] = self._opened(rows, trees, features, first, bits, len(values))
        return self._ended(made)

    # ---- few lenders a row --------------------------------------------------------------

    def _lend(
        self, made: Array, rows: slice, trees: Array, features: Array, lent: Array,
        which: Array, first: Array, boxes: list[tuple[Array, Array, Array]],
    ) -> None:
        """Add to `made` what changes for these rows in these trees."""
        leaf: Array = self.leaf[trees, rows]
        ends = [(low.take(leaf), reach.take(leaf)) for low, reach, _ in boxes]
        for number, lenders in enumerate(which[:, rows]):
            left: Array = np.zeros(leaf.shape, dtype=bool)
            for (low, reach), (_, _, rank) in zip(ends, boxes, strict=True):
                # One comparison of unsigned numbers: what lies below the box wraps around.
                left |= (rank[lenders][None, :] - low) > reach
            moved = np.flatnonzero(left)
            if not len(moved):
                continue
            before, row = leaf.ravel()[moved], moved % left.shape[1]
            after = self._rewalked(rows, row, first.take(before), features, lent, lenders)
            self._changed(made[number, rows], row, before, after)

    def _changed(self, out: Array, row: Array, before: Array, after: Array) -> None:
        moved = np.flatnonzero(before != after)
        row, before, after = row[moved], before[moved], after[moved]
        if self.trees._turns > 1:
            turn = self._tree_of[self._leaf_nodes[after]] % self.trees._turns
            change = self._values[after, 0] - self._values[before, 0]
            cell = row * self.trees._turns + turn
            out += np.bincount(cell, change, out.size).reshape(out.shape)
            return
        for output in range(out.shape[1]):
            change = self._values[after, output] - self._values[before, output]
            out[:, output] += np.bincount(row, change, len(out))

    def _rewalked(
        self, rows: slice, row: Array, place: Array, features: Array, lent: Array, lenders: Array,
    ) -> Array:
        """Leaves of these rows with what is lent to them, walked from `place` on."""
        mixed = self.whole[rows].copy()
        mixed[:, features] = lent[lenders]
        flat, start = mixed.ravel(), row * self._width
        missing = self._missing or bool(np.isnan(lent).any())
        parts = [self.trees._walk(flat, start[at:at + _WALK], place[at:at + _WALK], missing)
                 for at in range(0, len(row), _WALK)]
        return np.concatenate(parts)

    def _box(self, feature: int, values: Array) -> tuple[Array, Array, Array]:
        """Of each leaf, the first rank that it lets pass and how many follow; ranks of `values`.

        Rank 0 is a missing value, which no limited leaf lets pass: it is walked. Where the
        splits are sets of categories every leaf that they limit is walked.
        """
        trees = self.trees
        at = np.flatnonzero(self._feature == feature)
        thresholds, code = np.unique(trees.nodes["threshold"][at], return_inverse=True)
        kind: Any = np.uint16 if len(thresholds) < 60_000 else np.uint32
        last = int(np.iinfo(kind).max)
        split = np.zeros(len(self._feature), dtype=kind)
        split[at] = code + 1
        low, high = np.zeros(len(split), dtype=kind), np.full(len(split), last, dtype=kind)
        sets = np.zeros(len(split), dtype=bool)
        if trees._set is not None:
            sets[at] = trees._set[at] >= 0
        for level in self._levels:
            child, own = trees.nodes["child"][level], self._feature[level] == feature
            none = own & sets[level]
            for side in (0, 1):
                below, top = low[level], high[level]
                if side:
                    below = np.where(own, np.maximum(below, split[level] + kind(1)), below)
                else:
                    below = np.where(own, np.maximum(below, kind(1)), below)
                    top = np.where(own, np.minimum(top, split[level]), top)
                low[child + side] = np.where(none, kind(last), below)
                high[child + side] = np.where(none, kind(last), top)
        rank = np.searchsorted(thresholds, values, side="left").astype(kind) + kind(1)
        rank[np.isnan(values)] = 0
        low, high = low[self._leaf_nodes], high[self._leaf_nodes]
        empty = high < low  # only missing values come here: no number may stay
        return np.where(empty, kind(last), low), np.where(empty, kind(0), high - low), rank

    # ---- the same lenders for every row -------------------------------------------------

    def _opened(
        self, rows: slice, trees: Array, features: Array, first: Array, bits: Array, lenders: int,
    ) -> Array:
        """Answers (lenders, rows, outputs) of some rows, before the mean over trees."""
        leaf = self.leaf[trees, rows]
        begun = first.take(leaf)
        inside = begun >= 0
        row = np.nonzero(inside)[1]
        before, place, begun_row = leaf[inside], begun[inside], row
        row, reached = self._reachable(rows, row, place, features, bits)
        used, column = _compact(reached, len(self._leaf_nodes))
        passed = np.unpackbits(bits[self._leaf_nodes[used]].view(np.uint8), axis=1,
                               bitorder="little")[:, :lenders].view(bool)
        count = leaf.shape[1]
        still = self._sum[rows] - self._of(begun_row, before, count)
        add = _runs(row, column, passed, count) or _products(row, column, passed, count)
        made = np.empty((lenders, count, still.shape[1]))
        for output in range(still.shape[1]):
            made[:, :, output] = add(self._value(used, output)) + still[:, output]
        return made

    def _value(self, leaf: Array, output: int) -> Array:
        """What these leaves add to one output."""
        turns = self.trees._turns
        if turns == 1:
            return self._values[leaf, output]
        mine = self._tree_of[self._leaf_nodes[leaf]] % turns == output
        return np.where(mine, self._values[leaf, 0], 0.0)

    def _reachable(
        self, rows: slice, row: Array, place: Array, features: Array, bits: Array
    ) -> tuple[Array, Array]:
        """Every (row, leaf) that some lender leads to, from `place` on."""
        whole, nodes = self.whole[rows], self.trees.nodes
        flat = whole.ravel()
        free = np.isin(self._feature, features)
        some = bits.any(axis=1)
        found: list[tuple[Array, Array]] = [(row[:0], place[:0])]
        while len(row):
            leaf = self.trees.leaf.take(place)
            done = leaf >= 0
            walking = np.flatnonzero(~done)
            if len(walking) < len(row):
                ended = np.flatnonzero(done)
                found.append((row.take(ended), leaf.take(ended)))
                row, place = row.take(walking), place.take(walking)
            fork = free.take(place)
            open_, shut = np.flatnonzero(fork), np.flatnonzero(~fork)
            both, split = nodes["child"].take(place.take(open_)), row.take(open_)
            both = np.concatenate([both, both + 1])
            kept = np.flatnonzero(some.take(both))
            here = row.take(shut)
            go = self.trees._down(flat, here * self._width, place.take(shut), self._missing)
            row = np.concatenate([here, np.concatenate([split, split]).take(kept)])
            place = np.concatenate([go, both.take(kept)])
        return (np.concatenate([each for each, _ in found]),
                np.concatenate([each for _, each in found]))

    def _bits(self, features: Array, lent: Array) -> Array:
        """Which lenders pass all splits on the features above each node, in 64s, (nodes, words)."""
        words = -(-len(lent) // 64)
        bits = np.zeros((len(self._feature), words), dtype=np.uint64)
        everyone = np.zeros(words * 64, dtype=np.uint8)
        everyone[:len(lent)] = 1
        bits[self.trees._roots] = np.packbits(everyone, bitorder="little").view(np.uint64)
        columns = np.zeros((self._width, len(lent)))
        columns[features] = lent.T
        for level in self._levels:
            child = self.trees.nodes["child"][level]
            own = np.isin(self._feature[level], features)
            bits[child] = bits[child + 1] = bits[level]
            if own.any():
                right = self.trees.sides(columns, level[own])
                padded = np.zeros((len(right), words * 64), dtype=bool)
                padded[:, :len(lent)] = right
                side = np.packbits(padded, axis=1, bitorder="little").view(np.uint64)
                bits[child[own]] &= ~side
                bits[child[own] + 1] &= side
        return bits

    # ---- machinery ----------------------------------------------------------------------

    def _trees_with(self, features: Array) -> Array:
        return np.unique(self._tree_of[np.isin(self._feature, features)])

    def _first(self, features: Array) -> Array:
        """The first split on the features on the way to each leaf, a node; -1 for none."""
        first = np.full(len(self._feature), -1, dtype=np.intp)
        own = np.isin(self._feature, features)
        for level in self._levels:
            child = self.trees.nodes["child"][level]
            now = np.where((first[level] < 0) & own[level], level, first[level])
            first[child] = first[child + 1] = now
        return first[self._leaf_nodes]

    def _summed(self, leaf: Array, rows: slice) -> Array:
        turns = self.trees._turns
        total = np.repeat(self.trees._base[None, :].astype(np.float64), leaf.shape[1], axis=0)
        for number, each in enumerate(leaf):
            if turns > 1:
                total[:, number % turns] += self._values[:, 0].take(each)
            else:
                total += self._values.take(each, axis=0)
        return total

    def _of(self, row: Array, leaf: Array, count: int) -> Array:
        """What these leaves give to their rows, (count, outputs)."""
        turns = self.trees._turns
        if turns > 1:
            turn = self._tree_of[self._leaf_nodes[leaf]] % turns
            return np.bincount(row * turns + turn, self._values[leaf, 0],
                               count * turns).reshape(count, turns)
        return np.stack([np.bincount(row, self._values[leaf, at], count)
                         for at in range(self._values.shape[1])], axis=1)

    def _ended(self, total: Array) -> Array:
        return total / len(self.trees._roots) if self.trees._aggregate == "mean" else total


def _runs(
    row: Array, column: Array, passed: Array, count: int
) -> Callable[[Array], Array] | None:
    """Sums (lenders, rows) of what leaves give, where each is open to lenders that follow another.

    So it is for a grid of rising values: a leaf adds where its run starts and takes off where
    it ends, and a running sum gives the rest. None where some leaf's lenders are no run.
    """
    lenders = passed.shape[1]
    low, high = passed.argmax(axis=1), lenders - passed[:, ::-1].argmax(axis=1)
    if not np.array_equal(high - low, passed.sum(axis=1)):
        return None
    begin = low[column] * count + row
    end = high[column] * count + row

    def add(value: Array) -> Array:
        each, size = value[column], (lenders + 1) * count
        steps = np.bincount(begin, each, size) - np.bincount(end, each, size)
        return np.cumsum(steps.reshape(lenders + 1, count)[:-1], axis=0)

    return add


def _products(row: Array, column: Array, passed: Array, count: int) -> Callable[[Array], Array]:
    """The same for any leaves: which rows reach which leaves, times what those give to whom."""
    from scipy.sparse import csr_matrix

    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))])
    inside = column[np.argsort(row, kind="stable")]
    met = csr_matrix((np.ones(len(row)), inside, starts), shape=(count, len(passed)))

    def add(value: Array) -> Array:
        return (met @ (passed * value[:, None])).T

    return add


def _compact(codes: Array, size: int) -> tuple[Array, Array]:
    """The different codes below `size`, rising, and the place of each code among them."""
    seen = np.zeros(size, dtype=bool)
    seen[codes] = True
    used = np.flatnonzero(seen)
    place = np.empty(size, dtype=np.intp)
    place[used] = np.arange(len(used))
    return used, place[codes]


def _levels(trees: Trees) -> list[Array]:
    """The splits of all trees, level by level from the roots."""
    levels: list[Array] = []
    level = trees._roots
    while True:
        level = level[trees.leaf[level] < 0]
        if not len(level):
            return levels
        levels.append(level)
        child = trees.nodes["child"][level]
        level = np.concatenate([child, child + 1])


def _laid_out(trees: Trees) -> Array:
    """What each leaf adds, in float64."""
    return np.asarray(trees.value, dtype=np.float64)
