"""Trees in words: one as rules, many by what they ask about and by the one that stands for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.base.wording import counted
from wholefit.explain.inside._columns import CODE, Feature
from wholefit.explain.inside.record import Node, Share, Tree
from wholefit.models._kernels.trees import Trees

# Rows made up of a forest's own cuts, on which its trees are held against it.
_ROWS = 400
_MOST_TREES = 500


class Forest:
    """The trees of a state of kind "trees", with the answer at every node.

    `value` (nodes, outputs) of an inner node is the mean of the leaves below it, weighted by the
    training rows that came there; `cover` (nodes,) are those rows, None where the file has none.
    """

    def __init__(self, state: State) -> None:
        self.state, self.trees = state, Trees(state)
        self.spans = self.trees.spans()
        self.cover = state.arrays.get("cover")
        self.child = self.trees.nodes["child"]
        self.split = self.trees.leaf < 0
        leaves = np.asarray(self.trees.value, dtype=np.float64)
        self.value = leaves[np.maximum(self.trees.leaf, 0)]
        self.depth = np.zeros(len(self.split), dtype=np.intp)
        self._fill()

    def _fill(self) -> None:
        weight = np.ones(len(self.split)) if self.cover is None else np.asarray(
            self.cover, dtype=np.float64)
        splits = np.flatnonzero(self.split)
        for node in splits:  # parents stand before their children
            self.depth[self.child[node]:self.child[node] + 2] = self.depth[node] + 1
        for node in splits[::-1]:
            pair = slice(self.child[node], self.child[node] + 2)
            share = weight[pair] if weight[pair].sum() > 0 else np.ones(2)
            self.value[node] = share @ self.value[pair] / share.sum()

    def depths(self) -> np.ndarray:
        """The depth of each tree."""
        return np.array([self.depth[at:at + size].max() for at, size in self.spans])

    def shares(self, features: Sequence[Feature]) -> tuple[Share, ...]:
        """What the splits on each column gain, the most first.

        A split gains the weighted spread between its two sides' answers: for the class shares of a
        tree the fall of the Gini impurity, for numbers that of the squared error, as in Breiman
        et al. (1984). Trees of a mean count alike, as scikit-learn's `feature_importances_` does.
        """
        gains, splits = self._gains(len(features))
        columns = list(dict.fromkeys(one.column for one in features))
        place = {column: at for at, column in enumerate(columns)}
        own = np.array([place[one.column] for one in features])
        gain = np.bincount(own, weights=gains, minlength=len(columns))
        count = np.bincount(own, weights=splits, minlength=len(columns))
        total = gain.sum() or 1.0
        found = [Share(column, float(gain[at] / total), int(count[at]))
                 for at, column in enumerate(columns) if count[at]]
        return tuple(sorted(found, key=lambda one: (-one.share, -one.splits, one.column)))

    def _gains(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        splits = np.flatnonzero(self.split)
        feature = self.trees.nodes["feature"][splits].astype(np.intp)
        left = self.child[splits]
        weight = np.ones(len(self.split)) if self.cover is None else np.asarray(
            self.cover, dtype=np.float64)
        a, b = weight[left], weight[left + 1]
        apart = ((self.value[left] - self.value[left + 1]) ** 2).sum(axis=1)
        each = apart * a * b / np.maximum(a + b, 1e-300)
        if self.state.config["aggregate"] == "mean":
            tree = np.searchsorted([at for at, _ in self.spans], splits, side="right") - 1
            total = np.bincount(tree, weights=each, minlength=len(self.spans))
            each = each / np.where(total > 0, total, 1.0)[tree]
        return (np.bincount(feature, weights=each, minlength=width),
                np.bincount(feature, minlength=width))

    def tree(self, number: int, features: Sequence[Feature], outputs: tuple[str, ...],
             about: str = "") -> Tree:
        """One of the trees as a record, in words."""
        first, size = self.spans[number]
        said = {first: ""}
        nodes = []
        for node in range(first, first + size):
            children: tuple[int, ...] = ()
            if self.split[node]:
                child = int(self.child[node])
                said[child], said[child + 1] = self.question(node, features)
                children = (child - first, child + 1 - first)
            rows = None if self.cover is None else float(self.cover[node])
            nodes.append(Node(said[node], int(self.depth[node]),
                              tuple(float(v) for v in self.value[node]), rows, children))
        return Tree(tuple(nodes), outputs if len(outputs) == self.value.shape[1] else ("",), about)

    def question(self, node: int, features: Sequence[Feature]) -> tuple[str, str]:
        """The conditions of the left and of the right side of a split."""
        one = features[int(self.trees.nodes["feature"][node])]
        if self._parts_gaps(node):
            return f"{one.name} is known", one.missing()
        left, right = self._sides(node, one)
        if not one.gaps:
            return left, right
        missing = bool(self.trees._missing_right[node])
        return (left, right + " or missing") if missing else (left + " or missing", right)

    def _parts_gaps(self, node: int) -> bool:
        """Whether a split only parts known values, on the left, from missing ones."""
        member = -1 if self.trees._set is None else int(self.trees._set[node])
        return member < 0 and bool(self.trees.nodes["threshold"][node] == np.inf)

    def _sides(self, node: int, one: Feature) -> tuple[str, str]:
        member = -1 if self.trees._set is None else int(self.trees._set[node])
        if member < 0:
            bound = float(self.trees.nodes["threshold"][node])
            return one.at_most(bound), one.above(bound)
        bits = self.trees._sets[member]
        known = range(len(one.levels)) if one.kind == CODE else range(len(bits))
        chosen = [code for code in known if code < len(bits) and bits[code]]
        others = [code for code in known if code >= len(bits) or not bits[code]]
        return one.among(chosen), one.among(others)

    def path(self, row: np.ndarray, number: int, features: Sequence[Feature]) -> list[str]:
        """The conditions that one encoded row (p,) meets on its way down a tree."""
        whole = self.trees.prepared(row[None])
        node, found = self.spans[number][0], []
        while self.split[node]:
            right = bool(self.trees.sides(whole.T, np.array([node]))[0, 0])
            found.append(self.question(node, features)[right])
            node = int(self.child[node]) + right
        return found

    def representative(self) -> tuple[int, float]:
        """The tree that answers most like all of them, and the correlation of the two answers.

        As in Banerjee, Ding and Noone (2012), but held against the forest on rows made of the
        forest's own cuts, column by column, for no row is kept.
        """
        import dataclasses

        rows = self._made_up()
        whole = self.trees.raw(rows)
        which = range(min(len(self.spans), _MOST_TREES))
        best, nearest = 0, np.inf
        found = whole
        for number in which:
            alone = Trees(dataclasses.replace(self.state, arrays=self._alone(number))).raw(rows)
            gap = float(((alone - whole) ** 2).mean())
            if gap < nearest:
                best, nearest, found = number, gap, alone
        a, b = found[:, -1], whole[:, -1]
        steady = a.std() == 0 or b.std() == 0
        return best, float("nan") if steady else float(np.corrcoef(a, b)[0, 1])

    def _made_up(self) -> np.ndarray:
        rng = np.random.default_rng(0)
        splits = np.flatnonzero(self.split)
        feature = self.trees.nodes["feature"][splits]
        bound = self.trees.nodes["threshold"][splits]
        rows = np.zeros((_ROWS, self.trees._features))
        for one in np.unique(feature):
            cuts = bound[(feature == one) & np.isfinite(bound)]
            if len(cuts):
                drawn = rng.choice(cuts, _ROWS)
                rows[:, one] = np.where(rng.random(_ROWS) < 0.5, drawn,
                                        np.nextafter(drawn.astype(np.float32), np.float32(np.inf)))
            else:
                rows[:, one] = rng.integers(0, self.trees._sets.shape[1], _ROWS)
        return rows

    def _alone(self, number: int) -> dict[str, np.ndarray]:
        """The arrays of one tree by itself."""
        arrays = self.state.arrays
        first, size = self.spans[number]
        here = slice(first, first + size)
        before, mine = int(self.split[:first].sum()), int(self.split[here].sum())
        splits, leaves = slice(before, before + mine), slice(first - before,
                                                             first - before + size - mine)
        parts = {"feature": here, "cover": here, "threshold": splits, "missing_left": splits,
                 "member": splits, "value": leaves}
        found = {name: array[parts[name]] if name in parts else array
                 for name, array in arrays.items()}
        return {**found, "size": arrays["size"][number:number + 1]}


def told(state: State, features: Sequence[Feature], outputs: tuple[str, ...]) -> dict[str, Any]:
    """What is said of a state of kind "trees": sentences, a tree, shares of columns."""
    forest = Forest(state)
    count, shares = len(forest.spans), forest.shares(features)
    turns = len(state.arrays["base"]) if state.config["turns"] else 1
    if count == 1:
        tree = forest.tree(0, features, outputs)
        return {"said": [f"One tree of {counted(tree.leaves, 'leaf').replace('leafs', 'leaves')} "
                         f"and depth {tree.depth}: a row follows the conditions that it meets."],
                "tree": tree, "shares": shares}
    depths = forest.depths()
    leaves = int((~forest.split).sum())
    summed = state.config["aggregate"] == "sum"
    how = {"mean": "whose answers are averaged", "sum": "whose answers are added up",
           "median": "of whose answers the weighted median is taken"}[state.config["aggregate"]]
    each = f", {turns} a round: one a class" if turns > 1 else ""
    said = [f"{count:,} trees{each}, {how}; {depths.mean():.1f} questions deep on average "
            f"({depths.min()} to {depths.max()}), {leaves:,} leaves in all."]
    if shares:
        top = ", ".join(f"{one.column} ({one.share:.0%})" for one in shares[:5])
        said.append(f"Of what their splits gain, most comes from {top}.")
        said.append("Such shares count what trees could find to split on: columns of many values "
                    "gain by chance too. importance(rows) measures what a column is worth.")
    found: dict[str, Any] = {"said": said, "shares": shares}
    if not summed and state.config["aggregate"] == "mean":
        number, agreement = forest.representative()
        about = (f"The tree that answers most like the forest is number {number + 1} of {count:,} "
                 f"(correlation {agreement:.2f} on rows made of the forest's own cuts); it is one "
                 "of many, and answers otherwise than they do together:")
        found["tree"] = forest.tree(number, features, outputs, about)
    return found
