"""Trees in any form, laid out as the flat arrays of `_kernels/trees.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wholefit.base.state import State


@dataclass(frozen=True)
class RawTree:
    """One tree, nodes in any order with the root first; `left` < 0 marks a leaf.

    `value` (nodes, outputs) is read at leaves only. `member` (nodes,) is the category set of a
    split, -1 for a threshold; `sets` are bits, (sets, bytes), little end first. `cover` (nodes,)
    is the weight of the training rows that came to each node, which exact SHAP values need.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray
    member: np.ndarray | None = None
    sets: np.ndarray | None = None
    cover: np.ndarray | None = None


def trees_state(
    trees: Iterable[RawTree],
    *,
    features: int,
    aggregate: str,
    link: str,
    classes: Sequence[int] | None,
    n_classes: int,
    base: np.ndarray | None = None,
    turns: bool = False,
    extra: dict[str, np.ndarray] | None = None,
) -> State:
    """The State of kind "trees"; `_kernels/trees.py` says what its arrays mean.

    `aggregate` is "mean", "sum" or "median"; `link` "identity", "sigmoid" or "softmax";
    `classes` the codes seen in training, in order of the outputs.
    """
    arrays = _stored(list(trees), features)
    outputs = len(base) if base is not None else arrays["value"].shape[1]
    arrays["base"] = np.zeros(outputs) if base is None else np.asarray(base, dtype=np.float64)
    arrays.update(extra or {})
    seen = None if classes is None else [int(code) for code in classes]
    config = {"features": int(features), "aggregate": aggregate, "link": link, "turns": turns,
              "classes": seen, "n_classes": int(n_classes)}
    return State("trees", config, arrays)


def _stored(trees: list[RawTree], features: int) -> dict[str, np.ndarray]:
    small = np.int16 if features < 2**15 else np.int32
    parts: dict[str, list[np.ndarray]] = {
        "feature": [], "threshold": [], "missing_left": [], "value": [], "member": [], "cover": []}
    sets: list[np.ndarray] = []
    for tree in trees:
        order = _by_level(tree.left, tree.right)
        split = tree.left[order] >= 0
        at = order[split]
        parts["feature"].append(np.where(split, tree.feature[order], -1).astype(small))
        parts["threshold"].append(tree.threshold[at])
        parts["missing_left"].append(tree.missing_left[at])
        parts["value"].append(np.asarray(tree.value[order[~split]], dtype=np.float64))
        if tree.cover is not None:
            parts["cover"].append(tree.cover[order].astype(np.float64))
        if tree.member is not None and tree.sets is not None:
            member, before = tree.member[at], sum(map(len, sets))
            parts["member"].append(np.where(member < 0, -1, member + before).astype(np.int32))
            sets.append(tree.sets)
    arrays = {name: np.concatenate(found) for name, found in parts.items() if found}
    arrays["size"] = np.array([len(tree.left) for tree in trees], dtype=np.int32)
    if sets:
        arrays["sets"] = np.concatenate(sets)
    if "cover" in arrays:
        arrays["cover"] = _smallest(arrays["cover"])
    return arrays


def _smallest(cover: np.ndarray) -> np.ndarray:
    """The same numbers in half the space where they are whole, as numbers of rows are."""
    small = cover.astype(np.float32)
    return small if np.array_equal(small.astype(np.float64), cover) else cover


def _by_level(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Nodes level by level from the root, the two children of a split side by side."""
    level = np.zeros(1, dtype=np.intp)
    levels = []
    while len(level):
        levels.append(level)
        splits = level[left[level] >= 0]
        level = np.stack([left[splits], right[splits]], axis=1).ravel().astype(np.intp)
    return np.concatenate(levels)
