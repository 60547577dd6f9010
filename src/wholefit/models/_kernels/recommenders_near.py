"""Neighbours among items or users: weighted means of what they are rated, or sums of likeness."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels.recommenders import Recommends
from wholefit.models._kernels.recommenders_factors import strengths
from wholefit.models._kernels.recommenders_likeness import Side, ones, strongest
from wholefit.models._kernels.recommenders_rows import (
    blocks,
    need,
    read_array,
    read_number,
    read_rows,
)


class Biases(Recommends):
    """The mean, what the item adds and what the user adds; neighbours add to it below.

    Fitted on uses there are no biases, and the history weighs what its strengths say.
    """

    def _load(self, state: State) -> None:
        self._rated = self.answers == "rating"
        self._ridge = read_number(state, "ridge", 0)
        self._unit = 0.0 if self._rated else read_number(state, "unit", 0)
        self._user_bias = np.zeros(self.n_users)
        if self._rated:
            self._user_bias = read_array(state, "user_bias", self.n_users)

    def _from_rows(self, rows: Any) -> np.ndarray:
        return self.fallback + self._bias(rows)[:, None]

    def _nothing(self, users: np.ndarray) -> np.ndarray:
        if not self._rated:
            return np.zeros(len(users))
        return self.mean + np.where(users >= 0, self._user_bias[users], 0.0)

    def _bias(self, rows: Any) -> np.ndarray:
        """What the users of these rows of ratings add to every item."""
        above = rows.data - self.fallback[rows.indices]
        counts = np.diff(rows.indptr)
        at = np.repeat(np.arange(rows.shape[0]), counts)
        sums = np.bincount(at, above, minlength=rows.shape[0])
        return sums / np.maximum(counts + self._ridge, 1e-12)

    def _told(self, rows: Any) -> Any:
        """The rows as what they tell: ratings above what was expected, or weights."""
        made = rows.copy()
        if not self._rated:
            made.data = strengths(rows.data, self._unit)
            return made
        bias = np.repeat(self._bias(rows), np.diff(rows.indptr))
        made.data = rows.data - self.fallback[rows.indices] - bias
        return made


def crossed(near: Any, a: np.ndarray, table: Any, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums over the neighbours x of each `a` of near[a, x] * table[b, x], and of near[a, x] alone
    where the CSR `table` has that cell; (n,) each for n pairs (a, b).
    """
    who, where = np.unique(b, return_inverse=True)
    order = np.argsort(where, kind="stable")
    sums, weights = np.zeros(len(a)), np.zeros(len(a))
    longest = max(1, int(np.diff(near.indptr).max(initial=0)))
    for block in blocks(len(who), table.shape[1]):
        rows = table[who[block]]
        told, met = rows.toarray(), ones(rows).toarray()
        mine = order[slice(*np.searchsorted(where[order], [block.start, block.stop]))]
        for some in blocks(len(mine), longest):
            pairs = mine[some]
            asked = near[a[pairs]]
            pair = np.repeat(np.arange(len(pairs)), np.diff(asked.indptr))
            at = (where[pairs] - block.start)[pair], asked.indices
            sums[pairs] = np.bincount(pair, asked.data * told[at], minlength=len(pairs))
            weights[pairs] = np.bincount(pair, asked.data * met[at], minlength=len(pairs))
    return sums, weights


class ItemNear(Biases):
    """Each item by the items most like it: what the user told of those, weighed by likeness."""

    def _load(self, state: State) -> None:
        super()._load(state)
        self._near = read_rows(state, "near", self.n_items, self.n_items)
        self._turned = self._near.T.tocsr()
        self._damp = read_number(state, "damp", 0)

    def _from_rows(self, rows: Any) -> np.ndarray:
        told = self._told(rows)
        found = np.asarray((told @ self._turned).todense())
        if not self._rated:
            return found
        weight = np.asarray((ones(rows) @ self._turned).todense())
        return super()._from_rows(rows) + found / np.maximum(weight + self._damp, 1e-12)

    def _pairs(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        who, where = np.unique(users, return_inverse=True)
        sums, weights = crossed(self._near, items, self._told(self.history[who]), where)
        if not self._rated:
            return sums
        return self._user_bias[users] + self.fallback[items] + sums / np.maximum(
            weights + self._damp, 1e-12)

    def similar(self, item: int) -> np.ndarray:
        """(n_items,) likeness to the neighbours of `item`, 0 to all others, 1 to itself."""
        found = np.asarray(self._near[[item]].todense()).ravel()
        found[item] = 1.0
        return found

    def _adds(self, user: int, item: int) -> np.ndarray:
        mine = slice(*self._ends(user))
        span = slice(self._near.indptr[item], self._near.indptr[item + 1])
        toward = np.zeros(self.n_items)
        toward[self._near.indices[span]] = self._near.data[span]
        near = toward[self.history.indices[mine]]
        if not self._rated:
            return np.asarray(near * strengths(self.history.data[mine], self._unit))
        adds = near * self._told(self.history[[user]]).data
        return np.asarray(adds / max(near.sum() + self._damp, 1e-12))


class UserNear(Biases):
    """Each user by the users most like them: what those told of the item."""

    def _load(self, state: State) -> None:
        super()._load(state)
        self._near = read_rows(state, "near", self.n_users, self.n_users)
        self._damp = read_number(state, "damp", 0)
        self._shrink = read_number(state, "shrink", 0)
        self._k = int(read_number(state, "neighbours", 1))
        self._likeness = state.config["likeness"]
        need(self._likeness in ("cosine", "pearson", "adjusted"), "likeness")
        self._all = self._told(self.history)
        self._met = ones(self.history)

    def _rows(self, users: np.ndarray) -> np.ndarray:
        return self._around(self._near[users], self._user_bias[users])

    def _pairs(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        asked, which = np.unique(items, return_inverse=True)
        sums, weights = crossed(self._near, users, self._all[:, asked].T.tocsr(), which)
        if not self._rated:
            total = np.asarray(self._near.sum(axis=1)).ravel()[users]
            return sums / np.maximum(total + self._damp, 1e-12)
        return self._user_bias[users] + self.fallback[items] + sums / np.maximum(
            weights + self._damp, 1e-12)

    def _around(self, near: Any, bias: np.ndarray) -> np.ndarray:
        """Scores of users with these neighbours (m, n_users) and these biases (m,)."""
        found = np.asarray((near @ self._all).todense())
        if not self._rated:
            total = np.asarray(near.sum(axis=1)).ravel()
            return found / np.maximum(total + self._damp, 1e-12)[:, None]
        weight = np.asarray((near @ self._met).todense())
        return self.fallback + bias[:, None] + found / np.maximum(weight + self._damp, 1e-12)

    def _from_rows(self, rows: Any) -> np.ndarray:
        side = Side(self._compared(self.history), self._likeness, self._shrink, self._rated)
        found = np.empty((rows.shape[0], self.n_items))
        for block in blocks(rows.shape[0], self.n_users):
            near = strongest(side.to(self._compared(rows[block])), self._k)
            found[block] = self._around(near, self._bias(rows[block]))
        return found

    def _compared(self, rows: Any) -> Any:
        return self._told(rows) if self._likeness == "adjusted" or not self._rated else rows

    def _adds(self, user: int, item: int) -> np.ndarray:
        """Each neighbour's part, shared out over the items that make the two alike."""
        near, row = self._near[[user]], self.history[[user]]
        others = near.indices
        told = np.asarray(self._all[others][:, [item]].todense()).ravel()
        met = np.asarray(self._met[others][:, [item]].todense()).ravel()
        total = (near.data * met).sum() if self._rated else near.data.sum()
        parts = near.data * told / max(total + self._damp, 1e-12)
        own = np.abs(self._compared(row).data)
        shared = np.abs(np.asarray(self._compared(self.history[others])[:, row.indices].todense()))
        shared = shared * own
        sums = shared.sum(axis=1, keepdims=True)
        return parts @ np.divide(shared, sums, out=np.zeros_like(shared), where=sums > 0)
