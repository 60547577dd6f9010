"""Estimators of the generators that need no network."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri
from sklearn.base import BaseEstimator

from wholefit.base.state import State
from wholefit.models._generators.base import checked, levels_of
from wholefit.models._kernels import generators as kernels
from wholefit.models._kernels._marginals import Marginals, ranked
from wholefit.models._model import Context

_LEAF = 64


class Plain(BaseEstimator):  # type: ignore[misc]
    """`fit(X)` learns `state_`; `sample` answers from it, as the loaded one does."""

    kernel: Any
    fewest = 2

    def __init__(self, model: Any, context: Context) -> None:
        self.model, self.context = model, context

    def fit(self, X: Any, y: Any = None) -> Plain:
        """Learn from rows (n, p); `y` is not looked at."""
        rows = checked(X, self.fewest, self.model.name)
        self.rng = np.random.default_rng(self.context.seed)
        most = getattr(self.model, "rows", None)
        if most is not None and len(rows) > most:
            rows = rows[np.sort(self.rng.choice(len(rows), most, replace=False))]
        self.codes = levels_of(self.context.spans, rows.shape[1]) > 0
        self.state_ = self.learn(rows)
        return self

    def learn(self, rows: np.ndarray) -> State:
        """What is kept of the rows."""
        raise NotImplementedError

    def sample(self, count: int, seed: int, given: int | None = None) -> np.ndarray:
        """New rows (count, p)."""
        made: np.ndarray = self.kernel(self.state_).sample(count, seed, given)
        return made


class IndependentColumns(Plain):
    """Each column by itself."""

    kernel = kernels.Independent
    fewest = 1

    def learn(self, rows: np.ndarray) -> State:
        """The marginals."""
        return State("generator.independent", {}, Marginals.fit(rows, self.codes).arrays())


class CopulaEstimator(Plain):
    """The marginals, and how ranks go together."""

    kernel = kernels.Copula

    def learn(self, rows: np.ndarray) -> State:
        """Marginals and the root of the correlation of normal scores, shrunk to be definite."""
        scores = ndtri(ranked(rows, self.rng))
        scores -= scores.mean(axis=0)
        spread = np.maximum(scores.std(axis=0), 1e-9)
        together = (scores / spread).T @ (scores / spread) / len(rows)
        p = rows.shape[1]
        shrink = max(self.model.shrinkage, min(0.5, p / (len(rows) + p) * 0.1), 1e-6)
        together = (1 - shrink) * together + shrink * np.eye(p)
        np.fill_diagonal(together, 1.0)
        arrays = Marginals.fit(rows, self.codes).arrays()
        return State("generator.copula", {}, {**arrays, "root": np.linalg.cholesky(together)})


class BootstrapEstimator(Plain):
    """The rows themselves, and how much noise is laid on them."""

    kernel = kernels.Again
    fewest = 1

    def learn(self, rows: np.ndarray) -> State:
        """Rows, and a bandwidth a number (Silverman 1986, a share of it)."""
        numbers = ~self.codes
        spread = np.zeros(rows.shape[1])
        for at in np.flatnonzero(numbers):
            seen = rows[:, at][~np.isnan(rows[:, at])]
            if len(seen) > 1:
                low, high = np.quantile(seen, [0.25, 0.75])
                wide = min(float(seen.std()), (high - low) / 1.34 or float(seen.std()))
                spread[at] = 0.9 * wide * len(seen) ** -0.2
        return State("generator.again", {"swap": self.model.swap}, {
            "rows": rows, "noise": self.model.noise * spread, "codes": self.codes})


class SequenceEstimator(Plain):
    """A tree for each column, from those before it."""

    kernel = kernels.Sequence

    def learn(self, rows: np.ndarray) -> State:
        """Trees in order, with the values of each leaf's rows."""
        seen = np.where(np.isnan(rows), np.inf, rows).min(axis=0)
        seen = np.where(np.isfinite(seen), seen, 0.0)
        wide = np.nan_to_num(np.nanmax(np.where(np.isnan(rows), -np.inf, rows), axis=0),
                             neginf=0.0) - seen
        low = seen - np.maximum(wide, 1.0)
        known = kernels.single(np.where(np.isnan(rows), low, rows))
        parts = {f"tree {at}": self._tree(known[:, :at], known[:, at], rows[:, at],
                                          bool(self.codes[at]))
                 for at in range(rows.shape[1])}
        return State("generator.sequence", {}, {"codes": self.codes, "low": low}, parts=parts)

    def _tree(
        self, before: np.ndarray, target: np.ndarray, values: np.ndarray, code: bool
    ) -> State:
        if not before.shape[1] or len(np.unique(target)) < 2:
            return State("leaves", {}, _leaves(
                np.zeros(len(values), dtype=np.int64), values, self.rng,
                np.array([-1]), np.zeros(1), np.array([0]), np.array([0])))
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        few = code and len(np.unique(target)) <= 50
        kind = DecisionTreeClassifier if few else DecisionTreeRegressor
        leaf = max(1, min(self.model.leaf, len(values) // 2))
        tree = kind(min_samples_leaf=leaf, max_depth=self.model.depth,
                    random_state=self.context.seed % 2**31)
        tree.fit(before, target.astype(np.int64) if few else target)
        inner = tree.tree_
        feature = np.where(inner.children_left >= 0, inner.feature, -1)
        return State("leaves", {}, _leaves(
            tree.apply(before), values, self.rng, feature, inner.threshold,
            inner.children_left, inner.children_right))


def _leaves(
    leaf: np.ndarray, values: np.ndarray, rng: np.random.Generator, feature: np.ndarray,
    threshold: np.ndarray, left: np.ndarray, right: np.ndarray,
) -> dict[str, np.ndarray]:
    """The arrays of a tree, with at most `_LEAF` sorted values of each leaf, missing ones first."""
    order = np.lexsort((np.where(np.isnan(values), -np.inf, values), leaf))
    leaf, values = leaf[order], values[order]
    kept, starts = [], [0]
    bounds = np.searchsorted(leaf, np.arange(len(feature) + 1))
    for at in range(len(feature)):
        own = values[bounds[at]:bounds[at + 1]]
        if len(own) > _LEAF:
            own = own[np.round(np.linspace(0, len(own) - 1, _LEAF)).astype(np.int64)]
        kept.append(own)
        starts.append(starts[-1] + len(own))
    return {"feature": np.asarray(feature, np.int64), "threshold": np.asarray(threshold),
            "left": np.asarray(left, np.int64), "right": np.asarray(right, np.int64),
            "starts": np.asarray(starts, np.int64), "values": np.concatenate(kept)}
