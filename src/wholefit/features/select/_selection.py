"""What is remembered of a selection; all that a loaded model needs of this room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.state import State

KIND = "encoder.selection"


@dataclass(frozen=True, eq=False)
class Selection:
    """Which features are kept, and why.

    `kept` are indices, ascending; `values` what `method` gave each feature, more being better;
    `p_values` where it is a test; `stands` where it drops what repeats another: for each feature
    the one that stands for it.
    """

    method: str
    kept: np.ndarray
    values: np.ndarray
    p_values: np.ndarray | None = None
    stands: np.ndarray | None = None

    def table(self, names: Sequence[str], sources: Sequence[str]) -> list[dict[str, Any]]:
        """One row a feature, the best first: feature, column, value, kept, and what there is."""
        kept = set(self.kept.tolist())
        rows = []
        for at in np.argsort(-self.values, kind="stable").tolist():
            row = {"feature": names[at], "column": sources[at], "value": float(self.values[at]),
                   "kept": at in kept}
            if self.p_values is not None:
                row["p_value"] = float(self.p_values[at])
            if self.stands is not None and self.stands[at] != at:
                row["stands_for_it"] = names[self.stands[at]]
            rows.append(row)
        return rows

    def state(self) -> State:
        """Indices and scores as arrays."""
        given = {"kept": self.kept, "values": self.values, "p_values": self.p_values,
                 "stands": self.stands}
        return State(KIND, {"method": self.method},
                     {name: array for name, array in given.items() if array is not None})

    @classmethod
    def from_state(cls, state: State) -> Selection:
        """The selection that `state` describes."""
        return cls(state.config["method"], **state.arrays)
