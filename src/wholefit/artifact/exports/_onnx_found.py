"""Clusters, components and detectors of anomalies as ONNX operations.

Memberships are (rows, clusters), coordinates (rows, axes), scores of strangeness (rows, 1). Those
that ask other models are in `_onnx_models.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.artifact.exports import _onnx_math as math
from wholefit.artifact.exports import _onnx_trees
from wholefit.artifact.exports._lower_trees import flat
from wholefit.artifact.exports._onnx_graph import Value
from wholefit.base.errors import ExportError
from wholefit.base.state import State
from wholefit.models._kernels.detectors import FARTHEST, Columns
from wholefit.models._kernels.detectors_near import _EQUAL

# Clusters ---------------------------------------------------------------------------------------

def _centres(x: Value, state: State) -> Value:
    rows = np.asarray(state.arrays["centres"], np.float64)
    return _members(x, math.nearest(x, rows, 1)[1], np.eye(len(rows)))


def _nearest_row(x: Value, state: State) -> Value:
    labels = np.asarray(state.arrays["labels"], np.int64)
    place = math.nearest(x, np.asarray(state.arrays["rows"], np.float64), 1)[1]
    return _members(x, place, np.eye(int(state.config["clusters"]))[labels])


def _members(x: Value, place: Value, table: np.ndarray) -> Value:
    """The rows of a table of memberships at places (rows, 1)."""
    return x.graph.const(table).taken(place.shaped(-1))


def _reached(x: Value, state: State) -> Value:
    arrays, config, graph = state.arrays, state.config, x.graph
    k, rows = int(config["clusters"]), np.asarray(arrays["rows"], np.float64)
    if not k:
        raise ExportError("these clusters hold no row: there is nothing to export.")
    distance, place = math.nearest(x, rows, int(config["neighbours"]))
    core = graph.const(np.asarray(arrays["core"], np.float64)).taken(place)
    reach = (distance > core).where(distance, core)
    least = min(int(config["least"]), int(config["neighbours"]))
    if least > 0:
        own = distance.columns([least - 1])
        reach = (reach > own).where(reach, own)
    first = reach.argmax(op="ArgMin").widened(1)
    at = graph.op("GatherElements", place, first, kind="i8", axis=1)
    far = graph.op("GatherElements", reach, first, kind="f8", axis=1)
    label = graph.const(np.asarray(arrays["labels"], np.int64)).taken(at)
    limits = np.append(np.asarray(arrays["reach"], np.float64) * (1 + 1e-9), np.inf)
    held = (label < 0).where(k, label)
    near = far <= graph.const(limits).taken(held)
    table = np.vstack([np.eye(k), np.zeros(k)])
    return _members(x, near.where(held, k), table)


def _mixture(x: Value, state: State) -> Value:
    """Responsibilities of Gaussians."""
    from wholefit.models._kernels.clusters import Mixture

    arrays, found = state.arrays, []
    made = Mixture(state)
    kind, means = str(state.config["covariance"]), np.asarray(arrays["means"], np.float64)
    scale = np.broadcast_to(np.asarray(made._scale(), np.float64), (len(means),))
    with np.errstate(divide="ignore"):
        weights = np.log(np.asarray(arrays["weights"], np.float64))
    for at, mean in enumerate(means):
        root = np.asarray(arrays["roots"], np.float64)
        root = root if kind == "tied" else root[at]
        apart = x - mean[None]
        apart = apart @ root if np.ndim(root) == 2 else apart * np.atleast_1d(root)[None]
        fixed = weights[at] + scale[at] - 0.5 * means.shape[1] * np.log(2 * np.pi)
        found.append((apart * apart).total() * -0.5 + float(fixed))
    return math.softmax(x.graph.side_by_side(found))


# Components -------------------------------------------------------------------------------------

def _projection(x: Value, state: State) -> Value:
    axes = np.asarray(state.arrays["axes"], np.float64)
    return (x - np.asarray(state.arrays["mean"], np.float64)[None]) @ axes.T


# Detectors --------------------------------------------------------------------------------------

def prepared(x: Value, state: State) -> Value:
    """Rarities for codes, then everything standardised, as `detectors.Columns.prepare` does."""
    graph, columns = x.graph, Columns(state.parts["columns"])
    if len(columns.coded):
        tables = dict(zip(columns.coded.tolist(), columns.rarity, strict=True))
        x = graph.side_by_side([_rarity(x.columns([at]), tables.get(at))
                                for at in range(columns.features)])
    flat_ = columns.scale == 0
    z = (x - columns.centre[None]) / np.where(flat_, 1.0, columns.scale)[None]
    if flat_.any():
        z = graph.const(flat_[None]).where(z.one("Sign") * float(np.sqrt(columns.rows)), z)
    return z.isnan().where(0.0, z).clipped(-FARTHEST, FARTHEST)


def _rarity(cell: Value, table: np.ndarray | None) -> Value:
    if table is None:
        return cell
    place = cell.isnan().where(-1.0, cell) + 1.0
    known = (place >= 0.0) & (place < float(len(table)))
    return cell.graph.const(table).taken(known.where(place, 0.0).cast("i8"))


def _ellipse(z: Value, state: State) -> Value:
    apart = z - state.arrays["location"][None]
    return (apart * (apart @ state.arrays["precision"])).total()


def _gaussians(z: Value, state: State) -> Value:
    from wholefit.models._kernels.detectors_spread import Mixture

    arrays, offset, found = state.arrays, Mixture(state)._offset, []
    for mean, factor, fixed in zip(arrays["means"], arrays["factors"], offset, strict=True):
        laid = (z - mean[None]) @ factor
        found.append((laid * laid).total() * -0.5 + float(fixed))
    logs = z.graph.side_by_side(found)
    top = logs.total(op="ReduceMax")
    return -(top + (logs - top).one("Exp").total().one("Log"))


def _plane(z: Value, state: State) -> Value:
    apart, axes = z - state.arrays["location"][None], state.arrays["axes"]
    left = apart - apart @ axes.T @ axes
    return (left * left).total()


def _rebuilt(z: Value, state: State) -> Value:
    arrays, reach = state.arrays, float(state.config["reach"])
    found = z.clipped(-reach, reach)
    last = sum(name.startswith("bias") for name in arrays) - 1
    for at in range(last + 1):
        found = found @ arrays[f"weights {at}"] + arrays[f"bias {at}"][None]
        found = found if at == last else found.one("Tanh")
    apart = z - found
    return (apart * apart).total(op="ReduceMean")


def _variational(z: Value, state: State) -> Value:
    """What a row costs, the mean over the state's own draws of its code."""
    from wholefit.models._kernels.detectors_variational import CODE_SPREAD, Variational

    made = Variational(state)
    wide, reach = made.features, float(state.config["reach"])

    def layer(x: Value, name: str) -> Value:
        arrays = state.arrays
        return x @ arrays[f"{name} weights"] + arrays[f"{name} bias"][None]

    hidden = layer(z.clipped(-reach, reach), "encoder").one("Tanh")
    mean, spread = layer(hidden, "mean"), layer(hidden, "spread").clipped(*CODE_SPREAD)
    found: Any = 0.0
    for draw in state.arrays["noise"]:
        code = mean + (spread * 0.5).one("Exp") * draw[None]
        said = layer(layer(code, "decoder").one("Tanh"), "rows")
        scale = said.columns(range(wide, 2 * wide)).clipped(*made.limits)
        apart = z - said.columns(range(wide))
        found = (scale + apart * apart * (-scale).one("Exp")).total() + found
    found = found * (0.5 / len(state.arrays["noise"])) + 0.5 * wide * float(np.log(2 * np.pi))
    if state.config["how"] != "bound":
        return found
    told = mean * mean + spread.one("Exp") - spread - 1.0
    return found + told.total() * 0.5


def _boundary(z: Value, state: State) -> Value:
    near = (math.squared_distances(z, np.asarray(state.arrays["support"], np.float64))
            * -float(state.config["gamma"])).one("Exp")
    return float(state.config["offset"]) - near @ np.asarray(
        state.arrays["dual"], np.float64)[:, None]


def _tails(z: Value, state: State) -> Value:
    """ECOD and COPOD: minus the logarithms of the tails that count, added up."""
    from wholefit.models._kernels.detectors_tails import Tails

    made, graph = Tails(state), z.graph
    left, right, rows = [], [], float(made._rows)
    for at, (knots, counts) in enumerate(zip(made._knots, made._counts, strict=True)):
        value, table = z.columns([at]), graph.const(counts)
        below = table.taken(math.at_most(value, knots, "right"))
        above = rows - table.taken(math.at_most(value, knots, "left"))
        left.append(-((below + 1.0) / (rows + 1.0)).one("Log"))
        right.append(-((above + 1.0) / (rows + 1.0)).one("Log"))
    one, other = graph.side_by_side(left), graph.side_by_side(right)
    skew, coded = graph.const(made._skew[None]), graph.const(made._coded[None])
    skewed = (skew < 0.0).where(one, (skew > 0.0).where(other, one + other))
    if made._copula:
        both = (one + other) / 2.0
        return coded.where(other, (skewed > both).where(skewed, both)).total()
    if made._each:
        most = (one > other).where(one, other)
        return coded.where(other, (most > skewed).where(most, skewed)).total()
    ways = [coded.where(other, each).total() for each in (one, other, skewed)]
    return graph.side_by_side(ways).total(op="ReduceMax")


def _histograms(z: Value, state: State) -> Value:
    arrays, graph = state.arrays, z.graph
    low, high, heights = (np.asarray(arrays[name], np.float64)
                          for name in ("low", "high", "heights"))
    bins = heights.shape[1]
    width = (high - low) / bins
    place = ((z - low[None]) / np.where(width > 0, width, 1.0)[None]).one("Floor")
    inside = place.clipped(0.0, float(bins - 1)).cast("i8") + (np.arange(len(low)) * bins)[None]
    found = graph.const(heights.ravel()).taken(inside)
    outside = (z < low[None]) | (z > high[None])
    return outside.where(np.asarray(arrays["empty"], np.float64)[None], found).total()


def _isolation(z: Value, state: State) -> Value:
    trees = state.parts["trees"]
    arrays = dict(trees.arrays)
    if arrays["threshold"].dtype == np.float32:
        z = z.cast("f4").cast("f8")
    count = len(arrays["size"])
    depth = _onnx_trees.ensemble(z, flat(arrays), np.zeros(count, np.int64), 1) / float(count)
    return (depth * float(-np.log(2.0) / state.config["usual"])).one("Exp")


def _apart(z: Value, rows: np.ndarray) -> Value:
    """Distances (n, m) to stored rows, infinite to the row itself (the first at no distance)."""
    middle = rows.mean(axis=0)
    apart, centred = z - middle[None], rows - middle
    lengths = (apart * apart).total() + (centred * centred).sum(axis=1)[None]
    squares = lengths - (apart @ centred.T) * 2.0
    slack = 32 * float(np.finfo(float).eps) * (rows.shape[1] + 4)
    squares = (squares <= lengths * slack).where(0.0, squares)
    first = squares.argmax(op="ArgMin").widened(1).equal(np.arange(len(rows))[None])
    return (first & squares.equal(0.0)).where(np.inf, squares.one("Sqrt"))


def _smallest(x: Value, count: int) -> Value:
    """The smallest entries of each row (n, count), ascending."""
    graph = x.graph
    found: Value = graph.op("TopK", x, graph.const(np.array([count])), kind="f8", outputs=2,
                            axis=1, largest=0, sorted=1)[0]
    return found


def _distance(z: Value, state: State) -> Value:
    rows, k = np.asarray(state.arrays["rows"], np.float64), int(state.config["k"])
    near = _smallest(_apart(z, rows), k)
    if state.config["how"] == "largest":
        return near.columns([k - 1])
    wide, few = near.total(op="ReduceMean"), min(int(state.config["near"]), k)
    return wide if state.config["how"] == "mean" else wide + near.columns(range(few)).total(
        op="ReduceMean")


def _local_density(z: Value, state: State) -> Value:
    """The local outlier factor: the neighbours' density over one's own."""
    arrays, k = state.arrays, int(state.config["k"])
    distance = _apart(z, np.asarray(arrays["rows"], np.float64))
    limit = _smallest(distance, k).columns([k - 1]) * (1 + _EQUAL)
    close = distance <= limit
    near, reach = close.cast("f8"), np.asarray(arrays["reach"], np.float64)[None]
    far = close.where(distance, 0.0)
    far = close.where((far > reach).where(far, reach), 0.0)
    mean = far.total() / near.total() + 1e-10
    own = 1.0 / mean.clipped(float(state.config["floor"]))
    return near @ np.asarray(arrays["density"], np.float64)[:, None] / near.total() / own


def _detector(score: Callable[[Value, State], Value]) -> Callable[[Value, State], Value]:
    return lambda x, state: score(prepared(x, state), state)


KINDS: dict[str, Callable[[Value, State], Any]] = {
    "clusters.centres": _centres, "clusters.mixture": _mixture,
    "clusters.nearest": _nearest_row, "clusters.reached": _reached,
    "projection": _projection,
    "detector.autoencoder": _detector(_rebuilt), "detector.boundary": _detector(_boundary),
    "detector.copod": _detector(_tails), "detector.distance": _detector(_distance),
    "detector.ecod": _detector(_tails), "detector.ellipse": _detector(_ellipse),
    "detector.hbos": _detector(_histograms), "detector.isolation": _detector(_isolation),
    "detector.lof": _detector(_local_density),
    "detector.mixture": _detector(_gaussians), "detector.plane": _detector(_plane),
    "detector.variational": _detector(_variational),
}
