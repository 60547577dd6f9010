"""NearMiss: which rows of a large class are kept, by their distance from the smallest class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.training.balance import _space
from wholefit.training.balance._base import (
    Drawn,
    Resampler,
    kept_counts,
    lowered,
    smallest_class,
)
from wholefit.training.balance._layout import Layout

_STRETCH = 20_000_000


@dataclass(frozen=True)
class NearMiss(Resampler):
    """NearMiss-1, -2 and -3 (Zhang and Mani 2003)."""

    name: ClassVar[str] = "near_miss"
    summary: ClassVar[str] = (
        "Of the larger classes, the rows nearest to the smallest one are kept; what is kept is "
        "no fair draw, and probabilities suffer.")

    version: int = param(
        1, "Kept are rows nearest on average to 1: their nearest rows of the smallest class, 2: "
        "their farthest; 3: near to some row of it, and far on average.", choices=(1, 2, 3))
    ratio: float = param(
        1.0, "Rows of the smallest class, as a share of those kept of each other.",
        above=0, high=1)
    neighbors: int = param(3, "Rows of the smallest class that distance is averaged over.", low=1)
    candidates: int = param(
        3, "Rows near to each row of the smallest class that version 3 chooses from.", low=1)

    def counts(self, y: np.ndarray, n_classes: int) -> np.ndarray:
        """Rows of each class (k,) to expect of `draw`."""
        return lowered(y, n_classes, self.ratio)

    def draw(
        self, X: Any, y: np.ndarray, layout: Layout, random: np.random.Generator
    ) -> Drawn:
        """All rows of classes that are not too large, and the chosen ones of those that are."""
        wanted = kept_counts(y, self.ratio)
        keep = np.ones(len(y), dtype=bool)
        if not wanted:
            return Drawn(np.flatnonzero(keep))
        rare = y == smallest_class(y)
        space = _space.space(X, layout, rare)
        for code, most in wanted.items():
            rows = np.flatnonzero(y == code)
            keep[rows] = False
            keep[self._chosen(space, rows, np.flatnonzero(rare), most, random)] = True
        return Drawn(np.flatnonzero(keep))

    def _chosen(
        self, space: Any, rows: np.ndarray, rare: np.ndarray, most: int,
        random: np.random.Generator,
    ) -> np.ndarray:
        if self.version == 3:
            rows = self._near(space, rows, rare, random)
        if self.version == 2:
            apart = _farthest(space[rows], space[rare], self.neighbors, random)
        else:
            found, _ = _space.neighbours(
                space[rare], space[rows], self.neighbors, random, own=False)
            apart = found.mean(axis=1)
        order = np.argsort(apart if self.version != 3 else -apart, kind="stable")
        return rows[order[:most]]

    def _near(
        self, space: Any, rows: np.ndarray, rare: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """Rows that are among the nearest of their class to some row of the smallest."""
        _, near = _space.neighbours(
            space[rows], space[rare], self.candidates, random, own=False)
        return rows[np.unique(near)]


def _farthest(rows: Any, rare: Any, k: int, random: np.random.Generator) -> np.ndarray:
    """Mean distance of each row from the k rows of `rare` that are farthest from it."""
    from sklearn.metrics.pairwise import euclidean_distances

    most = _space.pool(4 * rows.shape[0], rare.shape[0], rows.shape[1])
    if most < rare.shape[0]:
        rare = rare[np.sort(random.choice(rare.shape[0], most, replace=False))]
    k = min(k, rare.shape[0])
    step = max(1, _STRETCH // rare.shape[0])
    return np.concatenate([
        np.partition(euclidean_distances(rows[at:at + step], rare), -k, axis=1)[:, -k:].mean(axis=1)
        for at in range(0, rows.shape[0], step)])
