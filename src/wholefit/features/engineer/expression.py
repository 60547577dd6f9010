"""A column computed by a formula that a person writes; read as arithmetic, never run as code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.data.formulas import columns_of, compute, parse
from wholefit.features.engineer import _cells
from wholefit.features.engineer._step import Step


@dataclass(eq=False, repr=False)
class Expression(Step):
    """The number that a formula of the columns gives, such as `weight / (height / 100) ** 2`.

    The language is that of cleaning recipes: arithmetic, comparisons, `if(a > b, 1, 0)`, log,
    sqrt, exp, min, max, year, length and the like; names with spaces stand in backquotes. What
    is not a finite number is missing.
    """

    kind: ClassVar[str] = "expression"
    summary: ClassVar[str] = "a formula of columns, as in weight / height ** 2"
    wants: ClassVar[str] = "frame"

    formula: str = param("", "The formula.")

    def reads(self, columns: list[str]) -> list[str]:
        """The columns that the formula names."""
        return columns_of(parse(self.formula))

    def check(self) -> None:
        """Raise ParameterError for a formula that cannot be read."""
        Step.check(self)
        if not columns_of(parse(self.formula)):
            raise ParameterError("Expression.formula must name a column; got "
                                 f"{self.formula!r}.")

    def _learn(self, values: Any, y: np.ndarray | None) -> None:
        self._make(values)

    def _make(self, values: Any) -> np.ndarray:
        found = compute(self.formula, values)
        if not (found.dtype.is_numeric() or found.dtype == pl.Boolean):
            raise ParameterError(f"Expression.formula must give a number; {self.formula!r} gives "
                                 f"{found.dtype}.")
        return _cells.numbers(found)[:, None]

    def _called(self, names: list[str]) -> list[str]:
        return [" ".join(self.formula.split())]
