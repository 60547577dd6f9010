"""What mattered: the share of the losses' variance that each dimension, and each pair, makes.

Functional analysis of variance of a random forest of the trials (Hutter, Hoos and Leyton-Brown
2014). A tree is constant on boxes, so its mean over all other dimensions, as a function of one or
two, is computed exactly; dimensions are taken at their places in [0, 1], so that "all values" are
weighed as the space weighs them. Losses are capped before: how bad a bad configuration is, is not
what matters near the best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from wholefit.training.tuning.space import Space

_TREES = 64
_PAIRS_AMONG = 6
_GRID = 41


@dataclass(frozen=True)
class Effect:
    """The mean loss over all else at places of one dimension, and its spread over the trees."""

    places: tuple[float, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True)
class Importance:
    """Shares of variance, in [0, 1], by dimension and by pair; the greatest first.

    `spread` is the standard deviation of each share over the trees; `explained` how much of the
    losses' variance the forest explains on trials a tree did not see: below about 0.3 the shares
    say little. `effects` by dimension.
    """

    shares: dict[str, float]
    spread: dict[str, float]
    pairs: dict[tuple[str, str], float]
    effects: dict[str, Effect]
    explained: float
    trials: int

    def to_json(self) -> dict[str, Any]:
        """JSON-able form, without the effects."""
        return {"shares": self.shares, "spread": self.spread, "explained": self.explained,
                "trials": self.trials,
                "pairs": [[*names, share] for names, share in self.pairs.items()]}


@dataclass(frozen=True)
class Boxes:
    """A tree's leaves: bounds (leaves, dims), each within [0, 1], and values (leaves,)."""

    low: np.ndarray
    high: np.ndarray
    value: np.ndarray

    @property
    def volume(self) -> np.ndarray:
        """Shares of the whole space (leaves,)."""
        return np.prod(self.high - self.low, axis=1)

    def marginal(self, dims: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Mean values over all other dimensions on the cells that the tree makes in these, and
        the cells' volumes.
        """
        sides = [np.unique(np.concatenate([self.low[:, dim], self.high[:, dim]])) for dim in dims]
        rest = self.volume / np.prod([self.high[:, dim] - self.low[:, dim] for dim in dims], axis=0)
        inside = [(self.low[:, [dim]] <= side[:-1]) & (self.high[:, [dim]] >= side[1:])
                  for dim, side in zip(dims, sides, strict=True)]
        weight = self.value * rest
        widths = [np.diff(side) for side in sides]
        if len(dims) == 1:
            return weight @ inside[0], widths[0]
        found = np.einsum("l,la,lb->ab", weight, inside[0], inside[1])
        return found, np.multiply.outer(*widths)

    def at(self, dim: int, places: np.ndarray) -> np.ndarray:
        """The mean over all other dimensions at places of one."""
        sides = np.unique(np.concatenate([self.low[:, dim], self.high[:, dim]]))
        values, _ = self.marginal([dim])
        return values[np.clip(np.searchsorted(sides, places, side="right") - 1, 0, len(values) - 1)]


def shares_of(boxes: Boxes, pairs: Sequence[tuple[int, int]] = ()) -> tuple[
        np.ndarray, dict[tuple[int, int], float], float]:
    """One tree's variance shares of each dimension and of the pairs asked for, and its variance.

    Shares are zero where the tree is constant.
    """
    mean = float(boxes.volume @ boxes.value)
    total = float(boxes.volume @ (boxes.value - mean) ** 2)
    dims = boxes.low.shape[1]
    alone = np.zeros(dims)
    if total <= 0:
        return alone, dict.fromkeys(pairs, 0.0), 0.0
    for dim in range(dims):
        values, widths = boxes.marginal([dim])
        alone[dim] = widths @ (values - mean) ** 2
    together = {}
    for one, other in pairs:
        values, areas = boxes.marginal([one, other])
        both = float((areas * (values - mean) ** 2).sum())
        together[one, other] = max(both - alone[one] - alone[other], 0.0) / total
    return alone / total, together, total


def measured(
    space: Space, names: Sequence[str], configurations: Sequence[Mapping[str, Any]],
    losses: Sequence[float], seed: int = 0,
) -> Importance:
    """Shares of these dimensions from configurations that all have them, and their losses."""
    from sklearn.ensemble import RandomForestRegressor

    X = np.array([[space.dims[name].place(values[name]) for name in names]
                  for values in configurations])
    y = _capped(np.asarray(losses, dtype=np.float64))
    forest = RandomForestRegressor(
        n_estimators=_TREES, min_samples_leaf=2, max_features=max(1, round(0.7 * len(names))),
        oob_score=True, bootstrap=True, random_state=seed, n_jobs=1)
    with np.errstate(all="ignore"):
        forest.fit(X, y)
    explained = float(forest.oob_score_)
    trees = [boxes_of(tree.tree_, len(names)) for tree in forest.estimators_]
    alone = np.array([shares_of(tree)[0] for tree in trees])
    order = np.argsort(-alone.mean(axis=0), kind="stable")
    pairs = list(combinations(sorted(order[:_PAIRS_AMONG].tolist()), 2))
    together = [shares_of(tree, pairs)[1] for tree in trees]
    places = np.linspace(0, 1, _GRID)
    effects = {}
    for dim in order:
        lines = np.array([tree.at(int(dim), places) for tree in trees])
        effects[names[dim]] = Effect(tuple(places), tuple(lines.mean(axis=0)),
                                     tuple(lines.std(axis=0)))
    means = {pair: float(np.mean([each[pair] for each in together])) for pair in pairs}
    return Importance(
        {names[dim]: float(alone[:, dim].mean()) for dim in order},
        {names[dim]: float(alone[:, dim].std()) for dim in order},
        {(names[one], names[other]): share for (one, other), share in sorted(
            means.items(), key=lambda each: -each[1])},
        effects, explained, len(y))


def boxes_of(tree: Any, dims: int) -> Boxes:
    """The leaves of a fitted scikit-learn tree over the unit cube."""
    low, high, value = [], [], []
    left = [(0, np.zeros(dims), np.ones(dims))]
    while left:
        node, below, above = left.pop()
        dim = tree.feature[node]
        if dim < 0:
            low.append(below)
            high.append(above)
            value.append(float(tree.value[node].ravel()[0]))
            continue
        cut = min(max(float(tree.threshold[node]), below[dim]), above[dim])
        nearer, further = above.copy(), below.copy()
        nearer[dim], further[dim] = cut, cut
        left += [(tree.children_left[node], below, nearer),
                 (tree.children_right[node], further, above)]
    return Boxes(np.array(low), np.array(high), np.array(value))


def _capped(losses: np.ndarray) -> np.ndarray:
    """Losses, none further above the median than three times the median is above the best; nine
    in ten stay as they are.
    """
    middle, best = float(np.median(losses)), float(losses.min())
    return np.minimum(losses, max(middle + 3 * (middle - best), float(np.quantile(losses, 0.9))))
