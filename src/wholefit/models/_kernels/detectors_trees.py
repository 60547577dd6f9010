"""Isolation forest: rows that random cuts part from the others early are odd."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wholefit.base.errors import ArtifactError
from wholefit.base.state import State
from wholefit.models._kernels.detectors import Detector, array, number

# Rows that walk down together: their columns and the nodes of a tree stay in cache.
_ROWS = 8192


class Isolation(Detector):
    """Score 2^(-depth / usual): part "trees" holds depths, `rows` (leaves,) the rows of each.

    Near 1 is odd, below 0.5 is not (Liu, Ting and Zhou 2008).
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        trees = state.parts.get("trees")
        if trees is None or trees.kind != "trees" or trees.config.get(
                "features") != self.features or not _whole(trees, self.features):
            raise ArtifactError("state of an isolation forest holds no usable 'trees': it was "
                                "altered; save the model anew.")
        self._arrays = trees.arrays
        self._single = trees.arrays["threshold"].dtype == np.float32
        self._usual = number(state, "usual")
        self._rows = array(state, "rows", len(trees.arrays["value"]))
        self._lay()

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Scores (n,) between 0 and 1."""
        depth = np.concatenate([np.empty(0), *(
            self._depths(Z[at:at + _ROWS]) for at in range(0, len(Z), _ROWS))])
        return np.asarray(np.exp2(-depth / self._usual))

    def _lay(self) -> None:
        """Nodes for walking: a leaf leads to itself, and so waits for the others."""
        split = self._arrays["feature"] >= 0
        nodes, size = np.arange(len(split)), self._arrays["size"].astype(np.int64)
        self._roots = np.cumsum(size) - size
        rank: np.ndarray = np.cumsum(split) - split
        root = np.repeat(self._roots, size)
        self._child = np.where(split, root + 1 + 2 * (rank - rank[root]), nodes)
        self._feature = np.where(split, self._arrays["feature"], 0).astype(np.int64)
        self._cut = np.full(len(split), np.inf)
        self._cut[split] = self._arrays["threshold"]
        self._value = np.zeros(len(split))
        self._value[~split] = self._arrays["value"][:, 0]
        self._steps, level = 0, self._roots[split[self._roots]]
        while len(level):
            both = np.concatenate([self._child[level], self._child[level] + 1])
            level, self._steps = both[split[both]], self._steps + 1

    def _depths(self, Z: np.ndarray) -> np.ndarray:
        """Mean depth of the leaves that the rows of a block end in, (n,)."""
        total = np.zeros(len(Z))
        for place in self._places(Z):
            total += self._value.take(place)
        return np.asarray(total / len(self._roots))

    def _places(self, Z: np.ndarray) -> Iterator[np.ndarray]:
        """For one tree after the other, the leaf (n,) that each row ends in, as a node."""
        cells = np.ascontiguousarray(Z.T)
        if self._single:
            cells = cells.astype(np.float32).astype(np.float64)
        flat, rows = cells.ravel(), np.arange(len(Z))
        start = self._feature * len(Z)
        at, value, cut = np.empty(len(Z), np.int64), np.empty(len(Z)), np.empty(len(Z))
        right = np.empty(len(Z), bool)
        for root in self._roots:
            place = self._child[root] + (cells[self._feature[root]] > self._cut[root])
            for _ in range(self._steps - 1):
                np.take(start, place, out=at, mode="clip")
                at += rows
                np.take(flat, at, out=value, mode="clip")
                np.take(self._cut, place, out=cut, mode="clip")
                np.greater(value, cut, out=right)
                np.take(self._child, place, out=at, mode="clip")
                np.add(at, right, out=place)
            yield place

    def share(self, Z: np.ndarray) -> np.ndarray:
        """How much sooner each feature's cuts set a row apart, in units of the usual depth.

        Each cut on a row's way is credited to its feature with the depth that was to be expected
        before it less the depth to be expected after it. A row's contributions sum to the depth
        expected of any row less its own, over the usual depth.
        """
        found = np.zeros(Z.shape)
        split = self._arrays["feature"] >= 0
        leaf: np.ndarray = np.cumsum(~split) - 1
        for tree, place in enumerate(self._places(Z)):
            first = int(leaf[self._roots[tree]] + split[self._roots[tree]])
            found += self._credit(tree, split, first)[leaf[place] - first]
        return found / (len(self._roots) * self._usual)

    def _credit(self, tree: int, split: np.ndarray, first: int) -> np.ndarray:
        """Expected depth before the cuts of each feature less after, on the way to each leaf.

        One tree, (its leaves, p): expected depths from the leaves up, then credits from the root
        down. `first` is the tree's first leaf.
        """
        start = int(self._roots[tree])
        nodes = slice(start, start + int(self._arrays["size"][tree]))
        here = split[nodes]
        child = (self._child[nodes] - start).tolist()
        feature = self._feature[nodes].tolist()
        mass, depth = np.zeros(len(here)), np.zeros(len(here))
        mine = slice(first, first + int((~here).sum()))
        mass[~here] = np.maximum(self._rows[mine], 1e-9)
        depth[~here] = self._arrays["value"][mine, 0]
        masses, means = mass.tolist(), depth.tolist()
        inner = np.flatnonzero(here).tolist()
        for node in reversed(inner):
            one, other = child[node], child[node] + 1
            masses[node] = masses[one] + masses[other]
            means[node] = (masses[one] * means[one] + masses[other] * means[other]) / masses[node]
        way = np.zeros((len(here), self.features))
        for node in inner:
            for below in (child[node], child[node] + 1):
                way[below] = way[node]
                way[below, feature[node]] += means[node] - means[below]
        return way[~here]


def _whole(trees: State, features: int) -> bool:
    """Whether flat trees are what they must be: one leaf more than splits, features that exist."""
    arrays = {name: trees.arrays.get(name) for name in (
        "feature", "threshold", "missing_left", "value", "size")}
    if any(each is None or each.dtype.kind not in "fiub" for each in arrays.values()):
        return False
    feature, size = trees.arrays["feature"], trees.arrays["size"].astype(np.int64)
    if feature.ndim != 1 or size.ndim != 1 or not len(size) or size.min() < 1 \
            or size.sum() != len(feature) or feature.max() >= features:
        return False
    split = feature >= 0
    counts = np.add.reduceat(split.astype(np.int64), np.cumsum(size) - size)
    value, threshold = trees.arrays["value"], trees.arrays["threshold"]
    return bool((2 * counts + 1 == size).all() and np.isfinite(value).all()
                and value.shape == (int((~split).sum()), 1)
                and threshold.shape == trees.arrays["missing_left"].shape == (int(split.sum()),))
