"""Isolation forest in numpy: rows that random cuts part from the others early are odd.

Liu, Ting and Zhou (2008). Trees are grown on samples of rows; a tree is five arrays, so that a
fitted forest is plain numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_EULER = 0.5772156649015329
_DEEPEST = 64
_STRETCH = 8192         # rows that walk down the trees together: they fit a core's cache


@dataclass(frozen=True)
class Forest:
    """Nodes of all trees end to end: `column` (-1 at a leaf), `cut`, `left`, `right`, `depth`.

    `depth` is the depth of a leaf plus the expected depth of the rows that ended in it; `roots`
    are the places of the trees' first nodes; `usual` the expected depth of a row of a sample, and
    `steps` how deep a tree can be.
    """

    column: np.ndarray
    cut: np.ndarray
    left: np.ndarray
    right: np.ndarray
    depth: np.ndarray
    roots: np.ndarray
    usual: np.ndarray
    steps: np.ndarray

    def scores(self, values: np.ndarray) -> np.ndarray:
        """Score of each row of `values` (n, p) without NaN: near 1 is odd, below 0.5 is not."""
        total = np.empty(len(values))
        for at in range(0, len(values), _STRETCH):
            part = slice(at, at + _STRETCH)
            total[part] = self._depths(np.ascontiguousarray(values[part].T))
        return np.exp2(-total / len(self.roots) / max(float(self.usual[0]), 1e-9))

    def _depths(self, columns: np.ndarray) -> np.ndarray:
        """Sum over the trees of the depth that each row of `columns` (p, rows) ends at.

        A leaf leads to itself, so that all rows walk on for as many steps as a tree is deep.
        """
        rows = columns.shape[1]
        cells, row = columns.ravel(), np.arange(rows)
        leaf = self.column < 0
        offset = np.where(leaf, 0, self.column).astype(np.int64) * rows
        nodes = np.arange(len(leaf))
        ways = np.stack([np.where(leaf, nodes, self.right), np.where(leaf, nodes, self.left)])
        ways = np.ascontiguousarray(ways.T).ravel()
        total = np.zeros(rows)
        for root in self.roots:
            place = np.full(rows, root, dtype=np.int64)
            for _ in range(min(int(self.steps[0]), _DEEPEST)):
                left = cells[offset[place] + row] < self.cut[place]
                place = ways[2 * place + left]
            total += self.depth[place]
        return total

    def arrays(self) -> dict[str, np.ndarray]:
        """As named arrays."""
        return dict(vars(self))


def grow(values: np.ndarray, trees: int, sample: int, rng: np.random.Generator) -> Forest:
    """A forest of `trees`, each grown on `sample` rows of `values` (n, p) without NaN."""
    size = min(sample, len(values))
    nodes: list[list[float]] = []
    roots = []
    limit = int(np.ceil(np.log2(max(size, 2))))
    for _ in range(trees):
        rows = rng.choice(len(values), size, replace=False)
        roots.append(len(nodes))
        _grow_tree(values, rows, limit, rng, nodes)
    table = np.array(nodes)
    whole = [table[:, at].astype(np.int32) for at in (0, 2, 3)]
    return Forest(whole[0], table[:, 1], whole[1], whole[2], table[:, 4],
                  np.array(roots, dtype=np.int32), expected_depth(np.array([size])),
                  np.array([limit]))


def expected_depth(rows: np.ndarray) -> np.ndarray:
    """Average depth at which a search in a binary tree of so many rows ends unsuccessfully."""
    rows = np.asarray(rows, dtype=np.float64)
    many = 2 * (np.log(np.maximum(rows - 1, 1)) + _EULER) - 2 * (rows - 1) / np.maximum(rows, 1)
    return np.where(rows > 2, many, np.where(rows == 2, 1.0, 0.0))


def _grow_tree(
    values: np.ndarray, rows: np.ndarray, limit: int, rng: np.random.Generator,
    nodes: list[list[float]],
) -> None:
    """Append one tree's nodes: column, cut, left, right, depth."""
    nodes.append([])
    waiting = [(len(nodes) - 1, rows, 0)]
    while waiting:
        place, inside, depth = waiting.pop()
        low, high = values[inside].min(axis=0), values[inside].max(axis=0)
        open_columns = np.flatnonzero(high > low)
        if depth >= limit or len(inside) <= 1 or not len(open_columns):
            rest = float(expected_depth(np.array([len(inside)]))[0])
            nodes[place] = [-1, 0.0, -1, -1, depth + rest]
            continue
        column = int(rng.choice(open_columns))
        cut = rng.uniform(low[column], high[column])
        goes_left = values[inside, column] < cut
        nodes += [[], []]
        left, right = len(nodes) - 2, len(nodes) - 1
        nodes[place] = [column, cut, left, right, 0.0]
        waiting += [(left, inside[goes_left], depth + 1), (right, inside[~goes_left], depth + 1)]
