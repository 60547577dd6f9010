"""CatBoost's symmetric trees as ONNX operations, from the tables that `_catboost.py` makes.

Every tree asks one question on each of its levels; the answers are the bits of its leaf's number.
What the arrays of a State of kind "oblivious" mean is said in `_lower_catboost.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.artifact.exports import _onnx_math as math
from wholefit.artifact.exports._onnx_graph import Value
from wholefit.artifact.exports._onnx_trees import ended
from wholefit.base.state import State


def oblivious(x: Value, state: State) -> Value:
    """Probabilities (rows, classes) or numbers (rows, 1)."""
    config, arrays, graph = state.config, state.arrays, x.graph
    cells = _cells(x, state)
    depth = np.asarray(arrays["depth"], np.int64)
    outputs, deepest = len(arrays["bias"]), max(int(depth.max(initial=0)), 1)
    tree = np.repeat(np.arange(len(depth)), depth)
    level = np.arange(len(tree)) - np.repeat(np.cumsum(depth) - depth, depth)
    place = tree * deepest + level
    laid = {name: np.zeros(len(depth) * deepest, kind) for name, kind in (
        ("feature", np.int64), ("test", np.int64), ("border", np.float64), ("bit", np.int64))}
    for name in ("feature", "test", "border"):
        laid[name][place] = arrays[name]
    laid["bit"][place] = 1 << level
    bits = _asked(cells.columns(laid["feature"]), laid["test"], laid["border"]).cast("i8")
    leaf = (bits * laid["bit"][None]).shaped(-1, len(depth), deepest).total(axis=2, keep=False)
    first = np.cumsum(1 << depth) - (1 << depth)
    table = np.asarray(arrays["value"], np.float64).reshape(-1, outputs)
    found = graph.const(table).taken(leaf + first[None]).total(axis=1, keep=False)
    found = found * float(config["scale"]) + np.asarray(arrays["bias"], np.float64)[None]
    return math.spread(ended(found, config["link"]), config["classes"], int(config["n_classes"]))


def _asked(values: Value, tests: np.ndarray, borders: np.ndarray) -> Value:
    """The answers (rows, questions) to questions of values (rows, questions)."""
    graph = values.graph
    yes = values > borders[None]
    if (tests == 1).any():
        same = graph.const((tests == 1)[None])
        yes = (same & values.equal(borders[None])) | (~same & yes)
    if (tests == 2).any():
        yes = yes | (graph.const((tests == 2)[None]) & values.isnan())
    return yes


def _cells(x: Value, state: State) -> Value:
    """What the questions look at: floats of 32 bits, codes plus 1, statistics of categories."""
    config, graph = state.config, x.graph
    found = []
    if config["floats"]:
        found.append(x.columns(config["floats"]).cast("f4").cast("f8"))
    if config["cats"]:
        codes = x.columns(config["cats"])
        found.append((codes >= 0.0).where(codes + 1.0, 0.0))
    if config["lookups"]:
        found += _looked_up(graph.side_by_side(found), found[-1], state)
    return graph.side_by_side(found)


def _looked_up(whole: Value, codes: Value, state: State) -> list[Value]:
    config, arrays, graph = state.config, state.arrays, whole.graph
    keys = [codes.cast("i8")]
    if len(arrays["test_place"]):
        keys.append(_asked(whole.columns(arrays["test_place"]), arrays["test_kind"],
                           arrays["test_border"]).cast("i8"))
    asked = graph.side_by_side(keys)
    return [_statistic(asked, lookup, arrays[f"lookup {at}"])
            for at, lookup in enumerate(config["lookups"])]


def _statistic(asked: Value, lookup: dict[str, Any], values: np.ndarray) -> Value:
    """One statistic (rows, 1): the table's entry of the keys, another number beyond it."""
    sizes = np.asarray(lookup["sizes"], np.int64)
    step = np.append(np.cumprod(sizes[::-1])[::-1][1:], 1)
    keys = asked.columns(lookup["keys"])
    inside = (keys < sizes[None]).cast("i8").total(op="ReduceMin").equal(1)
    place = (keys * step[None]).total()
    table = np.append(np.asarray(values, np.float64), float(lookup["other"]))
    return asked.graph.const(table).taken(inside.where(place, len(table) - 1))
