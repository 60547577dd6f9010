"""Computed columns (features.engineer and stored transformers) as ONNX operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.artifact.exports import _onnx_math as math
from wholefit.artifact.exports._onnx_graph import Value
from wholefit.artifact.exports._onnx_inputs import NO_TIME, Columns
from wholefit.base.errors import ExportError
from wholefit.base.state import State
from wholefit.features._polynomial import Terms
from wholefit.features.engineer.dates import PERIODS, UNITS

_EDGE = 1e-7


@dataclass(frozen=True, eq=False)
class _Asked:
    """A fitted step: the graph's columns, the names it reads, its options, what it learnt."""

    columns: Columns
    names: list[str]
    options: Mapping[str, Any]
    learnt: Mapping[str, Any]

    def matrix(self) -> Value:
        """Its columns as numbers (rows, columns)."""
        return self.columns.graph.side_by_side([self.columns.number(n) for n in self.names])

    def split(self, x: Value) -> list[Value]:
        """Columns of (rows, p), each (rows, 1)."""
        return [x.columns([at]) for at in range(len(self.names))]

    def table(self, values: np.ndarray) -> Value:
        """A constant."""
        return self.columns.graph.const(np.asarray(values, dtype=np.float64))


def apply(columns: Columns, step: State) -> None:
    """Add what a stored step makes to the computed columns; ExportError if it has no form here."""
    inner, names = step.parts["transformer"], list(step.config["columns"])
    if inner.kind not in _KINDS:
        raise ExportError(
            f"the computed columns of {step.config['name']!r} ({inner.kind.split('.')[-1]}) cannot "
            f"be written as ONNX operations{_WHY.get(inner.kind, '')}: make them in the data "
            "before, or serve the .wf file itself (`wholefit serve`).")
    config = inner.config
    learnt = {**config.get("learnt", {}), **inner.arrays}
    options = config.get("options", config)
    made = _KINDS[inner.kind](_Asked(columns, names, options, learnt))
    found = {name: made.columns([at]) for at, name in enumerate(step.config["outputs"])}
    columns.made.update(found)


_WHY = {"engineer.lags": ", for they look at earlier rows",
        "engineer.rolling": ", for they look at earlier rows",
        "engineer.hashing": ", for ONNX has no such hash"}


# Numbers ----------------------------------------------------------------------------------------

def _ratio(asked: _Asked) -> Value:
    x = asked.matrix()
    first, below = x.columns([0]), x.columns(range(1, len(asked.names)))
    zero = below.equal(0.0)
    held = (first / zero.where(1.0, below)).clipped(-math.LARGEST, math.LARGEST)
    instead = {"missing": np.nan, "zero": 0.0, "one": 1.0}[asked.options["at_zero"]]
    return (zero & ~first.isnan()).where(instead, held)


def _difference(asked: _Asked) -> Value:
    x = asked.matrix()
    found = x.columns([0]) - x.columns(range(1, len(asked.names)))
    return found.one("Abs") if asked.options["absolute"] else found


def _product(asked: _Asked) -> Value:
    first, *rest = asked.split(asked.matrix())
    for each in rest:
        first = first * each
    return first.clipped(-math.LARGEST, math.LARGEST)


def _log(asked: _Asked) -> Value:
    x = asked.matrix()
    return x.one("Sign") * math.log1p(x.one("Abs") / float(asked.options["unit"]))


def _polynomial(asked: _Asked) -> Value:
    terms = Terms([str(at) for at in range(len(asked.names))], [], asked.options["degree"],
                  asked.options["interactions_only"])
    made = math.products(asked.matrix() - asked.learnt["centre_"], terms, math.LARGEST)
    assert made is not None
    return made


def _power(asked: _Asked) -> Value:
    found = []
    for x, power in zip(asked.split(asked.matrix()), asked.learnt["lambdas_"], strict=True):
        if asked.options["method"] == "box-cox":
            log = (x > 0.0).where(x, np.nan).one("Log")
            raised = log if power == 0 else math.expm1(log * float(power)) / float(power)
        else:
            raised = yeo_johnson(x, float(power), np.finfo(np.float64).eps)
        found.append(raised.clipped(-math.LARGEST, math.LARGEST))
    whole = asked.columns.graph.side_by_side(found)
    return (whole - asked.learnt["mean_"]) / asked.learnt["scale_"]


def yeo_johnson(x: Value, power: float, tiny: float) -> Value:
    """Yeo and Johnson's (2000) power of x (n, 1)."""
    above = math.log1p((x > 0.0).where(x, 0.0))
    below = math.log1p((x < 0.0).where(-x, 0.0))
    other = 2.0 - power
    high = above if abs(power) < tiny else math.expm1(above * power) / power
    low = -below if abs(other) < tiny else -(math.expm1(below * other) / other)
    return x.isnan().where(np.nan, (x >= 0.0).where(high, low))


def _ranks(asked: _Asked) -> Value:
    kept, found = asked.learnt["quantiles_"], []
    shares = np.linspace(0, 1, len(kept))
    for x, knots in zip(asked.split(asked.matrix()), kept.T, strict=True):
        if np.isnan(knots).any():
            found.append(x * np.nan)
            continue
        up = math.interpolated(x, knots, shares)
        down = math.interpolated(-x, -knots[::-1], -shares[::-1])
        made = x.isnan().where(np.nan, (up - down) * 0.5)
        if asked.options["output"] != "uniform":
            made = math.normal_quantile(made.clipped(_EDGE, 1 - _EDGE))
        found.append(made)
    return asked.columns.graph.side_by_side(found)


def _bins(asked: _Asked) -> Value:
    found = []
    for x, edges in zip(asked.split(asked.matrix()), asked.learnt["edges_"], strict=True):
        cuts = edges[~np.isnan(edges)]
        code = math.at_most(x, cuts, "left").cast("f8") if len(cuts) else x * 0.0
        code = x.isnan().where(np.nan, code)
        found.append(code if asked.options["output"] == "code" else
                     code.equal(np.arange(len(cuts) + 1, dtype=np.float64)[None]).cast("f8"))
    return asked.columns.graph.side_by_side(found)


def _clipper(asked: _Asked) -> Value:
    low = np.nan_to_num(asked.learnt["lower"], nan=-np.inf)
    high = np.nan_to_num(asked.learnt["upper"], nan=np.inf)
    return asked.matrix().clipped(low, high)


def _ufunc(asked: _Asked) -> Value:
    return function(asked.matrix(), str(asked.options["name"]))


def function(x: Value, name: str) -> Value:
    """One of numpy's functions of one number; ExportError if ONNX has none like it."""
    if name not in FUNCTIONS:
        raise ExportError(f"numpy's {name} cannot be written as an ONNX operation: compute the "
                          "column before.")
    return FUNCTIONS[name](x)


FUNCTIONS: dict[str, Callable[[Value], Value]] = {
    "abs": lambda x: x.one("Abs"), "absolute": lambda x: x.one("Abs"),
    "exp": lambda x: x.one("Exp"), "expm1": math.expm1, "log": lambda x: x.one("Log"),
    "log1p": math.log1p, "log2": lambda x: x.one("Log") * float(1 / np.log(2)),
    "log10": lambda x: x.one("Log") * float(1 / np.log(10)), "negative": lambda x: -x,
    "sign": lambda x: x.one("Sign"), "sqrt": lambda x: x.one("Sqrt"),
    "square": lambda x: x * x, "tanh": lambda x: x.one("Tanh"), "floor": lambda x: x.one("Floor"),
    "ceil": lambda x: x.one("Ceil"), "reciprocal": lambda x: 1.0 / x,
    "cbrt": lambda x: x.one("Sign") * x.one("Abs") ** (1.0 / 3.0),
    "arcsinh": lambda x: x.one("Sign") * (
        x.one("Abs") + (x * x + 1.0).one("Sqrt")).one("Log"),
}


# Levels -----------------------------------------------------------------------------------------

def places(columns: Columns, name: str, known: list[str]) -> Value:
    """The place (rows, 1) of each label in `known`: len(known) if missing, one more if another."""
    graph, role = columns.graph, columns.role(name)
    if role in ("categorical", "text"):
        return graph.op(
            "LabelEncoder", columns.word(name), kind="i8", domain="ai.onnx.ml",
            keys_strings=[*known, columns.blank(name)],
            values_int64s=list(range(len(known) + 1)), default_int64=len(known) + 1)
    if role not in ("numeric", "boolean", "made"):
        raise ExportError(f"labels of column {name!r} ({role}) cannot be read in an ONNX graph: "
                          "give it as a category, or export to 'numpy'.")
    x = columns.number(name)
    numbers = [float(label) for label in known]
    found = graph.op(
        "LabelEncoder", x, domain="ai.onnx.ml", keys_tensor=graph.tensor(np.array(numbers)),
        values_tensor=graph.tensor(np.arange(len(known), dtype=np.float64)),
        default_tensor=graph.tensor(np.array([float(len(known) + 1)]))) if known else (
        x * 0.0 + float(len(known) + 1))
    return x.isnan().where(float(len(known)), found).cast("i8")


def _frequency(asked: _Asked) -> Value:
    found, start = [], 0
    for name, known in zip(asked.names, asked.learnt["levels_"], strict=True):
        counts = np.append(asked.learnt["counts_"][start:start + len(known) + 1], 0.0)
        start += len(known) + 1
        table = {"log": np.log1p(counts), "count": counts,
                 "share": counts / asked.learnt["rows_"]}[asked.options["output"]]
        found.append(asked.table(table).taken(places(asked.columns, name, known)))
    return asked.columns.graph.side_by_side(found)


def _target(asked: _Asked) -> Value:
    found, start, means = [], 0, asked.learnt["means_"]
    for name, known in zip(asked.names, asked.learnt["levels_"], strict=True):
        table = np.vstack([means[start:start + len(known) + 1], asked.learnt["overall_"]])
        start += len(known) + 1
        place = places(asked.columns, name, known)
        found += [asked.table(column).taken(place) for column in table.T]
    return asked.columns.graph.side_by_side(found)


def _aggregate(asked: _Asked) -> Value:
    by = asked.options["by"]
    by = [by] if isinstance(by, str) else list(by)
    if len(by) > 1:
        raise ExportError(f"figures of groups by several columns ({', '.join(by)}) cannot be "
                          "written as ONNX operations: make one column of them before.")
    place = places(asked.columns, by[0], list(asked.learnt["groups_"]))
    numbers = [name for name in asked.learnt["columns_"] if name not in by]
    counts, found = asked.learnt["counts_"], []
    for word in dict.fromkeys(asked.options["statistics"]):
        if word in ("count", "share"):
            table = np.append(counts, 0.0) / (counts.sum() if word == "share" else 1.0)
            found.append(asked.table(table).taken(place))
            continue
        for at, name in enumerate(numbers):
            found.append(_one_aggregate(asked, word, at, name, place))
    return asked.columns.graph.side_by_side(found)


def _one_aggregate(asked: _Asked, word: str, at: int, name: str, place: Value) -> Value:
    if word not in ("difference", "ratio"):
        return asked.table(asked.learnt[f"{word}_"][at]).taken(place)
    own, mean = asked.columns.number(name), asked.table(asked.learnt["mean_"][at]).taken(place)
    if word == "difference":
        return own - mean
    zero = mean.equal(0.0)
    return zero.where(np.nan, own / zero.where(1.0, mean))


def _missing(asked: _Asked) -> Value:
    found = None
    for name in asked.names:
        role = asked.columns.role(name)
        if role in ("categorical", "text"):
            one = places(asked.columns, name, []).equal(0)
        elif role == "datetime":
            one = asked.columns.time(name).equal(NO_TIME)
        else:
            one = asked.columns.number(name).isnan()
        each = one.cast("f8")
        found = each if found is None else found + each
    assert found is not None
    return found / float(len(asked.names)) if asked.options["share"] else found


# Dates ------------------------------------------------------------------------------------------

def _cyclic(asked: _Asked) -> Value:
    made = []
    for name, parts in zip(asked.names, asked.learnt["kept_"], strict=True):
        time = asked.columns.time(name)
        missing = time.equal(NO_TIME)
        for part in parts:
            turn = _circle(time, part) * (2 * np.pi) / float(PERIODS[part])
            made += [missing.where(np.nan, wave) for wave in (
                turn.one("Sin"), (turn + np.pi / 2).one("Sin"))]
        if asked.learnt["days_"]:
            day = math.days_of(time).equal(np.array(asked.learnt["days_"], np.int64)[None])
            any_ = day.cast("f8").total(op="ReduceMax")
            made.append(missing.where(np.nan, any_))
    return asked.columns.graph.side_by_side(made)


def _circle(time: Value, part: str) -> Value:
    if part in ("minute", "hour"):
        unit = 60_000_000 if part == "minute" else math.HOUR
        return ((math.within(time, math.DAY) / unit) % (60 if part == "minute" else 24)).cast("f8")
    days = math.days_of(time)
    if part == "weekday":
        return math.calendar_part(time, "weekday", 0)
    year, month, day = math.civil(days)
    if part in ("month", "day"):
        return ((month if part == "month" else day) - 1).cast("f8")
    # days before each month; one more after February of a leap year
    before = time.graph.const(np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]))
    leap = (year % 4).equal(0) & (~(year % 100).equal(0) | (year % 400).equal(0))
    late = (leap & (month > 2)).cast("i8")
    return (before.taken(month - 1) + late + day - 1).cast("f8")


def _elapsed(asked: _Asked) -> Value:
    graph, unit = asked.columns.graph, float(UNITS[asked.options["unit"]])
    times = [asked.columns.time(name) for name in asked.names]
    lost = [time.equal(NO_TIME) for time in times]
    if asked.options["since"] is not None:
        start = int(np.datetime64(asked.options["since"], "us").astype(np.int64))
        return graph.side_by_side([gone.where(np.nan, (time - start).cast("f8") / unit)
                                   for time, gone in zip(times, lost, strict=True)])
    return graph.side_by_side([
        (lost[0] | gone).where(np.nan, (times[0] - time).cast("f8") / unit)
        for time, gone in zip(times[1:], lost[1:], strict=True)])


# Gaps filled by regressions ---------------------------------------------------------------------

def chained(cells: Value, arrays: Mapping[str, np.ndarray]) -> Value:
    """Gaps of (rows, p) filled as `data.clean._iterative.Chain` does."""
    graph, width = cells.graph, len(arrays["means"])
    gaps = [cells.columns([at]).isnan() for at in range(width)]
    table = [gap.where(0.0, (cells.columns([at]) - float(mean)) / float(scale))
             for at, (gap, mean, scale) in enumerate(
                 zip(gaps, arrays["means"], arrays["scale"], strict=True))]
    for weights, offsets in zip(arrays["weights"], arrays["offsets"], strict=True):
        for at in (int(each) for each in arrays["order"]):
            others = graph.side_by_side([table[int(o)] for o in arrays["predictors"][at]])
            made = others @ weights[at][:, None] + float(offsets[at])
            table[at] = gaps[at].where(
                made.clipped(float(arrays["low"][at]), float(arrays["high"][at])), table[at])
    filled = graph.side_by_side(table) * arrays["scale"] + arrays["means"]
    return cells.isnan().where(filled, cells)


_KINDS: dict[str, Callable[[_Asked], Value]] = {
    "engineer.ratio": _ratio, "engineer.difference": _difference, "engineer.product": _product,
    "engineer.log": _log, "engineer.polynomial": _polynomial, "engineer.power": _power,
    "engineer.ranks": _ranks, "engineer.bins": _bins, "engineer.frequency": _frequency,
    "engineer.target": _target, "engineer.aggregate": _aggregate, "engineer.missing": _missing,
    "engineer.cyclic": _cyclic, "engineer.elapsed": _elapsed,
    "transformer.quantile_clipper": _clipper, "transformer.ufunc": _ufunc,
}
