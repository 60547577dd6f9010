"""Which features of an encoded matrix are numbers, and which stand for categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.features._categories import OneHot


@dataclass(frozen=True)
class Layout:
    """Places of the features that no row between two others may take a value between.

    `codes` are features that hold category codes; `runs` are (start, end) of neighbouring 0/1
    features that stand for one column, of which at most one is 1. All other features are
    numbers.
    """

    codes: tuple[int, ...] = ()
    runs: tuple[tuple[int, int], ...] = ()

    def numbers(self, features: int) -> np.ndarray:
        """Indices of the features that are numbers."""
        free = np.ones(features, dtype=bool)
        free[list(self.codes)] = False
        for start, end in self.runs:
            free[start:end] = False
        return np.flatnonzero(free)


def of(encoder: Any) -> Layout:
    """The layout of the matrices that a fitted encoder gives."""
    runs: list[tuple[int, int]] = []
    at = 0
    for block in encoder._blocks:
        if isinstance(block, OneHot):
            runs += _runs(block.sources, at)
        at += len(block.names)
    return Layout(tuple(encoder.categorical), tuple(_left(encoder, runs)))


def _left(encoder: Any, runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The runs once features were selected; on components of a projection there are none."""
    if encoder.projection is not None:
        return []
    if encoder.selection is None:
        return runs
    kept = np.asarray(encoder.selection.kept)
    moved = [tuple(map(int, np.searchsorted(kept, run))) for run in runs]
    return [(start, end) for start, end in moved if end > start]


def _runs(sources: list[str], at: int) -> list[tuple[int, int]]:
    """Where each column's features begin and end."""
    starts = [i for i, name in enumerate(sources) if i == 0 or sources[i - 1] != name]
    return [(at + start, at + end)
            for start, end in zip(starts, [*starts[1:], len(sources)], strict=True)]
