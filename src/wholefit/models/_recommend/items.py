"""Estimators whose fit is closed: popularity, biases, EASE, and items by what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.state import State
from wholefit.models._kernels.recommenders_factors import strengths
from wholefit.models._kernels.recommenders_rows import kept
from wholefit.models._recommend.base import Interactions
from wholefit.models._recommend.factor_events import unit_of
from wholefit.models._recommend.factor_prior import unit_rows
from wholefit.models._recommend.factor_ratings import biases
from wholefit.models._recommend.state import history_of, joined, ratings, shares, state_of

# Condition up to which single precision inverts well enough; cells of a dense matrix, 200 MB.
_TAME, _DENSE = 1e4, 50_000_000

@dataclass
class Closed:
    """Base: `made(interactions)` is the State; learning on is fitting again to all of it."""

    state_: State | None = None

    def fit(self, data: Interactions) -> Closed:
        """Learn from the interactions."""
        self.state_ = self.made(data.checked())
        return self

    def partial_fit(self, new: Interactions) -> Closed:
        """Fit again to old and new interactions together: exact."""
        assert self.state_ is not None
        return self.fit(joined(history_of(self.state_), new.checked()))

    def made(self, data: Interactions) -> State:
        """The State that `data` asks for."""
        raise NotImplementedError


@dataclass
class PopularityCount(Closed):
    """Counts of users, each halved for every `half_life` of time that has passed since."""

    half_life: float | None = None

    def made(self, data: Interactions) -> State:
        """Kind "recommend_popularity"."""
        fallback = shares(data)
        if self.half_life is not None:
            if data.times is None:
                raise DataError("popularity with a half-life needs to know when: name a time "
                                "column, or set half_life to None.")
            age = (data.times.max() - data.times) / self.half_life
            weights = np.exp2(-age)
            fallback = np.bincount(data.items, weights, minlength=data.n_items) / data.n_users
        return state_of("recommend_popularity", data, rating=False, config={}, arrays={},
                        fallback=fallback, times=True)


@dataclass
class MeanRating(Closed):
    """The mean rating of each item, shrunk towards the mean of all."""

    def made(self, data: Interactions) -> State:
        """Kind "recommend_popularity"."""
        return state_of("recommend_popularity", data, rating=True, config={}, arrays={})


@dataclass
class BiasRidge(Closed):
    """The mean, and biases of users and items held by ridges."""

    ridge_user: float = 10.0
    ridge_item: float = 5.0

    def made(self, data: Interactions) -> State:
        """Kind "recommend_bias"."""
        values = ratings(data)
        mean = float(values.mean())
        b_user, b_item = biases(data.users, data.items, values - mean,
                                (data.n_users, data.n_items), (self.ridge_user, self.ridge_item))
        return state_of("recommend_bias", data, rating=True, config={"ridge": self.ridge_user},
                        arrays={"user_bias": b_user}, fallback=mean + b_item)


@dataclass
class EASEFit(Closed):
    """One matrix inverse: EASE (Steck 2019)."""

    ridge: float = 250.0
    most: int = 10_000
    jobs: int = 1

    def made(self, data: Interactions) -> State:
        """Kind "recommend_ease"; DataError above `most` items."""
        if data.n_items > self.most:
            raise DataError(
                f"ease keeps one number for each pair of items and takes at most {self.most} "
                f"items (most=); got {data.n_items}: use als or item_knn, or leave out the items "
                "met least.")
        from threadpoolctl import threadpool_limits

        unit = unit_of(data, log=True)
        matrix = data.matrix()
        matrix.data = np.ones(len(matrix.data)) if data.explicit else strengths(matrix.data, unit)
        with threadpool_limits(self.jobs, user_api="blas"):
            weights = ease(matrix, self.ridge)
        return state_of("recommend_ease", data, rating=False,
                        config={"unit": 0.0 if data.explicit else unit},
                        arrays={"weights": weights})


def ease(matrix: Any, ridge: float) -> np.ndarray:
    """(n_items, n_items) float32 weights B with a diagonal of 0 that minimise
    |X - X B|^2 + ridge |B|^2 for a CSR X: -P / diag(P), P the inverse of X'X + ridge.
    """
    from scipy.linalg import get_lapack_funcs

    gram = _gram(matrix)
    # No eigenvalue is above the largest row sum: single precision serves a tame inverse.
    tame = float(gram.sum(axis=1).max(initial=0.0)) < _TAME * ridge
    gram = gram.astype(np.float32 if tame else np.float64, copy=False)
    diagonal = np.arange(len(gram))
    gram[diagonal, diagonal] += ridge
    factorise, invert = get_lapack_funcs(("potrf", "potri"), (gram,))
    factor, failed = factorise(gram.T, lower=1, overwrite_a=1)
    inverse, failed_too = invert(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise DataError("ease could not invert the items' co-occurrences; raise its ridge.")
    # Only one triangle is written; the rest is what stood there before.
    inverse = np.tril(inverse)
    inverse += np.tril(inverse, -1).T
    inverse /= -inverse[diagonal, diagonal]
    inverse[diagonal, diagonal] = 0.0
    return inverse.astype(np.float32, copy=False)


def _gram(matrix: Any) -> np.ndarray:
    """X'X of a CSR X, dense: by a dense product where rows are full enough for that to be less.

    A multiplication of a sparse product costs some four hundred of a dense one's.
    """
    users, items = matrix.shape
    sparse = float((np.diff(matrix.indptr).astype(np.float64) ** 2).sum())
    if users * items * items < 400 * sparse and users * items <= _DENSE:
        whole = matrix.toarray().astype(np.float32)
        return whole.T @ whole
    return np.asarray((matrix.T @ matrix).toarray())


@dataclass
class ContentFit(Closed):
    """Items by their features; nothing is learnt but the scale of ratings."""

    def made(self, data: Interactions) -> State:
        """Kind "recommend_content"; DataError without features of items."""
        if data.item_features is None or data.item_features.shape[1] == 0:
            raise DataError("content recommends items by what they are: it needs columns that "
                            "describe them (text, categories or numbers); got none.")
        rated = data.explicit and data.values is not None
        values = ratings(data) if rated else np.ones(1)
        features = unit_rows(data.item_features)
        # Columns that no item has would only be carried about.
        features = features[:, np.unique(features.indices)]
        features.sort_indices()
        return state_of(
            "recommend_content", data, rating=False,
            config={"unit": unit_of(data, log=True), "middle": float(values.mean()),
                    "spread": float(np.ptp(values)), "width": int(features.shape[1])},
            arrays=kept("features", features))

    def partial_fit(self, new: Interactions) -> ContentFit:
        """Take up new interactions; the features known stay unless new ones are given."""
        assert self.state_ is not None
        if new.item_features is not None:
            super().partial_fit(new)
            return self
        from dataclasses import replace

        from wholefit.models._kernels.recommenders_rows import read_rows

        width, n_items = int(self.state_.config["width"]), len(self.state_.arrays["fallback"])
        known = read_rows(self.state_, "features", width, n_items)
        known.resize((max(n_items, new.n_items), width))
        super().partial_fit(replace(new, item_features=known))
        return self
