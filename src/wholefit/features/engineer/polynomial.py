"""Powers and products of chosen columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.features._polynomial import Terms
from wholefit.features.engineer._step import Step

_LARGEST = 1e100


@dataclass(eq=False, repr=False)
class Polynomial(Step):
    """Every product of 2..degree of the columns, in the order of scikit-learn's.

    Columns are first moved to the mean of training (`centred`), so that a square says how far
    from the middle a value lies, and is not nearly the column itself again.
    """

    kind: ClassVar[str] = "polynomial"
    summary: ClassVar[str] = "powers and products of chosen columns"

    degree: int = param(2, "Most factors of a term.", low=2, high=5)
    interactions_only: bool = param(False, "Leave out powers of one column.")
    centred: bool = param(True, "Subtract the training mean first.")

    def _learn(self, values: np.ndarray, y: np.ndarray | None) -> None:
        self._terms([str(i) for i in range(values.shape[1])])  # refuses too many
        finite = np.where(np.isfinite(values), values, np.nan)
        known = ~np.isnan(finite)
        with np.errstate(over="ignore", invalid="ignore"):
            means = np.nansum(finite, axis=0) / np.maximum(known.sum(axis=0), 1)
        self.centre_ = means if self.centred else np.zeros(values.shape[1])

    def _make(self, values: np.ndarray) -> np.ndarray:
        terms = self._terms([str(i) for i in range(values.shape[1])])
        if not terms.names:
            return np.empty((len(values), 0))
        with np.errstate(over="ignore", invalid="ignore"):
            return np.ascontiguousarray(terms.of((values - self.centre_).T, _LARGEST).T)

    def _called(self, names: list[str]) -> list[str]:
        return self._terms(names).names

    def _terms(self, names: list[str]) -> Any:
        return Terms(names, [], self.degree, self.interactions_only)
