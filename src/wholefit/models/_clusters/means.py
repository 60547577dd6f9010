"""Estimators of clusters around centres. Imports scikit-learn: import it when building."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn import cluster as theirs
from sklearn.exceptions import ConvergenceWarning

from wholefit.base import seeds
from wholefit.base.state import State
from wholefit.models._clusters.base import centres_state, means_of, sampled, wanted
from wholefit.models._clusters.clusterer import Clusterer


class Lloyd(Clusterer):
    """k-means: starts tried on a sample, the best of them carried through on all rows."""

    def __init__(self, clusters: int | None, starts: int, iterations: int, rows: int,
                 seed: int) -> None:
        self.clusters, self.starts, self.iterations = clusters, starts, iterations
        self.rows, self.seed = rows, seed

    def _learn(self, X: np.ndarray) -> State:
        k = wanted(self.clusters, X)
        seed = seeds.derive(self.seed, "kmeans")
        some = sampled(X, max(self.rows, 20 * k), self.seed, "kmeans")
        with quiet():
            made = theirs.KMeans(k, n_init=self.starts, max_iter=self.iterations,
                                 random_state=seed).fit(X[some])
            if len(some) < len(X):
                made = theirs.KMeans(k, init=made.cluster_centers_, n_init=1,
                                     max_iter=self.iterations, random_state=seed).fit(X)
        self.inertia_ = float(made.inertia_)
        return ordered(made.cluster_centers_, made.labels_)


class MiniBatch(Clusterer):
    """Mini-batch k-means."""

    def __init__(self, clusters: int | None, starts: int, batch: int, iterations: int,
                 seed: int) -> None:
        self.clusters, self.starts, self.batch = clusters, starts, batch
        self.iterations, self.seed = iterations, seed

    def _learn(self, X: np.ndarray) -> State:
        k = wanted(self.clusters, X)
        with quiet():
            made = theirs.MiniBatchKMeans(
                k, n_init=self.starts, batch_size=self.batch, max_iter=self.iterations,
                random_state=seeds.derive(self.seed, "minibatch")).fit(X)
        self.inertia_ = float(made.inertia_)
        return ordered(made.cluster_centers_, made.labels_)


class Bisecting(Clusterer):
    """Bisecting k-means."""

    def __init__(self, clusters: int | None, starts: int, cut: str, iterations: int,
                 seed: int) -> None:
        self.clusters, self.starts, self.cut = clusters, starts, cut
        self.iterations, self.seed = iterations, seed

    def _learn(self, X: np.ndarray) -> State:
        strategy = {"inertia": "biggest_inertia", "size": "largest_cluster"}[self.cut]
        k = wanted(self.clusters, X)
        if k == 1:
            return centres_state(X.mean(axis=0, keepdims=True))
        with quiet():
            made = theirs.BisectingKMeans(
                k, n_init=self.starts, bisecting_strategy=strategy, max_iter=self.iterations,
                random_state=seeds.derive(self.seed, "bisecting")).fit(X)
        return ordered(made.cluster_centers_, made.labels_)


class Whole(Clusterer):
    """One cluster of all rows."""

    def _learn(self, X: np.ndarray) -> State:
        return centres_state(X.mean(axis=0, keepdims=True))


def ordered(centres: np.ndarray, labels: Any) -> State:
    """Centres by falling size of their clusters; those without rows are left out."""
    counts = np.bincount(np.asarray(labels, dtype=np.intp), minlength=len(centres))
    order = np.argsort(-counts, kind="stable")
    return centres_state(np.asarray(centres)[order[counts[order] > 0]])


def centred(X: np.ndarray, labels: np.ndarray, k: int) -> State:
    """Centres at the means of given clusters."""
    return centres_state(means_of(X, labels, k))


@contextmanager
def quiet() -> Iterator[None]:
    """Without scikit-learn's remarks on convergence and on other people's memory leaks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        yield
