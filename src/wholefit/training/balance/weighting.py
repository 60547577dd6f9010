"""How much each class weighs, and how probabilities find back to the classes' own frequencies.

A model that learnt from rows in other proportions than they occur in says the probabilities of
that other world. Bayes' rule brings them back: p(c) is proportional to the probability said
times the class's frequency, over its frequency in what was learnt from (Elkan 2001, theorem 2;
Saerens, Latinne and Decaestecker 2002, equation 2.4). This is exact where only the proportions
of classes changed (weights, over, under); where rows of a class were made or chosen, it is the
best that the proportions alone can do.
"""

from __future__ import annotations

import numpy as np


def even(y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Weight of each row (n,) so that all classes weigh the same, and all rows together n."""
    total = np.bincount(y, weights=weights)
    seen = np.flatnonzero(total)
    factor = np.zeros(len(total))
    factor[seen] = total.sum() / (len(seen) * total[seen])
    return factor[y] if weights is None else weights * factor[y]


def by_cost(y: np.ndarray, weights: np.ndarray | None, costs: np.ndarray) -> np.ndarray:
    """Weight of each row by what mistaking its class costs, all rows together n (Ting 2002)."""
    row = costs.sum(axis=1)[y].astype(np.float64)
    found = row if weights is None else weights * row
    before = len(y) if weights is None else weights.sum()
    return found * (before / found.sum()) if found.sum() > 0 else np.ones(len(y))


def shares(y: np.ndarray, weights: np.ndarray | None, n_classes: int) -> np.ndarray:
    """Share of the weight that each class has, (k,)."""
    total = np.bincount(y, weights=weights, minlength=n_classes).astype(np.float64)
    return total / total.sum()


def factor(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """What the probability of each class (k,) is multiplied by; 1 for a class without rows."""
    known = (before > 0) & (after > 0)
    return np.divide(before, after, out=np.ones(len(before)), where=known)
