"""Which item to ask about next: what a model is least sure of, spread over unlike items.

    least_confident   1 - the largest probability (Lewis and Gale 1994)
    margin            1 - the largest plus the second largest (Scheffer et al. 2001)
    entropy           entropy of the probabilities, in shares of its most (Shannon 1948)

For two classes the three give the same order. Several items asked before the model learns again
should not be near copies: of the least sure ones, each next one is chosen by its uncertainty
times how unlike it is to those chosen before (as in Brinker 2003).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import unknown

Array = np.ndarray
STRATEGIES = ("margin", "least_confident", "entropy")
# Diversity is sought among this many of the least sure for each item wanted.
_POOL = 20


def uncertainty(proba: Array, strategy: str = "margin") -> Array:
    """How unsure probabilities (n, k) are, (n,), from 0 (sure) to 1 (no idea)."""
    if strategy not in STRATEGIES:
        raise unknown("strategy", strategy, STRATEGIES)
    k = proba.shape[1]
    if strategy == "least_confident":
        return (1 - proba.max(axis=1)) * k / (k - 1)
    if strategy == "margin":
        top = np.partition(proba, k - 2, axis=1)[:, k - 2:]
        return 1 - (top[:, 1] - top[:, 0])
    logs = np.log(np.maximum(proba, 1e-300))
    return -(proba * logs).sum(axis=1) / np.log(k)


def choose(unsure: Array, X: Any, rows: Array, count: int, near: Array | None = None) -> Array:
    """At most `count` of `rows`, least sure first and unlike one another.

    `unsure` (n,) and X (n, features), dense or sparse, are of all items; `near` are items that
    were asked already and not yet learnt, which the chosen should be unlike too.
    """
    if not len(rows):
        return rows
    pool = rows[np.argsort(-unsure[rows], kind="stable")[:max(_POOL * count, _POOL)]]
    if X is None or len(pool) == 1:
        return pool[:count]
    unit = _unit(X[pool])
    like = np.zeros(len(pool))
    if near is not None and len(near):
        like = _alike(unit, _unit(X[near])).max(axis=1)
    chosen: list[int] = []
    left = np.ones(len(pool), dtype=bool)
    # A little is added so that among items that are all quite sure diversity still decides.
    worth = unsure[pool] + 1e-9
    while len(chosen) < min(count, len(pool)):
        value = np.where(left, worth * (1 - like), -1.0)
        at = int(value.argmax())
        chosen.append(at)
        left[at] = False
        like = np.maximum(like, _alike(unit, unit[at:at + 1]).ravel())
    return pool[chosen]


def _unit(X: Any) -> Any:
    """Rows brought to length one; a row of zeros stays so."""
    if hasattr(X, "tocsr"):
        from scipy.sparse import diags_array

        X = X.tocsr()
        length = np.sqrt(X.multiply(X).sum(axis=1))
        return (diags_array(1 / np.maximum(np.asarray(length).ravel(), 1e-12)) @ X).tocsr()
    X = np.asarray(X, dtype=float)
    return X / np.maximum(np.sqrt((X * X).sum(axis=1, keepdims=True)), 1e-12)


def _alike(a: Any, b: Any) -> Array:
    """Cosines (rows of a, rows of b), from 0."""
    found = a @ b.T
    found = found.toarray() if hasattr(found, "toarray") else np.asarray(found)
    return np.clip(found, 0.0, 1.0)
