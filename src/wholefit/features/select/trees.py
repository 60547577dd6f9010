"""Features that trees split on to the good of rows they were not grown on."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.seeds import derive, generator
from wholefit.features.select._seen import Scores, Seen

_ROWS, _CELLS = 20_000, 10_000_000
_TREES = 100
_LARGEST = 1e37


def tree(seen: Seen, keep: int | None = None) -> Scores:
    """Decrease of impurity over 100 extremely random trees, on rows out of the bag.

    Counted on the rows a tree was grown on, the decrease favours features of many values and is
    never zero; on the others it is about zero for noise (MDI-oob, Li et al. 2019). Curves and
    interactions count. At most 20,000 rows and ten million cells are learnt from. Without a
    number to keep, shuffled copies of the features are given to the same trees, and those are
    kept that are further from zero than every copy (the idea of Boruta, Kursa and Rudnicki
    2010, in one round).
    """
    wide = seen.X.shape[1]
    given = wide if keep is not None else 2 * wide
    seen = seen.sample(int(np.clip(_CELLS // given, 2000, _ROWS)), "tree")
    X = seen.X if seen.sparse else _without_gaps(seen.X)
    if keep is None:
        X = _with_shadows(X, generator(seen.seed, "select", "shadows"))
    found = importances(_grown(X, seen), X, seen.targets())
    values = found[:wide]
    return Scores(values, values > np.abs(found[wide:]).max(initial=0.0))


def importances(forest: Any, X: Any, targets: np.ndarray) -> np.ndarray:
    """Decrease of squared error (features,), mean over trees, on rows out of each one's bag.

    `targets` (rows, k) are 0/1 for classes, or the number itself.
    """
    X = X.tocsr().astype(np.float32) if hasattr(X, "tocsr") else X
    total = np.zeros(X.shape[1])
    for grown, bag in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        outside = np.setdiff1d(np.arange(X.shape[0]), bag)
        if len(outside):
            total += _of_tree(grown, X[outside], targets[outside])
    return total / len(forest.estimators_)


def _of_tree(grown: Any, X: Any, targets: np.ndarray) -> np.ndarray:
    """Per feature: what its splits move the answer by, times how far the truth lies that way."""
    parts = grown.tree_
    inner = np.flatnonzero(parts.children_left >= 0)
    children = np.concatenate([parts.children_left[inner], parts.children_right[inner]])
    parents = np.concatenate([inner, inner])
    if not len(children):
        return np.zeros(X.shape[1])
    answers = parts.value[:, 0, :]
    passing = np.asarray(grown.decision_path(X).T @ targets)
    here = (answers[children] - answers[parents]) * passing[children]
    return np.bincount(parts.feature[parents], here.sum(axis=1), X.shape[1]) / X.shape[0]


def _grown(X: Any, seen: Seen) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    kind = ExtraTreesClassifier if seen.n_classes else ExtraTreesRegressor
    y = np.unique(seen.y, return_inverse=True)[1] if seen.n_classes else seen.y
    made = kind(_TREES, max_features="sqrt", min_samples_leaf=max(1, X.shape[0] // 1000),
                bootstrap=True, random_state=derive(seen.seed, "select", "tree") % 2**32)
    return made.fit(X, y)


def _without_gaps(X: np.ndarray) -> np.ndarray:
    """float32, missing values below all others, so that a split can set them apart."""
    X = np.clip(X, -_LARGEST, _LARGEST).astype(np.float32)
    gaps = np.isnan(X)
    if gaps.any():
        low = np.where(gaps, np.inf, X).min(axis=0)
        low = np.where(np.isfinite(low), low, 0.0)
        np.copyto(X, (low - 1 - np.abs(low) * 1e-3).astype(np.float32), where=gaps)
    return X


def _with_shadows(X: Any, random: np.random.Generator) -> Any:
    if hasattr(X, "tocsr"):
        from scipy.sparse import hstack

        return hstack([X, X[random.permutation(X.shape[0])]], format="csr")
    return np.hstack([X, random.permuted(X, axis=0)])
