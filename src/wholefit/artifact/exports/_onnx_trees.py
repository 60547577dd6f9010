"""Trees as ONNX tree ensembles with thresholds and sums of 64 bits.

The nodes are those of `_lower_trees.flat`. They become a TreeEnsemble (ai.onnx.ml 5), which knows
leaves of one number: where they hold several, as a forest's shares of classes, it gives the leaf of
each tree, and a table the numbers. A split by a set of categories becomes a 0/1 column, looked up
by the category.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wholefit.artifact.exports._lower_trees import flat
from wholefit.artifact.exports._onnx_graph import Value
from wholefit.artifact.exports._onnx_math import sigmoid, softmax
from wholefit.base.state import State

Nodes = dict[str, np.ndarray]


def raw(x: Value, state: State) -> Value:
    """What the trees of a state of kind "trees" add up to, before the link: (rows, outputs)."""
    config, arrays = state.config, state.arrays
    if arrays["threshold"].dtype == np.float32:
        x = x.cast("f4").cast("f8")
    if "level_feature" in arrays:
        x = _coded(x, arrays, int(config["features"]))
    nodes = flat(dict(arrays))
    if len(nodes["member"]):
        x = _with_sets(x, nodes, int(arrays["sets"].shape[1]) * 8, int(config["features"]))
    base = np.asarray(arrays["base"], dtype=np.float64)
    if config["aggregate"] == "median":
        return _median(x, nodes, arrays)
    found = _summed(x, nodes, len(base), bool(config["turns"]))
    if base.any():
        found = found + base[None]
    return found / float(len(arrays["size"])) if config["aggregate"] == "mean" else found


def ended(found: Value, link: str) -> Value:
    """Sums to answers: "identity", "exp", "softmax", "sigmoid" (to two classes)."""
    if link == "sigmoid":
        yes = sigmoid(found.columns([0]))
        return found.graph.side_by_side([1.0 - yes, yes])
    if link == "softmax":
        return softmax(found)
    return found.one("Exp") if link == "exp" else found


def _summed(x: Value, nodes: Nodes, outputs: int, turns: bool) -> Value:
    trees = len(nodes["root"])
    if nodes["value"].shape[1] == 1:
        target = np.arange(trees) % outputs if turns else np.zeros(trees, np.int64)
        return ensemble(x, nodes, target, outputs)
    return _several(x, nodes, outputs)


def _tree_of(nodes: Nodes) -> np.ndarray:
    """The tree of each node."""
    sizes = np.diff(np.append(nodes["root"], len(nodes["feature"])))
    return np.repeat(np.arange(len(nodes["root"])), sizes)


def ensemble(x: Value, nodes: Nodes, target: np.ndarray, outputs: int) -> Value:
    """Sums (rows, outputs) of leaves of one number; `target` (trees,) is where each tree adds."""
    graph, split = x.graph, nodes["feature"] >= 0
    rank: np.ndarray = np.cumsum(split) - split
    inner = np.flatnonzero(split)
    left, right = nodes["child"][inner], nodes["child"][inner] + 1
    # a tree that is one leaf is a split whose sides are the same leaf
    alone = nodes["root"][~split[nodes["root"]]]
    place = np.append(rank, 0)
    roots = np.where(split[nodes["root"]], place[nodes["root"]], -1)
    roots[roots < 0] = len(inner) + np.arange(len(alone))
    side = {}
    for name, child in (("true", left), ("false", right)):
        to = np.where(split[child], place[child], nodes["child"][child])
        side[name] = np.append(to, nodes["child"][alone]), np.append(~split[child],
                                                                     np.ones(len(alone), bool))
    leaves = np.flatnonzero(~split)
    order = np.argsort(nodes["child"][leaves])
    found = graph.trees(
        x, kind="f8", n_targets=outputs, aggregate_function=1, post_transform=0,
        tree_roots=roots.tolist(),
        nodes_featureids=_whole(nodes["feature"][inner], len(alone)),
        nodes_splits=graph.tensor(np.append(nodes["threshold"][inner], np.zeros(len(alone)))),
        nodes_modes=graph.tensor(np.zeros(len(inner) + len(alone), np.uint8)),
        nodes_missing_value_tracks_true=_whole(nodes["left"][inner], len(alone)),
        nodes_truenodeids=side["true"][0].tolist(),
        nodes_trueleafs=side["true"][1].astype(int).tolist(),
        nodes_falsenodeids=side["false"][0].tolist(),
        nodes_falseleafs=side["false"][1].astype(int).tolist(),
        leaf_targetids=target[_tree_of(nodes)[leaves[order]]].tolist(),
        leaf_weights=graph.tensor(np.asarray(nodes["value"][:, 0], np.float64)))
    return found


def _whole(values: np.ndarray, more: int) -> list[int]:
    return [*np.asarray(values, dtype=np.int64).tolist(), *[0] * more]


def _several(x: Value, nodes: Nodes, outputs: int) -> Value:
    """Sums (rows, outputs) of leaves of several numbers: which leaf of each tree, then a table."""
    graph, trees, value = x.graph, len(nodes["root"]), np.asarray(nodes["value"], np.float64)
    whole = value.sum(axis=1)
    if outputs == 2 and np.abs(whole - whole[0]).max() <= 1e-15 * abs(whole[0]):
        yes = ensemble(x, {**nodes, "value": value[:, 1:]}, np.zeros(trees, np.int64), 1)
        return graph.side_by_side([float(whole[0] * trees) - yes, yes])
    places = np.arange(len(value), dtype=np.float64)[:, None]
    leaf = ensemble(x, {**nodes, "value": places}, np.arange(trees), trees).cast("i8")
    return graph.const(value).taken(leaf).total(axis=1, keep=False)


def _median(x: Value, nodes: Nodes, arrays: Mapping[str, np.ndarray]) -> Value:
    """The weighted median over trees (Drucker 1997)."""
    graph, trees = x.graph, len(nodes["root"])
    each = ensemble(x, nodes, np.arange(trees), trees)
    count = graph.const(np.array([trees]))
    values, order = graph.op("TopK", each, count, kind="f8", outputs=2, axis=1, largest=0, sorted=1)
    weight = graph.const(np.asarray(arrays["weight"], np.float64)).taken(
        Value(graph, order.name, "i8"))
    mass = graph.op("CumSum", weight, graph.const(np.array(1)), kind="f8")
    enough = (mass >= mass.columns([trees - 1]) * 0.5).cast("f8")
    return graph.op("GatherElements", values, enough.argmax().widened(1), kind="f8", axis=1)


# Categories -------------------------------------------------------------------------------------

def _coded(x: Value, arrays: Mapping[str, np.ndarray], features: int) -> Value:
    """Features of categories as positions among the levels known; NaN for another."""
    graph = x.graph
    ends = np.cumsum(arrays["level_size"])
    tables = dict(zip(arrays["level_feature"].tolist(),
                      np.split(np.asarray(arrays["level"], np.float64), ends[:-1]), strict=True))
    found = []
    for feature in range(features):
        column = x.columns([feature])
        levels = tables.get(feature)
        if levels is None:
            found.append(column)
        elif (levels == np.arange(len(levels))).all():
            known = (column >= 0.0) & (column < float(len(levels))) & column.equal(
                column.one("Floor"))
            found.append(known.where(column, np.nan))
        else:
            found.append(graph.op(
                "LabelEncoder", column, domain="ai.onnx.ml", keys_tensor=graph.tensor(levels),
                values_tensor=graph.tensor(np.arange(len(levels), dtype=np.float64)),
                default_tensor=graph.tensor(np.array([np.nan]))))
    return graph.side_by_side(found)


def _with_sets(x: Value, nodes: Nodes, levels: int, features: int) -> Value:
    """The features and a 0/1 column for each set that splits one; `nodes` now look at those."""
    graph = x.graph
    bits = np.unpackbits(nodes["sets"].reshape(-1, levels // 8), axis=1, bitorder="little")
    splits = np.flatnonzero(nodes["member"] >= 0)
    feature = nodes["feature"][splits]
    found, width = [x], features
    place = nodes["feature"].copy()
    for one in np.unique(feature):
        mine = splits[feature == one]
        rows, which = np.unique(bits[nodes["member"][mine]], axis=0, return_inverse=True)
        table = np.vstack([1.0 - rows.T, np.full(len(rows), np.nan)])
        column = x.columns([int(one)]).shaped(-1)
        code = column.isnan().where(float(levels), column).cast("i8")
        found.append(graph.const(table).taken(code))
        place[mine] = width + which.ravel()
        nodes["threshold"][mine] = 0.5
        width += len(rows)
    nodes["feature"] = place
    return graph.side_by_side(found)
