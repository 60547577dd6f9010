"""How common a level was in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.features.engineer import _cells
from wholefit.features.engineer._step import Step


@dataclass(eq=False, repr=False)
class Frequency(Step):
    """Each level as the share of training rows that had it; 0 for one that none had.

    Missing cells count as a level of their own.
    """

    kind: ClassVar[str] = "frequency"
    summary: ClassVar[str] = "how common a level was in training"
    wants: ClassVar[str] = "frame"

    output: str = param("share", "Share of rows, number of rows, or the logarithm of 1 + number.",
                        choices=("share", "count", "log"))

    def _learn(self, values: Any, y: np.ndarray | None) -> None:
        self.rows_ = len(values)
        self.levels_: list[list[str]] = []
        counts = []
        for column in values.get_columns():
            found = _cells.labels(column)
            known = found.drop_nulls().unique().sort().to_list()
            counted = np.bincount(_cells.places(found, known), minlength=len(known) + 1)
            self.levels_.append(known)
            counts.append(counted)
        self.counts_ = np.concatenate(counts).astype(np.float64)

    def _make(self, values: Any) -> np.ndarray:
        made, start = np.empty((len(values), values.width)), 0
        for at, column in enumerate(values.get_columns()):
            known = self.levels_[at]
            table = np.append(self.counts_[start:start + len(known) + 1], 0.0)
            made[:, at] = table[_cells.places(_cells.labels(column), known)]
            start += len(known) + 1
        if self.output == "log":
            return np.log1p(made)
        return made / self.rows_ if self.output == "share" else made

    def _called(self, names: list[str]) -> list[str]:
        return [f"{self.output} of {name}" for name in names]
