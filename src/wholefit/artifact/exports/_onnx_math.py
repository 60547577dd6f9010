"""What several parts of an ONNX graph compute: dates, links, ranks, distances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wholefit.artifact.exports._onnx_graph import Value
from wholefit.features._polynomial import Terms

HOUR, DAY = 3_600_000_000, 86_400_000_000
LARGEST = 1e100
"""What features are held within, as `features/` does."""
# Whole cycles of 400 years, so that every date counts from a day before it.
_CYCLE, _CYCLES = 146_097, 25
# Days from 1 March of the year 0 to 1 January 1970.
_EPOCH = 719_468


# Dates ------------------------------------------------------------------------------------------

def days_of(time: Value) -> Value:
    """Whole days since 1970 (floor) of microseconds since then."""
    return (time + _CYCLE * _CYCLES * DAY) / DAY - _CYCLE * _CYCLES


def within(time: Value, length: int) -> Value:
    """Microseconds since the last whole multiple of `length`, which divides a day."""
    return (time + _CYCLE * _CYCLES * DAY) % length


def civil(days: Value) -> tuple[Value, Value, Value]:
    """Year, month (1 to 12) and day (1 to 31) of days since 1970.

    By eras of 400 years that begin on 1 March (Hinnant 2013, "chrono-compatible low-level date
    algorithms").
    """
    shifted = days + (_EPOCH + _CYCLE * _CYCLES)
    era = shifted / _CYCLE
    of_era = shifted - era * _CYCLE
    year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365
    of_year = of_era - (year * 365 + year / 4 - year / 100)
    march = (of_year * 5 + 2) / 153
    day = of_year - (march * 153 + 2) / 5 + 1
    month = (march < 10).where(march + 3, march - 9)
    return year + era * 400 - 400 * _CYCLES + (month <= 2).cast("i8"), month, day


def calendar_part(time: Value, part: str, first: int) -> Value:
    """A part of `features._dates` as float64; whatever of a missing time."""
    if part == "days":
        return (time - first).cast("f8") / float(DAY)
    if part == "hour":
        return (within(time, DAY) / HOUR).cast("f8")
    days = days_of(time)
    if part == "weekday":
        return ((days + (3 + 7 * _CYCLE * _CYCLES)) % 7).cast("f8")
    return dict(zip(("year", "month", "day"), civil(days), strict=True))[part].cast("f8")


# Links ------------------------------------------------------------------------------------------

def sigmoid(x: Value) -> Value:
    """1 / (1 + exp(-x)), without overflow."""
    small = (-x.one("Abs")).one("Exp")
    return (x >= 0.0).where(1.0, small) / (small + 1.0)


def softmax(x: Value) -> Value:
    """Rows (n, k) to shares that sum to 1."""
    found = (x - x.total(op="ReduceMax")).one("Exp")
    return found / found.total()


def pair(yes: Value) -> Value:
    """Shares (n, 1) of the second of two classes to those of both."""
    return yes.graph.side_by_side([1.0 - yes, yes])


def normalised(x: Value) -> Value:
    """Rows over their sum; a row of zeros becomes uniform."""
    total = x.total()
    empty = total.equal(0.0)
    width = (x * 0.0 + 1.0).total()
    return empty.where(1.0 / width, x / empty.where(1.0, total))


def spread(x: Value, classes: Sequence[int] | None, n_classes: int) -> Value:
    """Shares of the classes seen in training laid over all; x (n, seen)."""
    if classes is None or not n_classes or len(classes) == n_classes:
        return x
    zero = x.columns([0]) * 0.0
    place = {int(code): at for at, code in enumerate(classes)}
    return x.graph.side_by_side([x, zero]).columns(
        [place.get(code, len(classes)) for code in range(n_classes)])


# One number at a time ---------------------------------------------------------------------------

def log1p(x: Value) -> Value:
    """log(1 + x), exact near 0 too: log(u) x / (u - 1) with u = 1 + x (Higham 2002, p. 31)."""
    u = x + 1.0
    flat = u.equal(1.0)
    exact = u.one("Log") * x / flat.where(1.0, u - 1.0)
    return flat.where(x, u.equal(np.inf).where(np.inf, exact))


def expm1(x: Value) -> Value:
    """exp(x) - 1 to full precision near 0: sinh in halves, 2 exp(x/2) sinh(x/2), by its series."""
    small = x.one("Abs") < 1e-3
    held = small.where(x, 0.0)
    series = held * (held * (held * (held / 24.0 + 1.0 / 6.0) + 0.5) + 1.0)
    return small.where(series, x.one("Exp") - 1.0)


def at_most(values: Value, knots: np.ndarray, side: str = "right") -> Value:
    """How many of the sorted `knots` (k,) each of `values` (n, 1) is not below: (n, 1) of i8.

    `side` as numpy's searchsorted: "right" counts knots <= value, "left" knots < value.
    """
    row = np.asarray(knots, dtype=np.float64)[None]
    above = values >= row if side == "right" else values > row
    return above.cast("i8").total()


def interpolated(x: Value, knots: np.ndarray, values: np.ndarray) -> Value:
    """Linear between (knots, values), flat beyond; x (n, 1), knots ascending, as numpy.interp."""
    knots, values = np.asarray(knots, np.float64), np.asarray(values, np.float64)
    if len(knots) == 1:
        return x * 0.0 + float(values[0])
    held = x.clipped(float(knots[0]), float(knots[-1]))
    below = at_most(held, knots[1:-1], "right")
    graph = x.graph
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(np.diff(knots) > 0, np.diff(values) / np.diff(knots), 0.0)
    start, foot, rise = (graph.const(each).taken(below)
                         for each in (knots[:-1], values[:-1], slope))
    found = foot + (held - start) * rise
    found = (held >= float(knots[-1])).where(float(values[-1]), found)
    return (x < float(knots[0])).where(float(values[0]), found)


def normal_quantile(p: Value) -> Value:
    """The standard normal's quantile of p in (0, 1), by Wichura's AS 241 (1988), 16 digits."""
    q = p - 0.5
    middle = q.one("Abs") <= 0.425
    r = middle.where(0.180625 - q * q, 0.0)
    centre = q * _polynomial(r, _A) / _polynomial(r, _B)
    tail = (q < 0.0).where(p, 1.0 - p)
    far = (-middle.where(0.5, tail).one("Log")).one("Sqrt")
    near = far <= 5.0
    s, t = near.where(far - 1.6, 0.0), near.where(0.0, far - 5.0)
    out = near.where(_polynomial(s, _C) / _polynomial(s, _D),
                     _polynomial(t, _E) / _polynomial(t, _F))
    return middle.where(centre, (q < 0.0).where(-out, out))


def _polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """The first coefficient is that of x to the power 0."""
    found = x * coefficients[-1] + coefficients[-2]
    for each in reversed(coefficients[:-2]):
        found = found * x + each
    return found


_A = (3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3,
      1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
      3.3430575583588128105e4, 2.5090809287301226727e3)
_B = (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
      2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
      5.2264952788528545610e3)
_C = (1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550,
      3.64784832476320460504, 1.27045825245236838258, 2.41780725177450611770e-1,
      2.27238449892691845833e-2, 7.74545014278341407640e-4)
_D = (1.0, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1,
      1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
      1.05075007164441684324e-9)
_E = (6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580,
      2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
      2.71155556874348757815e-5, 2.01033439929228813265e-7)
_F = (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
      7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
      2.04426310338993978564e-15)

AS241 = (_A, _B, _C, _D, _E, _F)
"""Coefficients of Wichura's rational functions, constant first: middle, tail, far tail."""


# Rows -------------------------------------------------------------------------------------------

def products(cells: Value, terms: Terms, limit: float) -> Value | None:
    """The terms (rows, terms) of encoded columns, held within `limit`; None if there are none."""
    grown, width = cells, 0
    for parents, factors in terms._steps:
        block = (grown.columns(parents) * cells.columns(factors)).clipped(-limit, limit)
        grown, width = cells.graph.side_by_side([grown, block]), width + len(parents)
    if not width:
        return None
    first = len(terms.columns)
    return grown.columns(range(first, first + width))


def squared_distances(x: Value, rows: np.ndarray) -> Value:
    """Squared Euclidean distances (n, m) to stored rows, measured from their middle."""
    middle = rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])
    centred = rows - middle
    apart = x - middle
    found = (apart * apart).total() + (centred * centred).sum(axis=1)[None]
    return (found - (apart @ centred.T) * 2.0).clipped(0.0)


def nearest(x: Value, rows: np.ndarray, k: int) -> tuple[Value, Value]:
    """Distances and places (n, k) of the k nearest stored rows, in order of distance, then place.

    A matrix product picks some more than k; those are then measured without cancellation.
    """
    k = min(k, len(rows))
    some = min(len(rows), 2 * k + 16)
    graph = x.graph
    screened = squared_distances(x, rows)
    _, place = graph.op("TopK", screened, graph.const(np.array([some])), kind="f8", outputs=2,
                        axis=1, largest=0, sorted=1)
    place = graph.op("TopK", Value(graph, place.name, "i8"), graph.const(np.array([some])),
                     kind="i8", outputs=2, axis=1, largest=0, sorted=1)[0]
    apart = x.widened(1) - graph.const(rows).taken(place)
    distance = (apart * apart).total(axis=2, keep=False).one("Sqrt")
    found, order = graph.op("TopK", distance, graph.const(np.array([k])), kind="f8", outputs=2,
                            axis=1, largest=0, sorted=1)
    place = graph.op("GatherElements", place, Value(graph, order.name, "i8"), kind="i8", axis=1)
    return found, place
