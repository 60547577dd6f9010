"""FP-growth: baskets are folded into a tree of prefixes, and sets are read off its paths.

Han, Pei and Yin (2000). The tree is three arrays (item, parent and count of each node), built a
depth at a time for all baskets at once; the paths above an item's nodes are climbed together.
"""

from __future__ import annotations

import numpy as np

from wholefit.models._itemsets.base import Baskets, Collector, Itemsets, coded, frequent


def mine(baskets: Baskets, min_count: int, max_items: int | None,
         limit: int | None = None) -> Itemsets:
    """Every set of at most `max_items` items in at least `min_count` baskets."""
    found = Collector(len(baskets), limit)
    counts = baskets.counts()
    order = frequent(counts, min_count, descending=True)
    found.add(order[:, None], counts[order])
    if len(order) and max_items != 1:
        thin = baskets.relabelled(coded(order, baskets.items))
        tree = _tree(thin.start, thin.item, np.ones(len(thin), dtype=np.int64), thin.items)
        _mine(tree, np.zeros(0, dtype=np.int64), order, max(min_count, 1), max_items, found)
    return found.done()


class _Tree:
    """Nodes in the order of their depth; a parent of -1 is the root."""

    def __init__(self, item: np.ndarray, parent: np.ndarray, count: np.ndarray,
                 items: int) -> None:
        self.item, self.parent, self.count, self.items = item, parent, count, items
        self._order = np.argsort(item, kind="stable")
        self._start = np.searchsorted(item[self._order], np.arange(items + 1))

    def nodes(self, item: int) -> np.ndarray:
        """Nodes of the item, wherever they stand."""
        return np.asarray(self._order[self._start[item]:self._start[item + 1]])


def _tree(start: np.ndarray, item: np.ndarray, weight: np.ndarray, items: int) -> _Tree:
    """The tree of paths `item[start[p]:start[p + 1]]`, each sorted, that count `weight[p]`."""
    sizes = np.diff(start)
    at = np.full(len(sizes), -1, dtype=np.int64)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    made = 0
    rows = np.flatnonzero(sizes > 0)
    depth = 0
    while len(rows):
        key = (at[rows] + 1) * items + item[start[rows] + depth]
        different, which = np.unique(key, return_inverse=True)
        count = np.bincount(which, weight[rows], len(different)).astype(np.int64)
        parts.append((different % items, different // items - 1, count))
        at[rows] = made + which
        made += len(different)
        depth += 1
        rows = rows[sizes[rows] > depth]
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return _Tree(none, none, none, items)
    columns = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return _Tree(columns[0], columns[1], columns[2], items)


def _mine(tree: _Tree, suffix: np.ndarray, order: np.ndarray, min_count: int,
          max_items: int | None, found: Collector) -> None:
    """Sets that end in `suffix` and go on with items of the tree, the rarest item first."""
    for item in np.unique(tree.item)[::-1]:
        path, held, weight = _paths(tree, int(item))
        counts = np.bincount(held, weight[path], tree.items).astype(np.int64)
        enough = np.flatnonzero(counts >= min_count)
        if not len(enough):
            continue
        grown = np.concatenate([[item], suffix])
        sets = np.concatenate(
            [enough[:, None], np.broadcast_to(grown, (len(enough), len(grown)))], axis=1)
        found.add(order[sets], counts[enough])
        if len(enough) > 1 and (max_items is None or len(grown) + 2 <= max_items):
            kept = counts[held] >= min_count
            below = _conditional(path[kept], held[kept], weight, tree.items)
            _mine(below, grown, order, min_count, max_items, found)


def _paths(tree: _Tree, item: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What stands above the nodes of an item: number of the path, item, and the paths' weights."""
    nodes = tree.nodes(item)
    path, at = np.arange(len(nodes)), tree.parent[nodes]
    paths, held = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    while True:
        above = at >= 0
        path, at = path[above], at[above]
        if not len(at):
            return np.concatenate(paths), np.concatenate(held), tree.count[nodes]
        paths.append(path)
        held.append(tree.item[at])
        at = tree.parent[at]


def _conditional(path: np.ndarray, held: np.ndarray, weight: np.ndarray, items: int) -> _Tree:
    """The tree of these paths alone."""
    order = np.lexsort((held, path))
    start = np.searchsorted(path[order], np.arange(len(weight) + 1))
    return _tree(start, held[order], weight, items)
