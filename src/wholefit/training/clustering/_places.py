"""Rows that stand for a cluster, rows at its edge, and how sharp the edge is.

Nothing here takes clusters to be round: what stands for one is its medoid, the member with the
least mean distance to the others, and an edge is told by the nearest rows of each row. Above a
stated number of rows this is done on a sample of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.evaluation.clustering import widths

# Members that a medoid is sought among, rows whose neighbours are looked at, and neighbours.
_MEMBERS, _ROWS, _NEAR = 600, 4000, 10
# Rows whose silhouettes are told, and the most of one cluster that are kept.
_SHOWN, _BARS = 2000, 60
# Numbers of centres that are told at most, and rows whose distances are taken at once.
_TOLD, _CHUNK = 20_000, 50_000
# Fewer of the nearest rows than this share in the same cluster: a row lies between clusters.
_BETWEEN = 0.5


@dataclass(frozen=True)
class Place:
    """Rows of one cluster, by index: `exemplars` the most typical first, `borders` as (row,
    code of the other cluster or -1, share of its nearest rows in its own cluster).

    `purity` is the mean share of the nearest rows of a member that are members too, `between`
    the share of members most of whose nearest rows are not; None where they were not told.
    """

    exemplars: tuple[int, ...]
    borders: tuple[tuple[int, int, float], ...]
    purity: float | None
    between: float | None


def places(X: Any, codes: np.ndarray, k: int, seed: int, most: int = 3) -> list[Place]:
    """The places of clusters 0..k-1, of rows X (n, p), dense or sparse, with their codes (n,)."""
    random = seeds.generator(seed, "clustering", "places")
    typical = [_typical(X, np.flatnonzero(codes == at), random, most) for at in range(k)]
    rows, share, other = _neighbours(X, codes, k, random)
    return [_place(typical[at], codes[rows] == at, rows, share, other, most) for at in range(k)]


def _place(
    typical: tuple[int, ...], mine: np.ndarray, rows: np.ndarray, share: np.ndarray,
    other: np.ndarray, most: int,
) -> Place:
    if not mine.any():
        return Place(typical, (), None, None)
    rows, share, other = rows[mine], share[mine], other[mine]
    last = np.argsort(share, kind="stable")[:most]
    borders = tuple((int(rows[at]), int(other[at]), float(share[at])) for at in last
                    if share[at] < 1 and int(rows[at]) not in typical)
    return Place(typical, borders, float(share.mean()), float((share < _BETWEEN).mean()))


def _typical(
    X: Any, members: np.ndarray, random: np.random.Generator, most: int
) -> tuple[int, ...]:
    """The members with the least mean distance to a sample of members, no two alike."""
    if not len(members):
        return ()
    if len(members) > _MEMBERS:
        members = np.sort(random.choice(members, _MEMBERS, replace=False))
    points = dense(X, members)
    order = np.argsort(distances(points).mean(axis=1), kind="stable")
    found: list[int] = []
    for at in order:
        if all((points[at] != points[kept]).any() for kept in found):
            found.append(int(at))
        if len(found) == most:
            break
    return tuple(int(members[at]) for at in found)


def _neighbours(
    X: Any, codes: np.ndarray, k: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows looked at (m,), the share of their nearest in their cluster, the other cluster."""
    rows = np.arange(len(codes)) if len(codes) <= _ROWS else \
        np.sort(random.choice(len(codes), _ROWS, replace=False))
    near = min(_NEAR, len(rows) - 1)
    if near < 1:
        return rows, np.ones(len(rows)), np.full(len(rows), -1)
    points = dense(X, rows)
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=near).fit(points).kneighbors(return_distance=False)
    around, own = codes[rows][found], codes[rows][:, None]
    share = (around == own).mean(axis=1)
    counts = np.stack([(around == at).sum(axis=1) for at in range(k)], axis=1)
    counts[np.arange(len(rows)), np.clip(own[:, 0], 0, k - 1)] = 0
    noise = ((around < 0) & (own >= 0)).sum(axis=1)
    other = np.where(noise > counts.max(axis=1), -1, counts.argmax(axis=1))
    return rows, share, other


def reach(X: Any, codes: np.ndarray, k: int) -> dict[str, Any] | None:
    """How far clusters reach: their centres (k, p) and the distance to them that 99% of their
    members keep. None where that is too much to tell.
    """
    if k == 0 or k * X.shape[1] > _TOLD:
        return None
    centres, far = [], []
    for at in range(k):
        members = np.flatnonzero(codes == at)
        centre = np.nan_to_num(np.asarray(X[members].mean(axis=0), dtype=np.float64).ravel())
        parts = [np.linalg.norm(dense(X, members[i:i + _CHUNK]) - centre, axis=1)
                 for i in range(0, len(members), _CHUNK)]
        centres.append([float(x) for x in centre])
        far.append(float(np.quantile(np.concatenate(parts), 0.99)))
    return {"centres": centres, "reach": far}


def silhouettes(X: Any, codes: np.ndarray, k: int, seed: int) -> list[list[float]]:
    """The silhouettes of a sample of the members of each cluster, highest first, thinned.

    Of a row: how much nearer the members of its own cluster are on average than those of the
    nearest other one, from -1 to 1 (Rousseeuw, 1987). Empty with fewer than two clusters.
    """
    random = seeds.generator(seed, "clustering", "silhouettes")
    rows = np.flatnonzero(codes >= 0)
    if len(rows) > _SHOWN:
        rows = np.sort(random.choice(rows, _SHOWN, replace=False))
    own = codes[rows]
    if len(np.unique(own)) < 2:
        return [[] for _ in range(k)]
    values = widths(distances(dense(X, rows)), own)
    return [_thinned(np.sort(values[own == at])[::-1]) for at in range(k)]


def distances(points: np.ndarray) -> np.ndarray:
    """Euclidean distances (n, n); of many columns by way of products, which are faster."""
    if points.shape[1] <= 32:
        from scipy.spatial.distance import cdist

        return np.asarray(cdist(points, points))
    points = points - points.mean(axis=0)
    squares = (points * points).sum(axis=1)
    found = squares[:, None] + squares - 2 * (points @ points.T)
    np.fill_diagonal(found, 0.0)
    return np.sqrt(np.maximum(found, 0.0))


def _thinned(values: np.ndarray) -> list[float]:
    """At most `_BARS` of the sorted values, evenly taken."""
    if len(values) > _BARS:
        values = values[np.linspace(0, len(values) - 1, _BARS).round().astype(int)]
    return [round(float(value), 4) for value in values]


def dense(X: Any, rows: np.ndarray) -> np.ndarray:
    """Rows of X as a dense float array (m, p), finite."""
    picked = X[rows]
    if hasattr(picked, "toarray"):
        picked = picked.toarray()
    return np.nan_to_num(np.asarray(picked, dtype=np.float64))
