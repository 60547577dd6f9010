"""Small trees on histograms, for many tracks at once: the steps that additive boosting takes.

Gradients G, second derivatives H and rows N have the shape (tracks, bins); a step (tracks, bins) is
what each bin gains, a Newton step of each leaf. Bin 0, the missing values, is a leaf of its own.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def line(G: Array, H: Array, N: Array, l2: float, least: float) -> Array:
    """Bins in order, cut twice at most: three leaves, greedily the best."""
    step = np.empty_like(G)
    step[:, 0] = np.where(N[:, 0] >= least, -G[:, 0] / (H[:, 0] + l2), 0.0)
    step[:, 1:] = _ordered(G[:, 1:], H[:, 1:], N[:, 1:], l2, least)
    return step


def levels(G: Array, H: Array, N: Array, l2: float, least: float, smooth: float) -> Array:
    """Categories, put in the order of their own step (smoothed) and then cut as a line is."""
    step = np.empty_like(G)
    step[:, 0] = np.where(N[:, 0] >= least, -G[:, 0] / (H[:, 0] + l2), 0.0)
    order = np.argsort(-G[:, 1:] / (H[:, 1:] + smooth), axis=1, kind="stable")
    g, h, n = (np.take_along_axis(each[:, 1:], order, axis=1) for each in (G, H, N))
    found = _ordered(g, h, n, l2, least)
    np.put_along_axis(step[:, 1:], order, found, axis=1)
    return step


def grid(G: Array, H: Array, N: Array, l2: float, least: float, shape: tuple[int, int]) -> Array:
    """Cells of a table (bins in rows of `shape`), cut once each way: four quadrants."""
    whole = (len(G), *shape)
    sums = [each.reshape(whole).cumsum(1).cumsum(2) for each in (G, H, N)]
    parts = [_quadrants(each) for each in sums]
    value, gain = [], 0.0
    for g, h, n in zip(*parts, strict=True):
        each = np.where(n >= least, -g / (h + l2), 0.0)
        value.append(each)
        gain = gain - each * g
    best = np.asarray(gain).reshape(len(G), -1).argmax(axis=1)
    rows, columns = best // shape[1], best % shape[1]
    down = np.arange(shape[0])[None, :] > rows[:, None]
    right = np.arange(shape[1])[None, :] > columns[:, None]
    quadrant = (2 * down[:, :, None] + right[:, None, :]).reshape(len(G), -1)
    leaf = np.stack([each.reshape(len(G), -1)[np.arange(len(G)), best] for each in value], axis=1)
    return np.take_along_axis(leaf, quadrant, axis=1)


def gains(G: Array, H: Array, l2: float) -> Array:
    """The best gain of four quadrants over the whole, for each of many tables (tables, a, b).

    The measure of FAST (Lou, Caruana, Gehrke and Hooker 2013), with second derivatives.
    """
    G, H = G.cumsum(1).cumsum(2), H.cumsum(1).cumsum(2)
    found = sum(g * g / (h + l2) for g, h in zip(_quadrants(G), _quadrants(H), strict=True))
    whole = G[:, -1, -1] ** 2 / (H[:, -1, -1] + l2)
    return np.asarray(found).reshape(len(G), -1).max(axis=1) - whole


def _quadrants(sums: Array) -> tuple[Array, Array, Array, Array]:
    """Sums over the quadrants around each cell, of double cumulative sums (m, a, b)."""
    above, left = sums[:, :, -1:], sums[:, -1:, :]
    whole = sums[:, -1:, -1:]
    return sums, above - sums, left - sums, whole - above - left + sums


def _ordered(G: Array, H: Array, N: Array, l2: float, least: float) -> Array:
    """Steps of three leaves at most, (tracks, bins)."""
    tracks, bins = G.shape
    if not bins:
        return G
    g, h, n = G.cumsum(1), H.cumsum(1), N.cumsum(1)
    first, gain = _cut(g, h, n, l2, least)
    second = np.full(tracks, bins)
    if bins > 2 and (gain > 0).any():
        second = _second(g, h, n, first, gain, l2, least)
    low, high = np.minimum(first, second), np.maximum(first, second)
    place = np.arange(bins)
    leaf = (place > low[:, None]).astype(np.intp) + (place > high[:, None])
    return np.take_along_axis(_leaves(g, h, n, low, high, l2, least), leaf, axis=1)


def _cut(g: Array, h: Array, n: Array, l2: float, least: float) -> tuple[Array, Array]:
    """The best cut (tracks,), after that bin, and its gain; `bins` and 0 where none may be."""
    bins = g.shape[1]
    if bins < 2:
        return np.full(len(g), bins), np.zeros(len(g))
    gl, hl, nl = g[:, :-1], h[:, :-1], n[:, :-1]
    gr, hr, nr = g[:, -1:] - gl, h[:, -1:] - hl, n[:, -1:] - nl
    gain = gl * gl / (hl + l2) + gr * gr / (hr + l2) - g[:, -1:] ** 2 / (h[:, -1:] + l2)
    gain = np.where((nl >= least) & (nr >= least), gain, 0.0)
    at = gain.argmax(axis=1)
    best = gain[np.arange(len(g)), at]
    return np.where(best > 0, at, bins), best


def _second(
    g: Array, h: Array, n: Array, first: Array, gain: Array, l2: float, least: float
) -> Array:
    """The best further cut, on either side of the first."""
    tracks, bins = g.shape
    track = np.arange(tracks)
    at = np.minimum(first, bins - 1)
    right = np.arange(bins)[None, :] > at[:, None]
    sides = []
    for each in (g, h, n):
        middle = each[track, at][:, None]
        start = np.where(right, middle, 0.0)
        end = np.where(right, each[:, -1:], middle)
        sides.append((each - start, end - each, end - start))
    (gl, gr, gw), (hl, hr, hw), (nl, nr, _) = sides
    found = gl * gl / (hl + l2) + gr * gr / (hr + l2) - gw * gw / (hw + l2)
    fits = (nl >= least) & (nr >= least) & (gain > 0)[:, None]
    found = np.where(fits, found, 0.0)
    best = found.argmax(axis=1)
    return np.where(found[track, best] > 0, best, bins)


def _leaves(
    g: Array, h: Array, n: Array, low: Array, high: Array, l2: float, least: float
) -> Array:
    """The Newton step of the leaves before, between and after two cuts, (tracks, 3)."""
    track, last = np.arange(len(g)), g.shape[1] - 1
    low, high = np.minimum(low, last), np.minimum(high, last)
    cuts = [(each[track, low], each[track, high], each[:, -1]) for each in (g, h, n)]
    sums = [np.stack([a, b - a, c - b], axis=1) for a, b, c in cuts]
    return np.where(sums[2] >= min(least, 1.0), -sums[0] / (sums[1] + l2), 0.0)
