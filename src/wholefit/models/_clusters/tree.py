"""Estimators of trees and graphs. Imports scipy and scikit-learn: import it when building."""

from __future__ import annotations

import warnings

import numpy as np

from wholefit.base import seeds
from wholefit.base.state import State
from wholefit.models._clusters.base import nearest_state, renumbered, sampled, wanted
from wholefit.models._clusters.clusterer import Clusterer


class Merged(Clusterer):
    """Agglomerative clustering of a sample; `linkage_` (m-1, 4) as scipy has it."""

    def __init__(self, clusters: int | None, linkage: str, rows: int, seed: int) -> None:
        self.clusters, self.linkage, self.rows, self.seed = clusters, linkage, rows, seed

    def _learn(self, X: np.ndarray) -> State:
        some = X[sampled(X, self.rows, self.seed, "agglomerative")]
        self.linkage_ = merges(some, self.linkage)
        return self.cut_at(some, wanted(self.clusters, some))

    def cut_at(self, some: np.ndarray, k: int) -> State:
        """The state of k clusters of the rows that the tree was made of."""
        labels, k = renumbered(cut(self.linkage_, k))
        return nearest_state(some, labels, k, linkage=self.linkage_,
                             config={"linkage": self.linkage})


class Cut(Clusterer):
    """Spectral clustering of a sample."""

    def __init__(self, clusters: int | None, neighbours: int, rows: int, seed: int) -> None:
        self.clusters, self.neighbours, self.rows, self.seed = clusters, neighbours, rows, seed

    def _learn(self, X: np.ndarray) -> State:
        some = X[sampled(X, self.rows, self.seed, "spectral")]
        k = wanted(self.clusters, some)
        return nearest_state(some, *renumbered(self._cut(some, k)))

    def _cut(self, some: np.ndarray, k: int) -> np.ndarray:
        if k == 1 or len(some) <= max(k, 3):
            return np.zeros(len(some), dtype=np.intp) if k == 1 else np.arange(len(some)) % k
        from sklearn.cluster import SpectralClustering

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a graph in several parts is what is sought
            made = SpectralClustering(
                k, affinity="nearest_neighbors", n_neighbors=min(self.neighbours, len(some)),
                assign_labels="kmeans", random_state=seeds.derive(self.seed, "spectral"))
            return np.asarray(made.fit(some).labels_, dtype=np.intp)


def merges(X: np.ndarray, linkage: str) -> np.ndarray:
    """The linkage matrix (m-1, 4) of rows (m, p): who merged, how far apart, rows then."""
    from scipy.cluster import hierarchy

    if len(X) < 2:
        return np.zeros((0, 4))
    return np.asarray(hierarchy.linkage(X, method=linkage), dtype=np.float64)


def cut(linkage: np.ndarray, k: int) -> np.ndarray:
    """Labels (m,) of the k clusters that stand before the last k-1 merges."""
    rows = len(linkage) + 1
    owner = np.arange(2 * rows - 1)
    for at in range(rows - max(k, 1) - 1, -1, -1):
        left, right = linkage[at, :2].astype(np.intp)
        owner[left] = owner[right] = owner[rows + at]
    return np.unique(owner[:rows], return_inverse=True)[1].astype(np.intp)


def trimmed(linkage: np.ndarray, leaves: int) -> np.ndarray:
    """The same tree with its lowest merges folded into `leaves` leaves, counts kept."""
    rows = len(linkage) + 1
    if rows <= leaves:
        return linkage
    folded = rows - leaves
    names = np.full(2 * rows - 1, -1)
    kept = linkage[folded:].copy()
    used = np.unique(kept[:, :2].astype(np.intp))
    low = used[used < rows + folded]
    names[low] = np.arange(len(low))
    names[rows + folded:] = leaves + np.arange(leaves - 1)
    kept[:, :2] = names[kept[:, :2].astype(np.intp)]
    return kept
