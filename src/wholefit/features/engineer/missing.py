"""How many cells of a row hold nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.features.engineer import _cells
from wholefit.features.engineer._step import Step


@dataclass(eq=False, repr=False)
class MissingCount(Step):
    """The number of missing cells among the columns; or their share."""

    kind: ClassVar[str] = "missing"
    summary: ClassVar[str] = "how many of the columns are missing in a row"
    wants: ClassVar[str] = "frame"

    share: bool = param(False, "Divide by the number of columns.")

    def _make(self, values: Any) -> np.ndarray:
        found = np.zeros(len(values))
        for column in values.get_columns():
            found += _cells.missing(column)
        return (found / values.width if self.share else found)[:, None]

    def _called(self, names: list[str]) -> list[str]:
        whole = ",".join(names) if len(names) <= 3 else f"{len(names)} columns"
        return [f"missing({whole})"]
