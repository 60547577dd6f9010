"""Numbers cut into bins: of equal counts, of equal width, or where the target changes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.features.engineer._step import Step


@dataclass(eq=False, repr=False)
class Bins(Step):
    """The bin of each value, 0 for the lowest; or one 0/1 column a bin.

    `by` says where the cuts lie: at quantiles, at equal steps, or (supervised) at the splits of
    a small decision tree of the target on that column alone. A missing value stays missing as
    a code and has no bin one-hot. After fitting `edges_` (columns, bins - 1) holds the cuts in
    order, NaN where a column has fewer.
    """

    kind: ClassVar[str] = "bins"
    summary: ClassVar[str] = "bins: of equal counts, of equal width, or guided by the target"

    bins: int = param(8, "Most bins of a column.", low=2, high=1000)
    by: str = param("quantile", "Where the cuts lie.", choices=("quantile", "width", "target"))
    output: str = param("code", "One whole number, or one 0/1 column a bin.",
                        choices=("code", "onehot"))

    @property
    def supervised(self) -> bool:
        """Whether the target says where to cut."""
        return self.by == "target"

    def _learn(self, values: np.ndarray, y: np.ndarray | None) -> None:
        cuts = [self._cuts(column, y) for column in values.T]
        self.edges_ = np.full((len(cuts), self.bins - 1), np.nan)
        for row, found in zip(self.edges_, cuts, strict=True):
            row[:len(found)] = found

    def _make(self, values: np.ndarray) -> np.ndarray:
        made = []
        for column, edges in zip(values.T, self.edges_, strict=True):
            cuts = edges[~np.isnan(edges)]
            code = np.searchsorted(cuts, column, side="left").astype(np.float64)
            code[np.isnan(column)] = np.nan
            made.append(code[:, None] if self.output == "code"
                        else (code[:, None] == np.arange(len(cuts) + 1)).astype(np.float64))
        return np.concatenate(made, axis=1)

    def _called(self, names: list[str]) -> list[str]:
        if self.output == "code":
            return [f"bin({name})" for name in names]
        found = []
        for name, edges in zip(names, self.edges_, strict=True):
            ends = ["-inf", *(f"{cut:.6g}" for cut in edges[~np.isnan(edges)]), "inf"]
            found += [f"{name} in ({low}, {high}]"
                      for low, high in pairwise(ends)]
        return [name if found.count(name) == 1 else f"{name} #{i}" for i, name in enumerate(found)]

    def _cuts(self, column: np.ndarray, y: np.ndarray | None) -> np.ndarray:
        known = np.isfinite(column)
        values = column[known]
        if len(values) < 2 or values.min() == values.max():
            return np.empty(0)
        if self.by == "target" and y is not None:
            return _splits(values, y[known], self.bins)
        shares = np.arange(1, self.bins) / self.bins
        if self.by == "quantile":
            cuts = np.quantile(values, shares)
        else:
            with np.errstate(over="ignore"):
                cuts = values.min() * (1 - shares) + values.max() * shares
        cuts = np.unique(cuts)
        return cuts[cuts < values.max()]


def _splits(values: np.ndarray, y: np.ndarray, bins: int) -> np.ndarray:
    """Thresholds of a tree of `bins` leaves, each with at least 2% of the rows."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    made = DecisionTreeRegressor if y.dtype.kind == "f" else DecisionTreeClassifier
    tree = made(max_leaf_nodes=bins, min_samples_leaf=max(1, len(y) // 50), random_state=0)
    held = np.clip(values, -3e38, 3e38)  # the tree reads float32
    found = tree.fit(held[:, None], y).tree_
    return np.unique(found.threshold[found.feature >= 0])
