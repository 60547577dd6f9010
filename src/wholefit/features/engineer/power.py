"""Power transforms that bring a column close to a normal distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.params import param
from wholefit.features.engineer._step import Step

_LARGEST = 1e100


@dataclass(eq=False, repr=False)
class Power(Step):
    """x to a power learnt by maximum likelihood of a normal distribution, then standardised.

    Yeo and Johnson (2000) for any number; Box and Cox (1964) for positive ones. After fitting
    `lambdas_`, `mean_` and `scale_` are (columns,). A new value that Box-Cox cannot take (0 or
    below) is missing.
    """

    kind: ClassVar[str] = "power"
    summary: ClassVar[str] = "a learnt power that brings a column close to a normal distribution"
    beside: ClassVar[bool] = False

    method: str = param("yeo-johnson", "Which family of powers; box-cox needs numbers above 0.",
                        choices=("yeo-johnson", "box-cox"))
    standardise: bool = param(True, "Bring the result to mean 0 and standard deviation 1.")

    def _learn(self, values: np.ndarray, y: np.ndarray | None) -> None:
        columns = [column[np.isfinite(column)] for column in values.T]
        self.lambdas_ = np.array([self._exponent(column, at) for at, column in enumerate(columns)])
        made = [self._raised(c, power) for c, power in zip(columns, self.lambdas_, strict=True)]
        self.mean_ = np.zeros(len(made))
        self.scale_ = np.ones(len(made))
        if self.standardise:
            for at, column in enumerate(made):
                if len(column):
                    self.mean_[at] = column.mean()
                    deviation = column.std()
                    tiny = 1e-10 * max(abs(column.mean()), 1e-300)
                    self.scale_[at] = deviation if deviation > tiny else 1.0

    def _make(self, values: np.ndarray) -> np.ndarray:
        columns = [self._raised(c, power)
                   for c, power in zip(values.T, self.lambdas_, strict=True)]
        return (np.stack(columns, axis=1) - self.mean_) / self.scale_

    def _called(self, names: list[str]) -> list[str]:
        return [f"power({name})" for name in names]

    def _exponent(self, column: np.ndarray, at: int) -> float:
        if self.method == "box-cox" and (column <= 0).any():
            raise DataError(
                f"the Box-Cox transformation needs numbers above 0; the smallest in column {at} "
                f"is {column.min():g}: use method='yeo-johnson'. (The Box-Cox transformation can "
                "only be applied to strictly positive data.)")
        if len(column) < 2 or np.ptp(column) <= 1e-12 * np.abs(column).max():
            return 1.0
        from scipy import stats

        try:
            with np.errstate(all="ignore"):
                if self.method == "box-cox":
                    found = float(stats.boxcox_normmax(column, method="mle"))
                else:
                    found = float(stats.yeojohnson_normmax(column))
        except ValueError:  # numbers near the end of the range leave no power to choose from
            return 1.0
        return found if np.isfinite(found) else 1.0

    def _raised(self, x: np.ndarray, power: float) -> np.ndarray:
        with np.errstate(all="ignore"):
            box_cox = self.method == "box-cox"
            found = (_box_cox(np.where(x > 0, x, np.nan), power) if box_cox
                     else _yeo_johnson(x, power))
        return np.clip(found, -_LARGEST, _LARGEST)


def _box_cox(x: np.ndarray, power: float) -> np.ndarray:
    return np.log(x) if power == 0 else np.expm1(power * np.log(x)) / power


def _yeo_johnson(x: np.ndarray, power: float) -> np.ndarray:
    """Above 0 a Box-Cox of 1 + x, below 0 one of 1 - x with the power 2 - `power`, turned over."""
    above = np.log1p(np.maximum(x, 0))
    below = np.log1p(np.maximum(-x, 0))
    tiny = np.finfo(np.float64).eps
    high = above if abs(power) < tiny else np.expm1(power * above) / power
    low = -below if abs(power - 2) < tiny else -np.expm1((2 - power) * below) / (2 - power)
    return np.where(np.isnan(x), np.nan, np.where(x >= 0, high, low))
