"""Models that compare rows with stored ones, as ONNX operations: neighbours, kernel machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.artifact.exports import _onnx_math as math
from wholefit.artifact.exports._onnx_graph import Value
from wholefit.base.state import State


def neighbors(x: Value, state: State) -> Value:
    """Shares of votes (rows, classes), or means (rows, 1), of the nearest stored rows."""
    arrays, config, graph = state.arrays, state.config, x.graph
    rows = np.asarray(arrays["rows"], np.float64)
    k, power = int(config["neighbors"]), float(config["power"])
    distance, place = math.nearest(x, rows, k) if power == 2 else _powers(x, rows, k, power)
    weights = _weights(distance, config["weights"])
    if "labels" not in arrays:
        values = graph.const(np.asarray(arrays["target"], np.float64)).taken(place)
        return (values * weights).total() / weights.total()
    classes = len(config["classes"])
    votes = graph.const(np.eye(classes)[np.asarray(arrays["labels"], np.int64)]).taken(place)
    found = (votes * weights.widened(2)).total(axis=1, keep=False)
    return math.spread(found / found.total(), config["classes"], int(config["n_classes"]))


def _weights(distance: Value, how: str) -> Value:
    """1 for each neighbour, or one over the distance; where some lie on the spot, they alone."""
    if how == "uniform":
        return distance.equal(distance).cast("f8")
    zero = distance.equal(0.0)
    any_zero = zero.cast("f8").total(op="ReduceMax") > 0.0
    return any_zero.where(zero.cast("f8"), 1.0 / zero.where(1.0, distance))


def _powers(x: Value, rows: np.ndarray, k: int, power: float) -> tuple[Value, Value]:
    """The k nearest under Minkowski's distance of another power, feature by feature."""
    total: Value | None = None
    for feature in range(rows.shape[1]):
        apart = (x.columns([feature]) - rows[:, feature][None]).one("Abs")
        each = apart if power == 1 else apart ** power
        total = each if total is None else total + each
    assert total is not None
    graph = x.graph
    found, place = graph.op("TopK", total, graph.const(np.array([min(k, len(rows))])), kind="f8",
                            outputs=2, axis=1, largest=0, sorted=1)
    return found if power == 1 else found ** (1 / power), Value(graph, place.name, "i8")


def kernel_machine(x: Value, state: State) -> Value:
    """A number or a margin (rows, 1); of more classes margins (rows, classes)."""
    arrays, config = state.arrays, state.config
    near = alike(x, np.asarray(arrays["support"], np.float64), config["kernel"],
                 float(config["gamma"]), float(config["degree"]), float(config["coef0"]))
    dual, intercept = np.asarray(arrays["dual"], np.float64), arrays["intercept"]
    sizes = arrays.get("sizes")
    if sizes is not None and len(sizes) > 2:
        return _votes(near, dual, np.asarray(sizes, np.int64), np.asarray(intercept, np.float64))
    found = near @ dual[0][:, None] + float(intercept[0])
    target = arrays.get("target")
    return found if target is None else found * float(target[1]) + float(target[0])


def alike(
    x: Value, rows: np.ndarray, kernel: str, gamma: float, degree: float, coef0: float
) -> Value:
    """How alike x (n, p) and stored rows (m, p) are: (n, m)."""
    if kernel == "rbf":
        return (math.squared_distances(x, rows) * -gamma).one("Exp")
    if kernel == "cosine":
        length = (x * x).total().one("Sqrt")
        sizes = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
        unit = rows / np.where(sizes > 0, sizes, 1.0)
        return (x / (length > 0.0).where(length, 1.0)) @ unit.T
    products = x @ rows.T
    if kernel == "linear":
        return products
    bent = products * gamma + coef0
    return bent.one("Tanh") if kernel == "sigmoid" else bent ** degree


def _votes(near: Value, dual: np.ndarray, sizes: np.ndarray, intercept: np.ndarray) -> Value:
    """One machine a pair of classes: votes, and the sum of confidences within a third of one."""
    k, ends = len(sizes), np.cumsum(sizes)
    pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
    weights = np.zeros((dual.shape[1], len(pairs)))
    sign, first, second = (np.zeros((len(pairs), k)) for _ in range(3))
    for at, (i, j) in enumerate(pairs):
        mine, other = slice(ends[i] - sizes[i], ends[i]), slice(ends[j] - sizes[j], ends[j])
        weights[mine, at], weights[other, at] = dual[j - 1, mine], dual[i, other]
        sign[at, i], sign[at, j] = 1, -1
        first[at, i], second[at, j] = 1, 1
    margins = near @ weights + intercept[None]
    sure, ahead = margins @ sign, (margins >= 0.0).cast("f8")
    found = ahead @ first + (1.0 - ahead) @ second
    return found + sure / ((sure.one("Abs") + 1.0) * 3.0)


def kernel_projection(x: Value, state: State) -> Value:
    """Coordinates (rows, d) by likeness to stored rows, centred."""
    arrays, config = state.arrays, state.config
    near = alike(x, np.asarray(arrays["rows"], np.float64), config["kernel"],
                 float(config["gamma"]), float(config["degree"]), 1.0)
    centred = near - near.total(op="ReduceMean") - np.asarray(arrays["means"])[None]
    return (centred + float(config["mean"])) @ np.asarray(arrays["dual"], np.float64)


KINDS: dict[str, Callable[[Value, State], Any]] = {
    "neighbors": neighbors, "kernel_machine": kernel_machine,
    "kernel_projection": kernel_projection,
}
