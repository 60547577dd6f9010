"""New rows between rows of a rare class and their neighbours: SMOTE and its kin.

A new number lies on the line between a row and one of its k nearest neighbours of the same
class, at a uniformly drawn place. A new category is the one most frequent among those
neighbours (SMOTE-NC), the row's own where several are; so is a new value of a column that has
only two. Where one end of the line is missing, the nearer end is copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.training.balance import _between, _space
from wholefit.training.balance._base import (
    Drawn,
    Resampler,
    all_rows,
    lacking,
    raised,
    smallest_class,
)
from wholefit.training.balance._layout import Layout

# More rows of a class than this are not all starting points of new ones: a draw of them is.
_STARTS = 20_000


@dataclass(frozen=True)
class Smote(Resampler):
    """Synthetic minority oversampling (Chawla et al. 2002), SMOTE-NC where there are categories."""

    name: ClassVar[str] = "smote"
    summary: ClassVar[str] = (
        "New rows of the rarer classes are made between a row and its neighbours of that class.")

    ratio: float = param(
        1.0, "Rows of each class, as a share of those of the largest.", above=0, high=1)
    neighbors: int = param(5, "Neighbours of its class that a new row may lie towards.", low=1)

    def counts(self, y: np.ndarray, n_classes: int) -> np.ndarray:
        """Rows of each class (k,) to expect of `draw`."""
        return raised(y, n_classes, self.ratio)

    def draw(
        self, X: Any, y: np.ndarray, layout: Layout, random: np.random.Generator
    ) -> Drawn:
        """Every row, and as many new ones as each class lacks."""
        wanted = lacking(y, self.ratio)
        space = _space.space(X, layout, y == smallest_class(y)) if wanted else None
        made = [self._class(X, y, space, layout, code, missing, random)
                for code, missing in wanted.items()]
        return _between.joined(all_rows(y), made)

    def _class(
        self, X: Any, y: np.ndarray, space: Any, layout: Layout, code: int, missing: int,
        random: np.random.Generator,
    ) -> Drawn:
        rows = np.flatnonzero(y == code)
        starts, shares = self._starts(y, space, rows, random)
        chosen = starts[random.choice(len(starts), missing, p=shares)]
        return _between.make(X, layout, space, rows, chosen, self.neighbors, code, random)

    def _starts(
        self, y: np.ndarray, space: Any, rows: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Rows that new ones start from, and how often each does; None for equally often."""
        return some(rows, random), None


@dataclass(frozen=True)
class BorderlineSmote(Smote):
    """SMOTE from the rows near the border only (Han, Wang, Mao 2005, borderline-1)."""

    name: ClassVar[str] = "borderline_smote"
    summary: ClassVar[str] = (
        "SMOTE that starts from rows whose neighbours are mostly, but not all, of other classes.")

    around: int = param(10, "Neighbours of any class that tell whether a row is near the border.",
                        low=2)

    def _starts(
        self, y: np.ndarray, space: Any, rows: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The rows in danger; all of the class where none is."""
        rows = some(rows, random)
        foreign = _foreign(y, space, rows, self.around, random)
        danger = (foreign >= 0.5) & (foreign < 1)
        return (rows[danger] if danger.any() else rows), None


@dataclass(frozen=True)
class Adasyn(Smote):
    """Adaptive synthetic sampling (He et al. 2008): more where other classes are near."""

    name: ClassVar[str] = "adasyn"
    summary: ClassVar[str] = (
        "SMOTE that makes more new rows where neighbours are of other classes.")

    def _starts(
        self, y: np.ndarray, space: Any, rows: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Each row in proportion to the share of other classes around it."""
        rows = some(rows, random)
        foreign = _foreign(y, space, rows, self.neighbors, random)
        total = foreign.sum()
        return rows, foreign / total if total > 0 else None


def some(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The rows, or a draw of them where they are very many."""
    return rows if len(rows) <= _STARTS else np.sort(random.choice(rows, _STARTS, replace=False))


def _foreign(
    y: np.ndarray, space: Any, rows: np.ndarray, k: int, random: np.random.Generator
) -> np.ndarray:
    """Share of other classes among the k nearest neighbours of each row."""
    _, near = _space.neighbours(space, rows, k, random, own=True)
    return (y[near] != y[rows][:, None]).mean(axis=1) if near.shape[1] else np.zeros(len(rows))
