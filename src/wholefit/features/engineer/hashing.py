"""Levels put into a fixed number of columns by a hash that never changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.features.engineer import _cells
from wholefit.features.engineer._step import Step


@dataclass(eq=False, repr=False)
class Hashing(Step):
    """Each level adds +1 or -1 to one of `width` columns (Weinberger et al., 2009).

    Nothing is learnt, so a new level is no surprise. The hash is BLAKE2b of column name and
    level: the same in every process, on every machine, in every version. A missing cell adds
    nothing.
    """

    kind: ClassVar[str] = "hashing"
    summary: ClassVar[str] = "many levels into a few columns, by a stable hash"
    wants: ClassVar[str] = "frame"
    beside: ClassVar[bool] = False

    width: int = param(16, "Columns to hash into.", low=1, high=4096)
    signed: bool = param(True, "Let half the levels count -1, so that collisions cancel.")
    seed: int = param(0, "Another seed is another hash.", low=0)

    def _make(self, values: Any) -> np.ndarray:
        made = np.zeros((len(values), self.width))
        rows = np.arange(len(values))
        for column in values.get_columns():
            found = _cells.labels(column)
            known = found.drop_nulls().unique().to_list()
            at, sign = self._hashed(column.name, known)
            places = _cells.places(found, known)
            here = places < len(known)
            np.add.at(made, (rows[here], at[places[here]]), sign[places[here]])
        return made

    def _called(self, names: list[str]) -> list[str]:
        whole = ",".join(names) if len(names) <= 3 else f"{len(names)} columns"
        return [f"hash({whole}).{i + 1}" for i in range(self.width)]

    def _hashed(self, name: str, levels: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Column and sign of each level."""
        salt = self.seed.to_bytes(8, "little")
        lead = name.encode() + b"\x1f"
        codes = np.array([int.from_bytes(hashlib.blake2b(
            lead + level.encode(), digest_size=8, salt=salt).digest(), "little")
            for level in levels], dtype=np.uint64)
        sign = np.where(codes >> np.uint64(63), 1.0, -1.0) if self.signed else np.ones(len(codes))
        return ((codes & np.uint64(2**62 - 1)) % np.uint64(self.width)).astype(np.intp), sign
