"""What a fit does about imbalance, applied to the training rows of one fold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.base.errors import ParameterError
from wholefit.models import Model
from wholefit.training.balance import _between, _layout, _words, weighting
from wholefit.training.balance._base import Drawn, Resampler


@dataclass(frozen=True)
class Taught:
    """The rows that a model learns from, and what its probabilities are multiplied by (k,)."""

    X: Any
    y: np.ndarray
    weights: np.ndarray | None
    factor: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Treatment:
    """A way to balance: a resampler, or "weights", or "costs" with the cost matrix (k, k)."""

    way: Resampler | str
    n_classes: int
    costs: np.ndarray | None = None
    seed: int = 0

    @property
    def written(self) -> str:
        """As a person writes it."""
        return _words.written(self.way)

    def check(self, model: Model) -> None:
        """ParameterError where the model cannot be treated so."""
        if isinstance(self.way, str) and not model.weighted:
            raise ParameterError(
                f"balance={self.way!r} weighs rows, and {model.name} takes no weights; "
                "use balance='over' or another resampler, or threshold=.")

    def apply(
        self, X: Any, y: np.ndarray, weights: np.ndarray | None, encoder: Any, key: Any
    ) -> Taught:
        """The training rows as they are learnt from; X (n, p) of `encoder`, y (n,) codes.

        `key` names the fold: each draws by itself, and the same again for every model of the
        same features.
        """
        before = weighting.shares(y, weights, self.n_classes)
        if isinstance(self.way, str):
            heavy = self._weights(y, weights)
            after = weighting.shares(y, heavy, self.n_classes)
            return Taught(X, y, heavy, weighting.factor(before, after))
        if (np.bincount(y) > 0).sum() < 2:
            return Taught(X, y, weights)  # one class only: there is nothing to balance
        random = seeds.generator(self.seed, "balance", str(key))
        drawn = _no_class_lost(self.way.draw(X, y, _layout.of(encoder), random), y)
        found = _gathered(drawn, X, y, weights)
        after = weighting.shares(found.y, found.weights, self.n_classes)
        return Taught(found.X, found.y, found.weights, weighting.factor(before, after))

    def lean(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """How much more each class counts in what is learnt from than in these rows, (k,)."""
        before = weighting.shares(y, weights, self.n_classes)
        if isinstance(self.way, str):
            after = weighting.shares(y, self._weights(y, weights), self.n_classes)
        else:
            now = np.bincount(y, minlength=self.n_classes).astype(np.float64)
            grown = np.divide(self.way.counts(y, self.n_classes), now, out=np.ones(len(now)),
                              where=now > 0)
            after = before * grown / (before * grown).sum()
        return weighting.factor(after, before)

    def _weights(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        if self.way == _words.BY_COST:
            assert self.costs is not None
            return weighting.by_cost(y, weights, self.costs)
        return weighting.even(y, weights)


def _no_class_lost(drawn: Drawn, y: np.ndarray) -> Drawn:
    """What was drawn, and all rows of a class that would otherwise have none left."""
    left = {*np.unique(y[drawn.rows]).tolist(), *np.unique(drawn.labels).tolist()}
    lost = [code for code in np.unique(y).tolist() if code not in left]
    if not lost:
        return drawn
    back = np.flatnonzero(np.isin(y, lost))
    return replace(drawn, rows=np.sort(np.concatenate([drawn.rows, back])))


def _gathered(drawn: Drawn, X: Any, y: np.ndarray, weights: np.ndarray | None) -> Taught:
    """Kept rows, then made ones; a made row weighs what its two parents weigh on average."""
    parts = [X[drawn.rows]]
    labels = [y[drawn.rows]]
    heavy = None if weights is None else [weights[drawn.rows]]
    if drawn.made is not None:
        parts.append(drawn.made)
        labels.append(drawn.labels.astype(y.dtype))
        if heavy is not None and weights is not None:
            heavy.append(weights[drawn.parents].mean(axis=1))
    return Taught(_between.stack(parts), np.concatenate(labels),
                  None if heavy is None else np.concatenate(heavy))
