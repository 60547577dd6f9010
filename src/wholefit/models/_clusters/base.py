"""What the clustering families share: whole numbers of clusters, samples, State, labels.

An estimator of theirs (see `clusterer`) has `fit(X)` (n, p), dense and finite, and then `labels_`
(n,), -1 for noise, `clusters_`, how many there are, and `state_`, what answers for new rows. The
labels of the rows it learnt from are those that its state gives, so that nothing is told that the
model does not answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.base.errors import DataError
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_distances
from wholefit.models._kernels.clusters import labels_of
from wholefit.models._model import Context, Model

DEFAULT_CLUSTERS = 8
"""How many clusters a family makes that is built without being told: scikit-learn's number."""
# Rows answered at once when training rows are labelled.
_CHUNK = 50_000


@dataclass(frozen=True)
class ClusterModel(Model):
    """Base of the catalog entries that cluster."""

    tasks = ("clustering",)
    family = "clusters"
    weighted = False

    def encoding(self, task: Task) -> Encoding:
        """Dense, categories as 0/1, numbers from their median in units of their middle half.

        Distances are measured, and a few far values must not set the unit of all others.
        """
        return for_distances(scale="robust", max_levels=30)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """What the estimator answers with; see `models._kernels.clusters`."""
        return estimator.state_

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """Memberships (n, k) of the live estimator, which answers from its state."""
        return answered(estimator.state_, X)


def clusters_param() -> Any:
    """The parameter `clusters` of families that are told how many to make."""
    return param(None, "How many clusters; None: as the recipe chooses, else 8.", low=1,
                 none=True, search=(2, 12))


def answered(state: State, X: Any) -> np.ndarray:
    """Memberships (n, k) of rows, a stretch at a time."""
    from wholefit.models._scorers import scorer

    answers = scorer(state)
    parts = [answers.answer(X[at:at + _CHUNK]) for at in range(0, max(X.shape[0], 1), _CHUNK)]
    return np.concatenate(parts)


def clusters_in(state: State) -> int:
    """How many clusters a state answers with."""
    for name in ("centres", "means"):
        if name in state.arrays:
            return len(state.arrays[name])
    return int(state.config["clusters"])


def predict(state: State, X: Any) -> np.ndarray:
    """Labels (n,) of rows, -1 where a row belongs to no cluster."""
    return labels_of(answered(state, X))


def checked(X: Any) -> np.ndarray:
    """Rows (n, p) as float64; DataError if there is none, or a number that is not finite."""
    X = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
    if X.ndim != 2 or not X.size:
        raise DataError(f"clusters are sought in a table of numbers; got shape {X.shape}.")
    if not np.isfinite(X).all():
        raise DataError("clusters need features that are finite; got NaN or infinity.")
    return np.ascontiguousarray(X)


def wanted(clusters: int | None, X: np.ndarray) -> int:
    """How many clusters to make: no more than there are different rows."""
    k = DEFAULT_CLUSTERS if clusters is None else clusters
    k = min(k, len(X))
    if k > 1 and k > 2 ** min(X.shape[1], 12):  # few columns may hold few different rows
        k = min(k, len(np.unique(X, axis=0)))
    elif k > 1:
        head = np.unique(X[:50 * k], axis=0)
        k = k if len(head) >= k else min(k, len(np.unique(X, axis=0)))
    return k


def sampled(X: np.ndarray, most: int, seed: int, name: str) -> np.ndarray:
    """Rows to learn from, ascending: all, or `most` of them drawn at random."""
    if len(X) <= most:
        return np.arange(len(X))
    rng = seeds.generator(seed, name, "sample")
    return np.sort(rng.choice(len(X), size=most, replace=False))


def renumbered(labels: np.ndarray) -> tuple[np.ndarray, int]:
    """Labels (n,) renumbered 0, 1, ... by falling size (ties: first met), -1 kept; how many."""
    known = labels >= 0
    if not known.any():
        return np.full(len(labels), -1), 0
    names, first, code, counts = np.unique(
        labels[known], return_index=True, return_inverse=True, return_counts=True)
    place = np.empty(len(names), dtype=np.intp)
    place[np.lexsort((first, -counts))] = np.arange(len(names))
    found = np.full(len(labels), -1)
    found[known] = place[code]
    return found, len(names)


def centres_state(centres: np.ndarray, **config: Any) -> State:
    """Kind "clusters.centres"."""
    return State("clusters.centres", config, {"centres": np.array(centres, dtype=np.float64)})


def nearest_state(rows: np.ndarray, labels: np.ndarray, clusters: int, **more: Any) -> State:
    """Kind "clusters.nearest": rows kept, the cluster of the nearest answers."""
    config = {"clusters": clusters, "stores_rows": True, **more.pop("config", {})}
    return State("clusters.nearest", config, {
        "rows": np.array(rows, dtype=np.float64), "labels": labels.astype(np.int32), **more})


def means_of(X: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Mean rows (k, p) of the clusters 0..k-1, which are not empty."""
    from scipy.sparse import csr_matrix

    counts = np.bincount(labels[labels >= 0], minlength=k)
    inside = np.flatnonzero(labels >= 0)
    picks = csr_matrix((np.ones(len(inside)), (labels[inside], inside)), shape=(k, len(X)))
    return np.asarray(picks @ X) / np.maximum(counts, 1)[:, None]
