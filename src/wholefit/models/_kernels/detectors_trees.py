"""Isolation forest: rows that random cuts part from the others early are odd."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from wholefit.base.errors import ArtifactError
from wholefit.base.state import State
from wholefit.models._kernels.detectors import Detector, array, number
from wholefit.models._kernels.trees import Trees


class Isolation(Detector):
    """Score 2^(-depth / usual): part "trees" holds depths, `rows` (leaves,) the rows of each.

    Near 1 is odd, below 0.5 is not (Liu, Ting and Zhou 2008).
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        trees = state.parts.get("trees")
        if trees is None or trees.kind != "trees" or trees.config.get(
                "features") != self.features:
            raise ArtifactError("state of an isolation forest holds no usable 'trees': it was "
                                "altered; save the model anew.")
        self._forest = Trees(trees)
        self._arrays = trees.arrays
        self._usual = number(state, "usual")
        self._rows = array(state, "rows", len(trees.arrays["value"]))

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Scores (n,) between 0 and 1."""
        depth = self._forest.raw(Z)[:, 0]
        return np.asarray(np.exp2(-depth / self._usual))

    def share(self, Z: np.ndarray) -> np.ndarray:
        """How much sooner each feature's cuts set a row apart, in units of the usual depth.

        Each cut on a row's way is credited to its feature with the depth that was to be expected
        before it less the depth to be expected after it. A row's contributions sum to the depth
        expected of any row less its own, over the usual depth.
        """
        found = np.zeros(Z.shape)
        whole = self._forest.prepared(Z)
        for leaves in self._forest._blocks(whole):
            for leaf in leaves:
                found += self._credit[leaf]
        return found / (len(self._arrays["size"]) * self._usual)

    @cached_property
    def _credit(self) -> np.ndarray:
        """Depth saved on the way to each leaf by each feature, (leaves, p)."""
        return credits(self._arrays, self._rows, self.features)


def credits(arrays: dict[str, np.ndarray], rows: np.ndarray, features: int) -> np.ndarray:
    """For each leaf and feature: expected depth before its cuts less after, (leaves, p)."""
    split = arrays["feature"] >= 0
    rank: np.ndarray = np.cumsum(split) - split
    leaf = np.arange(len(split)) - rank
    ends = np.cumsum(arrays["size"])
    found = np.empty((int((~split).sum()), features))
    for start, end in zip(ends - arrays["size"], ends, strict=True):
        _one_tree(arrays, rows, slice(int(start), int(end)), split, rank, leaf, found)
    return found


def _one_tree(
    arrays: dict[str, np.ndarray], rows: np.ndarray, nodes: slice, split: np.ndarray,
    rank: np.ndarray, leaf: np.ndarray, found: np.ndarray,
) -> None:
    """Expected depths from the leaves up, then credits from the root down."""
    here = split[nodes]
    count = len(here)
    child = 1 + 2 * (rank[nodes] - rank[nodes.start])
    mass, depth = np.zeros(count), np.zeros(count)
    mine = leaf[nodes][~here]
    mass[~here] = rows[mine]
    depth[~here] = arrays["value"][mine, 0]
    inner = np.flatnonzero(here)
    for node in inner[::-1].tolist():
        both = slice(child[node], child[node] + 2)
        mass[node] = mass[both].sum()
        depth[node] = np.average(depth[both], weights=np.maximum(mass[both], 1e-9))
    way = np.zeros((count, found.shape[1]))
    feature = arrays["feature"][nodes]
    for node in inner.tolist():
        for below in (child[node], child[node] + 1):
            way[below] = way[node]
            way[below, feature[node]] += depth[node] - depth[below]
    found[mine] = way[~here]
