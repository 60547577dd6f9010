"""Factors of implicit feedback: weighted alternating least squares over all cells.

With S the interactions met and w their weights, vectors minimise

    sum_S w_ui (1 - p_u.q_i)^2 + a sum_all (p_u.q_i)^2
                               + sum_u ridge_u |p_u|^2 + sum_i ridge_i |q_i|^2

where ridge_u = ridge (sum of the user's w + a n_items)^power, and items likewise (Hu, Koren and
Volinsky 2008, in the form of Rendle, Krichene, Zhang and Koren 2022). The sum over all cells is
one f x f matrix, so that nothing of users x items is ever made. The weight `a` of a cell is told
by `unobserved`: how much all cells together weigh against all interactions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.models._kernels.recommenders_factors import ridge_of, strengths
from wholefit.models._recommend.base import Interactions
from wholefit.models._recommend.factor_prior import Prior, unit_rows
from wholefit.models._recommend.factor_ratings import picked
from wholefit.models._recommend.factor_ridge import Rows, calm, rows_of, solve, start
from wholefit.models._recommend.state import history_of, joined, state_of


@dataclass(frozen=True)
class EventSettings:
    """Sizes and strengths; `features` None looks at no features; `log` weighs strengths."""

    rank: int
    rounds: int
    ridge: float
    power: float
    unobserved: float
    log: bool = True
    features: float | None = None
    seed: int = 0
    jobs: int = 1


class EventFactors:
    """The estimator: `fit(interactions)`, then `state_`."""

    def __init__(self, settings: EventSettings, before: State | None = None) -> None:
        self.settings = settings
        self.state_ = before

    def fit(self, data: Interactions) -> EventFactors:
        """Learn vectors of all users and items."""
        with calm():
            work = _Work(self.settings, data.checked())
            for _ in range(self.settings.rounds):
                work.step("users")
                work.step("items")
            work.step("users")
        self.state_ = work.state()
        return self

    def partial_fit(self, new: Interactions) -> EventFactors:
        """Take up new interactions: items never met, then users with something new, are solved.

        The vectors of the other users and items stay as they are; fit again once in a while.
        """
        assert self.state_ is not None
        data = joined(history_of(self.state_), new.checked())
        work = _Work(self.settings, data, self.state_)
        work.step("items", np.setdiff1d(new.items, self.state_.arrays["history_at"]))
        work.step("users", np.unique(new.users))
        self.state_ = work.state()
        return self


def unit_of(data: Interactions, log: bool) -> float:
    """The strength that weighs 1: the middle one of implicit feedback; 0 where none is used."""
    if data.explicit or data.values is None or not log:
        return 0.0
    return max(float(np.median(data.values)), 1e-300)


class _Work:
    """Vectors under way, float32: `own["users"]` (n_users, f), `own["items"]` (n_items, f)."""

    def __init__(self, settings: EventSettings, data: Interactions,
                 before: State | None = None) -> None:
        self.settings, self.data = settings, data
        made = data.matrix()
        self.unit = unit_of(data, settings.log) if before is None else before.config["unit"]
        plain = strengths(made.data, self.unit)
        made.data = plain
        self.all_weight = (settings.unobserved * float(plain.sum())
                           / (data.n_users * data.n_items)
                           if before is None else before.config["all_weight"])
        f = min(settings.rank, data.n_users, data.n_items)
        f = f if before is None else before.arrays["items"].shape[1]
        turned = made.T.tocsr()
        same = bool((plain == 1).all())
        self.rows = {name: rows_of(each, None if same else each.data)
                     for name, each in (("users", made), ("items", turned))}
        self.ridge = {name: self._ridges(each) for name, each in
                      (("users", made), ("items", turned))}
        self.own = {"users": np.zeros((data.n_users, f), dtype=np.float32),
                    "items": np.zeros((data.n_items, f), dtype=np.float32)}
        if before is None:
            self.own["items"][:] = start(made.astype(np.float32), f,
                                         generator(settings.seed, "factors"))
        else:
            for name, vectors in self.own.items():
                vectors[:len(before.arrays[name])] = before.arrays[name]
        self.priors = self._priors(before)

    def _ridges(self, matrix: Any) -> np.ndarray:
        """(rows, 1) float32."""
        weight = np.asarray(matrix.sum(axis=1)).ravel()
        found = ridge_of(self.settings.ridge, weight, self.all_weight, matrix.shape[1],
                         self.settings.power)
        return np.maximum(found, 1e-6).astype(np.float32)[:, None]

    def _priors(self, before: State | None) -> dict[str, Prior]:
        if self.settings.features is None:
            return {}
        found = {}
        for name, known in (("users", self.data.user_features),
                            ("items", self.data.item_features)):
            if known is None:
                continue
            found[name] = Prior(unit_rows(known, np.float32), self.own[name].shape[1],
                                self.settings.features)
            if before is not None and f"{name}_map" in before.arrays:
                found[name].go_on(before.arrays[f"{name}_map"])
        return found

    def step(self, name: str, only: np.ndarray | None = None) -> None:
        """Solve for "users" or "items" (all, or those codes), the others held."""
        V = self.own["items" if name == "users" else "users"]
        rows, ridge, own = self.rows[name], self.ridge[name], self.own[name]
        base = (self.all_weight * (V.T @ V)).astype(np.float32)
        prior = self.priors.get(name)
        if only is None:
            own[:] = self._solve(rows, V, ridge, base, None if prior is None else prior.mean)
            if prior is not None:
                prior.learn(own, ridge)
        elif len(only):
            own[only] = self._solve(picked(rows, only), V, ridge[only], base,
                                    None if prior is None else prior.mean[only])

    def _solve(self, rows: Rows, V: np.ndarray, ridge: np.ndarray, base: np.ndarray,
               mean: np.ndarray | None) -> np.ndarray:
        right = rows.sparse(rows.weights).astype(np.float32) @ V
        if mean is not None:
            right += ridge * mean
        return solve(rows, V, right, ridge, base, self.settings.jobs)

    def state(self) -> State:
        """Kind "recommend_factors"."""
        arrays = {**self.own, **{f"{name}_map": prior.weights
                                 for name, prior in self.priors.items()}}
        config = {"form": "events", "scale": 1.0, "cold_users": "users" in self.priors,
                  "all_weight": self.all_weight, "ridge": self.settings.ridge,
                  "ridge_power": self.settings.power, "unit": self.unit}
        return state_of("recommend_factors", self.data, rating=False, config=config,
                        arrays=arrays)
