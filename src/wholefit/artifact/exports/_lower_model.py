"""A model's state as operations: features to probabilities or a number, kind by kind.

What each kind's arrays mean is said in `models/_kernels/`; this module knows no library but
numpy. `answered` gives what the kind's scorer answers: probabilities over all classes, margins,
or one number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.artifact.exports import _lower_columns, _lower_network
from wholefit.artifact.exports._lower_catboost import oblivious
from wholefit.artifact.exports._lower_trees import trees
from wholefit.artifact.exports._program import Program, Reg
from wholefit.base.errors import StateError
from wholefit.base.state import State

_TINY = float(np.finfo(np.float64).tiny)
_LEAST = 1e-12
_LOG_LEAST = 1e-4


def answered(program: Program, state: State, x: Reg) -> Reg:
    """The register of the answer to the features in `x`; StateError for kinds without a form."""
    if state.kind not in _KINDS:
        raise StateError(f"models of kind {state.kind!r} have no form in this runtime.")
    return _KINDS[state.kind](program, state, x)


def blended(program: Program, state: State) -> Reg:
    """The answer of a blend, whose members encode the row each in its own way."""
    config = state.config
    members, seconds = config["members"], config.get("seconds", ())
    whole = sum(float(each["share"]) for each in (*members, *seconds))
    classes = int(config["n_classes"])
    found = program.do("zero", classes or 1)
    numbers = sorted({int(member["encoder"]) for member in members})
    encoded = {number: _lower_columns.encoded(program, state.parts[f"encoder {number}"])
               for number in numbers}
    asked: dict[str, list[Reg]] = {}
    for number in numbers:
        for at, member in enumerate(members):
            if int(member["encoder"]) != number:
                continue
            each = _bounded(program, answered(
                program, state.parts[f"model {at}"], encoded[number]), config.get("bounds"))
            asked.setdefault(str(member.get("model")), []).append(each)
            if member["share"]:
                program.do("add", found, each, float(member["share"]) / whole)
    for at, layer in enumerate(seconds):
        each = _second(program, state.parts[f"second {at}"], asked)
        program.do("add", found, _bounded(program, each, config.get("bounds")),
                   float(layer["share"]) / whole)
    if not classes:
        offset, slope = (float(each) for each in config["line"])
        return _scaled(program, found, slope, offset)
    temperature = float(config["temperature"])
    return found if temperature == 1.0 else program.do(
        "tempered", classes, found, temperature, _TINY)


def _second(program: Program, state: State, asked: dict[str, list[Reg]]) -> Reg:
    config = state.config
    middle, spread = float(config["middle"]), float(config["spread"])
    parts = []
    for label in config["inputs"]:
        first = _bounded(program, _mean(program, asked[str(label)]), config["bounds"])
        if first.width == 1 and not config["n_classes"]:
            parts.append(_scaled(program, first, 1 / spread, -middle / spread))
        elif first.width == 2:
            parts.append(program.do("log_odds", 1, first, _LOG_LEAST))
        else:
            parts.append(program.do("log_shares", first.width, first, _LOG_LEAST))
    found = answered(program, state.parts["model"], _joined(program, parts))
    return found if config["n_classes"] else _scaled(program, found, spread, middle)


# -- what kinds share -------------------------------------------------------------------------

def _scaled(program: Program, x: Reg, factor: Any, add: Any) -> Reg:
    """x * factor + add, entry by entry."""
    zeros = program.table(np.zeros(x.width))
    return program.do("affine", x.width, x, zeros,
                      program.table(np.broadcast_to(np.asarray(factor, np.float64), x.width)),
                      program.table(np.broadcast_to(np.asarray(add, np.float64), x.width)))


def _bounded(program: Program, x: Reg, bounds: Any) -> Reg:
    return x if bounds is None else program.do(
        "clip", x.width, x, float(bounds[0]), float(bounds[1]))


def _joined(program: Program, parts: list[Reg]) -> Reg:
    """Registers side by side."""
    whole = program.register(sum(part.width for part in parts))
    at = 0
    for part in parts:
        program.do("copy", whole, part, start=at, width=part.width)
        at += part.width
    return whole


def _mean(program: Program, parts: list[Reg], weights: Any = None) -> Reg:
    shares = [1.0] * len(parts) if weights is None else [float(each) for each in weights]
    if len(parts) == 1:
        return parts[0]
    found = program.do("zero", parts[0].width)
    for part, share in zip(parts, shares, strict=True):
        program.do("add", found, part, share / sum(shares))
    return found


def _spread(program: Program, state: State, found: Reg) -> Reg:
    """Probabilities of the classes seen laid over all of them."""
    classes, wanted = state.config.get("classes"), int(state.config.get("n_classes", 0))
    if not wanted or classes is None or len(classes) == wanted:
        return found
    return program.do("spread", wanted, found, program.table(classes, "i4"))


def _link(program: Program, name: str, sums: Reg) -> Reg:
    if name in ("ovr", "modified_huber"):
        each = program.do("sigmoid" if name == "ovr" else "huber", sums.width, sums)
        return program.do("pair", 2, each) if sums.width == 1 else program.do(
            "normal", sums.width, each)
    if name == "sigmoid":
        return program.do("pair", 2, program.do("sigmoid", 1, sums))
    if name in ("softmax", "exp"):
        return program.do(name, sums.width, sums)
    if name not in ("identity", "margin"):
        raise StateError(f"an answer by the link {name!r} has no form in this runtime.")
    return sums


def _dense(program: Program, x: Reg, weight: Any, bias: Any) -> Reg:
    weight = np.asarray(weight, np.float64)
    _fits(weight.shape[1] == x.width)
    return program.do("dense", len(weight), x, program.table(weight), program.table(bias))


def _fits(good: bool) -> None:
    if not good:
        raise StateError("the model's arrays do not fit the features that it is given.")


# -- kinds ------------------------------------------------------------------------------------

def _constant(program: Program, state: State, x: Reg) -> Reg:
    value = np.asarray(state.arrays["value"], np.float64)
    return _spread(program, state, program.do("constant", len(value), program.table(value)))


def _linear(program: Program, state: State, x: Reg) -> Reg:
    sums = _dense(program, x, state.arrays["coef"], state.arrays["intercept"])
    link = state.config["link"]
    found = _link(program, link, sums)
    if "target" in state.arrays:
        found = _scaled(program, found, state.arrays["target"][1], state.arrays["target"][0])
    return found if link == "margin" else _spread(program, state, found)


def _trees(program: Program, state: State, x: Reg) -> Reg:
    raw = trees(program, state, x)
    return _spread(program, state, _link(program, state.config["link"], raw))


def _oblivious(program: Program, state: State, x: Reg) -> Reg:
    raw = oblivious(program, state, x)
    return _spread(program, state, _link(program, state.config["link"], raw))


def _additive(program: Program, state: State, x: Reg) -> Reg:
    arrays = state.arrays
    _fits(len(arrays["kind"]) == x.width)
    whole = ("kind", "edge_size", "edge_bin", "size", "pair", "pair_size", "pair_bin")
    tables = [program.table(arrays[name], "i4") for name in whole]
    floats = [program.table(arrays[name]) for name in ("edge", "value", "pair_value",
                                                       "intercept")]
    raw = program.do("additive", len(arrays["intercept"]), x, *tables, *floats)
    return _spread(program, state, _link(program, state.config["link"], raw))


def _gaussian(program: Program, state: State, x: Reg) -> Reg:
    mean, variance = (np.asarray(state.arrays[name], np.float64) for name in ("mean", "variance"))
    _fits(mean.shape[1] == x.width)
    with np.errstate(divide="ignore"):
        base = np.log(np.asarray(state.arrays["prior"], np.float64))
    base = base - 0.5 * np.log(2.0 * np.pi * variance).sum(axis=1)
    logs = program.do("gauss", len(mean), x, program.table(mean), program.table(variance),
                      program.table(base))
    return _spread(program, state, program.do("softmax", logs.width, logs))


def _multinomial(program: Program, state: State, x: Reg) -> Reg:
    if state.config.get("floor"):
        x = program.do("relu", x.width, x)
    if state.config.get("threshold") is not None:
        x = program.do("above", x.width, x, float(state.config["threshold"]))
    sums = _dense(program, x, state.arrays["coef"], state.arrays["intercept"])
    return _spread(program, state, program.do("softmax", sums.width, sums))


def _kernel_machine(program: Program, state: State, x: Reg) -> Reg:
    config, arrays = state.config, state.arrays
    support, dual = arrays["support"], np.asarray(arrays["dual"], np.float64)
    _fits(support.shape[1] == x.width)
    kinds = ("linear", "poly", "rbf", "sigmoid")
    near = program.do("similar", len(support), x, program.table(support),
                      kinds.index(config["kernel"]), float(config["gamma"]),
                      float(config["coef0"]), float(config["degree"]))
    sizes = arrays.get("sizes")
    if sizes is None or len(sizes) == 2:
        found = _dense(program, near, dual[:1], arrays["intercept"][:1])
    else:
        found = program.do("votes", len(sizes), near, program.table(dual),
                           program.table(sizes, "i4"), program.table(arrays["intercept"]))
    if "target" in arrays:
        found = _scaled(program, found, arrays["target"][1], arrays["target"][0])
    return found


def _neighbors(program: Program, state: State, x: Reg) -> Reg:
    config, arrays = state.config, state.arrays
    _fits(arrays["rows"].shape[1] == x.width)
    classes = len(config.get("classes") or ())
    wanted = arrays["labels"] if classes else arrays["target"]
    found = program.do("nearest", classes or 1, x, program.table(arrays["rows"]),
                       program.table(wanted), min(int(config["neighbors"]), len(wanted)),
                       float(config["power"]), int(config["weights"] == "distance"), classes)
    return _spread(program, state, found)


def _rule_list(program: Program, state: State, x: Reg) -> Reg:
    arrays = state.arrays
    tables = [program.table(arrays[name], "i4") for name in ("rule", "feature", "test")]
    found = program.do("rules", arrays["value"].shape[1], x, *tables,
                       program.table(arrays["bound"]), program.table(arrays["value"]))
    return _spread(program, state, found)


def _calibrated(program: Program, state: State, x: Reg) -> Reg:
    margins = answered(program, state.parts["base"], x)
    each = _scaled(program, margins, state.arrays["slope"], state.arrays["offset"])
    return _spread(program, state, _link(program, "ovr", each))


def _shifted(program: Program, state: State, x: Reg) -> Reg:
    base = answered(program, state.parts["base"], x)
    return program.do("shifted", base.width, base, program.table(state.arrays["factor"]),
                      float(state.config["power"]), _LEAST)


def _members(program: Program, state: State, x: Reg) -> list[Reg]:
    names = sorted((name for name in state.parts if name.isdigit()), key=int)
    columns = state.arrays.get("columns")
    found = []
    for at, name in enumerate(names):
        shown = x if columns is None else program.do(
            "pick", len(columns[at]), x, program.table(columns[at], "i4"))
        found.append(answered(program, state.parts[name], shown))
    return found


def _mean_of(program: Program, state: State, x: Reg) -> Reg:
    found = _mean(program, _members(program, state, x), state.config["weights"])
    return _spread(program, state, found)


def _stack(program: Program, state: State, x: Reg) -> Reg:
    parts = [program.do("pick", 1, part, program.table([1], "i4"))
             if part.width == 2 and state.config["n_classes"] else part
             for part in _members(program, state, x)]
    whole = _joined(program, [*parts, x] if state.config["through"] else parts)
    return _spread(program, state, answered(program, state.parts["final"], whole))


def _network(program: Program, state: State, x: Reg) -> Reg:
    found = _lower_network.network(program, state, x)
    link = state.config["link"]
    if link not in ("identity", "softmax"):
        raise StateError("a network of several labels has no form in this runtime.")
    found = _link(program, link, found)
    if "target" in state.arrays:
        found = _scaled(program, found, state.arrays["target"][1], state.arrays["target"][0])
    return _spread(program, state, found)


_KINDS: dict[str, Callable[[Program, State, Reg], Reg]] = {
    "additive": _additive, "bernoulli_nb": _multinomial, "calibrated": _calibrated,
    "constant": _constant, "gaussian_nb": _gaussian, "kernel_machine": _kernel_machine,
    "linear": _linear, "mean": _mean_of, "multinomial_nb": _multinomial, "neighbors": _neighbors,
    "network": _network, "oblivious": _oblivious, "rule_list": _rule_list, "shifted": _shifted,
    "stack": _stack, "trees": _trees,
}
