"""Trees as flat arrays: decision trees, forests and boosted trees answered with numpy alone.

Nodes of each tree are stored level by level, children of a split side by side, so where a
split's children lie follows from its rank among the splits of its tree and needs no storing:

    size          (trees,)          nodes of each tree
    feature       (nodes,)          feature that a split looks at; -1 marks a leaf
    threshold     (splits,)         left if value <= threshold
    missing_left  (splits,)         where a missing value goes
    value         (leaves, outputs) what each leaf adds
    base          (outputs,)        what the sum starts from
    weight        (trees,)          aggregate "median" only
    cover         (nodes,)          weight of the training rows that came to each node
    sets, member  category splits: left if the level's bit is set in sets[member[split]]
    level_*       the levels behind those bits, for each feature that holds categories

Where config says "turns", each tree adds to one output only, the outputs taking turns: boosting
with one tree a class.

Thresholds in float32 say that the learner compared float32 values: features are rounded so
before they are compared, and the comparison is bit for bit the learner's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels._links import dense, link, spread

# Positions (tree, row) walked at once: the working arrays of that many stay in cache.
_WALK = 1 << 15
_NODE = np.dtype([("threshold", np.float64), ("feature", np.int32), ("child", np.int32)])


class Trees:
    """Answers with a State of kind "trees"."""

    def __init__(self, state: State) -> None:
        config, arrays = state.config, state.arrays
        self._features = int(config["features"])
        self._aggregate = config["aggregate"]
        self._link = config["link"]
        self._classes = config.get("classes")
        self._n_classes = int(config["n_classes"])
        self.value = arrays["value"]
        self._base = arrays["base"]
        self._turns = len(self._base) if config["turns"] else 1
        self._weight = arrays.get("weight")
        self._single = arrays["threshold"].dtype == np.float32
        self._levels = _Levels(arrays) if "level_feature" in arrays else None
        self._build(arrays)

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p), NaN for missing, to probabilities (n, classes) or numbers (n,)."""
        return self.ended(self.raw(X))

    def ended(self, raw: np.ndarray) -> np.ndarray:
        """What the trees add up to, (n, outputs), to the answer."""
        answer = link(self._link, raw)
        if not self._n_classes:
            return answer[:, 0]
        return spread(answer, self._classes, self._n_classes)

    def raw(self, X: Any) -> np.ndarray:
        """What the trees add up to, before the link: (n, outputs)."""
        whole = self.prepared(X)
        rows = max(1, min(len(whole), _WALK))
        parts = [self._chunk(whole[at:at + rows]) for at in range(0, len(whole), rows)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self._base)))

    def spans(self) -> list[tuple[int, int]]:
        """First node and number of nodes of each tree."""
        ends = [*self._roots[1:].tolist(), len(self.nodes)]
        return [(at, end - at) for at, end in zip(self._roots.tolist(), ends, strict=True)]

    def leaves(self, X: Any) -> np.ndarray:
        """The leaf that each row falls into in each tree, as its place in `value`: (trees, n)."""
        whole = self.prepared(X)
        rows = max(1, min(len(whole), _WALK))
        parts = [np.concatenate(list(self._blocks(whole[at:at + rows]))).astype(np.int32)
                 for at in range(0, len(whole), rows)]
        return np.concatenate(parts, axis=1) if parts else np.zeros(
            (len(self._roots), 0), dtype=np.int32)

    def sides(self, columns: np.ndarray, splits: np.ndarray) -> np.ndarray:
        """Which rows of prepared `columns` (p, n) go right at each of these splits: (splits, n)."""
        x = columns.take(self.nodes["feature"].take(splits), axis=0)
        right: np.ndarray = x > self.nodes["threshold"].take(splits)[:, None]
        missing = np.isnan(x)
        if self._set is not None:
            for at in np.flatnonzero(self._set.take(splits) >= 0):
                level = np.where(missing[at], 0, x[at]).astype(np.intp)
                right[at] = ~self._sets[self._set[splits[at]], level]
        return np.where(missing, self._missing_right.take(splits)[:, None], right)

    def prepared(self, X: Any) -> np.ndarray:
        """Features (n, p) as the walk compares them: rounded as the learner did, levels coded."""
        whole = self._rounded(dense(X, self._features))
        return self._levels.coded(whole) if self._levels else whole

    def prepared_of(self, features: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The same of `values` (n, len(features)) of some features alone."""
        if not self._levels:
            return self._rounded(np.asarray(values))
        whole = np.zeros((len(values), self._features))
        whole[:, features] = values
        return self.prepared(whole)[:, features]

    def _rounded(self, values: np.ndarray) -> np.ndarray:
        if self._single:
            values = values.astype(np.float32, copy=False)
        return values.astype(np.float64, order="C", copy=False)

    def _chunk(self, X: np.ndarray) -> np.ndarray:
        if self._aggregate == "median":
            return self._median(X)
        total = np.repeat(self._base[None, :], len(X), axis=0)
        for leaves in self._blocks(X):
            _add(total, self.value, leaves, self._turns)
        return total / len(self._roots) if self._aggregate == "mean" else total

    def _median(self, X: np.ndarray) -> np.ndarray:
        """Weighted median over trees: the answer of AdaBoost.R2 (Drucker 1997)."""
        assert self._weight is not None
        leaves = np.concatenate(list(self._blocks(X)))
        found = self.value[leaves, 0].T
        order = np.argsort(found, axis=1)
        mass = np.cumsum(self._weight[order], axis=1)
        middle = (mass >= 0.5 * mass[:, -1:]).argmax(axis=1)
        return np.take_along_axis(found, order, 1)[np.arange(len(X)), middle][:, None]

    def _blocks(self, X: np.ndarray) -> Iterator[np.ndarray]:
        """Leaves (trees of the block, rows) that rows fall into, a block of trees at a time."""
        trees = self._turns * max(1, _WALK // (self._turns * len(X)))
        flat, starts = X.ravel(), np.arange(len(X), dtype=np.intp) * X.shape[1]
        missing = bool(np.isnan(flat).any())
        for first in range(0, len(self._roots), trees):
            roots = self._roots[first:first + trees]
            place = np.repeat(roots, len(X))
            leaves = self._walk(flat, np.tile(starts, len(roots)), place, missing)
            yield leaves.reshape(len(roots), len(X))

    def _walk(
        self, flat: np.ndarray, start: np.ndarray, place: np.ndarray, missing: bool
    ) -> np.ndarray:
        """Walk every position down to its leaf; those that arrived drop out of the walk."""
        found = np.empty(len(place), dtype=np.intp)
        active: np.ndarray | None = None
        step = 0
        while len(place):
            place = self._down(flat, start, place, missing)
            step += 1
            # Leaves lead to themselves, so dropping them may wait: not worth it every step.
            if step < self._shallow or (step % 2 and len(place) > 256):
                continue
            leaf = self.leaf.take(place)
            walking = np.flatnonzero(leaf < 0)
            if active is None:
                found[:] = leaf
                active = walking
            else:
                found[active] = leaf
                active = active.take(walking)
            place, start = place.take(walking), start.take(walking)
        return found

    def _down(
        self, flat: np.ndarray, start: np.ndarray, place: np.ndarray, missing: bool
    ) -> np.ndarray:
        node = self.nodes.take(place)
        at = start + node["feature"]
        x = flat.take(at)
        right = x > node["threshold"]
        if missing:
            self._send_missing(x, place, right)
        if self._set is not None:
            self._send_categories(x, place, right)
        return node["child"] + right

    def _send_missing(self, x: np.ndarray, place: np.ndarray, right: np.ndarray) -> None:
        at = np.flatnonzero(np.isnan(x))
        right[at] = self._missing_right.take(place.take(at))

    def _send_categories(self, x: np.ndarray, place: np.ndarray, right: np.ndarray) -> None:
        assert self._set is not None
        chosen = self._set.take(place)
        at = np.flatnonzero((chosen >= 0) & ~np.isnan(x))
        level = x.take(at).astype(np.intp)
        right[at] = ~self._sets[chosen.take(at), level]

    def _build(self, arrays: dict[str, np.ndarray]) -> None:
        """Lay stored arrays out for walking: one 16-byte record a node."""
        size = arrays["size"].astype(np.intp)
        if (size < 1).any() or size.sum() != len(arrays["feature"]):
            raise StateError("its trees do not have as many nodes as is said of them: the file was "
                             "altered, or not written by wholefit.")
        self._roots = np.cumsum(size) - size
        feature = arrays["feature"]
        split = feature >= 0
        where = np.flatnonzero(split)
        rank: np.ndarray = np.cumsum(split) - split
        root = np.repeat(self._roots, size)
        nodes = np.empty(len(feature), dtype=_NODE)
        nodes["feature"] = np.where(split, feature, 0)
        nodes["child"] = np.where(split, root + 1 + 2 * (rank - rank[root]), np.arange(len(root)))
        nodes["threshold"] = np.inf
        nodes["threshold"][where] = arrays["threshold"]
        self.nodes = nodes
        self.leaf = np.where(split, -1, np.arange(len(split)) - rank)
        self._missing_right = np.zeros(len(feature), dtype=bool)
        self._missing_right[where] = ~arrays["missing_left"]
        self._shallow = _shallowest(nodes["child"], split, self._roots)
        self._set: np.ndarray | None = None
        if "member" in arrays:
            self._set = np.full(len(feature), -1, dtype=np.int32)
            self._set[where] = arrays["member"]
            self._sets = np.unpackbits(arrays["sets"], axis=1, bitorder="little").astype(bool)


class _Levels:
    """Values of category features to positions among the levels known; else missing."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        ends = np.cumsum(arrays["level_size"])
        self._tables = list(zip(
            arrays["level_feature"].tolist(), np.split(arrays["level"], ends[:-1]), strict=True))

    def coded(self, X: np.ndarray) -> np.ndarray:
        coded = X.copy()
        for feature, levels in self._tables:
            values = X[:, feature]
            at = np.searchsorted(levels, values)
            if not len(levels):
                coded[:, feature] = np.nan
                continue
            known = levels[np.minimum(at, len(levels) - 1)] == values
            coded[:, feature] = np.where(known, at, np.nan)
        return coded


def _add(total: np.ndarray, value: np.ndarray, leaves: np.ndarray, turns: int) -> None:
    """Add leaves (trees, rows) to `total` (rows, outputs), tree after tree, as learners do.

    The order is the same for one row and for many, so a row's answer never depends on its
    neighbours.
    """
    if turns > 1:
        each = value[:, 0].take(leaves).reshape(-1, turns, leaves.shape[1]).transpose(0, 2, 1)
    elif total.shape[0] > 16:
        for leaf in leaves:
            total += value.take(leaf, axis=0)
        return
    else:
        each = value.take(leaves, axis=0)
    total[:] = np.add.accumulate(np.concatenate([total[None], each]), axis=0)[-1]


def _shallowest(child: np.ndarray, split: np.ndarray, roots: np.ndarray) -> int:
    """Steps after which the first position can have reached a leaf."""
    level, steps = roots, 0
    while len(level) and split[level].all():
        level = np.concatenate([child[level], child[level] + 1])
        steps += 1
    return steps
