"""Shares: how much each column adds to the answers to many rows, without a word of any one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.wording import counted, plain
from wholefit.explain.explanations import Explanations

_TOLD, _Z = 8, 1.959964


@dataclass(frozen=True)
class Shares:
    """Columns with (mean absolute contribution, low, high) over `rows` rows, the largest first.

    Contributions are in `unit`; intervals are of the mean over rows (normal, 95%). `how` says
    how the contributions were made and `compared` what with.
    """

    target: str
    rows: int
    unit: str
    how: str
    compared: str
    columns: tuple[tuple[str, float, float, float], ...]
    together: tuple[tuple[str, str, float], ...] = ()

    def to_text(self) -> str:
        """The columns that add most, in plain sentences."""
        shown = [f"{name} {value:.3g} [{low:.3g}, {high:.3g}]"
                 for name, value, low, high in self.columns[:_TOLD] if value > 0]
        rest = len(self.columns) - len(shown)
        more = f"; {counted(rest, 'other column')} less" if shown and rest > 0 else ""
        return (f"What columns add to the answer, up or down, on average over "
                f"{counted(self.rows, 'row')} (in {self.unit}): "
                f"{', '.join(shown) or 'none of them anything'}{more}.")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"target": self.target, "rows": self.rows, "unit": self.unit, "how": self.how,
                "compared": self.compared, "together": [list(pair) for pair in self.together],
                "columns": [{"column": name, "mean_absolute": plain(value), "low": plain(low),
                             "high": plain(high)} for name, value, low, high in self.columns]}


def shares(found: Explanations) -> Shares:
    """The mean absolute contribution of each column, over outputs and rows, with its interval."""
    sizes = np.abs(found.values).mean(axis=2)
    mean = sizes.mean(axis=0)
    spread = sizes.std(axis=0, ddof=1) / len(sizes) ** 0.5 if len(sizes) > 1 else 0 * mean
    order = np.argsort(-mean, kind="stable").tolist()
    told = tuple((found.columns[at], float(mean[at]), float(max(0.0, mean[at] - _Z * spread[at])),
                  float(mean[at] + _Z * spread[at])) for at in order)
    return Shares(found.target, len(found), found.unit, found.how, found.compared, told,
                  found.together)
