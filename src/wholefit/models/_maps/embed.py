"""Estimators of maps: a library's own, behind one `fit`, with what a state needs of them.

Each is thin: where there are more features than `initial`, principal components come first, then
the library's call runs once.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from wholefit.base import optional
from wholefit.base.errors import DataError
from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.features import pca
from wholefit.models._kernels.maps import MOST

_NEAR = 15
"""Nearest rows that a t-SNE map asks when it places a new one."""


class _Mapped(BaseEstimator):  # type: ignore[misc]
    """`fit(X)` gives `rows_` (m, q) float32, `places_` (m, d), and which rows of X they are."""

    most: int | None = None
    fewest = 4

    def __init__(self, initial: int | None, seed: int, components: int) -> None:
        self.initial, self.seed, self.components = initial, seed, components
        self.curve_: dict[str, float] = {}

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn the map of the rows of X (n, p), dense or CSR."""
        if X.shape[0] < self.fewest:
            raise DataError(f"a map needs at least {self.fewest} rows; got {X.shape[0]}: add "
                            "rows, or say models='pca'.")
        self.features_ = X.shape[1]
        Z = self._first(X)
        self.drawn_ = np.arange(len(Z))
        if self.most is not None and len(Z) > self.most:
            drawn = generator(self.seed, "map rows").permutation(len(Z))[:self.most]
            self.drawn_ = np.sort(drawn)
            Z = Z[self.drawn_]
        self.rows_ = np.ascontiguousarray(Z, dtype=np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.places_ = np.asarray(self._embed(self.rows_), dtype=np.float64)
        return self

    def _first(self, X: Any) -> np.ndarray:
        self.projection_ = None
        if self.initial is not None and X.shape[1] > self.initial:
            self.projection_ = pca.learn(X, self.initial, self.seed)
            return self.projection_.apply(X)
        return np.asarray(X.toarray() if hasattr(X, "toarray") else X)

    def _embed(self, Z: np.ndarray) -> Any:
        raise NotImplementedError

    def _near(self) -> int:
        return _NEAR

    def state(self, name: str, rule: str, most: int | None = None) -> State:
        """Kind "map"; `most` megabytes of rows are kept."""
        rows, places = self.rows_, self.places_
        if most is not None and rows.nbytes > most * 1_000_000:
            kept = int(most * 1_000_000 / max(4 * rows.shape[1], 1))
            drawn = generator(self.seed, "kept rows").permutation(len(rows))[:max(kept, 1)]
            rows, places = rows[np.sort(drawn)], places[np.sort(drawn)]
        near = max(1, min(self._near(), len(rows), MOST))
        config = {"name": name, "rule": rule, "neighbors": near,
                  "features": self.features_, **self.curve_}
        return State("map", config, {
            "rows": np.ascontiguousarray(rows), "places": np.ascontiguousarray(places),
            **self._before()})

    def _before(self) -> dict[str, np.ndarray]:
        found = self.projection_
        return {} if found is None else {"axes": found.axes, "mean": found.mean}


class Umap(_Mapped):
    """umap-learn's."""

    def __init__(
        self, initial: int | None, seed: int, components: int, *, neighbors: int,
        min_dist: float, metric: str,
    ) -> None:
        super().__init__(initial, seed, components)
        self.neighbors, self.min_dist, self.metric = neighbors, min_dist, metric

    def _first(self, X: Any) -> np.ndarray:
        Z = super()._first(X)
        if self.metric != "cosine":
            return Z
        from wholefit.models._kernels.projections import unit

        return unit(Z)  # among rows of length one the nearest by angle are the nearest

    def _embed(self, Z: np.ndarray) -> Any:
        if optional.available("umap"):
            optional.wake("umap", without="tensorflow")  # it would take a gigabyte for nothing
        umap = optional.need("umap", extra="maps", user="UMAP")
        many = len(Z)
        start = "spectral" if many > self.components + 2 and many > 10 else "random"
        made = umap.UMAP(
            n_neighbors=max(2, min(self.neighbors, many - 1)), min_dist=self.min_dist,
            n_components=self.components, init=start, random_state=self.seed % 2**31, n_jobs=1,
        )
        places = made.fit_transform(Z)
        self.curve_ = {"a": float(made._a), "b": float(made._b)}
        return places

    def _near(self) -> int:
        return self.neighbors


class Tsne(_Mapped):
    """scikit-learn's."""

    def __init__(
        self, initial: int | None, seed: int, components: int, *, perplexity: float,
        iterations: int, jobs: int,
    ) -> None:
        super().__init__(initial, seed, components)
        self.perplexity, self.iterations, self.jobs = perplexity, iterations, jobs

    def _embed(self, Z: np.ndarray) -> Any:
        from sklearn.manifold import TSNE

        few = min(Z.shape)
        return TSNE(
            n_components=self.components, perplexity=_perplexity(self.perplexity, len(Z)),
            max_iter=self.iterations, n_jobs=self.jobs, random_state=self.seed % 2**31,
            init="pca" if few >= self.components else "random",
            method="barnes_hut" if self.components < 4 else "exact",
        ).fit_transform(Z)


class Open(Tsne):
    """openTSNE's."""

    def _embed(self, Z: np.ndarray) -> Any:
        tsne = optional.need("openTSNE", extra="maps", user="openTSNE")
        few = min(Z.shape)
        return tsne.TSNE(
            n_components=self.components, perplexity=_perplexity(self.perplexity, len(Z)),
            n_iter=self.iterations, n_jobs=self.jobs, random_state=self.seed % 2**31,
            initialization="pca" if few >= self.components else "random",
        ).fit(np.asarray(Z, dtype=np.float64))


class Mds(_Mapped):
    """scikit-learn's."""

    def __init__(
        self, initial: int | None, seed: int, components: int, *, most: int
    ) -> None:
        super().__init__(initial, seed, components)
        self.most = most

    def _embed(self, Z: np.ndarray) -> Any:
        from sklearn.manifold import MDS

        start = pca.learn(np.asarray(Z, np.float64), self.components).apply(Z)
        start = np.pad(start, ((0, 0), (0, self.components - start.shape[1])))
        return MDS(n_components=self.components, n_init=1, normalized_stress=False,
                   random_state=self.seed % 2**31).fit_transform(
                       np.asarray(Z, np.float64), init=start)


class Lle(Mds):
    """scikit-learn's."""

    def __init__(
        self, initial: int | None, seed: int, components: int, *, most: int, neighbors: int
    ) -> None:
        super().__init__(initial, seed, components, most=most)
        self.neighbors = neighbors
        self.fewest = components + 3

    def _embed(self, Z: np.ndarray) -> Any:
        from sklearn.manifold import LocallyLinearEmbedding

        few = max(self.components + 1, min(self.neighbors, len(Z) - 1))
        return LocallyLinearEmbedding(
            n_components=self.components, n_neighbors=few, random_state=self.seed % 2**31,
            eigen_solver="dense" if len(Z) < 500 else "auto",
        ).fit_transform(np.asarray(Z, np.float64))

    def _near(self) -> int:
        return self.neighbors


class Geodesics(Lle):
    """scikit-learn's Isomap."""

    def _embed(self, Z: np.ndarray) -> Any:
        from sklearn.manifold import Isomap

        few = max(2, min(self.neighbors, len(Z) - 1))
        self.made_ = Isomap(n_components=self.components, n_neighbors=few,
                            eigen_solver="dense" if len(Z) < 500 else "auto").fit(
                                np.asarray(Z, np.float64))
        return self.made_.embedding_

    def state(self, name: str, rule: str = "", most: int | None = None) -> State:
        """Kind "geodesic"."""
        inner = self.made_.kernel_pca_
        strength = np.asarray(inner.eigenvalues_, dtype=np.float64)
        held = strength > 0
        dual = np.asarray(inner.eigenvectors_) * np.where(
            held, 1 / np.sqrt(np.where(held, strength, 1.0)), 0.0)
        centre = inner._centerer
        config = {"neighbors": int(self.made_.n_neighbors), "features": self.features_,
                  "mean": float(centre.K_fit_all_)}
        return State("geodesic", config, {
            "rows": self.rows_, "paths": np.ascontiguousarray(self.made_.dist_matrix_, np.float32),
            "dual": np.ascontiguousarray(dual),
            "means": np.asarray(centre.K_fit_rows_, np.float64),
            "places": np.ascontiguousarray(self.places_), **self._before()})


def _perplexity(wanted: float, rows: int) -> float:
    """No more than a third of the rows."""
    return max(1.0, min(wanted, (rows - 1) / 3))
