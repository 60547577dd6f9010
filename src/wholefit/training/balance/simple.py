"""Rows of a class repeated, or left out, at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.training.balance._base import (
    Drawn,
    Resampler,
    all_rows,
    kept_counts,
    lacking,
    lowered,
    raised,
)
from wholefit.training.balance._layout import Layout


@dataclass(frozen=True)
class Over(Resampler):
    """Rows of the rarer classes, drawn with replacement, are learnt from again."""

    name: ClassVar[str] = "over"
    summary: ClassVar[str] = "Rows of the rarer classes are repeated at random."

    ratio: float = param(
        1.0, "Rows of each class, as a share of those of the largest.", above=0, high=1)

    def counts(self, y: np.ndarray, n_classes: int) -> np.ndarray:
        """Rows of each class (k,) to expect of `draw`."""
        return raised(y, n_classes, self.ratio)

    def draw(
        self, X: Any, y: np.ndarray, layout: Layout, random: np.random.Generator
    ) -> Drawn:
        """Every row, and as many repeats as each class lacks."""
        again = [random.choice(np.flatnonzero(y == code), missing)
                 for code, missing in lacking(y, self.ratio).items()]
        return Drawn(np.concatenate([all_rows(y), *again]).astype(np.intp))


@dataclass(frozen=True)
class Under(Resampler):
    """Rows of the larger classes are left out at random."""

    name: ClassVar[str] = "under"
    summary: ClassVar[str] = (
        "Rows of the larger classes are left out at random: faster, and what they knew is lost.")

    ratio: float = param(
        1.0, "Rows of the smallest class, as a share of those kept of each other.",
        above=0, high=1)

    def counts(self, y: np.ndarray, n_classes: int) -> np.ndarray:
        """Rows of each class (k,) to expect of `draw`."""
        return lowered(y, n_classes, self.ratio)

    def draw(
        self, X: Any, y: np.ndarray, layout: Layout, random: np.random.Generator
    ) -> Drawn:
        """A draw without replacement of each class that is too large."""
        keep = np.ones(len(y), dtype=bool)
        for code, most in kept_counts(y, self.ratio).items():
            rows = np.flatnonzero(y == code)
            keep[rows] = False
            keep[random.choice(rows, most, replace=False)] = True
        return Drawn(np.flatnonzero(keep))
