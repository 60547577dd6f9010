"""Growing isolation forests, all trees at once, and reading those that scikit-learn grew.

The trees are those of Liu, Ting and Zhou (2008), as scikit-learn grows them: each on a sample
without replacement; each cut at a place drawn evenly between the least and the largest value of a
feature drawn from those that vary in the node; no deeper than the logarithm of the sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.models._detectors.estimator import Estimator
from wholefit.models._tree_states import _raw
from wholefit.models._trees import trees_state

Learnt = tuple[dict[str, Any], dict[str, np.ndarray], dict[str, State]]
_EULER = 0.5772156649015329
# Draws of a feature for nodes where it does not vary, before all features are looked at.
_TRIES = 4


class IsolationEstimator(Estimator):
    """An isolation forest on prepared columns."""

    kind = "detector.isolation"

    def learn(self, Z: np.ndarray) -> Learnt:
        """Trees, whose leaves hold the depth that their rows are taken to have."""
        random = generator(self.seed, "isolation")
        sample = min(self.words["sample"], len(Z))
        kept = max(1, round(self.words["features"] * Z.shape[1]))
        forest = _Growth(Z, self.words["trees"], sample, kept, random).grown()
        return _learnt(forest, Z.shape[1], sample)


def read(forest: Any) -> Learnt:
    """Config, arrays and parts of a fitted IsolationForest of scikit-learn."""
    if not hasattr(forest, "estimators_features_"):
        raise StateError("the isolation forest is not fitted; call fit first.")
    raw = []
    for tree, columns in zip(forest.estimators_, forest.estimators_features_, strict=True):
        fitted = tree.tree_
        depth = depths(fitted.children_left, fitted.children_right)
        value = depth + expected_depth(fitted.n_node_samples)
        both = np.stack([value, fitted.n_node_samples.astype(np.float64)], axis=1)
        raw.append(_raw(fitted, both, columns))
    state = trees_state(raw, features=forest.n_features_in_, aggregate="mean", link="identity",
                        classes=None, n_classes=0)
    return _learnt(state.arrays, forest.n_features_in_, forest._max_samples)


def _learnt(arrays: dict[str, np.ndarray], features: int, sample: int) -> Learnt:
    """The state's pieces from flat trees whose leaves hold (depth, rows)."""
    config = {"features": int(features), "aggregate": "mean", "link": "identity", "turns": False,
              "classes": None, "n_classes": 0}
    value, rows = np.ascontiguousarray(arrays["value"][:, :1]), arrays["value"][:, 1].copy()
    trees = State("trees", config, {**arrays, "value": value, "base": np.zeros(1)})
    usual = max(float(expected_depth(np.array([sample]))[0]), 1e-9)
    return {"usual": usual}, {"rows": rows}, {"trees": trees}


@dataclass
class _Growth:
    """All trees, a level at a time; the rows of a node stand side by side in `row`."""

    Z: np.ndarray
    trees: int
    sample: int
    kept: int
    random: np.random.Generator
    levels: list[dict[str, np.ndarray]] = field(default_factory=list)

    def grown(self) -> dict[str, np.ndarray]:
        """Flat arrays in the order of `_kernels/trees.py`; leaves hold depth and rows."""
        row = np.concatenate([self.random.choice(len(self.Z), self.sample, replace=False)
                              for _ in range(self.trees)])
        wide = self.Z.shape[1]
        self._mine = None if self.kept >= wide else np.stack([
            self.random.choice(wide, self.kept, replace=False) for _ in range(self.trees)])
        tree, size = np.arange(self.trees), np.full(self.trees, self.sample)
        limit = int(np.ceil(np.log2(max(self.sample, 2))))
        for depth in range(limit + 1):
            row, tree, size = self._level(row, tree, size, depth, depth == limit)
            if not len(tree):
                break
        return self._flat()

    def _level(
        self, row: np.ndarray, tree: np.ndarray, size: np.ndarray, depth: int, last: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cut the nodes of one level; what is left of them in the next."""
        open_ = np.zeros(len(tree), dtype=bool) if last else size > 1
        inside = np.repeat(open_, size)
        row, at = row[inside], np.flatnonzero(open_)
        feature, low, high = self._features(row, tree[at], size[at])
        varies = feature >= 0
        kept = np.repeat(varies, size[at])
        row, at = row[kept], at[varies]
        feature, low, high = feature[varies], low[varies], high[varies]
        with np.errstate(over="ignore"):
            cut = low + self.random.random(len(at)) * (high - low)
        cut = np.where(cut < high, cut, low)
        columns = np.full(len(tree), -1)
        columns[at] = feature
        value = np.stack([depth + expected_depth(size), size], axis=1)
        self.levels.append({"tree": tree, "feature": columns, "threshold": cut, "value": value})
        node = np.repeat(np.arange(len(at)), size[at])
        child = 2 * node + (self.Z[row, feature[node]] > cut[node])
        order = np.argsort(child, kind="stable")
        return row[order], np.repeat(tree[at], 2), np.bincount(child, minlength=2 * len(at))

    def _features(
        self, row: np.ndarray, tree: np.ndarray, size: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A varying feature of each node, with its least and largest value; -1 where none is."""
        count = len(tree)
        found, low, high = np.full(count, -1), np.zeros(count), np.zeros(count)
        starts = np.cumsum(size) - size
        waiting = np.arange(count)
        for _ in range(_TRIES):
            if not len(waiting):
                return found, low, high
            feature = self._drawn(tree[waiting])
            ends = np.cumsum(size[waiting])
            places = np.repeat(starts[waiting] - ends + size[waiting], size[waiting]) \
                + np.arange(ends[-1])
            values = self.Z[row[places], np.repeat(feature, size[waiting])]
            least = np.minimum.reduceat(values, ends - size[waiting])
            most = np.maximum.reduceat(values, ends - size[waiting])
            done = most > least
            at = waiting[done]
            found[at], low[at], high[at] = feature[done], least[done], most[done]
            waiting = waiting[~done]
        for node in waiting:
            self._look(row[starts[node]:starts[node] + size[node]], int(tree[node]), int(node),
                       found, low, high)
        return found, low, high

    def _look(
        self, row: np.ndarray, tree: int, node: int, found: np.ndarray, low: np.ndarray,
        high: np.ndarray,
    ) -> None:
        """One node: look at all features, and draw from those that vary."""
        mine = np.arange(self.Z.shape[1]) if self._mine is None else self._mine[tree]
        values = self.Z[row][:, mine]
        least, most = values.min(axis=0), values.max(axis=0)
        varies = np.flatnonzero(most > least)
        if len(varies):
            at = int(self.random.choice(varies))
            found[node], low[node], high[node] = mine[at], least[at], most[at]

    def _drawn(self, tree: np.ndarray) -> np.ndarray:
        drawn = self.random.integers(self.kept, size=len(tree))
        return drawn if self._mine is None else self._mine[tree, drawn]

    def _flat(self) -> dict[str, np.ndarray]:
        """Nodes sorted by tree; within one they stand level by level already."""
        tree = np.concatenate([level["tree"] for level in self.levels])
        feature = np.concatenate([level["feature"] for level in self.levels])
        value = np.concatenate([level["value"] for level in self.levels])
        threshold = np.zeros(len(tree))
        threshold[feature >= 0] = np.concatenate([level["threshold"] for level in self.levels])
        order = np.argsort(tree, kind="stable")
        feature, split = feature[order], feature[order] >= 0
        small = np.int16 if self.Z.shape[1] < 2**15 else np.int32
        return {"feature": feature.astype(small), "threshold": threshold[order][split],
                "missing_left": np.zeros(int(split.sum()), dtype=bool),
                "value": value[order][~split],
                "size": np.bincount(tree, minlength=self.trees).astype(np.int32)}


def depths(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Depth of each node of a tree, the root first, its own 0."""
    found = np.zeros(len(left))
    level = np.zeros(1, dtype=np.intp)
    depth = 0
    while len(level):
        found[level] = depth
        inner = level[left[level] >= 0]
        level = np.concatenate([left[inner], right[inner]]).astype(np.intp)
        depth += 1
    return found


def expected_depth(rows: np.ndarray) -> np.ndarray:
    """Average depth at which a search in a binary tree of so many rows ends unsuccessfully."""
    rows = np.asarray(rows, dtype=np.float64)
    many = 2 * (np.log(np.maximum(rows - 1, 1)) + _EULER) - 2 * (rows - 1) / np.maximum(rows, 1)
    return np.where(rows > 2, many, np.where(rows == 2, 1.0, 0.0))
