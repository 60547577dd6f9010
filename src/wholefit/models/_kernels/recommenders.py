"""What every recommender answers, and the rows of history that they answer from.

Users and items are codes, 0..n-1; -1 is one that was not met in training. Such a user is
answered by what is true of all (popularity, or the mean and the item's bias); such an item, by
what is true of the user, or by nothing. Every answer is finite.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.state import State
from wholefit.base.stored import reading
from wholefit.models._kernels.recommenders_rows import (
    blocks,
    need,
    read_array,
    read_number,
    read_rows,
)


class Recommends:
    """Base of the scorers; a family gives `_load`, `_rows`, and what differs.

    `n_users`, `n_items`; `explicit`: fitted on ratings; `answers`: "rating" if `predict` gives
    ratings within `low`..`high`, else "score"; `history`: CSR (n_users, n_items) of what was met.
    """

    def __init__(self, state: State) -> None:
        with reading("the recommender cannot be read"):
            self.fallback = read_array(state, "fallback", None).astype(np.float64)
            self.n_items = len(self.fallback)
            self.history = read_rows(state, "history", self.n_items)
            self.n_users = self.history.shape[0]
            self.explicit = bool(state.config["explicit"])
            self.answers = str(state.config["answers"])
            need(self.answers in ("rating", "score"), "answers")
            self.low, self.high = read_number(state, "low"), read_number(state, "high")
            self.mean = read_number(state, "mean")
            self._counts = np.diff(self.history.indptr)
            self._load(state)

    def _load(self, state: State) -> None:
        """Read what the family keeps."""

    def answer(self, X: Any) -> np.ndarray:
        """`predict` of pairs given as codes (n, 2)."""
        return self.predict(np.asarray(X)[:, 0], np.asarray(X)[:, 1])

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Ratings, kept within the range seen, or scores: (n,) for the pairs (users, items)."""
        users, items = self._codes(users, self.n_users), self._codes(items, self.n_items)
        if len(users) != len(items):
            raise DataError(f"predict needs as many users as items; got {len(users)} and "
                            f"{len(items)}.")
        found = np.where(items < 0, self._nothing(users), self.fallback[np.maximum(items, 0)])
        ask = np.flatnonzero((items >= 0) & self._known(users))
        if len(ask):
            found[ask] = self._pairs(users[ask], items[ask])
        return np.clip(found, self.low, self.high) if self.answers == "rating" else found

    def scores(self, users: np.ndarray) -> np.ndarray:
        """(n, n_items): how each user stands to every item; the caller asks in chunks."""
        users = self._codes(users, self.n_users)
        known = self._known(users)
        if known.all() and len(users):
            return self._rows(users)
        found = np.tile(self.fallback, (len(users), 1))
        if known.any():
            found[known] = self._rows(users[known])
        return found

    def top(self, users: np.ndarray, k: int, *, seen: bool = False,
            only: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The k best items of each user, best first: codes (n, k) int32 and scores (n, k).

        `seen=False` leaves out what the user has met; `only` are the item codes to choose from.
        Where fewer are left, the code is -1 and the score 0. Equal scores: lower code first.
        """
        users = self._codes(users, self.n_users)
        codes = np.full((len(users), k), -1, dtype=np.int32)
        values = np.zeros((len(users), k))
        for block in blocks(len(users), self.n_items):
            found = self._open(users[block], seen, only)
            codes[block], values[block] = best(found, k)
        return codes, values

    def seen(self, user: int) -> np.ndarray:
        """Codes of the items that the user has met."""
        return self.history.indices[slice(*self._ends(user))] if user >= 0 else np.array([], "i4")

    def similar(self, item: int) -> np.ndarray:
        """(n_items,) likeness to every item: here, the cosine of who met both."""
        columns = self.history.astype(bool).astype(np.float64)
        together = np.asarray(columns.T @ columns[:, [item]].toarray()).ravel()
        norms = np.sqrt(np.bincount(self.history.indices, minlength=self.n_items))
        return together / np.maximum(norms * norms[item], 1.0)

    def why(self, user: int, item: int, limit: int = 10) -> list[tuple[int, float]]:
        """The items of the user that speak most for `item`, and how much each adds to it.

        Empty where nothing that the user met bears on the answer.
        """
        if user < 0 or item < 0 or not self._counts[user]:
            return []
        items = self.seen(user)
        adds = self._adds(user, item)
        other = (items != item) & (adds != 0)
        order = np.lexsort((items[other], -adds[other]))[:limit]
        return [(int(items[other][at]), float(adds[other][at])) for at in order]

    def fold_in(self, items: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """A new user's vector from what he met: `scores_from` answers with it.

        Here the vector is the row of history itself, NaN where an item was not met.
        """
        items, values = self._folded(items, values)
        row = np.full(self.n_items, np.nan)
        row[items] = values
        return row

    def scores_from(self, vectors: np.ndarray) -> np.ndarray:
        """(m, n_items) scores for users given as vectors of `fold_in`, (m, d)."""
        vectors = np.atleast_2d(vectors)
        found = np.tile(self.fallback, (len(vectors), 1))
        met = ~np.isnan(vectors).all(axis=1)
        if met.any():
            found[met] = self._from_rows(_sparse(vectors[met]))
        return found

    def _rows(self, users: np.ndarray) -> np.ndarray:
        return self._from_rows(self.history[users])

    def _from_rows(self, rows: Any) -> np.ndarray:
        """(m, n_items) scores for rows of history, CSR (m, n_items)."""
        return np.tile(self.fallback, (rows.shape[0], 1))

    def _pairs(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Answers (n,) for pairs of known users and items: here, whole rows of scores."""
        who, where = np.unique(users, return_inverse=True)
        order = np.argsort(where, kind="stable")
        found = np.empty(len(users))
        for block in blocks(len(who), self.n_items):
            part = order[slice(*np.searchsorted(where[order], [block.start, block.stop]))]
            rows = self._rows(who[block])
            found[part] = rows[where[part] - block.start, items[part]]
        return found

    def _adds(self, user: int, item: int) -> np.ndarray:
        """What each item of the user's history adds to the score of `item`, in its order."""
        return np.zeros(int(self._counts[user]))

    def _nothing(self, users: np.ndarray) -> np.ndarray:
        """Answers (n,) where the item is unknown."""
        return np.full(len(users), self.mean)

    def _known(self, users: np.ndarray) -> np.ndarray:
        """Which users (n,) the model can tell from any other."""
        return (users >= 0) & (self._counts[np.maximum(users, 0)] > 0)

    def _ends(self, user: int) -> tuple[int, int]:
        return int(self.history.indptr[user]), int(self.history.indptr[user + 1])

    def _open(self, users: np.ndarray, seen: bool, only: np.ndarray | None) -> np.ndarray:
        """Scores of `users`, -inf where an item may not be recommended."""
        found = self.scores(users)
        if not seen:
            at = np.flatnonzero(users >= 0)
            rows = self.history[users[at]]
            found[np.repeat(at, np.diff(rows.indptr)), rows.indices] = -np.inf
        if only is not None:
            barred = np.ones(self.n_items, dtype=bool)
            barred[self._codes(only, self.n_items)] = False
            found[:, barred] = -np.inf
        return found

    def _folded(self, items: np.ndarray,
                values: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Codes in order, those unknown left out, with their values (ones without any)."""
        items = self._codes(items, self.n_items)
        given = np.ones(len(items)) if values is None else np.asarray(values, dtype=np.float64)
        if len(given) != len(items) or not np.isfinite(given).all():
            raise DataError(f"a new user needs one finite value an item; got {len(given)} for "
                            f"{len(items)} items.")
        kept, first = np.unique(items, return_index=True)
        return kept[kept >= 0], given[first][kept >= 0]

    @staticmethod
    def _codes(codes: Any, size: int) -> np.ndarray:
        found = np.atleast_1d(np.asarray(codes, dtype=np.int64))
        if len(found) and (found.min() < -1 or found.max() >= size):
            raise DataError(f"codes must lie in -1..{size - 1}; got {found.min()}..{found.max()}.")
        return found


class Popularity(Recommends):
    """The same for every user: what is met most, or rated best."""


def best(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns (n, k) and values (n, k) of the k largest of each row, ties by column.

    -1 and 0 where a row has fewer than k values above -inf.
    """
    n, width = scores.shape
    size = min(k, width)
    codes, values = np.full((n, k), -1, dtype=np.int32), np.zeros((n, k))
    if not n or not size:
        return codes, values
    at = np.flatnonzero(scores >= _floors(scores, size)[:, None])
    row, column, found = at // width, at % width, scores.ravel()[at]
    order = np.lexsort((column, -found, row))
    take = order[np.searchsorted(row, np.arange(n))[:, None] + np.arange(size)]
    barred = np.isneginf(found[take])
    codes[:, :size] = np.where(barred, -1, column[take])
    values[:, :size] = np.where(barred, 0.0, found[take])
    return codes, values


def _floors(scores: np.ndarray, size: int) -> np.ndarray:
    """(n,) numbers that at least `size` values of each row reach, and few more.

    The largest of each of some groups of columns stand for them: as many values as groups
    reach the group that comes `size`-th. It spares a sort of all.
    """
    n, width = scores.shape
    deep = max(1, min(32, width // (4 * size)))
    groups = width // deep
    tops = scores[:, :deep * groups].reshape(n, deep, groups).max(axis=1)
    tops = np.concatenate([tops, scores[:, deep * groups:]], axis=1)
    return np.partition(tops, tops.shape[1] - size, axis=1)[:, tops.shape[1] - size]


def _sparse(vectors: np.ndarray) -> Any:
    """CSR of dense rows, NaN where nothing is; a value of 0 stays a value."""
    from scipy.sparse import csr_matrix

    row, column = np.nonzero(~np.isnan(vectors))
    ends = np.searchsorted(row, np.arange(len(vectors) + 1))
    return csr_matrix((vectors[row, column], column, ends), shape=vectors.shape)
