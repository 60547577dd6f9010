"""Rules and itemsets as numpy alone: what else a basket may hold, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.state import State

# Cells of (baskets, rules) looked at together.
_CELLS = 1 << 22


@dataclass(frozen=True, eq=False)
class Completed:
    """For each basket the best items: `item`, `score` and `rule` (n, k).

    The score is the best estimate of the item's chance: the confidence of the strongest rule
    whose antecedent the basket holds, or the item's own share of all baskets (`rule` -1). Items
    are -1 where there are no more.
    """

    item: np.ndarray
    score: np.ndarray
    rule: np.ndarray


class Rules:
    """Answers from antecedents (r, a), consequents (r, b), counts and the items' popularity."""

    def __init__(self, state: State) -> None:
        self.antecedent = np.asarray(state.arrays["antecedent"], dtype=np.int64)
        self.consequent = np.asarray(state.arrays["consequent"], dtype=np.int64)
        self.confidence = np.asarray(state.arrays["confidence"], dtype=np.float64)
        self.popularity = np.asarray(state.arrays["popularity"], dtype=np.float64)
        self.names = [str(name) for name in json.loads(state.blobs["items"].decode("utf-8"))]
        self._check()
        self._by_consequent()

    def _check(self) -> None:
        """Arrays from a file must belong together."""
        rules, items = len(self.confidence), len(self.popularity)
        for side in (self.antecedent, self.consequent):
            if side.ndim != 2 or len(side) != rules or (side.size and not (
                    side.min() >= -1 and side.max() < items)):
                raise ValueError("a rule names an item that is not there")
            if rules and not (side[:, 0] >= 0).all():
                raise ValueError("a rule has an empty side")
        if len(self.names) != items or self.confidence.ndim != 1 or self.popularity.ndim != 1:
            raise ValueError("its items and their names do not agree")
        if not (np.isfinite(self.confidence).all() and np.isfinite(self.popularity).all()):
            raise ValueError("a confidence is not finite")

    def _by_consequent(self) -> None:
        """Rules once for each item they lead to, by that item; ranked by confidence, 1 the least.
        """
        rule, at = np.nonzero(self.consequent >= 0)
        item = self.consequent[rule, at]
        order = np.lexsort((rule, item))
        self._rule, held = rule[order], item[order]
        self._targets, self._starts = np.unique(held, return_index=True)
        rank = np.empty(len(self.confidence), dtype=np.int32)
        ranked = np.lexsort((-np.arange(len(rank)), self.confidence))
        rank[ranked] = np.arange(1, len(rank) + 1)
        self._rank, self._ranked = rank[self._rule], ranked

    def answer(self, X: Any) -> np.ndarray:
        """Baskets (n, items), dense or CSR, to the chance of each item that is not in, (n, items).

        Items that a basket holds already score 0.
        """
        held = np.asarray(X.toarray() if hasattr(X, "toarray") else X) != 0
        step = self._step()
        parts = [self._scores(held[at:at + step])[0] for at in range(0, len(held), step)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.popularity)))

    def complete(self, held: np.ndarray, k: int) -> Completed:
        """The `k` items that baskets (n, items) bool most probably lack, best first."""
        step = self._step()
        parts = [self._best(held[at:at + step], k) for at in range(0, len(held), step)]
        if not parts:
            parts = [self._best(np.zeros((0, len(self.popularity)), dtype=bool), k)]
        return Completed(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _step(self) -> int:
        return max(1, _CELLS // max(len(self._rule), len(self.popularity), 1))

    def _best(self, held: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        scores, rule = self._scores(held)
        k = min(k, scores.shape[1])
        first = np.argpartition(-scores, max(k - 1, 0), axis=1)[:, :k]
        first.sort(axis=1)
        inside = np.argsort(-np.take_along_axis(scores, first, axis=1), axis=1, kind="stable")
        order = np.take_along_axis(first, inside, axis=1)
        best = np.take_along_axis(scores, order, axis=1)
        there = ~np.take_along_axis(held, order, axis=1)
        which = np.take_along_axis(rule, order, axis=1)
        return np.where(there, order, -1), np.where(there, best, 0.0), np.where(there, which, -1)

    def _scores(self, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chances (n, items), 0 for what is held, and the rule each comes from, -1 for none."""
        scores = np.repeat(self.popularity[None, :], len(held), axis=0)
        rule = np.full(scores.shape, -1, dtype=np.int64)
        if len(self._rule) and len(held):
            reached = np.maximum.reduceat(self._matching(held), self._starts, axis=1)
            which = self._ranked[np.maximum(reached, 1) - 1]
            surer = (reached > 0) & (self.confidence[which] > scores[:, self._targets])
            scores[:, self._targets] = np.where(surer, self.confidence[which],
                                                scores[:, self._targets])
            rule[:, self._targets] = np.where(surer, which, -1)
        scores[held] = 0.0
        return scores, rule

    def _matching(self, held: np.ndarray) -> np.ndarray:
        """The rank of each rule where its antecedent is in the basket, else 0, (n, rules)."""
        antecedent = self.antecedent[self._rule]
        fits = held[:, antecedent[:, 0]]
        for at in range(1, antecedent.shape[1]):
            there = np.flatnonzero(antecedent[:, at] >= 0)
            fits[:, there] &= held[:, antecedent[there, at]]
        return fits * self._rank


class Itemsets:
    """Frequent itemsets from a State: `levels` of (items (s, k), counts (s,)), `baskets`."""

    def __init__(self, state: State) -> None:
        self.baskets = int(state.config["baskets"])
        many = int(state.config["levels"])
        if many * 2 != len(state.arrays):
            raise ValueError("its levels and arrays do not agree")
        self.levels = [(state.arrays[f"items_{size}"], state.arrays[f"counts_{size}"])
                       for size in range(1, many + 1)]
        for size, (items, counts) in enumerate(self.levels, start=1):
            if items.dtype.kind not in "iu" or counts.dtype.kind not in "iu":
                raise ValueError(f"its sets of {size} and their counts are no whole numbers")
            if items.ndim != 2 or items.shape != (len(counts), size) or counts.ndim != 1 or (
                    items.size and items.min() < 0):
                raise ValueError(f"its sets of {size} do not agree with their counts")

    def answer(self, X: Any) -> np.ndarray:
        """How many of the itemsets each basket (n, items) holds, (n,)."""
        held = np.asarray(X.toarray() if hasattr(X, "toarray") else X) != 0
        total = np.zeros(len(held))
        for items, _ in self.levels:
            step = max(1, _CELLS // max(len(items), 1))
            for at in range(0, len(held), step):
                fits = held[at:at + step][:, items]
                total[at:at + step] += fits.all(axis=2).sum(axis=1)
        return total
