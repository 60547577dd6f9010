"""The paths to the leaves of trees, level by level for many trees at once.

Leaves are grouped by how many different features lie on their paths, so that what is done with
one leaf is done with all of a group in a few operations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wholefit.base.errors import StateError
from wholefit.models._kernels.trees import Trees

# Steps of all paths of trees taken together: 200 million take 5 GB, and no learner grows that.
_MOST_STEPS = 200_000_000


@dataclass(frozen=True, eq=False)
class Group:
    """Leaves with k features on their paths.

    `features` and `share` (leaves, k): the features, and the share of training rows that all
    conditions on each let pass; `value` (leaves, outputs) what a leaf adds; `turn` (leaves,) the
    output it adds to, where a tree adds to one only. `edges` are the conditions (a split, and
    beyond the number of splits its right side), those of one feature after the other;
    `starts` says where each feature's begin.
    """

    features: np.ndarray
    share: np.ndarray
    value: np.ndarray
    turn: np.ndarray | None
    edges: np.ndarray
    starts: np.ndarray

    def met(self, passed: np.ndarray, leaves: slice) -> np.ndarray:
        """Which rows meet all conditions on each feature: (leaves, k, rows).

        `passed` (2 splits, rows) says which rows go left, then which go right, at each split.
        """
        wide, count = self.features.shape[1], len(self.features)
        first, last = leaves.start or 0, min(count if leaves.stop is None else leaves.stop, count)
        starts = self.starts[first * wide:last * wide]
        end = self.starts[last * wide] if last < count else len(self.edges)
        whole = passed.take(self.edges[starts], axis=0)
        more, step = np.diff(starts, append=end), 1
        while len(several := np.flatnonzero(more > step)):
            whole[several] &= passed.take(self.edges[starts[several] + step], axis=0)
            step += 1
        return whole.reshape(last - first, wide, -1)

    def valued(self, output: int, leaves: slice) -> np.ndarray | None:
        """What leaves add to an output (leaves,); None if they add nothing."""
        if self.turn is None:
            return self.value[leaves, output]
        mine = self.turn[leaves] == output
        return np.where(mine, self.value[leaves, 0], 0.0) if mine.any() else None


@dataclass(frozen=True, eq=False)
class Paths:
    """Some trees: the nodes that split rows, and the groups of leaves."""

    splits: np.ndarray
    groups: list[Group]


def paths(trees: Trees, cover: np.ndarray, most: int, turns: int) -> Iterator[Paths]:
    """Paths of neighbouring trees, some `most` splits together; `turns` as in `Trees`, or 0."""
    spans = trees.spans()
    first = 0
    while first < len(spans):
        last, nodes = first, 0
        while last < len(spans) and (last == first or nodes + spans[last][1] <= 2 * most):
            nodes += spans[last][1]
            last += 1
        roots = np.array([at for at, _ in spans[first:last]], dtype=np.intp)
        yield _together(trees, cover, roots, nodes, np.arange(first, last), turns)
        first = last


def _together(
    trees: Trees, cover: np.ndarray, roots: np.ndarray, nodes: int, numbers: np.ndarray, turns: int
) -> Paths:
    """The paths of trees whose nodes follow each other from the first root on."""
    here = np.arange(roots[0], roots[0] + nodes)
    splits = here[trees.leaf[here] < 0]
    rank = np.full(nodes, -1, dtype=np.intp)
    rank[splits - roots[0]] = np.arange(len(splits))
    found: dict[int, list[tuple[np.ndarray, ...]]] = defaultdict(list)
    for node, number, feature, edge, ratio in _leaves(trees, cover, roots, numbers, rank,
                                                      len(splits)):
        for wide, parts in _grouped(node, number, feature, edge, ratio):
            found[wide].append(parts)
    return Paths(splits, [_group(trees, parts, turns) for _, parts in sorted(found.items())])


def _leaves(
    trees: Trees, cover: np.ndarray, roots: np.ndarray, numbers: np.ndarray, rank: np.ndarray,
    splits: int,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Leaves of one depth after the other: node, tree (m,); feature, edge, ratio (m, depth)."""
    node, number = roots, numbers
    feature = np.zeros((len(node), 0), dtype=np.intp)
    edge, ratio = feature, np.zeros((len(node), 0))
    steps = 0
    while len(node):
        steps += feature.size
        if steps > _MOST_STEPS:
            raise StateError("its trees are too deep and too wide for exact values")
        leaf = trees.leaf[node] >= 0
        if leaf.any():
            yield node[leaf], number[leaf], feature[leaf], edge[leaf], ratio[leaf]
        node, number = np.repeat(node[~leaf], 2), np.repeat(number[~leaf], 2)
        side = np.tile(np.arange(2), len(node) // 2)
        child = trees.nodes["child"][node] + side
        came = np.maximum(cover[node], 1e-300)
        feature = _longer(feature, ~leaf, trees.nodes["feature"][node])
        edge = _longer(edge, ~leaf, rank[node - roots[0]] + side * splits)
        ratio = _longer(ratio, ~leaf, cover[child] / came)
        node = child


def _longer(whole: np.ndarray, kept: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The kept paths, each twice, with one more step."""
    return np.concatenate([np.repeat(whole[kept], 2, axis=0), last[:, None]], axis=1)


def _grouped(
    node: np.ndarray, number: np.ndarray, feature: np.ndarray, edge: np.ndarray, ratio: np.ndarray
) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
    """Leaves of one depth by how many different features their paths have."""
    order = np.argsort(feature, axis=1, kind="stable")
    feature, edge, ratio = (np.take_along_axis(each, order, 1) for each in (feature, edge, ratio))
    new = np.ones(feature.shape, dtype=bool)
    new[:, 1:] = feature[:, 1:] != feature[:, :-1]
    width = new.sum(axis=1)
    for wide in np.unique(width).tolist():
        at = np.flatnonzero(width == wide)
        starts = np.flatnonzero(new[at])
        flat = ratio[at].ravel()
        share = np.multiply.reduceat(flat, starts) if wide else flat
        shape = (len(at), wide)
        yield wide, (node[at], number[at], feature[at].ravel()[starts].reshape(shape),
                     share.reshape(shape), edge[at].ravel(), starts)


def _group(trees: Trees, parts: list[tuple[np.ndarray, ...]], turns: int) -> Group:
    node, number, feature, share, edge, _ = (np.concatenate(each) for each in zip(*parts,
                                                                                 strict=True))
    offset = np.cumsum([0, *(len(part[4]) for part in parts[:-1])])
    starts = np.concatenate([part[5] + at for part, at in zip(parts, offset, strict=True)])
    return Group(feature, share, trees.value[trees.leaf[node]],
                 number % turns if turns else None, edge, starts)
