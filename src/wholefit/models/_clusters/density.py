"""Estimators of density clusters. Imports scipy and scikit-learn: import it when building."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._clusters.base import renumbered, sampled
from wholefit.models._clusters.clusterer import Clusterer
from wholefit.models._clusters.means import quiet
from wholefit.models._kernels._near import Near
from wholefit.models._model import Context

# Pairs of neighbours, or cells of distances, held at once.
_PAIRS = 1 << 22
_FEATURES = 15  # in more features than this a tree looks at every row anyway


class Cores(Clusterer):
    """DBSCAN; `eps_`, and the ascending `distances_` (m,) that it was read from, or None."""

    def __init__(self, eps: float | None, neighbours: int | None, rows: int, seed: int) -> None:
        self.eps, self.neighbours, self.rows, self.seed = eps, neighbours, rows, seed

    def _learn(self, X: np.ndarray) -> State:
        X = X[sampled(X, self.rows, self.seed, "dbscan")]
        least = least_of(self.neighbours, X)
        self.distances_: np.ndarray | None = None
        if self.eps is not None:
            self.eps_ = self.eps
        else:
            self.distances_ = np.sort(Near(X).nearest(X, least)[0][:, -1])
            self.eps_ = radius(self.distances_)
        core = counts(X, self.eps_) >= least
        labels, k = renumbered(joined(X[core], self.eps_))
        rows, labels = (X[core], labels) if core.any() else (X[:1], np.array([-1]))
        return reached_state(rows, labels, k, np.zeros(len(rows)),
                             np.full(k, self.eps_), neighbours=1, least=0)


class Lasting(Clusterer):
    """HDBSCAN."""

    def __init__(self, size: int | None, neighbours: int | None, select: str, rows: int,
                 context: Context) -> None:
        self.size, self.neighbours, self.select = size, neighbours, select
        self.rows, self.context = rows, context

    def _learn(self, X: np.ndarray) -> State:
        from sklearn.cluster import HDBSCAN

        X = X[sampled(X, self.rows, self.context.seed, "hdbscan")]
        size = min(self.size or max(10, len(X) // 100), len(X))
        least = min(self.neighbours or min(size, 10), len(X))
        if len(X) < 3 or size < 2:
            return by_core(X, np.full(len(X), -1), least)
        with quiet():
            made = HDBSCAN(min_cluster_size=size, min_samples=least, copy=True,
                           cluster_selection_method=self.select,
                           n_jobs=self.context.jobs).fit(X)
        return by_core(X, made.labels_, least)


class Ordered(Clusterer):
    """OPTICS; `reachability_` (m,) in the order of the walk, the first infinite."""

    def __init__(self, neighbours: int | None, steepness: float, size: float, rows: int,
                 context: Context) -> None:
        self.neighbours, self.steepness, self.size = neighbours, steepness, size
        self.rows, self.context = rows, context

    def _learn(self, X: np.ndarray) -> State:
        from sklearn.cluster import OPTICS

        X = X[sampled(X, self.rows, self.context.seed, "optics")]
        least = max(2, least_of(self.neighbours, X))
        if len(X) < max(3, least):
            return by_core(X, np.full(len(X), -1), min(least, len(X)))
        size = min(max(least, round(self.size * len(X))), len(X))
        with quiet():
            made = OPTICS(min_samples=least, xi=self.steepness, min_cluster_size=size,
                          n_jobs=self.context.jobs).fit(X)
        self.reachability_ = made.reachability_[made.ordering_]
        return by_core(X, made.labels_, least)


def least_of(neighbours: int | None, X: np.ndarray) -> int:
    """Rows that make a core: as asked, else twice the features (Sander et al. 1998), 10 to 50.

    With fewer than 10 the radius is read off too low, and clusters fall into pieces.
    """
    wanted = min(50, max(10, 2 * X.shape[1])) if neighbours is None else neighbours
    return min(wanted, len(X))


def radius(distances: np.ndarray) -> float:
    """Where an ascending curve bends up most: furthest below its chord (Satopaa et al. 2011).

    Above 0 always: of rows that repeat others it is the least distance that there is.
    """
    low, high = float(distances[0]), float(distances[-1])
    if high <= 0 or low == high:
        return high or 1e-9
    x = np.linspace(0.0, 1.0, len(distances))
    y = (distances - low) / (high - low)
    found = float(distances[(x - y).argmax()])
    return found if found > 0 else float(distances[distances > 0].min())


def counts(X: np.ndarray, eps: float) -> np.ndarray:
    """Rows within eps of each row (m,), itself included."""
    from scipy.spatial import cKDTree
    from scipy.spatial.distance import cdist

    if X.shape[1] <= _FEATURES:
        return np.asarray(cKDTree(X).query_ball_point(X, eps, return_length=True))
    step = max(1, _PAIRS // len(X))
    return np.concatenate([(cdist(X[at:at + step], X) <= eps).sum(axis=1)
                           for at in range(0, len(X), step)])


def joined(X: np.ndarray, eps: float) -> np.ndarray:
    """Labels (m,) of rows chained by steps of at most eps."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(X):
        return np.zeros(0, dtype=np.intp)
    owner = np.arange(len(X))
    for left, right in _pairs(X, eps):
        ties = np.unique(owner[left] * len(X) + owner[right])
        ends = ties // len(X), ties % len(X)
        graph = coo_matrix((np.ones(len(ties), dtype=bool), ends), shape=(len(X), len(X)))
        owner = connected_components(graph, directed=False)[1][owner].astype(np.intp)
    return owner


def _pairs(X: np.ndarray, eps: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of rows within eps of one another, a stretch of rows at a time."""
    from scipy.spatial import cKDTree
    from scipy.spatial.distance import cdist

    if X.shape[1] > _FEATURES:
        step = max(1, _PAIRS // len(X))
        for at in range(0, len(X), step):
            left, right = np.nonzero(cdist(X[at:at + step], X) <= eps)
            yield left + at, right
        return
    tree = cKDTree(X)
    ends = np.cumsum(tree.query_ball_point(X, eps, return_length=True))
    at = 0
    while at < len(X):
        before = ends[at - 1] if at else 0
        stop = max(at + 1, int(np.searchsorted(ends, before + _PAIRS, side="right")))
        found = cKDTree(X[at:stop]).sparse_distance_matrix(tree, eps, output_type="ndarray")
        yield found["i"] + at, found["j"]
        at = stop


def by_core(X: np.ndarray, labels: Any, least: int) -> State:
    """The state of labelled rows: a cluster reaches as far as its loosest member's core."""
    labels, k = renumbered(np.asarray(labels))
    core = Near(X).nearest(X, least)[0][:, -1]
    reach = np.array([core[labels == at].max() for at in range(k)])
    return reached_state(X, labels, k, core, reach,
                         neighbours=min(2 * least, len(X)), least=least)


def reached_state(
    rows: np.ndarray, labels: np.ndarray, k: int, core: np.ndarray, reach: np.ndarray,
    **config: int,
) -> State:
    """Kind "clusters.reached"."""
    return State("clusters.reached", {"clusters": k, "stores_rows": True, **config}, {
        "rows": np.array(rows, dtype=np.float64), "labels": labels.astype(np.int32),
        "core": np.array(core, dtype=np.float64), "reach": np.array(reach, dtype=np.float64)})
