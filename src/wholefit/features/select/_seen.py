"""What every way of selecting is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.base.seeds import generator

_CELLS = 1 << 22


@dataclass(frozen=True)
class Seen:
    """Encoded training rows and their target.

    `X` (rows, features) is dense or CSR, NaN where a model takes missing values; `y` (rows,) is
    int class codes or float64; `codes` are indices of features that hold category codes, which
    have no order.
    """

    X: Any
    y: np.ndarray
    codes: tuple[int, ...] = ()
    seed: int = 0

    @property
    def sparse(self) -> bool:
        """True if X is a scipy matrix."""
        return hasattr(self.X, "tocsr")

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 where the target is a number."""
        return int(self.y.max(initial=0)) + 1 if self.y.dtype.kind in "iu" else 0

    def targets(self) -> np.ndarray:
        """The target as columns (rows, k): 0/1 for each class that occurs, or the number."""
        if not self.n_classes:
            return self.y[:, None].astype(np.float64)
        present = np.flatnonzero(np.bincount(self.y))
        return (self.y[:, None] == present).astype(np.float64)

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Runs of features as fresh float64 (rows, run), missing values at the feature's mean."""
        rows, wide = self.X.shape
        step = int(np.clip(_CELLS // max(rows, 1), 1, 256))
        X = self.X.tocsc() if self.sparse else self.X
        for start in range(0, wide, step):
            span = slice(start, min(start + step, wide))
            found = X[:, span].toarray() if self.sparse else X[:, span]
            yield span, filled(np.array(found, dtype=np.float64))

    def sample(self, most: int, *words: str) -> Seen:
        """At most `most` of the rows, drawn without replacement, in their order."""
        rows = self.X.shape[0]
        if rows <= most:
            return self
        drawn = np.sort(generator(self.seed, "select", *words).choice(rows, most, replace=False))
        return Seen(self.X[drawn], self.y[drawn], self.codes, self.seed)


@dataclass(frozen=True)
class Scores:
    """How much each feature matters by one method.

    `values` (features,): more is better. `chosen`: what the method itself keeps when no number
    is asked for; with `only`, no number brings back what it leaves out. `p_values` where there
    is a test; `stands`: for each feature the one that stands for it, itself if it is kept.
    """

    values: np.ndarray
    chosen: np.ndarray
    p_values: np.ndarray | None = None
    stands: np.ndarray | None = None
    only: bool = False


def filled(block: np.ndarray) -> np.ndarray:
    """Missing values put at the mean of their column, in place; 0 where it has no value."""
    gaps = np.isnan(block)
    if gaps.any():
        counts = (~gaps).sum(axis=0)
        block[gaps] = 0.0
        means = block.sum(axis=0) / np.maximum(counts, 1)
        np.copyto(block, means, where=gaps)
    return block


def discoveries(p_values: np.ndarray, rate: float = 0.05) -> np.ndarray:
    """True where a false discovery rate of `rate` is kept (Benjamini and Hochberg 1995)."""
    order = np.argsort(p_values, kind="stable")
    fits = p_values[order] <= rate * np.arange(1, len(order) + 1) / len(order)
    last = np.flatnonzero(fits)
    found = np.zeros(len(order), dtype=bool)
    found[order[:last[-1] + 1 if len(last) else 0]] = True
    return found


def needs_classes(seen: Seen, method: str) -> None:
    """Refuse a numeric target."""
    if not seen.n_classes:
        raise ParameterError(f"select={method!r} must have classes to tell apart, and the target "
                             "is a number: take 'f' or 'mutual_info'.")
