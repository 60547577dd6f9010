"""What a resampler is: hyper-parameters, and rows in, rows out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.base.params import Params, param
from wholefit.training.balance._layout import Layout


@dataclass(frozen=True)
class Drawn:
    """What is learnt from in place of the rows given.

    `rows` are indices of rows that are learnt from as they are, some perhaps more than once;
    `made` (m, p) rows that were made between two others, `labels` (m,) their classes, and
    `parents` (m, 2) the indices of the two.
    """

    rows: np.ndarray
    made: Any = None
    labels: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    parents: np.ndarray = field(default_factory=lambda: np.empty((0, 2), dtype=np.intp))


@dataclass(frozen=True)
class Resampler(Params):
    """Base of the resamplers: a frozen dataclass of documented hyper-parameters.

    `name` is the word it is asked for by; `summary` says in one sentence what it does.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    inner: int = param(
        3, "Inner folds that probabilities are calibrated on; 0 corrects them for the "
        "proportions of the classes only.", low=0, high=20)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.inner == 1:
            raise ParameterError(f"{type(self).__name__}.inner must be 0, or at least 2; got 1.")

    def draw(
        self, X: Any, y: np.ndarray, layout: Layout, random: np.random.Generator
    ) -> Drawn:
        """Resample training rows: X (n, p) dense or CSR, y (n,) class codes."""
        raise NotImplementedError

    def counts(self, y: np.ndarray, n_classes: int) -> np.ndarray:
        """Rows of each class (k,) to expect of `draw`; those there are where it only cleans."""
        return np.bincount(y, minlength=n_classes).astype(np.float64)


def counts_of(y: np.ndarray) -> dict[int, int]:
    """Rows of each class that has any, by code."""
    counts = np.bincount(y)
    return {int(code): int(counts[code]) for code in np.flatnonzero(counts)}


def lacking(y: np.ndarray, ratio: float) -> dict[int, int]:
    """Rows that each class lacks to reach `ratio` times the largest class; only those that do."""
    counts = counts_of(y)
    wanted = round(ratio * max(counts.values()))
    return {code: wanted - count for code, count in counts.items() if count < wanted}


def kept_counts(y: np.ndarray, ratio: float) -> dict[int, int]:
    """Rows that each class keeps so that the smallest is `ratio` of it; only those that lose."""
    counts = counts_of(y)
    most = round(min(counts.values()) / ratio)
    return {code: most for code, count in counts.items() if count > most}


def raised(y: np.ndarray, n_classes: int, ratio: float) -> np.ndarray:
    """Rows of each class (k,) once those that lack rows have theirs."""
    found = np.bincount(y, minlength=n_classes).astype(np.float64)
    for code, missing in lacking(y, ratio).items():
        found[code] += missing
    return found


def lowered(y: np.ndarray, n_classes: int, ratio: float) -> np.ndarray:
    """Rows of each class (k,) once those that have too many have lost theirs."""
    found = np.bincount(y, minlength=n_classes).astype(np.float64)
    for code, most in kept_counts(y, ratio).items():
        found[code] = most
    return found


def smallest_class(y: np.ndarray) -> int:
    """Code of the class with the fewest rows; the first of equals."""
    counts = counts_of(y)
    return min(counts, key=lambda code: (counts[code], code))


def all_rows(y: np.ndarray) -> np.ndarray:
    """Every row once."""
    return np.arange(len(y))
