"""A pipeline that was brought in (kind "steps") as ONNX operations: columns, steps, a model.

Numbers are values (rows, 1) of float64; words stay strings until a step makes numbers of them. A
missing word is the empty text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.artifact.exports import _onnx_math as math
from wholefit.artifact.exports._onnx_graph import Graph, Value
from wholefit.artifact.exports._onnx_inputs import Columns
from wholefit.artifact.exports._onnx_models import answered
from wholefit.artifact.exports._onnx_steps import function, yeo_johnson
from wholefit.base.errors import ExportError
from wholefit.base.state import State

BLANK = ""
"""What stands for a missing word."""


@dataclass(frozen=True, eq=False)
class _Cells:
    """A column between two steps: a value of kind "f8" or "s"."""

    value: Value

    @property
    def words(self) -> bool:
        """Whether it holds words."""
        return self.value.kind == "s"

    def number(self) -> Value:
        """The value, which must be numbers."""
        if self.words:
            raise ExportError("a step of the pipeline takes words for numbers, which cannot be "
                              "written as ONNX operations: serve the .wf file instead.")
        return self.value


def pipeline(columns: Columns, state: State) -> Value:
    """The pipeline's answer, as its model gives it."""
    cells = []
    for name, kind in state.config["columns"]:
        role = columns.role(name)
        worded = kind != "number" and role in ("categorical", "text")
        cells.append(_Cells(columns.word(name) if worded else columns.number(name)))
    found = apply(columns.graph, state.parts["prepare"], cells)
    whole = columns.graph.side_by_side([each.number() for each in found])
    return answered(whole, state.parts["model"])


def apply(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    """The columns that come out of a step; ExportError for one that has no form in ONNX."""
    if step.kind not in _STEPS:
        raise ExportError(f"the pipeline's step {step.kind!r} cannot be written as ONNX "
                          "operations: serve the .wf file itself (`wholefit serve`).")
    return _STEPS[step.kind](graph, step, cells)


def _each(cells: list[_Cells], change: Callable[[int, Value], Value]) -> list[_Cells]:
    return [_Cells(change(at, each.number())) for at, each in enumerate(cells)]


def _chain(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    for number in range(len(step.parts)):
        cells = apply(graph, step.parts[str(number)], cells)
    return cells


def _side_by_side(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    found: list[_Cells] = []
    for number, picked in enumerate(step.config["picks"]):
        found += apply(graph, step.parts[str(number)], [cells[at] for at in picked])
    return found


def _pick(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    return [cells[at] for at in step.config["picked"]]


def _scale(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    arrays, clip = step.arrays, step.config.get("clip")

    def change(at: int, x: Value) -> Value:
        x = x - float(arrays["subtract"][at]) if "subtract" in arrays else x
        x = x / float(arrays["divide"][at]) if "divide" in arrays else x
        x = x * float(arrays["multiply"][at]) if "multiply" in arrays else x
        x = x + float(arrays["add"][at]) if "add" in arrays else x
        return x if clip is None else x.clipped(
            *(None if each is None else float(each) for each in clip))

    return _each(cells, change)


def _project(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    x = graph.side_by_side([each.number() for each in cells])
    if "mean" in step.arrays:
        x = x - step.arrays["mean"][None]
    found = x @ step.arrays["components"].T
    found = found / step.arrays["divide"][None] if "divide" in step.arrays else found
    return [_Cells(found.columns([at])) for at in range(len(step.arrays["components"]))]


def _powers(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    found = []
    for row in step.arrays["powers"]:
        term = cells[0].number() * 0.0 + 1.0
        for at in np.flatnonzero(row):
            for _ in range(int(row[at])):
                term = term * cells[at].number()
        found.append(_Cells(term))
    return found


def _function(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    return _each(cells, lambda at, x: function(x, step.config["name"]))


def _yeo_johnson(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    powers = step.arrays["lambdas"]
    return _each(cells, lambda at, x: yeo_johnson(x, float(powers[at]), 1e-12))


def _bins(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    def change(at: int, x: Value) -> Value:
        edges = step.arrays[str(at)]
        found = math.at_most(x, edges, "right").cast("f8") if len(edges) else x.isnan().where(
            0.0, 0.0)
        return x.isnan().where(float(len(edges)), found)  # numpy sorts NaN to the end

    return _each(cells, change)


def _impute(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    missing = step.config["missing"]
    gaps = [_gap(graph, each, missing) for each in cells]
    found = []
    for each, gap, fill in zip(cells, gaps, step.config["fill"], strict=True):
        if fill is None:
            continue
        if each.words:
            filled = gap.where(graph.const(np.array([[str(fill)]], dtype=object)), each.value)
        else:
            filled = gap.where(float(fill), each.value)
        found.append(_Cells(filled))
    return found + [_Cells(gaps[at].cast("f8")) for at in step.config["flags"]]


def _gap(graph: Graph, cells: _Cells, missing: Any) -> Value:
    if not cells.words:
        return cells.value.isnan() if missing is None else cells.value.equal(float(missing))
    word = BLANK if missing is None else str(missing)
    return graph.op("LabelEncoder", cells.value, kind="i8", domain="ai.onnx.ml",
                    keys_strings=[word], values_int64s=[1], default_int64=0).equal(1)


def _one_hot(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    found = []
    for each, feature in zip(cells, step.config["features"], strict=True):
        width = min(feature["width"], len(feature["values"]) + 1)
        place = _looked_up(graph, each, feature["values"], feature["places"], feature["unknown"])
        found += [_Cells(place.equal(float(at)).cast("f8")) for at in range(width)]
    return found


def _ordinal(graph: Graph, step: State, cells: list[_Cells]) -> list[_Cells]:
    return [_Cells(_looked_up(graph, each, f["values"], f["codes"], f["unknown"]))
            for each, f in zip(cells, step.config["features"], strict=True)]


def _looked_up(
    graph: Graph, cells: _Cells, values: list[Any], codes: list[Any], other: Any
) -> Value:
    """The code (rows, 1) of each cell; NaN where a cell that is none of the values is refused."""
    numbers = [np.nan if code is None else float(code) for code in codes]
    default = np.nan if other is None else float(other)
    known = dict(zip(values, numbers, strict=True))
    if cells.words:
        keys = [BLANK if value is None else str(value) for value in known]
        return graph.op(
            "LabelEncoder", cells.value, domain="ai.onnx.ml",
            keys_tensor=graph.onnx.helper.make_tensor(
                "keys", graph.onnx.TensorProto.STRING, [len(keys)],
                [key.encode() for key in keys]),
            values_tensor=graph.tensor(np.array(list(known.values()))),
            default_tensor=graph.tensor(np.array([default])))
    plain = {float(value): code for value, code in known.items() if value is not None}
    found = graph.op(
        "LabelEncoder", cells.value, domain="ai.onnx.ml",
        keys_tensor=graph.tensor(np.array(list(plain))),
        values_tensor=graph.tensor(np.array(list(plain.values()))),
        default_tensor=graph.tensor(np.array([default])))
    return cells.value.isnan().where(float(known.get(None, default)), found)


_STEPS: dict[str, Callable[[Graph, State, list[_Cells]], list[_Cells]]] = {
    "step.bins": _bins, "step.chain": _chain, "step.columns": _side_by_side,
    "step.function": _function, "step.impute": _impute, "step.onehot": _one_hot,
    "step.ordinal": _ordinal, "step.pick": _pick, "step.powers": _powers,
    "step.project": _project, "step.scale": _scale, "step.yeo_johnson": _yeo_johnson,
}
