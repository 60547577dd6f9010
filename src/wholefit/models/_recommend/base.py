"""What recommenders learn from, and what every family of them shares.

A recommender's `build` gives an estimator with `fit(interactions)`; its State's scorer answers
`predict(users, items)`, `scores(users)`, `similar(item)`, `why(user, item)` and `fold_in(...)`:
see `wholefit.models._kernels.recommenders`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from wholefit.base.errors import DataError, StateError
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features import Encoding
from wholefit.models._model import Context, Model


@dataclass(frozen=True, eq=False)
class Interactions:
    """Who met what: one entry for each pair of user and item, users and items as codes.

    `users`, `items`: int32 codes (n,). `values`: float64 (n,), ratings where `explicit`, else
    how strong each interaction is (a count, an amount above 0); None: each is 1. `times`: float64
    seconds or ranks (n,). `item_features`, `user_features`: CSR (n_items, f), (n_users, f).
    Codes below `n_users`, `n_items` without any entry are users and items not met yet.
    """

    users: np.ndarray
    items: np.ndarray
    values: np.ndarray | None = None
    times: np.ndarray | None = None
    n_users: int = 0
    n_items: int = 0
    item_features: Any = None
    user_features: Any = None
    explicit: bool = False

    def __len__(self) -> int:
        return len(self.users)

    def matrix(self) -> Any:
        """CSR (n_users, n_items) float64 of the values, or of ones; indices in order."""
        from scipy.sparse import csr_matrix

        values = np.ones(len(self)) if self.values is None else self.values
        made = csr_matrix((np.asarray(values, dtype=np.float64), (self.users, self.items)),
                          shape=(self.n_users, self.n_items))
        made.sort_indices()
        return made

    def take(self, rows: np.ndarray) -> Interactions:
        """Those entries alone; users, items and features stay as they are."""
        return replace(self, users=self.users[rows], items=self.items[rows],
                       values=None if self.values is None else self.values[rows],
                       times=None if self.times is None else self.times[rows])

    def checked(self) -> Interactions:
        """Itself in order of user, then item; DataError if there is nothing to learn from."""
        if not len(self):
            raise DataError("a recommender learns from interactions; got none.")
        for name, codes, size in (("user", self.users, self.n_users),
                                  ("item", self.items, self.n_items)):
            if codes.min() < 0 or codes.max() >= size:
                raise DataError(f"{name} codes must lie in 0..{size - 1}; got "
                                f"{int(codes.min())}..{int(codes.max())}.")
        if self.values is not None and not np.isfinite(self.values).all():
            raise DataError("ratings must be finite; got NaN or infinity.")
        key = self.users.astype(np.int64) * self.n_items + self.items
        if (np.diff(key) > 0).all():
            return self
        made = self.take(np.argsort(key, kind="stable"))
        if (np.diff(np.sort(key)) == 0).any():
            raise DataError("each pair of user and item may come once; merge repeated ones first.")
        return made


def merged(users: np.ndarray, items: np.ndarray, values: np.ndarray | None = None,
           times: np.ndarray | None = None, *, n_users: int, n_items: int, explicit: bool,
           item_features: Any = None, user_features: Any = None) -> Interactions:
    """Interactions with repeated pairs made one, in order of user, then item.

    Ratings of a pair are averaged, strengths added up (each 1 without `values`), and the latest
    time kept. The order of the rows given changes nothing but the last bits of such sums, and
    not even those: they are added in order of value.
    """
    key = users.astype(np.int64) * n_items + items
    order = np.argsort(key, kind="stable") if values is None else np.lexsort((values, key))
    ordered = key[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    counts = np.diff(starts, append=len(ordered))
    kept = order[starts] if len(order) else order
    if values is None:
        strengths = counts.astype(np.float64) if (counts > 1).any() and not explicit else None
    else:
        sums = np.add.reduceat(np.asarray(values, dtype=np.float64)[order], starts)
        strengths = sums / counts if explicit else sums
    latest = None if times is None else np.maximum.reduceat(
        np.asarray(times, dtype=np.float64)[order], starts)
    return Interactions(users[kept].astype(np.int32), items[kept].astype(np.int32), strengths,
                        latest, n_users, n_items, item_features, user_features, explicit)


@dataclass(frozen=True)
class Recommender(Model):
    """Base of the recommenders of the catalog.

    `learns`: "ratings" (explicit ones only), "events" (who met what; of ratings it sees only that
    they were given) or "both". `answers`: "rating" where `predict` gives a rating on the scale it
    was fitted on (only if fitted on ratings), else "score", a number that orders items.
    `needs`: "item_features" where it cannot do without them.
    """

    family = "recommendation"
    tasks = ("recommendation",)
    weighted = False
    incremental = True
    learns: ClassVar[str] = "both"
    answers: ClassVar[str] = "score"
    needs: ClassVar[str | None] = None

    def encoding(self, task: Task) -> Encoding:
        """Nothing: recommenders see users and items, not columns."""
        return Encoding(text="drop")

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """What the fitted estimator says of itself."""
        if getattr(estimator, "state_", None) is None:
            raise StateError(f"{self.name} must be fitted before it has a state.")
        return estimator.state_

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """The fitted estimator's `predict` of pairs `X` = (users, items)."""
        from wholefit.models._scorers import scorer

        users, items = X
        answering: Any = scorer(self.state(estimator, task, context))
        return answering.predict(users, items)
