"""Networks as ONNX operations: plain ones written here, all others by torch's own exporter."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wholefit.artifact.exports import _onnx_math as math
from wholefit.artifact.exports._onnx_graph import OPSET, Graph, Value
from wholefit.artifact.exports._torch_module import module_of
from wholefit.base.errors import ExportError
from wholefit.base.optional import need
from wholefit.base.state import State
from wholefit.models._kernels import _safetensors
from wholefit.models._kernels._layers import _EPSILON, _SELU
from wholefit.models._kernels._layers import known as is_plain
from wholefit.models._kernels._network_inputs import _FAR, _LEAST, Inputs
from wholefit.models._kernels.compressed import BLOB


def network(x: Value, state: State) -> Value:
    """Probabilities (rows, classes) or numbers (rows, 1)."""
    config = state.config
    inputs = Inputs.of_config(config["inputs"], state.arrays)
    pieces = split(x, inputs)
    made_of = config["made_of"]
    raw = _plain(pieces[0], made_of, state) if is_plain(made_of) else _grafted(
        x.graph, pieces, state)
    if config["link"] == "softmax":
        return math.spread(math.softmax(raw), config.get("classes"), int(config["n_classes"]))
    if config["link"] == "labels":
        return math.sigmoid(raw)
    target = state.arrays.get("target")
    return raw if target is None else raw * np.asarray(target[1])[None] + np.asarray(
        target[0])[None]


# Inputs -----------------------------------------------------------------------------------------

def split(x: Value, inputs: Inputs) -> list[Value]:
    """What `_network_inputs.Inputs.split` cuts of the features: numbers of f8, codes of i8, ..."""
    graph, spans = x.graph, inputs.spans
    numbers, codes = (np.concatenate([np.arange(0), *(
        np.arange(span.start, span.stop) for span in spans if span.kind == kind)]).astype(np.int64)
        for kind in ("numbers", "codes"))
    parts = [_scaled(x.columns(numbers), inputs)] if len(numbers) else []
    found: list[Value] = []
    if len(codes):
        levels = np.array([level for span in spans if span.kind == "codes"
                           for level in span.levels], np.int64)
        known = _known(x.columns(codes), levels)
        if inputs.onehot:
            parts += [known.columns([at]).equal(np.arange(level)[None]).cast("f8")
                      for at, level in enumerate(levels)]
        else:
            found.append(known)
            if not parts:
                parts = [x.columns(np.zeros(0, np.int64))]
    if parts:
        found.insert(0, graph.side_by_side(parts))
    for span in spans:
        if span.kind == "image":
            pixels = x.columns(np.arange(span.start, span.stop))
            pixels = pixels.isnan().where(0.0, pixels).one("Round").clipped(0.0, 255.0)
            found.append(pixels.shaped(-1, *span.shape))
    for span in spans:
        if span.kind == "tokens":
            whole = x.columns(np.arange(span.start, span.stop))
            whole = whole.isnan().where(0.0, whole).clipped(0.0, float(span.levels[0] - 1))
            found.append(whole.cast("i8"))
    return found


def _known(codes: Value, levels: np.ndarray) -> Value:
    """Codes (rows, columns) of i8; -1 for missing or unseen ones."""
    fine = (codes >= 0.0) & (codes < levels.astype(np.float64)[None])
    return fine.where(codes, -1.0).cast("i8")


def _scaled(numbers: Value, inputs: Inputs) -> Value:
    arrays = inputs.arrays
    if inputs.scaling == "none":
        return numbers
    if inputs.scaling == "quantile":
        return numbers.graph.side_by_side([
            _normal_score(numbers.columns([at]), known)
            for at, known in enumerate(np.asarray(arrays["quantiles"]).T)])
    found = (numbers - arrays["centre"][None]) * arrays["factor"][None]
    found = found.clipped(-_FAR, _FAR)
    if inputs.scaling == "robust":
        third = found / 3.0
        found = found / (third * third + 1.0).one("Sqrt")
    return found


def _normal_score(x: Value, known: np.ndarray) -> Value:
    at = np.linspace(0, 1, len(known))
    low = math.interpolated(x, known, at)
    high = 1.0 - math.interpolated(-x, -known[::-1], at)
    return math.normal_quantile(((low + high) / 2.0).clipped(_LEAST, 1 - _LEAST))


# Plain networks ---------------------------------------------------------------------------------

def _plain(x: Value, made_of: Mapping[str, Any], state: State) -> Value:
    """A fully connected network; its layers lie in the order of `_kernels._layers`."""
    weights = {name: array.astype(np.float64)
               for name, array in _safetensors.arrays(state.blobs[BLOB]).items()}
    norm, activation = made_of.get("norm", "none"), made_of.get("activation", "relu")
    at = 0
    for _ in made_of.get("hidden", [64]):
        x, at = _dense(x, weights, at), at + 1
        if norm != "none":
            x, at = _norm(x, weights, at, norm), at + 1
        x = ACTIVATIONS[activation](x)
        at += 1 + (float(made_of.get("dropout", 0.0)) > 0)
    return _dense(x, weights, at)


def _dense(x: Value, weights: Mapping[str, np.ndarray], at: int) -> Value:
    return x @ weights[f"layers.{at}.weight"].T + weights[f"layers.{at}.bias"][None]


def _norm(x: Value, weights: Mapping[str, np.ndarray], at: int, norm: str) -> Value:
    weight, bias = weights[f"layers.{at}.weight"], weights[f"layers.{at}.bias"]
    if norm == "layer":
        centred = x - x.total(op="ReduceMean")
        width = ((centred * centred).total(op="ReduceMean") + _EPSILON).one("Sqrt")
        return centred / width * weight[None] + bias[None]
    mean, variance = (weights[f"layers.{at}.running_{word}"] for word in ("mean", "var"))
    return (x - mean[None]) * (weight / np.sqrt(variance + _EPSILON))[None] + bias[None]


def _softplus(x: Value) -> Value:
    return x.clipped(0.0) + math.log1p((-x.one("Abs")).one("Exp"))


def _negative(x: Value) -> Value:
    """exp(x) - 1 of what lies below 0."""
    return math.expm1(x.clipped(None, 0.0))


ACTIVATIONS: dict[str, Callable[[Value], Value]] = {
    "relu": lambda x: x.clipped(0.0),
    "leaky_relu": lambda x: (x > 0.0).where(x, x * 0.01),
    "elu": lambda x: (x > 0.0).where(x, _negative(x)),
    "selu": lambda x: (x > 0.0).where(x, _negative(x) * _SELU[1]) * _SELU[0],
    # ONNX Runtime knows erf in 32 bits only: right to about 1e-7
    "gelu": lambda x: x * 0.5 * ((x / float(np.sqrt(2.0))).cast("f4").one("Erf").cast("f8") + 1.0),
    "silu": lambda x: x * math.sigmoid(x),
    "mish": lambda x: x * _softplus(x).one("Tanh"),
    "sigmoid": math.sigmoid,
    "tanh": lambda x: x.one("Tanh"),
    "softplus": _softplus,
}


# All other networks -----------------------------------------------------------------------------

def _grafted(graph: Graph, pieces: list[Value], state: State) -> Value:
    """The network as torch writes it, in 32 bits, behind these inputs."""
    module, example = module_of(state)
    names = [f"input_{at}" for at in range(len(example))]
    part = _torch_written(module, example, names)
    kinds = ["i8" if each.dtype.is_floating_point is False else "f4" for each in example]
    given = {name: piece.cast(kind)
             for name, piece, kind in zip(names, pieces, kinds, strict=True)}
    found = graph.graft(part, given).cast("f8")
    return found.shaped(-1, int(state.config["made_of"].get("outputs", 1)))


def _torch_written(module: Any, example: tuple[Any, ...], names: list[str]) -> Any:
    """The module as ONNX by torch.onnx, its new way or else its old one; ExportError for none."""
    need("onnxscript", extra="export", user="exporting this network to ONNX")
    quiet = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch.export")]
    levels = [each.level for each in quiet]
    fault: Exception | None = None
    try:
        for each in quiet:
            each.setLevel(logging.CRITICAL)
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            for way in (_by_export, _by_tracing):
                try:
                    return way(module, example, names)
                except Exception as error:  # torch raises many kinds, some with pages of text
                    fault = error
    finally:
        for each, level in zip(quiet, levels, strict=True):
            each.setLevel(level)
    raise ExportError(
        f"torch cannot write this network as ONNX ({type(fault).__name__}): export it with "
        "to='torchscript', or serve the .wf file itself (`wholefit serve`).") from fault


def _by_export(module: Any, example: tuple[Any, ...], names: list[str]) -> Any:
    onnx = need("onnx", extra="export", user="the ONNX export")
    torch = need("torch", extra="deep", user="exporting a network")
    rows = torch.export.Dim("rows", min=1)
    made = torch.onnx.export(
        module, example, input_names=names, output_names=["raw"], dynamo=True, verbose=False,
        dynamic_shapes=(tuple({0: rows} for _ in example),), opset_version=OPSET)
    proto = made.model_proto
    if proto.functions:
        proto = onnx.inliner.inline_local_functions(proto)
    return onnx.load_from_string(proto.SerializeToString())


def _by_tracing(module: Any, example: tuple[Any, ...], names: list[str]) -> Any:
    onnx = need("onnx", extra="export", user="the ONNX export")
    torch = need("torch", extra="deep", user="exporting a network")
    file = io.BytesIO()
    torch.onnx.export(
        module, example, file, input_names=names, output_names=["raw"], dynamo=False,
        dynamic_axes={name: {0: "rows"} for name in (*names, "raw")}, opset_version=OPSET)
    return onnx.load_from_string(file.getvalue())


KINDS: dict[str, Callable[[Value, State], Any]] = {"network": network}
