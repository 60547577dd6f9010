"""Rows at the border between classes left out: Tomek links, edited nearest neighbours.

These look at every row and its neighbours. Where all pairs would cost too much, the rows are
dealt at random into parts, and each part is cleaned by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.training.balance import _between, _space
from wholefit.training.balance._base import Drawn, Resampler, all_rows, smallest_class
from wholefit.training.balance._layout import Layout
from wholefit.training.balance.synthetic import Smote


@dataclass(frozen=True)
class Tomek(Resampler):
    """Tomek links (Tomek 1976): two rows of different classes, each the other's nearest."""

    name: ClassVar[str] = "tomek"
    summary: ClassVar[str] = (
        "Of two rows of different classes that are each other's nearest, the one of the larger "
        "class is left out: it cleans the border, and hardly balances.")

    def draw(
        self, X: Any, y: np.ndarray, layout: Layout, random: np.random.Generator
    ) -> Drawn:
        """All rows but those of links that are not of the smallest class."""
        rare = smallest_class(y)
        linked = links(_space.space(X, layout, y == rare), y, random)
        return Drawn(np.flatnonzero(~(linked & (y != rare))))


@dataclass(frozen=True)
class EditedNeighbors(Resampler):
    """Edited nearest neighbours (Wilson 1972): rows that their neighbours contradict go."""

    name: ClassVar[str] = "enn"
    summary: ClassVar[str] = (
        "Rows of the larger classes whose neighbours are of other classes are left out.")

    neighbors: int = param(3, "Neighbours that are asked.", low=1)
    agree: str = param(
        "all", "A row stays if all of its neighbours, or most, are of its class.",
        choices=("all", "most"))

    def draw(
        self, X: Any, y: np.ndarray, layout: Layout, random: np.random.Generator
    ) -> Drawn:
        """All rows but the contradicted ones that are not of the smallest class."""
        rare = smallest_class(y)
        space = _space.space(X, layout, y == rare)
        keep = np.ones(len(y), dtype=bool)
        for part in _parts(space, random):
            keep[part] = (y[part] == rare) | self._agreed(space[part], y[part], random)
        return Drawn(np.flatnonzero(keep))

    def _agreed(self, space: Any, y: np.ndarray, random: np.random.Generator) -> np.ndarray:
        rows = all_rows(y)
        _, near = _space.neighbours(space, rows, self.neighbors, random, own=True)
        same = (y[near] == y[:, None]).sum(axis=1)
        if self.agree == "all":
            return same == near.shape[1]
        return same * 2 >= near.shape[1]


@dataclass(frozen=True)
class SmoteTomek(Smote):
    """SMOTE, then both rows of every Tomek link left out (Batista et al. 2004)."""

    name: ClassVar[str] = "smote_tomek"
    summary: ClassVar[str] = "SMOTE, and then every two rows that form a Tomek link are left out."

    def draw(
        self, X: Any, y: np.ndarray, layout: Layout, random: np.random.Generator
    ) -> Drawn:
        """What SMOTE gives, less both rows of each link in it."""
        drawn = super().draw(X, y, layout, random)
        if drawn.made is None:
            return drawn
        labels = np.concatenate([y[drawn.rows], drawn.labels])
        whole = _between.stack([X[drawn.rows], drawn.made])
        space = _space.space(whole, layout, labels == smallest_class(y))
        kept = np.flatnonzero(~links(space, labels, random))
        old, new = kept[kept < len(drawn.rows)], kept[kept >= len(drawn.rows)] - len(drawn.rows)
        return Drawn(drawn.rows[old], drawn.made[new], drawn.labels[new], drawn.parents[new])


def links(space: Any, y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Which rows (n,) belong to a Tomek link."""
    linked = np.zeros(len(y), dtype=bool)
    for part in _parts(space, random):
        if len(part) < 2:
            continue
        rows = np.arange(len(part))
        _, near = _space.neighbours(space[part], rows, 1, random, own=True)
        nearest = near[:, 0]
        linked[part] = (nearest[nearest] == rows) & (y[part] != y[part[nearest]])
    return linked


def _parts(space: Any, random: np.random.Generator) -> Iterator[np.ndarray]:
    """All rows, or random parts of them of a size whose pairs can be afforded."""
    rows, features = space.shape
    size = _space.pool(rows, rows, features)
    if size >= rows:
        yield np.arange(rows)
        return
    order = random.permutation(rows)
    for part in np.array_split(order, int(np.ceil(rows / size))):
        yield np.sort(part)
