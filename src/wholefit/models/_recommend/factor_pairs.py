"""BPR: vectors learnt from pairs "this item was met, that one was not".

Rendle, Freudenthaler, Gantner and Schmidt-Thieme 2009: gradient ascent on the sum of
log sigmoid(p_u.q_i - p_u.q_j) less a ridge penalty. Here in batches: the gradients of a batch are
summed row by row through a sparse product, and each vector takes steps of its own size (AdaGrad,
Duchi, Hazan and Singer 2011, by rows).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.models._recommend.base import Interactions
from wholefit.models._recommend.factor_events import EventFactors, EventSettings
from wholefit.models._recommend.state import state_of

# Ridge regression places users met later on the vectors of items: see `EventSettings`.
_LATER = {"ridge": 0.01, "ridge_power": 1.0}
_UNOBSERVED = 10.0
_BATCH = (64, 16384)


@dataclass(frozen=True)
class PairSettings:
    """`rank` entries a vector, `rounds` passes over the interactions, `step`, `ridge`, `seed`."""

    rank: int
    rounds: int
    step: float
    ridge: float
    seed: int = 0
    jobs: int = 1


class PairFactors:
    """The estimator: `fit(interactions)`, then `state_`."""

    def __init__(self, settings: PairSettings, before: State | None = None) -> None:
        self.settings = settings
        self.state_ = before

    def fit(self, data: Interactions) -> PairFactors:
        """Learn vectors of all users and items."""
        data, settings = data.checked(), self.settings
        work = _Work(settings, data)
        for _ in range(settings.rounds):
            work.round()
        config = {"form": "events", "scale": 1.0, "cold_users": False, "unit": 0.0,
                  "all_weight": _UNOBSERVED * len(data) / (data.n_users * data.n_items),
                  **_LATER}
        arrays = {"users": work.users, "items": work.items}
        self.state_ = state_of("recommend_factors", data, rating=False, config=config,
                               arrays=arrays)
        return self

    def partial_fit(self, new: Interactions) -> PairFactors:
        """Place new items, then users with something new, by ridge regression; others stay."""
        later = EventSettings(self.settings.rank, 0, _LATER["ridge"], _LATER["ridge_power"],
                              _UNOBSERVED, log=False, seed=self.settings.seed)
        self.state_ = EventFactors(later, self.state_).partial_fit(new).state_
        return self


class _Work:
    """Vectors under way, float32, with the summed squares of their gradients."""

    def __init__(self, settings: PairSettings, data: Interactions) -> None:
        self.settings, self.data = settings, data
        self.rng = generator(settings.seed, "pairs")
        f = min(settings.rank, data.n_users, data.n_items)
        self.users = self._noise(data.n_users, f)
        self.items = self._noise(data.n_items, f)
        self.moved = [np.full(len(each), 1e-8, np.float32) for each in (self.users, self.items)]
        self.keys = data.users.astype(np.int64) * data.n_items + data.items
        self.size = int(np.clip(len(data) // 40, *_BATCH))

    def _noise(self, n: int, f: int) -> np.ndarray:
        return (self.rng.standard_normal((n, f)) * 0.1 / np.sqrt(f)).astype(np.float32)

    def round(self) -> None:
        """One pass over the interactions in an order of chance."""
        order = self.rng.permutation(len(self.data))
        users, met = self.data.users[order], self.data.items[order]
        unmet = self._unmet(users)
        for begin in range(0, len(order), self.size):
            part = slice(begin, begin + self.size)
            ok = np.flatnonzero(unmet[part] >= 0)
            if len(ok):
                self._batch(users[part][ok], met[part][ok], unmet[part][ok])

    def _unmet(self, users: np.ndarray) -> np.ndarray:
        """An item that each user has not met, -1 where three draws found none."""
        found = np.full(len(users), -1, dtype=np.int64)
        rest = np.arange(len(users))
        for _ in range(3):
            drawn = self.rng.integers(0, self.data.n_items, len(rest))
            key = users[rest].astype(np.int64) * self.data.n_items + drawn
            spot = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
            free = self.keys[spot] != key
            found[rest[free]] = drawn[free]
            rest = rest[~free]
        return found

    def _batch(self, users: np.ndarray, met: np.ndarray, unmet: np.ndarray) -> None:
        own, apart = self.users[users], self.items[met] - self.items[unmet]
        margin = np.einsum("bf,bf->b", own, apart)
        pull = (1.0 / (1.0 + np.exp(np.clip(margin, -30, 30)))).astype(np.float32)
        at = np.arange(len(users))
        self._move(0, self.users, users, at, pull, apart)
        self._move(1, self.items, np.concatenate([met, unmet]), np.concatenate([at, at]),
                   np.concatenate([pull, -pull]), own)

    def _move(self, which: int, vectors: np.ndarray, codes: np.ndarray, at: np.ndarray,
              weights: np.ndarray, directions: np.ndarray) -> None:
        """Sum weights * directions[at] for each code, and take one step."""
        rows, place = np.unique(codes, return_inverse=True)
        sums = _sums(place, at, weights, (len(rows), len(directions))) @ directions
        counts = np.bincount(place, minlength=len(rows)).astype(np.float32)
        own = vectors[rows]
        sums -= (self.settings.ridge * counts)[:, None] * own
        moved = self.moved[which][rows] + np.einsum("rf,rf->r", sums, sums) / sums.shape[1]
        self.moved[which][rows] = moved
        sums *= (self.settings.step / np.sqrt(moved))[:, None]
        own += sums
        vectors[rows] = own


def _sums(row: np.ndarray, column: np.ndarray, weights: np.ndarray,
          shape: tuple[int, int]) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix((weights, (row, column)), shape=shape)
