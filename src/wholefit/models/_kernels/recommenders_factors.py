"""Users and items as vectors: the answer is a dot product, and a new user is a ridge regression.

Given the items' vectors a user's own is the solution x of A x = sum_j c_j, one column c_j for
each item met, so that a score q.x is the sum of q A^-1 c_j: what each item met adds to it (Hu,
Koren and Volinsky 2008, section 5).
"""

from __future__ import annotations

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels.recommenders import Recommends
from wholefit.models._kernels.recommenders_rows import blocks, need, read_array, read_number


class Factors(Recommends):
    """Vectors `users` (n_users, d) and `items` (n_items, d); see the module.

    Form "ratings": users end in (bias, 1), items in (1, bias). Form "events": vectors alone.
    """

    def _load(self, state: State) -> None:
        self._items = read_array(state, "items", self.n_items, None)
        width = self._items.shape[1]
        self._users = read_array(state, "users", self.n_users, width)
        self._form = state.config["form"]
        need(self._form in ("ratings", "events"), "form")
        self._cold_users = bool(state.config["cold_users"])
        self._scale = read_number(state, "scale", 0)
        if self._form == "ratings":
            need(width >= 2, "vectors without biases")
            self._ridge = read_array(state, "ridge", width - 1)
            need(bool((self._ridge > 0).all()), "ridge")
            self._plus = (read_array(state, "users_map", self.n_items, width - 1)
                          if state.config["plus"] else None)
        else:
            self._all = read_number(state, "all_weight", 0)
            self._power = read_number(state, "ridge_power", 0)
            self._strength = read_number(state, "ridge", 1e-12)
            need(self._power <= 1, "ridge_power")
            self._unit = read_number(state, "unit", 0)
            self._gram: np.ndarray | None = None

    def _known(self, users: np.ndarray) -> np.ndarray:
        return users >= 0 if self._cold_users else super()._known(users)

    def _rows(self, users: np.ndarray) -> np.ndarray:
        return self._to_scores(self._users[users])

    def _to_scores(self, vectors: np.ndarray) -> np.ndarray:
        return np.asarray(self.mean + self._scale * (vectors @ self._items.T), dtype=np.float64)

    def _pairs(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        found = np.empty(len(users))
        for part in blocks(len(users), self._items.shape[1]):
            found[part] = np.einsum("nf,nf->n", self._users[users[part]], self._items[items[part]])
        return self.mean + self._scale * found

    def _nothing(self, users: np.ndarray) -> np.ndarray:
        if self._form == "events":
            return np.zeros(len(users))
        return self.mean + self._scale * np.where(users >= 0, self._users[users, -2], 0.0)

    def similar(self, item: int) -> np.ndarray:
        """Cosines of the items' vectors, biases left out; 0 for an item without one."""
        own = self._items[:, :-2] if self._form == "ratings" else self._items
        own = own.astype(np.float64)
        lengths = np.linalg.norm(own, axis=1)
        scale = np.maximum(lengths * lengths[item], 1e-300)
        return np.clip(own @ own[item] / scale, -1.0, 1.0)

    def fold_in(self, items: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """The vector (d,) that the model would give a user with this history, items held."""
        items, values = self._folded(items, values)
        if not len(items):
            return np.append(np.zeros(self._items.shape[1] - 1), 1.0) \
                if self._form == "ratings" else np.zeros(self._items.shape[1])
        A, columns = self._system(items, values)
        x = np.linalg.solve(A, columns.sum(axis=1))
        return np.append(x, 1.0) if self._form == "ratings" else x

    def scores_from(self, vectors: np.ndarray) -> np.ndarray:
        """(m, n_items) scores for vectors (m, d) of `fold_in`; without any history, fallback."""
        vectors = np.atleast_2d(np.asarray(vectors, dtype=np.float64))
        found = self._to_scores(vectors)
        found[~vectors.any(axis=1)] = self.fallback
        return found

    def _adds(self, user: int, item: int) -> np.ndarray:
        part = slice(*self._ends(user))
        A, columns = self._system(self.history.indices[part], self.history.data[part])
        target = self._items[item].astype(np.float64)
        target = target[:-1] if self._form == "ratings" else target
        return self._scale * (np.linalg.solve(A, target) @ columns)

    def _system(self, items: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A (d, d) and columns (d, m) of the user's ridge regression."""
        V = self._items[items].astype(np.float64)
        if self._form == "events":
            weights = strengths(values, self._unit)
            A = self._grams() + (V.T * weights) @ V
            ridge = ridge_of(self._strength, weights.sum(), self._all, self.n_items, self._power)
            return A + ridge * np.eye(len(A)), V.T * weights
        targets = (values - self.mean) / self._scale - V[:, -1]
        V = V[:, :-1]
        columns = V.T * targets
        if self._plus is not None:
            columns = columns + self._ridge[:, None] * self._plus[items].T / np.sqrt(len(items))
        return V.T @ V + np.diag(self._ridge), columns

    def _grams(self) -> np.ndarray:
        if self._gram is None:
            every = self._items.astype(np.float64)
            self._gram = self._all * (every.T @ every)
        return self._gram


def strengths(values: np.ndarray, unit: float) -> np.ndarray:
    """Weights of interactions from how strong they are: log2(1 + value / unit), 1 at the unit.

    With a unit of 0 every interaction weighs 1.
    """
    if not unit:
        return np.ones(len(values))
    return np.log2(1.0 + np.maximum(values, 0.0) / unit)


def ridge_of(ridge: float, weight: np.ndarray | float, all_weight: float, columns: int,
             power: float) -> np.ndarray:
    """The ridge of vectors whose entries weigh `weight`: more evidence, more of it."""
    return np.asarray(ridge * (weight + all_weight * columns) ** power)
