"""A model's State as ONNX operations: features (rows, p) to what its scorer answers.

Numbers and the margins of two classes are (rows, 1), all else (rows, classes). What each kind
computes is said in `models/_kernels/`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wholefit.artifact.exports import (
    _onnx_catboost,
    _onnx_found,
    _onnx_near,
    _onnx_networks,
    _onnx_trees,
)
from wholefit.artifact.exports import _onnx_math as math
from wholefit.artifact.exports._onnx_columns import encoded
from wholefit.artifact.exports._onnx_graph import Value
from wholefit.artifact.exports._onnx_inputs import Columns
from wholefit.base.errors import ExportError
from wholefit.base.state import State
from wholefit.models._kernels.detectors_joined import _BENT, _TENTH
from wholefit.models._kernels.rule_list import ABOVE, AT_MOST, MISSING

_TINY = float(np.finfo(np.float64).tiny)
_LEAST, _LOG_LEAST = 1e-12, 1e-4


def answered(x: Value, state: State, sparse: bool = False) -> Value:
    """The answer to features x; ExportError for a kind that has no form in ONNX."""
    if state.kind == "bernoulli_nb":
        return _bernoulli(x, state, sparse)
    if state.kind not in KINDS:
        raise ExportError(
            f"a model of kind {state.kind!r} cannot be written as ONNX operations"
            f"{_WHY.get(state.kind, '')}: serve the .wf file itself (`wholefit serve`), or teach "
            "a small model what it answers (`wholefit distil`).")
    return KINDS[state.kind](x, state)


_WHY = {"parts": ", for its answer is found by steps without a fixed number",
        "keras": "; a Keras model has a form of its own (to='savedmodel' or 'litert')"}


def rows_answered(columns: Columns, state: State) -> Value:
    """The answer of a blend, whose members encode the columns each in its own way."""
    config = state.config
    members, seconds = config["members"], config.get("seconds", ())
    whole = sum(float(each["share"]) for each in (*members, *seconds))
    numbers = sorted({int(member["encoder"]) for member in members})
    parts = {number: state.parts[f"encoder {number}"] for number in numbers}
    features = {number: encoded(columns, part) for number, part in parts.items()}
    total: Value | None = None
    asked: dict[str, list[Value]] = {}
    for number in numbers:
        for at, member in enumerate(members):
            if int(member["encoder"]) != number:
                continue
            each = bounded(answered(features[number], state.parts[f"model {at}"],
                                    bool(parts[number].config["sparse"])), config.get("bounds"))
            asked.setdefault(str(member.get("model")), []).append(each)
            if member["share"]:
                total = _plus(total, each * (float(member["share"]) / whole))
    for at, layer in enumerate(seconds):
        each = bounded(_second(state.parts[f"second {at}"], asked), config.get("bounds"))
        total = _plus(total, each * (float(layer["share"]) / whole))
    assert total is not None
    if not int(config["n_classes"]):
        offset, slope = (float(each) for each in config["line"])
        return total * slope + offset
    return _tempered(total, float(config["temperature"]))


def _plus(total: Value | None, each: Value) -> Value:
    return each if total is None else total + each


def bounded(x: Value, bounds: Sequence[float] | None) -> Value:
    """Held between two bounds, if given."""
    return x if bounds is None else x.clipped(float(bounds[0]), float(bounds[1]))


def _tempered(shares: Value, temperature: float) -> Value:
    if temperature == 1.0:
        return shares
    return math.softmax(shares.clipped(_TINY).one("Log") / temperature)


def _second(state: State, asked: dict[str, list[Value]]) -> Value:
    config, parts = state.config, []
    middle, spread = float(config["middle"]), float(config["spread"])
    for label in config["inputs"]:
        first = bounded(_mean_of(asked[str(label)], None), config["bounds"])
        if not config["n_classes"]:
            parts.append((first - middle) / spread)
            continue
        logs = first.clipped(_LOG_LEAST).one("Log")
        parts.append(logs.columns([1]) - logs.columns([0]) if config["n_classes"] == 2
                     else logs - logs.total(op="ReduceMean"))
    found = answered(parts[0].graph.side_by_side(parts), state.parts["model"])
    return found if config["n_classes"] else found * spread + middle


# Sums -------------------------------------------------------------------------------------------

def _linear(x: Value, state: State) -> Value:
    config, arrays = state.config, state.arrays
    coef = np.asarray(arrays["coef"], np.float64)
    sums = x @ coef.T + np.asarray(arrays["intercept"], np.float64)[None]
    found = _ended(sums, config["link"], len(coef))
    found = _own_units(found, state)
    if config["link"] == "margin":
        return found
    return math.spread(found, config.get("classes"), int(config.get("n_classes", 0)))


def _ended(sums: Value, link: str, outputs: int) -> Value:
    if link == "softmax":
        return math.softmax(sums)
    if link in ("ovr", "modified_huber"):
        found = math.sigmoid(sums) if link == "ovr" else (sums.clipped(-1.0, 1.0) + 1.0) / 2.0
        return math.pair(found) if outputs == 1 else math.normalised(found)
    return sums.columns([0]) if link == "identity" else sums


def _own_units(found: Value, state: State) -> Value:
    target = state.arrays.get("target")
    return found if target is None else found * np.asarray(target[1]) + np.asarray(target[0])


def _trees(x: Value, state: State) -> Value:
    found = _onnx_trees.ended(_onnx_trees.raw(x, state), state.config["link"])
    return math.spread(found, state.config.get("classes"), int(state.config["n_classes"]))


def _constant(x: Value, state: State) -> Value:
    value = np.asarray(state.arrays["value"], np.float64)
    if not int(state.config.get("n_classes", 0)):
        value = value[:1]
    # only the number of rows is read of the features, for they may be NaN
    rows = x.columns([0]).isnan().cast("f8") * 0.0
    found = rows + value[None]
    return math.spread(found, state.config.get("classes"), int(state.config.get("n_classes", 0)))


# Bayes ------------------------------------------------------------------------------------------

def _gaussian(x: Value, state: State) -> Value:
    arrays, found = state.arrays, []
    with np.errstate(divide="ignore"):
        priors = np.log(np.asarray(arrays["prior"], np.float64))
    for prior, mean, variance in zip(priors, arrays["mean"], arrays["variance"], strict=True):
        apart = x - np.asarray(mean, np.float64)[None]
        fixed = prior - 0.5 * np.log(2.0 * np.pi * variance).sum()
        found.append((apart * apart / np.asarray(variance, np.float64)[None]).total() * -0.5
                     + float(fixed))
    return _classes(math.softmax(x.graph.side_by_side(found)), state)


def _multinomial(x: Value, state: State) -> Value:
    x = x.clipped(0.0) if state.config.get("floor") else x
    sums = x @ state.arrays["coef"].T + state.arrays["intercept"][None]
    return _classes(math.softmax(sums), state)


def _bernoulli(x: Value, state: State, sparse: bool) -> Value:
    threshold = state.config["threshold"]
    if threshold is not None:
        above = x > float(threshold)
        if sparse:  # entries that are not stored stay 0, whatever the threshold
            above = above & ~x.equal(0.0)
        x = above.cast("f8")
    return _multinomial(x, State("multinomial_nb", {**state.config, "floor": False},
                                 state.arrays))


def _classes(found: Value, state: State) -> Value:
    return math.spread(found, state.config.get("classes"), int(state.config["n_classes"]))


# Models around models ---------------------------------------------------------------------------

def _calibrated(x: Value, state: State) -> Value:
    slope, offset = state.arrays["slope"], state.arrays["offset"]
    shares = math.sigmoid(answered(x, state.parts["base"]) * slope[None] + offset[None])
    return _classes(math.pair(shares) if len(slope) == 1 else math.normalised(shares), state)


def _shifted(x: Value, state: State) -> Value:
    found, power = answered(x, state.parts["base"]), float(state.config["power"])
    heavy = found if power == 1 else found.clipped(_LEAST) ** power
    heavy = heavy * state.arrays["factor"][None]
    return heavy / heavy.total()


def _members(state: State) -> list[State]:
    return [state.parts[name]
            for name in sorted((name for name in state.parts if name.isdigit()), key=int)]


def _mean_of(answers: Sequence[Value], weights: Sequence[float] | None) -> Value:
    shares = [1.0] * len(answers) if weights is None else [float(each) for each in weights]
    total: Value | None = None
    for answer, share in zip(answers, shares, strict=True):
        total = _plus(total, answer * share)
    assert total is not None
    return total / sum(shares)


def _mean(x: Value, state: State) -> Value:
    members, columns = _members(state), state.arrays.get("columns")
    shown = [x] * len(members) if columns is None else [x.columns(each) for each in columns]
    found = _mean_of([answered(part, member) for part, member in zip(shown, members, strict=True)],
                     state.config["weights"])
    return _classes(found, state)


def _stack(x: Value, state: State) -> Value:
    blocks = []
    for member in _members(state):
        each = answered(x, member)
        two = int(member.config.get("n_classes") or state.config["n_classes"] or 0) == 2
        blocks.append(each.columns([1]) if two else each)
    if state.config["through"]:
        blocks.append(x)
    return _classes(answered(x.graph.side_by_side(blocks), state.parts["final"]), state)


def _weighed(x: Value, state: State) -> Value:
    arrays = state.arrays
    bend = np.asarray(arrays["bend"], np.float64)
    finite = np.isfinite(bend)
    if finite.any():
        limit = np.where(finite, bend, 0.0)[None]
        far = x.one("Abs") - limit
        bent = x.one("Sign") * (math.log1p(far.clipped(0.0)) + limit)
        x = ((far > 0.0) & x.graph.const(finite[None])).where(bent, x)
    z = (x - np.asarray(arrays["centre"])[None]) * np.asarray(arrays["weights"], np.float64)[None]
    if "axes" in arrays:
        z = z @ np.asarray(arrays["axes"], np.float64)
    return answered(z, state.parts["model"])


def _joined(x: Value, state: State) -> Value:
    found, total = len(state.config["names"]), None
    for at in range(found):
        score = answered(x, state.parts[f"member {at}"])
        knots = np.asarray(state.arrays[f"score {at}"], np.float64)
        steps = (score - float(knots[-1])).clipped(0.0) / float(state.arrays[f"step {at}"][0])
        near = math.interpolated(score, knots, state.arrays[f"rarity {at}"])
        each = near + math.log1p(steps / _BENT) * _TENTH * _BENT
        total = each if total is None else total + each
    assert total is not None
    return total / float(found)


# Rules and curves -------------------------------------------------------------------------------

def _rule_list(x: Value, state: State) -> Value:
    arrays, graph = state.arrays, x.graph
    count = len(arrays["value"]) - 1
    met: list[Value | None] = [None] * count
    for rule, feature, test, bound in zip(arrays["rule"], arrays["feature"], arrays["test"],
                                          arrays["bound"], strict=True):
        cell, rule = x.columns([int(feature)]), int(rule)
        each = cell.isnan() if test == MISSING else cell <= float(bound) if test == AT_MOST else (
            cell > float(bound) if test == ABOVE else cell.equal(float(bound)))
        before = met[rule]
        met[rule] = each if before is None else before & each
    always = x.columns([0]).isnan().cast("f8") * 0.0 + 1.0
    hits = [always if each is None else each.cast("f8") for each in met]
    first = graph.side_by_side([*hits, always]).argmax()
    return _classes(graph.const(np.asarray(arrays["value"], np.float64)).taken(first), state)


def _additive(x: Value, state: State) -> Value:
    from wholefit.models._kernels.additive import Binned, maps, starts

    arrays, graph = state.arrays, x.graph
    binned = Binned(arrays)
    codes = [_bin(x.columns([at]), int(binned.kind[at]), binned.edges[at], binned.bins[at])
             for at in range(len(arrays["kind"]))]
    value = np.asarray(arrays["value"], np.float64)
    total = None
    for code, start, size in zip(codes, starts(arrays["size"]), arrays["size"], strict=True):
        total = _plus(total, graph.const(value[start:start + size]).taken(code))
    begin = starts(arrays["pair_size"].prod(axis=1))
    for at, (first, second) in enumerate(arrays["pair"]):
        left, right = (graph.const(np.asarray(each, np.int64)) for each in maps(arrays)[at])
        wide = int(arrays["pair_size"][at, 1])
        cell = left.taken(codes[first]) * wide + right.taken(codes[second])
        table = np.asarray(arrays["pair_value"], np.float64)[
            begin[at]:begin[at] + int(arrays["pair_size"][at].prod())]
        total = _plus(total, graph.const(table).taken(cell))
    assert total is not None
    sums = total + np.asarray(arrays["intercept"], np.float64)[None]
    return _classes(_onnx_trees.ended(sums, state.config["link"]), state)


def _bin(x: Value, kind: int, edges: np.ndarray, bins: np.ndarray) -> Value:
    """The bin (rows,) of a feature (rows, 1), 0 for missing or unknown."""
    if not len(edges):
        return x.isnan().where(0.0, 0.0 if kind else 1.0).cast("i8").shaped(-1)
    if kind:
        hit = x.equal(edges[None])
        place = (hit.cast("i8") * np.asarray(bins, np.int64)[None]).total(keep=False)
        return place
    place = math.at_most(x, edges, "left") + 1
    return x.isnan().where(0, place).shaped(-1)


KINDS: dict[str, Callable[[Value, State], Any]] = {
    "additive": _additive, "calibrated": _calibrated, "clusters.weighed": _weighed,
    "constant": _constant, "detector.joined": _joined, "gaussian_nb": _gaussian,
    "linear": _linear, "mean": _mean, "multinomial_nb": _multinomial,
    "oblivious": _onnx_catboost.oblivious, "rule_list": _rule_list, "shifted": _shifted,
    "stack": _stack, "trees": _trees,
    **_onnx_near.KINDS, **_onnx_networks.KINDS, **_onnx_found.KINDS,
}
