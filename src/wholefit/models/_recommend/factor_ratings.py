"""Factors of ratings with biases, by alternating least squares: SVD, SVD++ and the hybrid.

In units of what the biases leave over, ratings t minimise

    sum (t_ui - b_u - b_i - p_u.q_i)^2 + ridge (sum |p_u|^2 + |q_i|^2)
                                       + ridge_user sum b_u^2 + ridge_item sum b_i^2

(Koren, Bell and Volinsky 2009). A ridge on both sides is a penalty on the singular values of their
product, so that it chooses the rank; it is told in multiples of the norm that noise would have.
Each round solves users, then items, exactly and all at once.
SVD++ (Koren 2008) expects a user's vector at the sum of vectors y_j of the items rated, over the
root of their number: here as the mean of the ridge penalty, so that its steps stay ridge
regressions. Features of users and items enter in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.models._recommend.base import Interactions
from wholefit.models._recommend.factor_prior import Prior, unit_rows
from wholefit.models._recommend.factor_ridge import Rows, calm, rows_of, solve, start
from wholefit.models._recommend.state import history_of, joined, ratings, state_of


@dataclass(frozen=True)
class RatingSettings:
    """Sizes and strengths; `implicit` None is plain SVD, `features` None looks at no features."""

    rank: int
    rounds: int
    ridge: float
    ridge_user: float
    ridge_item: float
    implicit: float | None = None
    features: float | None = None
    seed: int = 0
    jobs: int = 1


class RatingFactors:
    """The estimator: `fit(interactions)`, then `state_`."""

    def __init__(self, settings: RatingSettings, before: State | None = None) -> None:
        self.settings = settings
        self.state_ = before

    def fit(self, data: Interactions) -> RatingFactors:
        """Learn vectors and biases of all users and items."""
        with calm():
            work = _Work(self.settings, data.checked())
            for _ in range(self.settings.rounds):
                work.users_step()
                work.items_step()
            work.users_step()
        self.state_ = work.state()
        return self

    def partial_fit(self, new: Interactions) -> RatingFactors:
        """Take up new ratings: items never met, then users with new ratings, are solved for.

        The vectors of the other users and items stay as they are; fit again once in a while.
        """
        assert self.state_ is not None
        data = joined(history_of(self.state_), new.checked())
        work = _Work(self.settings, data, self.state_)
        old_items = self.state_.arrays["history_at"]
        work.items_step(np.setdiff1d(new.items, old_items))
        work.users_step(np.unique(new.users))
        self.state_ = work.state()
        return self


class _Work:
    """Vectors under way: users (n_users, f + 1) and items (n_items, f + 1), the bias last."""

    def __init__(self, settings: RatingSettings, data: Interactions,
                 before: State | None = None) -> None:
        self.settings, self.data = settings, data
        f = min(settings.rank, data.n_users, data.n_items)
        self.f = f if before is None else before.arrays["items"].shape[1] - 2
        values = ratings(data)
        self.mean = float(values.mean()) if before is None else float(before.config["mean"])
        vectors = self._held() if before is None else before.arrays["ridge"][:-1]
        self.ridge = {"users": np.append(vectors, settings.ridge_user),
                      "items": np.append(vectors, settings.ridge_item)}
        made = data.matrix()
        made.data -= self.mean
        self.users = np.zeros((data.n_users, self.f + 1))
        self.items = np.zeros((data.n_items, self.f + 1))
        if before is None:
            self.scale = self._begin(made)
        else:
            self.scale = float(before.config["scale"])
            self.users[:len(before.arrays["users"])] = before.arrays["users"][:, :-1]
            kept = before.arrays["items"]
            self.items[:len(kept)] = np.c_[kept[:, :-2], kept[:, -1]]
        made.data /= self.scale
        turned = made.T.tocsr()
        self.by_user, self.by_item = rows_of(made), rows_of(turned)
        self.t_user, self.t_item = made.data, turned.data
        self.priors = self._priors(made, before)

    def _held(self) -> np.ndarray:
        """Ridge of the entries of vectors, (f,), in units of what noise alone would give.

        Noise of variance 1 in the cells rated has a spectral norm of about the root of the mean
        number of ratings of a user plus that of an item; a ridge of that size keeps it out.
        """
        met = [len(np.unique(each)) for each in (self.data.users, self.data.items)]
        noise = sum(np.sqrt(len(self.data) / each) for each in met)
        return np.full(self.f, self.settings.ridge * noise)

    def _begin(self, centred: Any) -> float:
        """Biases, the spread that they leave over, and items at the leading directions of it."""
        at_user = np.repeat(np.arange(centred.shape[0]), np.diff(centred.indptr))
        b_user, b_item = biases(at_user, centred.indices, centred.data, centred.shape,
                                (self.settings.ridge_user, self.settings.ridge_item), sweeps=2)
        left = centred.data - b_user[at_user] - b_item[centred.indices]
        scale = float(left.std())
        scale = scale if scale > 1e-9 else 1.0
        rest = centred.copy()
        rest.data = left / scale
        self.items[:, :-1] = start(rest, self.f, generator(self.settings.seed, "factors"))
        self.users[:, -1], self.items[:, -1] = b_user / scale, b_item / scale
        return scale

    def _priors(self, made: Any, before: State | None) -> dict[str, Prior | None]:
        found: dict[str, Prior | None] = {"users": None, "items": None}
        if self.settings.implicit is not None:
            found["users"] = Prior(averaging(made), self.f + 1, self.settings.implicit, free=1)
        elif self.settings.features is not None:
            for name, known in (("users", self.data.user_features),
                                ("items", self.data.item_features)):
                if known is not None:
                    found[name] = Prior(unit_rows(known), self.f + 1, self.settings.features)
        for name, prior in found.items():
            if prior is not None and before is not None and f"{name}_map" in before.arrays:
                prior.go_on(before.arrays[f"{name}_map"])
        return found

    def users_step(self, only: np.ndarray | None = None) -> None:
        """Solve for users (all, or those codes), items held."""
        self._step("users", self.by_user, self.t_user, self.items, only)

    def items_step(self, only: np.ndarray | None = None) -> None:
        """Solve for items (all, or those codes), users held."""
        self._step("items", self.by_item, self.t_item, self.users, only)

    def _step(self, name: str, rows: Rows, targets: np.ndarray, others: np.ndarray,
              only: np.ndarray | None) -> None:
        V = others.copy()
        V[:, -1] = 1.0
        right = rows.sparse(targets - others[rows.at, -1]) @ V
        prior, ridge = self.priors[name], self.ridge[name]
        if prior is not None:
            right += ridge * prior.mean
        own = getattr(self, name)
        if only is None:
            own[:] = solve(rows, V, right, ridge, jobs=self.settings.jobs)
            if prior is not None:
                prior.learn(own, ridge)
        elif len(only):
            own[only] = solve(picked(rows, only), V, right[only], ridge)

    def state(self) -> State:
        """Kind "recommend_factors"; users end in (bias, 1), items in (1, bias)."""
        ones = np.ones
        arrays = {"users": np.c_[self.users, ones(len(self.users))],
                  "items": np.c_[self.items[:, :-1], ones(len(self.items)), self.items[:, -1]],
                  "ridge": self.ridge["users"]}
        for name, prior in self.priors.items():
            if prior is not None:
                arrays[f"{name}_map"] = prior.weights
        plus = self.settings.implicit is not None
        config = {"form": "ratings", "scale": self.scale, "plus": plus,
                  "cold_users": self.priors["users"] is not None and not plus}
        made = state_of("recommend_factors", self.data, rating=True, config=config,
                        arrays=arrays, fallback=self.mean + self.scale * self.items[:, -1])
        return State(made.kind, {**made.config, "mean": self.mean}, made.arrays)


def averaging(matrix: Any) -> Any:
    """CSR of the pattern, each row's entries one over the root of their number (SVD++)."""
    made = matrix.copy()
    counts = np.diff(made.indptr)
    made.data = np.repeat(1.0 / np.sqrt(np.maximum(counts, 1)), counts)
    return made


def picked(rows: Rows, only: np.ndarray) -> Rows:
    """Those rows alone."""
    counts = rows.counts[only]
    ends = np.concatenate([[0], np.cumsum(counts)])
    part = np.repeat(rows.ends[only] - ends[:-1], counts) + np.arange(ends[-1])
    weights = None if rows.weights is None else rows.weights[part]
    return Rows(ends, rows.at[part], weights, rows.columns)


def biases(users: np.ndarray, items: np.ndarray, values: np.ndarray, shape: tuple[int, int],
           ridge: tuple[float, float], sweeps: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Biases of users and items that minimise the ridge-penalised squares of centred `values`.

    Block by block until nothing moves by 1e-10 of the spread, or for `sweeps` of them.
    """
    n_users, n_items = shape
    weigh_users = np.bincount(users, minlength=n_users) + ridge[0]
    weigh_items = np.bincount(items, minlength=n_items) + ridge[1]
    weigh_users, weigh_items = (np.maximum(each, 1e-12) for each in (weigh_users, weigh_items))
    b_user, b_item = np.zeros(n_users), np.zeros(n_items)
    still = 1e-10 * (float(np.abs(values).max()) if len(values) else 1.0)
    for _ in range(sweeps):
        before = b_item
        b_item = np.bincount(items, values - b_user[users], minlength=n_items) / weigh_items
        b_user = np.bincount(users, values - b_item[items], minlength=n_users) / weigh_users
        if np.abs(b_item - before).max() <= still:
            break
    return b_user, b_item
