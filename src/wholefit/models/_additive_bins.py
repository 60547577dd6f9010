"""Bins for additive models: cuts at quantiles, category codes, and coarser bins for pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Values looked at for quantiles; a random sample of more rows gives nearly the same cuts.
_MOST = 200_000


def learn(
    X: np.ndarray, categorical: Sequence[int], most: int, least: int
) -> dict[str, np.ndarray]:
    """The arrays `kind`, `edge`, `edge_size`, `edge_bin` and `size` of the features X (n, p).

    At most `most` bins a feature, each with at least `least` rows where there are so many; levels
    of fewer rows share one bin, the last.
    """
    kinds = np.zeros(X.shape[1], dtype=np.int8)
    kinds[list(categorical)] = 1
    edges, bins, sizes = [], [], []
    for feature, kind in enumerate(kinds):
        known = np.asarray(X[:, feature], dtype=np.float64)
        known = known[~np.isnan(known)]
        edge, place, size = (_levels if kind else _cuts)(known, most, least)
        edges.append(edge)
        bins.append(place)
        sizes.append(size)
    return {"kind": kinds, "edge": np.concatenate(edges),
            "edge_bin": np.concatenate(bins).astype(np.int32),
            "edge_size": np.array([len(edge) for edge in edges], dtype=np.int32),
            "size": np.array(sizes, dtype=np.int32)}


def _cuts(known: np.ndarray, most: int, least: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Cuts between values, at quantiles where there are many values."""
    values, counts = np.unique(known, return_counts=True)
    if len(values) < 2:
        return np.zeros(0), np.zeros(0), 2
    goal = max(float(least), len(known) / most)
    ends: list[int] = []
    if len(values) <= most and counts.min() >= least:
        ends = list(range(len(values) - 1))
    else:
        filled = 0.0
        # A bin is closed once it holds its share; what is left over joins the last.
        for at, count in enumerate(counts[:-1].tolist()):
            filled += count
            if filled >= goal:
                ends.append(at)
                filled = 0.0
        if ends and counts[ends[-1] + 1:].sum() < least:
            ends.pop()
    last = np.array(ends, dtype=np.intp)
    low, high = values[last], values[last + 1]
    middle = low / 2 + high / 2
    # Between two neighbouring floats the middle may be the upper one: cut at the lower.
    cuts = np.where((middle < high) & np.isfinite(middle), middle, low)
    return cuts, np.zeros(len(cuts)), len(cuts) + 2


def _levels(known: np.ndarray, most: int, least: int) -> tuple[np.ndarray, np.ndarray, int]:
    """A bin for each frequent code, and one that the rare ones share."""
    values, counts = np.unique(known, return_counts=True)
    frequent = counts >= least
    if frequent.sum() > most:
        frequent = np.zeros(len(values), dtype=bool)
        frequent[np.argsort(-counts, kind="stable")[:most]] = True
    place = np.where(frequent, np.cumsum(frequent), frequent.sum() + 1)
    return values, place, int(frequent.sum()) + 1 + int((~frequent).any())


def coarse(order: np.ndarray, weight: np.ndarray, most: int) -> tuple[np.ndarray, int]:
    """The coarser bin of every bin, and how many there are; bin 0 stays bin 0.

    `order` (bins - 1,) are the other bins in the order in which neighbours may share one; `weight`
    (bins,) their rows. At most `most` groups of about the same weight.
    """
    found = np.zeros(len(weight), dtype=np.int32)
    if len(order) <= most:
        found[order] = np.arange(1, len(order) + 1)
        return found, len(order) + 1
    heavy = weight[order]
    middle = np.cumsum(heavy) - heavy / 2
    group = np.minimum((middle / max(heavy.sum(), 1e-300) * most).astype(np.intp), most - 1)
    _, place = np.unique(group, return_inverse=True)
    found[order] = place + 1
    return found, int(place.max()) + 2
