"""Boosting libraries' own formats read as plain trees, without the libraries.

LightGBM's text: https://lightgbm.readthedocs.io/en/latest/ (model files); XGBoost's JSON schema:
https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html, in the binary form of
https://ubjson.org. Thresholds stay as precise as the library compares them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from wholefit.artifact.exports._ubjson import read as read_ubjson
from wholefit.base.errors import StateError
from wholefit.base.state import State

_CATEGORY, _LEFT = 1, 2
_NAN_KIND = 2


def lightgbm(state: State) -> State:
    """A state of kind "lightgbm" as one of kind "trees"."""
    head, *blocks = state.blobs["model"].decode().split("\nTree=")
    facts = _facts(head)
    objective = facts.get("objective", "regression").split()
    trees = [_lightgbm_tree(_facts(block.split("\nend of trees")[0])) for block in blocks]
    classes = len(state.config["classes"] or ())
    link = "identity"
    if classes:
        link = "sigmoid" if classes == 2 else "softmax"
        _refuse(objective[0] not in ("binary", "multiclass"), f"objective {objective[0]!r}")
        _refuse("sigmoid:1" not in objective and classes == 2, "another slope of the sigmoid")
    elif objective[0] in ("poisson", "gamma", "tweedie"):
        link = "exp"
    else:
        _refuse("sqrt" in objective, "a square root of the target")
    outputs = classes if classes > 2 else 1
    mean = "average_output" in head.split("\n")
    return _state(state, trees, np.zeros(outputs), link, "mean" if mean else "sum")


def _facts(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.split("\n") if "=" in line)


def _lightgbm_tree(facts: dict[str, str]) -> dict[str, Any]:
    _refuse(facts.get("is_linear", "0") == "1", "linear leaves")
    leaves = int(facts["num_leaves"])
    values = _numbers(facts["leaf_value"])
    if leaves == 1:
        return _single(values[:1])
    kind = _numbers(facts["decision_type"]).astype(np.int64)
    threshold = _numbers(facts["threshold"])
    splits = leaves - 1
    is_set = (kind & _CATEGORY) > 0
    takes_nan = (kind >> 2 & 3) == _NAN_KIND
    _refuse(bool(((kind >> 2 & 3) == 1)[~is_set].any()), "zeros taken as missing")
    missing_left = np.where(takes_nan, (kind & _LEFT) > 0, threshold >= 0) & ~is_set
    child = [_numbers(facts[f"{side}_child"]).astype(np.int64) for side in ("left", "right")]
    # leaves are ~leaf there; here they follow the splits
    left, right = (np.where(side < 0, splits + ~side, side) for side in child)
    made: dict[str, Any] = {
        "feature": _numbers(facts["split_feature"]).astype(np.int64), "left": left,
        "right": right, "threshold": threshold, "missing_left": missing_left,
        "value": values, "member": np.full(splits, -1), "sets": []}
    if is_set.any():
        ends = _numbers(facts["cat_boundaries"]).astype(np.int64)
        bits = _numbers(facts["cat_threshold"]).astype(np.uint32)
        made["sets"] = [bits[a:b].view(np.uint8) for a, b in pairwise(ends)]
        made["member"][is_set] = threshold[is_set].astype(np.int64)
        made["threshold"] = np.where(is_set, 0.0, threshold)
    return made


def xgboost(state: State) -> State:
    """A state of kind "xgboost" as one of kind "trees"."""
    learner = read_ubjson(state.blobs["model"])["learner"]
    booster, objective = learner["gradient_booster"], learner["objective"]["name"]
    _refuse(booster["name"] != "gbtree", f"booster {booster['name']!r}")
    links = {"binary:logistic": "sigmoid", "multi:softprob": "softmax", "count:poisson": "exp",
             "reg:squarederror": "identity", "reg:absoluteerror": "identity"}
    _refuse(objective not in links, f"objective {objective!r}")
    classes = len(state.config["classes"] or ())
    outputs = classes if classes > 2 else 1
    base = _base_score(learner["learner_model_param"]["base_score"], links[objective], outputs)
    model = booster["model"]
    order = np.asarray(model["tree_info"], np.int64)
    if outputs > 1:
        _refuse(bool((order != np.arange(len(order)) % outputs).any()), "trees in another order")
    trees = [_xgboost_tree(tree) for tree in model["trees"]]
    return _state(state, trees, base, links[objective], "sum", single=True)


def _base_score(stored: Any, link: str, outputs: int) -> np.ndarray:
    """The sum that trees are added to; the library writes it on the scale of the answer."""
    texts = str(stored).strip("[]").split(",")
    numbers = np.array([float(each) for each in texts]).astype(np.float32).astype(np.float64)
    if link == "sigmoid":
        numbers = np.log(numbers / (1 - numbers))
    elif link == "exp":
        numbers = np.log(numbers)
    return np.broadcast_to(numbers.astype(np.float32), (outputs,)).astype(np.float64)


def _xgboost_tree(tree: dict[str, Any]) -> dict[str, Any]:
    left, right = (np.asarray(tree[f"{side}_children"], np.int64) for side in ("left", "right"))
    inner = np.flatnonzero(left >= 0)
    values = np.asarray(tree["split_conditions"], np.float32)
    if not len(inner):
        return _single(values[:1].astype(np.float64))
    leaves = np.flatnonzero(left < 0)
    place = np.empty(len(left), np.int64)
    place[inner] = np.arange(len(inner))
    place[leaves] = len(inner) + np.arange(len(leaves))
    # it goes left where value < condition: the same as value <= the next smaller 32-bit float
    threshold = np.nextafter(values[inner], np.float32(-np.inf))
    made: dict[str, Any] = {
        "feature": np.asarray(tree["split_indices"], np.int64)[inner],
        "left": place[left[inner]], "right": place[right[inner]], "threshold": threshold,
        "missing_left": np.asarray(tree["default_left"], np.int64)[inner] > 0,
        "value": values[leaves].astype(np.float64), "member": np.full(len(inner), -1),
        "sets": []}
    nodes = np.asarray(tree.get("categories_nodes", ()), np.int64)
    begins, sizes = (np.asarray(tree.get(f"categories_{word}", ()), np.int64)
                     for word in ("segments", "sizes"))
    codes = np.asarray(tree.get("categories", ()), np.int64)
    for node, begin, size in zip(nodes, begins, sizes, strict=True):
        made["member"][place[node]] = len(made["sets"])
        made["sets"].append(("right", codes[begin:begin + size]))
    return made


# -- trees together ---------------------------------------------------------------------------

def _single(value: np.ndarray) -> dict[str, Any]:
    empty = np.zeros(0, np.int64)
    return {"feature": empty, "left": empty, "right": empty, "threshold": np.zeros(0),
            "missing_left": np.zeros(0, bool), "value": value, "member": empty, "sets": []}


def _state(
    state: State, trees: list[dict[str, Any]], base: np.ndarray, link: str, aggregate: str,
    single: bool = False,
) -> State:
    """Trees of splits (then leaves) as the arrays of kind "trees".

    `single` says that the library adds them up in 32-bit floats.
    """
    parts: dict[str, list[Any]] = {name: [] for name in (
        "feature", "threshold", "missing_left", "value", "member", "size")}
    sets: list[Any] = []
    for tree in trees:
        order = _by_level(tree["left"], tree["right"])
        splits = len(tree["feature"])
        inner = order[order < splits]
        feature = np.append(tree["feature"], np.full(len(tree["value"]), -1))
        member = tree["member"][inner]
        parts["feature"].append(feature[order])
        parts["threshold"].append(tree["threshold"][inner])
        parts["missing_left"].append(tree["missing_left"][inner])
        parts["value"].append(tree["value"][order[order >= splits] - splits])
        parts["member"].append(np.where(member < 0, -1, member + len(sets)))
        parts["size"].append([len(order)])
        sets += tree["sets"]
    arrays = {name: np.concatenate(found) for name, found in parts.items()}
    arrays["feature"] = arrays["feature"].astype(np.int32)
    arrays["size"] = arrays["size"].astype(np.int32)
    arrays["value"] = arrays["value"].astype(np.float64)[:, None]
    arrays["base"] = np.asarray(base, np.float64)
    member = arrays.pop("member").astype(np.int32)
    if sets:
        arrays |= {"member": member, **_levels(state, arrays, member, sets)}
    config = {"features": int(state.config["features"]), "aggregate": aggregate, "link": link,
              "turns": len(base) > 1, "single": single, "classes": state.config["classes"],
              "n_classes": int(state.config["n_classes"])}
    return State("trees", config, arrays)


def _by_level(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Nodes level by level from the root, the children of a split side by side."""
    level, levels = np.zeros(1, np.int64), []
    while len(level):
        levels.append(level)
        inner = level[level < len(left)]
        level = np.stack([left[inner], right[inner]], axis=1).ravel()
    return np.concatenate(levels)


def _levels(
    state: State, arrays: dict[str, np.ndarray], member: np.ndarray, sets: list[Any]
) -> dict[str, np.ndarray]:
    """Sets as bits of equal width, and the levels of every category feature that is split.

    LightGBM sends a code that is in no set to the right, and XGBoost one to the left: all codes
    that a set could name, and a few more, are levels; what lies beyond counts as missing.
    """
    largest = max((int(each[1].max(initial=0)) if isinstance(each, tuple) else 8 * len(each))
                  for each in sets)
    width = (max(largest, *state.config.get("levels", [0])) + 8) // 8
    bits = np.zeros((len(sets), width), np.uint8)
    for at, each in enumerate(sets):
        if isinstance(each, tuple):
            whole = np.ones(8 * width, np.uint8)
            whole[each[1]] = 0
            bits[at] = np.packbits(whole, bitorder="little")
        else:
            bits[at, :len(each)] = each
    inner = arrays["feature"][arrays["feature"] >= 0]
    split = np.unique(inner[member >= 0])
    return {"sets": bits, "level_feature": split.astype(np.int32),
            "level_size": np.full(len(split), 8 * width, np.int32),
            "level": np.tile(np.arange(8 * width, dtype=np.float64), len(split))}


def _numbers(text: str) -> np.ndarray:
    return np.array([float(each) for each in text.split()])


def _refuse(wrong: bool, what: str) -> None:
    if wrong:
        raise StateError(f"boosted trees with {what} have no form in this runtime.")
