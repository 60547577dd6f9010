"""Correlations of all features with one another and with the target, at a bounded cost.

Methods that weigh features against one another (L1, recursive elimination, redundancy) need
these alone, and not the rows. Two limits keep the cost steady: at most `MOST` features enter, those
with the largest F (sure independence screening, Fan and Lv 2008), and as many rows as keep the
products below `_PRODUCTS`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wholefit.features.select import _tables
from wholefit.features.select._seen import Seen, filled

MOST = 2000
_PRODUCTS = 4e10
_SMOOTH = 10.0


@dataclass(frozen=True)
class Gram:
    """Of features `where` (k,), which vary: `among` (k, k) and `target` (k, targets), both
    correlations, over `rows` rows."""

    where: np.ndarray
    among: np.ndarray
    target: np.ndarray
    rows: int


def gram(seen: Seen, first: np.ndarray, most: int | None = None) -> Gram:
    """Correlations of the features; `first` (features,) says which enter where not all can."""
    wide = min(len(first), most or MOST)
    where = np.sort(np.argsort(-first, kind="stable")[:wide])
    seen = seen.sample(max(1000, int(_PRODUCTS / wide**2)), "gram")
    X = _numbers(seen, where)
    steady = X.min(axis=0) == X.max(axis=0)
    if steady.any():
        X, where = X[:, ~steady], where[~steady]
    _standardise(X)
    targets = seen.targets()
    if seen.n_classes == 2 and targets.shape[1] == 2:
        targets = targets[:, 1:]
    targets = targets[:, targets.min(axis=0) < targets.max(axis=0)]
    _standardise(targets)
    rows = len(X)
    return Gram(where, X.T @ X / rows, X.T @ targets / rows, rows)


def _numbers(seen: Seen, where: np.ndarray) -> np.ndarray:
    """The features as float64 (rows, k), category codes as their levels' mean target."""
    if seen.sparse:
        return np.asarray(seen.X[:, where].toarray(), dtype=np.float64)
    X = filled(np.array(seen.X[:, where], dtype=np.float64))
    place = {feature: at for at, feature in enumerate(where.tolist())}
    for feature, levels in _tables.code_columns(seen):
        if feature in place:
            X[:, place[feature]] = _coded(levels, seen)
    return X


def _coded(levels: np.ndarray, seen: Seen) -> np.ndarray:
    """One number a level: the target's mean there, shrunk to the mean of all.

    With more than two classes it is the first axis of the levels' profiles of classes, as in
    correspondence analysis.
    """
    targets = seen.targets()
    mean = targets.mean(axis=0)
    counts = np.bincount(levels)[:, None]
    sums = np.stack([np.bincount(levels, column) for column in (targets - mean).T], axis=1)
    profile = sums / (counts + _SMOOTH)
    if profile.shape[1] == 1:
        return profile[levels, 0]
    axis = np.linalg.svd(np.sqrt(counts) * profile / np.sqrt(mean), full_matrices=False)[2][0]
    return (profile / np.sqrt(mean) @ axis)[levels]


def _standardise(X: np.ndarray) -> None:
    X -= X.mean(axis=0)
    X /= np.maximum(np.sqrt(np.einsum("ij,ij->j", X, X) / max(len(X), 1)), 1e-300)
