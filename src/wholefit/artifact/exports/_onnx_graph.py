"""An ONNX graph as it grows: values with the arithmetic of numpy, each operation one node.

    graph = Graph()
    x = graph.input("age", "f8")               # (rows, 1)
    y = (x - 30.0) / 12.0
    graph.output("prediction", y)
    graph.model({"task": "regression"})        # onnx.ModelProto

Everything is float64 unless it must be otherwise: an answer differs from the model's own by
rounding alone. Comparisons with NaN are false, as in numpy; minima and maxima are therefore made
of comparisons (`clipped`), for runtimes disagree on those of NaN.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import ExportError
from wholefit.base.optional import need

Tensor = Any
OPSET, ML = 18, 4
# Operations of the later set of tree ensembles: thresholds and sums of 64 bits.
ML_TREES = 5
_IR = 9
_KINDS = {"f8": "DOUBLE", "f4": "FLOAT", "i8": "INT64", "b": "BOOL", "s": "STRING", "u1": "UINT8"}
_LARGEST = 2**31 - 1
"""Bytes of the largest file: beyond, a graph's numbers must lie in files of their own."""


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor of the graph by its name; `kind` is "f8", "f4", "i8", "b", "s" or "u1"."""

    graph: Graph
    name: str
    kind: str

    def _two(self, op: str, other: Any, *, turned: bool = False, kind: str | None = None) -> Value:
        pair = (self, self.graph.lift(other, self.kind))
        return self.graph.op(op, *(pair[::-1] if turned else pair), kind=kind or self.kind)

    def __add__(self, other: Any) -> Value:
        return self._two("Add", other)

    def __radd__(self, other: Any) -> Value:
        return self._two("Add", other, turned=True)

    def __sub__(self, other: Any) -> Value:
        return self._two("Sub", other)

    def __rsub__(self, other: Any) -> Value:
        return self._two("Sub", other, turned=True)

    def __mul__(self, other: Any) -> Value:
        return self._two("Mul", other)

    def __rmul__(self, other: Any) -> Value:
        return self._two("Mul", other, turned=True)

    def __truediv__(self, other: Any) -> Value:
        return self._two("Div", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self._two("Div", other, turned=True)

    def __matmul__(self, other: Any) -> Value:
        return self._two("MatMul", other)

    def __pow__(self, other: Any) -> Value:
        return self._two("Pow", other)

    def __mod__(self, other: Any) -> Value:
        return self._two("Mod", other)

    def __gt__(self, other: Any) -> Value:
        return self._two("Greater", other, kind="b")

    def __ge__(self, other: Any) -> Value:
        return self._two("GreaterOrEqual", other, kind="b")

    def __lt__(self, other: Any) -> Value:
        return self._two("Less", other, kind="b")

    def __le__(self, other: Any) -> Value:
        return self._two("LessOrEqual", other, kind="b")

    def __and__(self, other: Any) -> Value:
        return self._two("And", other)

    def __or__(self, other: Any) -> Value:
        return self._two("Or", other)

    def __neg__(self) -> Value:
        return self.graph.op("Neg", self, kind=self.kind)

    def __invert__(self) -> Value:
        return self.graph.op("Not", self, kind="b")

    def equal(self, other: Any) -> Value:
        """Where both are the same."""
        return self._two("Equal", other, kind="b")

    def one(self, op: str, **attributes: Any) -> Value:
        """An operation of this value alone: "Exp", "Log", "Abs", ..."""
        return self.graph.op(op, self, kind=self.kind, **attributes)

    def isnan(self) -> Value:
        """Where it is NaN."""
        return self.graph.op("IsNaN", self, kind="b")

    def cast(self, kind: str) -> Value:
        """As another kind."""
        if kind == self.kind:
            return self
        onnx = self.graph.onnx
        return self.graph.op("Cast", self, kind=kind, to=getattr(onnx.TensorProto, _KINDS[kind]))

    def where(self, yes: Any, no: Any) -> Value:
        """`yes` where this condition holds, else `no`."""
        like = next((each.kind for each in (yes, no) if isinstance(each, Value)), "f8")
        return self.graph.op("Where", self, self.graph.lift(yes, like),
                             self.graph.lift(no, like), kind=like)

    def clipped(self, low: Any = None, high: Any = None) -> Value:
        """Held between bounds; NaN stays NaN."""
        found = self if low is None else (self < low).where(low, self)
        return found if high is None else (found > high).where(high, found)

    def columns(self, places: Sequence[int] | np.ndarray) -> Value:
        """Some columns of (rows, p), in that order."""
        at = np.asarray(places, dtype=np.int64)
        return self.graph.op("Gather", self, self.graph.const(at), kind=self.kind, axis=1)

    def taken(self, places: Value, axis: int = 0) -> Value:
        """Entries by whole numbers: places of a table's rows, say."""
        return self.graph.op("Gather", self, places, kind=self.kind, axis=axis)

    def total(self, axis: int = 1, keep: bool = True, op: str = "ReduceSum") -> Value:
        """The sum (or "ReduceMax", "ReduceMean", ...) over an axis."""
        return self.graph.op(op, self, self.graph.const(np.array([axis])), kind=self.kind,
                             keepdims=int(keep))

    def argmax(self, axis: int = 1, op: str = "ArgMax") -> Value:
        """The first place of the largest entry (n,) over an axis; "ArgMin" of the smallest."""
        return self.graph.op(op, self, kind="i8", axis=axis, keepdims=0, select_last_index=0)

    def shaped(self, *shape: int) -> Value:
        """In another shape; -1 is what is left."""
        return self.graph.op("Reshape", self, self.graph.const(np.array(shape)), kind=self.kind)

    def widened(self, axis: int) -> Value:
        """With an axis of length 1 put in."""
        return self.graph.op("Unsqueeze", self, self.graph.const(np.array([axis])),
                             kind=self.kind)


class Graph:
    """Nodes, constants, inputs and outputs so far."""

    def __init__(self) -> None:
        self.onnx = need("onnx", extra="export", user="the ONNX export")
        self._nodes: list[Any] = []
        self._constants: dict[Any, Value] = {}
        self._initializers: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._names: set[str] = set()
        self._sets = {"": OPSET, "ai.onnx.ml": ML}

    def op(
        self, name: str, *inputs: Value | str, kind: str = "f8", domain: str = "",
        outputs: int = 1, **attributes: Any,
    ) -> Any:
        """A node; gives its output, or a tuple of several."""
        given = [each.name if isinstance(each, Value) else each for each in inputs]
        made = [self._fresh(name.lower()) for _ in range(outputs)]
        self._nodes.append(self.onnx.helper.make_node(
            name, given, made, domain=domain, **attributes))
        if domain and domain not in self._sets:
            self._sets[domain] = 1
        values = tuple(Value(self, each, kind) for each in made)
        return values[0] if outputs == 1 else values

    def trees(self, *inputs: Value, **attributes: Any) -> Value:
        """A TreeEnsemble node, which asks for a later set of operations."""
        self._sets["ai.onnx.ml"] = ML_TREES
        return self.op("TreeEnsemble", *inputs, domain="ai.onnx.ml", **attributes)

    def const(self, values: Any, kind: str | None = None) -> Value:
        """A constant: floats become f8, whole numbers i8, unless `kind` says otherwise."""
        array = np.asarray(values)
        if array.dtype.kind in "OU":
            return self._words([str(each) for each in array.ravel()], array.shape)
        kind = kind or {"f": "f8", "i": "i8", "u": "i8", "b": "b"}[array.dtype.kind]
        array = np.ascontiguousarray(
            array, dtype={"b": np.bool_}.get(kind, kind)).reshape(array.shape)
        key = (kind, array.shape, hashlib.sha256(array.tobytes()).digest())
        if key not in self._constants:
            name = self._fresh("c")
            self._initializers.append(self.onnx.numpy_helper.from_array(array, name))
            self._constants[key] = Value(self, name, kind)
        return self._constants[key]

    def tensor(self, values: np.ndarray) -> Any:
        """An array as a TensorProto, for attributes."""
        return self.onnx.numpy_helper.from_array(np.ascontiguousarray(values))

    def lift(self, thing: Any, kind: str) -> Value:
        """A Value as it is, a number or an array as a constant of `kind`."""
        return thing if isinstance(thing, Value) else self.const(
            thing, None if np.asarray(thing).dtype.kind in "OU" else kind)

    def input(self, name: str, kind: str, shape: Sequence[int] = (1,)) -> Value:
        """A new input (rows, *shape)."""
        if name in self._names:
            raise ExportError(f"the input {name!r} of an ONNX graph must have a name of its own.")
        self._names.add(name)
        self._inputs.append(self.onnx.helper.make_tensor_value_info(
            name, getattr(self.onnx.TensorProto, _KINDS[kind]), ["rows", *shape]))
        return Value(self, name, kind)

    def output(self, name: str, value: Value, shape: Sequence[int | str] = ()) -> None:
        """Give `value` (rows, *shape) out under this name, which no input may have."""
        self._nodes.append(self.onnx.helper.make_node("Identity", [value.name], [name]))
        self._outputs.append(self.onnx.helper.make_tensor_value_info(
            name, getattr(self.onnx.TensorProto, _KINDS[value.kind]), ["rows", *shape]))

    def taken_name(self, name: str) -> bool:
        """Whether an input or a value is called so."""
        return name in self._names

    def side_by_side(self, values: Sequence[Value]) -> Value:
        """(rows, p) and (rows, q) as (rows, p + q)."""
        if len(values) == 1:
            return values[0]
        return self.op("Concat", *values, kind=values[0].kind, axis=1)

    def graft(self, model: Any, inputs: dict[str, Value], kind: str = "f4") -> Value:
        """Another model's graph with these inputs; gives its one output."""
        sub = model.graph
        prefix = self._fresh("part")
        known = {name: value.name for name, value in inputs.items()}
        for each in sub.initializer:
            known[each.name] = f"{prefix}.{each.name}"
            copied = self.onnx.TensorProto()
            copied.CopyFrom(each)
            copied.name = known[each.name]
            self._initializers.append(copied)
        for node in sub.node:
            self._nodes.append(self._renamed(node, prefix, known))
        for used in model.opset_import:
            self._sets[used.domain] = max(used.version, self._sets.get(used.domain, 1))
        return Value(self, known[sub.output[0].name], kind)

    def model(self, facts: dict[str, str], said: str = "") -> Any:
        """The finished ModelProto; ExportError if it is not one that ONNX allows."""
        onnx = self.onnx
        body = onnx.helper.make_graph(self._nodes, "wholefit", self._inputs, self._outputs,
                                      self._initializers, doc_string=said)
        made = onnx.helper.make_model(
            body, producer_name="wholefit", producer_version=facts.get("wholefit", ""),
            ir_version=_IR, opset_imports=[
                onnx.helper.make_opsetid(domain, version)
                for domain, version in sorted(self._sets.items())])
        onnx.helper.set_model_props(made, facts)
        if made.ByteSize() > _LARGEST:
            raise ExportError(f"the ONNX graph of this model takes {made.ByteSize() / 1e9:.1f} GB, "
                              "more than one file holds: distil it first (`wholefit distil`).")
        try:
            onnx.checker.check_model(made)
        except onnx.checker.ValidationError as error:
            raise ExportError(f"the ONNX graph of this model is not valid ({error}): please report "
                              "it, and use another target.") from error
        return made

    def _renamed(self, node: Any, prefix: str, known: dict[str, str]) -> Any:
        copied = self.onnx.NodeProto()
        copied.CopyFrom(node)
        copied.name = f"{prefix}.{node.name}" if node.name else ""
        for names in (copied.input, copied.output):
            for at, name in enumerate(names):
                if name:
                    names[at] = known.setdefault(name, f"{prefix}.{name}")
        for attribute in copied.attribute:
            for body in ([attribute.g] if attribute.HasField("g") else attribute.graphs):
                self._rename_body(body, prefix, known)
        return copied

    def _rename_body(self, body: Any, prefix: str, known: dict[str, str]) -> None:
        """The same inside a loop or a condition."""
        for each in (*body.input, *body.initializer, *body.output, *body.value_info):
            each.name = known.setdefault(each.name, f"{prefix}.{each.name}")
        nodes = [self._renamed(node, prefix, known) for node in body.node]
        del body.node[:]
        body.node.extend(nodes)

    def _words(self, words: list[str], shape: tuple[int, ...]) -> Value:
        key = ("s", shape, tuple(words))
        if key not in self._constants:
            name = self._fresh("c")
            self._initializers.append(self.onnx.helper.make_tensor(
                name, self.onnx.TensorProto.STRING, shape, [word.encode() for word in words]))
            self._constants[key] = Value(self, name, "s")
        return self._constants[key]

    def _fresh(self, stem: str) -> str:
        """A name that nothing has yet."""
        made = f"/{stem}_{len(self._names)}"
        while made in self._names:
            made += "_"
        self._names.add(made)
        return made
