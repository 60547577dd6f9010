"""Numbers replaced by their rank in training: any distribution becomes uniform, or normal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.features.engineer._step import Step

_EDGE = 1e-7


@dataclass(eq=False, repr=False)
class Ranks(Step):
    """The share of training values below each value, from learnt quantiles, linear between them.

    Equal values have the middle of their ranks; values beyond the range of training have 0 or 1
    (about -5.2 and 5.2 when normal). After fitting `quantiles_` is (quantiles, columns).
    """

    kind: ClassVar[str] = "ranks"
    summary: ClassVar[str] = "rank in training: uniform between 0 and 1, or normal"
    beside: ClassVar[bool] = False

    quantiles: int = param(1000, "Quantiles kept of each column, at most one a row.", low=2)
    output: str = param("uniform", "Distribution of the result.", choices=("uniform", "normal"))

    def _learn(self, values: np.ndarray, y: np.ndarray | None) -> None:
        shares = self._shares(max(2, min(self.quantiles, len(values))))
        columns = [column[~np.isnan(column)] for column in values.T]
        kept = [np.quantile(c, shares) if len(c) else np.full(len(shares), np.nan)
                for c in columns]
        # interpolation may break the order by a rounding
        self.quantiles_ = np.maximum.accumulate(np.array(kept).T, axis=0)

    def _make(self, values: np.ndarray) -> np.ndarray:
        shares = self._shares(len(self.quantiles_))
        made = np.empty(values.shape)
        for at, (column, kept) in enumerate(zip(values.T, self.quantiles_.T, strict=True)):
            up = np.interp(column, kept, shares)
            down = np.interp(-column, -kept[::-1], -shares[::-1])
            made[:, at] = np.where(np.isnan(kept).any(), np.nan, 0.5 * (up - down))
        made[np.isnan(values)] = np.nan
        if self.output == "uniform":
            return made
        from scipy.special import ndtri

        return ndtri(np.clip(made, _EDGE, 1 - _EDGE))

    def _called(self, names: list[str]) -> list[str]:
        return [f"rank({name})" for name in names]

    @staticmethod
    def _shares(count: int) -> np.ndarray:
        return np.linspace(0, 1, count)
