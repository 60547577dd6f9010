"""Target encoding: a level becomes what the target was in training rows of that level.

Micci-Barreca (2001): the mean of a level is drawn towards the mean of all rows, the more so the
fewer rows it has. The rows it is learnt from get cross-fitted values: each is encoded by means
over other rows, for a row's own target in its feature would be a leak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.base.seeds import generator
from wholefit.features.engineer import _cells
from wholefit.features.engineer._step import Step


@dataclass(eq=False, repr=False)
class TargetMean(Step):
    """Each level as the smoothed mean of the target: one column, or one a class if over two.

    y is integer class codes or float64. `fit_transform(X, y)` gives cross-fitted values for the
    rows learnt from, `transform(X)` those for all others. A level never seen, in the whole or
    in the other folds, has the overall mean. Missing cells count as a level of their own.
    """

    kind: ClassVar[str] = "target"
    summary: ClassVar[str] = "the target's smoothed mean by level, cross-fitted"
    wants: ClassVar[str] = "frame"
    supervised: ClassVar[bool] = True

    smooth: float | str = param("auto", "Rows that the overall mean counts for; 'auto' weighs "
                                "the spread within a level against that between all rows.")
    folds: int = param(5, "Folds of the cross-fitting.", low=2)
    seed: int = param(0, "Draws the folds.", low=0)

    def check(self) -> None:
        """Raise ParameterError for an option outside its bounds."""
        Step.check(self)
        if isinstance(self.smooth, str) and self.smooth != "auto":
            raise ParameterError(f"TargetMean.smooth must be 'auto' or >= 0; got {self.smooth!r}.")
        if not isinstance(self.smooth, str) and self.smooth < 0:
            raise ParameterError(f"TargetMean.smooth must be 'auto' or >= 0; got {self.smooth!r}.")

    def _learn(self, values: Any, y: np.ndarray | None) -> None:
        assert y is not None
        self.classes_, truth = _indicators(y)
        self.levels_: list[list[str]] = []
        means = []
        for column in values.get_columns():
            found = _cells.labels(column)
            known = found.drop_nulls().unique().sort().to_list()
            self.levels_.append(known)
            means.append(self._means(_cells.places(found, known), len(known) + 1, truth))
        self.overall_ = truth.mean(axis=0)
        self.means_ = np.concatenate(means) if means else np.empty((0, truth.shape[1]))

    def _make(self, values: Any) -> np.ndarray:
        made, start = [], 0
        for column, known in zip(values.get_columns(), self.levels_, strict=True):
            table = np.vstack([self.means_[start:start + len(known) + 1], self.overall_])
            made.append(table[_cells.places(_cells.labels(column), known)])
            start += len(known) + 1
        return np.concatenate(made, axis=1)

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, and encode the same rows by means over the other folds."""
        self.fit(X, y)
        target = self._target(y, len(X))
        assert target is not None
        frame = self._read(X, fitting=False)
        truth = _indicators(target)[1]
        fold = _deal(target, self.folds, self.seed)
        return np.concatenate([self._crossed(column, known, truth, fold) for column, known in
                               zip(frame.get_columns(), self.levels_, strict=True)], axis=1)

    def _called(self, names: list[str]) -> list[str]:
        if len(self.classes_) < 3:
            return [f"target by {name}" for name in names]
        return [f"target by {name}={label}" for name in names for label in self.classes_]

    def _crossed(
        self, column: Any, known: list[str], truth: np.ndarray, fold: np.ndarray
    ) -> np.ndarray:
        places = _cells.places(_cells.labels(column), known)
        made = np.empty(truth.shape)
        for which in np.unique(fold):
            here, rest = fold == which, fold != which
            if not rest.any():
                rest = here
            made[here] = self._means(places[rest], len(known) + 1, truth[rest])[places[here]]
        return made

    def _means(self, places: np.ndarray, levels: int, truth: np.ndarray) -> np.ndarray:
        """The smoothed mean (levels, outputs) of each level; the overall mean where it has none."""
        overall = truth.mean(axis=0)
        counts = np.bincount(places, minlength=levels).astype(np.float64)[:, None]
        sums = np.stack([np.bincount(places, weights=column, minlength=levels)
                         for column in truth.T], axis=1)
        if self.smooth != "auto":
            rows = counts + float(self.smooth)
            pulled = sums + float(self.smooth) * overall
            return np.where(rows > 0, pulled / np.where(rows > 0, rows, 1), overall)
        means = sums / np.maximum(counts, 1)
        squares = np.stack([np.bincount(places, weights=(column - mean[places])**2,
                                        minlength=levels)
                            for column, mean in zip(truth.T, means.T, strict=True)], axis=1)
        signal = truth.var(axis=0) * counts
        whole = signal + squares / np.maximum(counts, 1)
        trust = np.divide(signal, whole, out=np.zeros_like(whole), where=whole > 0)
        return trust * means + (1 - trust) * overall


def _indicators(y: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """Classes and (n, outputs): the number itself, 1 for the second of two classes, or one each."""
    if y.dtype.kind == "f":
        return [], y[:, None].astype(np.float64)
    classes = np.unique(y)
    if len(classes) <= 2:
        return classes.tolist(), (y == classes[-1])[:, None].astype(np.float64)
    return classes.tolist(), (y[:, None] == classes).astype(np.float64)


def _deal(y: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """A fold for each row, shuffled, classes in proportion."""
    order = generator(seed, "target").permutation(len(y))
    if y.dtype.kind != "f":
        order = order[np.argsort(y[order], kind="stable")]
    fold = np.empty(len(y), dtype=np.int64)
    fold[order] = np.arange(len(y)) % min(folds, len(y))
    return fold
