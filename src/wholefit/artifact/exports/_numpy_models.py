"""Operations that are models of their own, in numpy: see `_numpy_ops.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

_WALK = 1 << 17
_FAR = 1 << 22


# -- trees ------------------------------------------------------------------------------------

def trees(
    rows: Any, out: Any, x: Any, root: Any, feature: Any, child: Any, threshold: Any, left: Any,
    member: Any, sets: Any, value: Any, width: int, how: int, base: Any,
) -> None:
    """The sum of the leaves that the row falls into.

    Bit 1 of `how`: trees take outputs in turn; bit 2: they are added up in 32-bit floats.
    """
    outputs = len(base)
    step = max(1, _WALK // max(len(root), 1))
    for at in range(0, len(x), step):
        leaves = _leaves(x[at:at + step], root, feature, child, threshold, left, member, sets,
                         width)
        if how & 1:
            each = value[leaves].reshape(len(leaves), -1, outputs)
        else:
            each = value.reshape(-1, outputs)[leaves]
        if how & 2:
            first = np.broadcast_to(base, (len(each), 1, outputs))
            whole = np.concatenate([first, each], axis=1).astype(np.float32)
            out[at:at + step] = np.add.accumulate(whole, axis=1)[:, -1]
        else:
            out[at:at + step] = base + each.sum(axis=1)


def median_tree(
    rows: Any, out: Any, x: Any, root: Any, feature: Any, child: Any, threshold: Any, left: Any,
    member: Any, sets: Any, value: Any, width: int, weight: Any,
) -> None:
    """The weighted median of the trees' leaves."""
    leaves = _leaves(x, root, feature, child, threshold, left, member, sets, width)
    found = value[leaves]
    order = np.argsort(found, axis=1, kind="stable")
    mass = np.cumsum(weight[order], axis=1)
    middle = (mass >= 0.5 * mass[:, -1:]).argmax(axis=1)
    out[:, 0] = np.take_along_axis(found, order, 1)[np.arange(len(x)), middle]


def _leaves(
    x: Any, root: Any, feature: Any, child: Any, threshold: Any, left: Any, member: Any,
    sets: Any, width: int,
) -> Any:
    """The leaf of each row in each tree (rows, trees), as its place in the values."""
    place = np.repeat(root[None].astype(np.intp), len(x), axis=0)
    bits = np.unpackbits(sets.reshape(-1, width), axis=1, bitorder="little") if width else None
    while True:
        at, tree = np.nonzero(feature[place] >= 0)
        if not len(at):
            return child[place]
        node = place[at, tree]
        values = x[at, feature[node]]
        right = values > threshold[node]
        if bits is not None and len(member):
            chosen = member[node]
            mine = np.flatnonzero((chosen >= 0) & ~np.isnan(values))
            level = np.clip(values[mine], 0, bits.shape[1] - 1).astype(np.intp)
            inside = (values[mine] >= 0) & (values[mine] < bits.shape[1])
            right[mine] = ~(inside & (bits[chosen[mine], level] != 0))
        gaps = np.isnan(values)
        right = np.where(gaps, left[node] == 0, right)
        place[at, tree] = child[node] + right


def levels_of(x: Any, keys: Any, sizes: Any) -> Any:
    """A row's place in a table of combinations of codes, -1 where a code is out of range."""
    place = np.zeros(len(x))
    inside = np.ones(len(x), bool)
    for at, size in zip(keys.tolist(), sizes.tolist(), strict=True):
        code = np.where(np.isnan(x[:, at]), -1, np.trunc(x[:, at]))
        inside &= (code >= 0) & (code < size)
        place = place * size + code
    return np.where(inside, place, -1).astype(np.intp)


def keyed(rows: Any, out: Any, x: Any, places: Any) -> None:
    """Category codes plus 1, 0 where missing."""
    codes = x[:, places]
    out[:] = np.where(np.isnan(codes), 0, np.trunc(np.where(np.isnan(codes), 0, codes)) + 1)


def beyond(rows: Any, out: Any, x: Any, places: Any, tests: Any, borders: Any) -> None:
    """1 where a number is above its border (test 0) or equal to it (test 1)."""
    values = x[:, places]
    out[:] = np.where(tests == 1, values == borders, values > borders)


def looked_up(
    rows: Any, out: Any, x: Any, keys: Any, sizes: Any, values: Any, other: float
) -> None:
    """A number from a table by the codes of some features; `other` for codes out of range."""
    place = levels_of(x, keys, sizes)
    out[:, 0] = np.where(place >= 0, values[np.maximum(place, 0)], other)


def oblivious(
    rows: Any, out: Any, x: Any, depth: Any, feature: Any, test: Any, border: Any, value: Any,
    scale: float, bias: Any,
) -> None:
    """Trees that ask the same question on a level: their answers are the bits of the leaf."""
    outputs, at, first = len(bias), 0, 0
    out[:] = 0
    values = x[:, feature]
    yes = np.where(test == 1, values == border, values > border)
    yes |= (test == 2) & np.isnan(values)
    for size in depth.tolist():
        leaf = yes[:, at:at + size] @ (1 << np.arange(size))
        out += value[first:first + (outputs << size)].reshape(-1, outputs)[leaf]
        at, first = at + size, first + (outputs << size)
    out[:] = out * scale + bias


# -- other models -----------------------------------------------------------------------------

def additive(
    rows: Any, out: Any, x: Any, kind: Any, edge_size: Any, edge_bin: Any, size: Any, pair: Any,
    pair_size: Any, pair_bin: Any, edge: Any, value: Any, pair_value: Any, intercept: Any,
) -> None:
    """A number for the bin of each feature, and for the cell of each pair, added up."""
    out[:] = intercept
    outputs, bins = len(intercept), []
    starts = np.cumsum(edge_size) - edge_size
    firsts = np.cumsum(size) - size
    values = value.reshape(-1, outputs)
    for at in range(len(kind)):
        cut = slice(starts[at], starts[at] + edge_size[at])
        bins.append(_bin(x[:, at], int(kind[at]), edge[cut], edge_bin[cut]))
        out += values[firsts[at] + bins[-1]]
    place = first = 0
    cells = pair_value.reshape(-1, outputs)
    for (a, b), (high, wide) in zip(pair.reshape(-1, 2).tolist(),
                                    pair_size.reshape(-1, 2).tolist(), strict=True):
        rows_of, middle = pair_bin[place:place + size[a]], place + int(size[a])
        columns_of = pair_bin[middle:middle + size[b]]
        out += cells[first + rows_of[bins[a]] * wide + columns_of[bins[b]]]
        place, first = middle + int(size[b]), first + high * wide


def _bin(values: Any, kind: int, edges: Any, bins: Any) -> Any:
    if not kind:
        found = np.searchsorted(edges, values, side="left") + 1
        return np.where(np.isnan(values), 0, found)
    if not len(edges):
        return np.zeros(len(values), np.intp)
    at = np.minimum(np.searchsorted(edges, values), len(edges) - 1)
    return np.where(edges[at] == values, bins[at], 0)


def gauss(rows: Any, out: Any, x: Any, mean: Any, variance: Any, base: Any) -> None:
    """Log densities of independent normal features, one class each, plus `base`."""
    shape = (len(base), -1)
    for at, (middle, spread) in enumerate(zip(mean.reshape(shape), variance.reshape(shape),
                                              strict=True)):
        out[:, at] = base[at] - 0.5 * ((x - middle) ** 2 / spread).sum(axis=1)


def rules(
    rows: Any, out: Any, x: Any, rule: Any, feature: Any, test: Any, bound: Any, value: Any
) -> None:
    """The value of the first rule whose conditions all hold; the last value where none does."""
    values = value.reshape(-1, out.shape[1])
    count = len(values) - 1
    first = np.full(len(x), count)
    for at in reversed(range(count)):
        met = np.ones(len(x), bool)
        for condition in np.flatnonzero(rule == at):
            met &= _meets(x[:, feature[condition]], int(test[condition]), bound[condition])
        first[met] = at
    out[:] = values[first]


def _meets(values: Any, test: int, bound: float) -> Any:
    if test == 3:
        return np.isnan(values)
    return (values <= bound, values > bound, values == bound)[test]


def similar(
    rows: Any, out: Any, x: Any, support: Any, kind: int, gamma: float, coef0: float,
    degree: float,
) -> None:
    """Similarity to each stored row: 0 linear, 1 polynomial, 2 Gaussian, 3 sigmoid."""
    stored = support.reshape(-1, x.shape[1])
    if kind == 2:
        step = max(1, _FAR // max(stored.size, 1))
        for at in range(0, len(x), step):
            apart = x[at:at + step, None] - stored[None]
            out[at:at + step] = np.exp(-gamma * (apart**2).sum(axis=2))
        return
    sums = x @ stored.T
    out[:] = (sums if kind == 0 else (gamma * sums + coef0) ** degree if kind == 1
              else np.tanh(gamma * sums + coef0))


def votes(rows: Any, out: Any, x: Any, dual: Any, sizes: Any, intercept: Any) -> None:
    """Margins of k classes from machines of pairs: votes, and confidences within a third."""
    k = len(sizes)
    weights, ends = dual.reshape(k - 1, -1), np.cumsum(sizes)
    sums = [x[:, end - size:end] @ weights[:, end - size:end].T
            for size, end in zip(sizes, ends, strict=True)]
    found, sure = np.zeros((len(x), k)), np.zeros((len(x), k))
    at = 0
    for i in range(k):
        for j in range(i + 1, k):
            margin = sums[i][:, j - 1] + sums[j][:, i] + intercept[at]
            sure[:, i] += margin
            sure[:, j] -= margin
            found[:, i] += margin >= 0
            found[:, j] += margin < 0
            at += 1
    out[:] = found + sure / (3 * (np.abs(sure) + 1))


def nearest(
    rows: Any, out: Any, x: Any, stored: Any, wanted: Any, k: int, power: float, weighted: int,
    classes: int,
) -> None:
    """Votes, or the mean, of the k nearest stored rows; the first ones of those equally far."""
    known = stored.reshape(-1, x.shape[1])
    step = max(1, _FAR // max(known.size, 1))
    for at in range(0, len(x), step):
        apart = np.abs(x[at:at + step, None] - known[None])
        distance = np.sqrt((apart**2).sum(axis=2)) if power == 2 else (
            (apart**power).sum(axis=2) ** (1 / power))
        order = np.argsort(distance, axis=1, kind="stable")[:, :k]
        near = np.take_along_axis(distance, order, 1)
        weight = np.ones_like(near)
        if weighted:
            spot = near == 0
            weight = np.where(spot.any(axis=1, keepdims=True), spot,
                              1.0 / np.where(spot, 1.0, near))
        values = wanted[order]
        if classes:
            for code in range(classes):
                out[at:at + step, code] = (weight * (values == code)).sum(axis=1)
            out[at:at + step] /= out[at:at + step].sum(axis=1, keepdims=True)
        else:
            out[at:at + step, 0] = (values * weight).sum(axis=1) / weight.sum(axis=1)
