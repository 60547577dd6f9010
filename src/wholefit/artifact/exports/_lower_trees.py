"""Trees as flat tables: every node with its own place, so that a walk is one loop.

Tables of the operation "trees", for nodes of all trees one after another:

    root      (trees,)          first node of each tree
    feature   (nodes,)          feature that a split looks at; -1 marks a leaf
    child     (nodes,)          a split's left child, the right one beside it; a leaf's value
    threshold (nodes,)          left if value <= threshold
    left      (nodes,)          1 where a missing value goes left
    member    (nodes,) or ()    the category set of a split, -1 for a threshold
    sets      (sets * bytes,)   left if the level's bit is set
    value     (leaves * outputs,)
"""

from __future__ import annotations

import numpy as np

from wholefit.artifact.exports._program import Program, Reg
from wholefit.base.errors import StateError
from wholefit.base.state import State

_AGGREGATES = ("sum", "mean", "median")


def trees(program: Program, state: State, x: Reg) -> Reg:
    """What the trees of a state of kind "trees" add up to, before the link."""
    config, arrays = state.config, state.arrays
    if int(config["features"]) != x.width:
        raise StateError("the trees were grown on other features than the rows have.")
    if arrays["threshold"].dtype == np.float32:
        x = program.do("round32", x.width, x)
    if "level_feature" in arrays:
        x = program.do("coded", x.width, x, program.table(arrays["level_feature"], "i4"),
                       program.table(arrays["level_size"], "i4"), program.table(arrays["level"]))
    base = np.asarray(arrays["base"], np.float64)
    nodes = flat(arrays)
    tables = [program.table(nodes[name], kind) for name, kind in (
        ("root", "i4"), ("feature", "i4"), ("child", "i4"), ("threshold", "f8"), ("left", "u1"),
        ("member", "i4"), ("sets", "u1"), ("value", "f8"))]
    width = arrays["sets"].shape[1] if "sets" in arrays else 0
    if config["aggregate"] == "median":
        return program.do("median_tree", 1, x, *tables, width, program.table(arrays["weight"]))
    how = int(bool(config["turns"])) + 2 * int(bool(config.get("single")))
    raw = program.do("trees", len(base), x, *tables, width, how, program.table(base))
    if config["aggregate"] == "mean":
        count = len(arrays["size"])
        return program.do("divided", raw.width, raw, float(count))
    return raw


def flat(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tables of this module's first lines, from a state's arrays."""
    size = arrays["size"].astype(np.int64)
    feature = np.asarray(arrays["feature"], np.int64)
    if (size < 1).any() or size.sum() != len(feature):
        raise StateError("the trees do not have as many nodes as is said of them.")
    split = feature >= 0
    where = np.flatnonzero(split)
    root = np.cumsum(size) - size
    rank: np.ndarray = np.cumsum(split) - split
    first = np.repeat(root, size)
    leaf: np.ndarray = np.cumsum(~split) - ~split
    found = {"root": root, "feature": np.where(split, feature, -1), "value": arrays["value"],
             "child": np.where(split, first + 1 + 2 * (rank - rank[first]), leaf),
             "threshold": np.zeros(len(feature)), "left": np.zeros(len(feature), np.uint8),
             "member": np.zeros(0, np.int32), "sets": np.zeros(0, np.uint8)}
    found["threshold"][where] = arrays["threshold"]
    found["left"][where] = arrays["missing_left"]
    if "member" in arrays:
        found["member"] = np.full(len(feature), -1, np.int32)
        found["member"][where] = arrays["member"]
        found["sets"] = arrays["sets"]
    return found
