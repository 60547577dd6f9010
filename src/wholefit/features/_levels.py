"""The levels of one categorical column that training keeps, and where a new level goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.stored import typed
from wholefit.features._picked import Picked


@dataclass(eq=False)
class Levels:
    """Kept levels, sorted by name; `folded` says whether others were folded into one.

    `missing` says whether training rows had missing values. A dataset numbers its levels in
    its own way, so a table by name leads from its codes to ours; it is made once a dataset.
    """

    column: str
    kept: list[str]
    folded: bool
    missing: bool
    _known: tuple[list[str], np.ndarray] | None = field(default=None, repr=False)

    def places(self, picked: Picked, span: slice) -> np.ndarray:
        """For each row: the place of its level in `kept`, -1 for a missing one, -2 for another."""
        levels = picked.levels(self.column)
        known = self._known  # one look: another thread may put its own dataset's there meanwhile
        if known is None or known[0] is not levels:
            known = self._known = (levels, self.table(levels))
        return known[1].take(picked.codes(self.column, span))

    def table(self, levels: list[str]) -> np.ndarray:
        """Places by code; the last entry answers code -1, which means missing."""
        place = {level: i for i, level in enumerate(self.kept)}
        return np.array([*(place.get(level, -2) for level in levels), -1], dtype=np.int32)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"column": self.column, "kept": self.kept, "folded": self.folded,
                "missing": self.missing}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Levels:
        """Back from `to_json`; TypeError for what it never wrote."""
        return typed(cls(stored["column"], stored["kept"], stored["folded"], stored["missing"]))


def learn(picked: Picked, column: str, rare: float, most: int | None) -> Levels:
    """Keep the levels with at least `rare` of the picked rows, and the `most` frequent of them.

    Ties are broken by name.
    """
    levels = picked.levels(column)
    codes = picked.codes(column, slice(0, picked.size))
    counts = np.bincount(codes + 1, minlength=len(levels) + 1)
    seen = np.flatnonzero(counts[1:])
    by_name = sorted(seen.tolist(), key=levels.__getitem__)
    kept = [i for i in by_name if counts[i + 1] >= rare * picked.size]
    if most is not None and len(kept) > most:
        frequent = sorted(kept, key=lambda i: -counts[i + 1])[:most]
        kept = sorted(frequent, key=levels.__getitem__)
    return Levels(column, [levels[i] for i in kept], len(kept) < len(seen), bool(counts[0]))
