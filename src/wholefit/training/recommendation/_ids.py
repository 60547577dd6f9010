"""Names of users and items, and their codes: people know names, models know numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import ArtifactError
from wholefit.base.state import State
from wholefit.data import _cells

KIND = "ids"
# So many names are read one by one: an engine for columns takes longer to start.
_FEW = 64
_KINDS: dict[str, pl.DataType] = {
    "integer": pl.Int64(), "number": pl.Float64(), "text": pl.String()}


class Ids:
    """Labels in the order of their codes, and the type in which they are given back.

    Whole numbers, numbers and text come back as they were; names of any other type (dates, truth
    values) as text.
    """

    def __init__(self, labels: Sequence[str], kind: str) -> None:
        self.labels, self.kind = list(labels), kind
        self._codes: dict[str, int] | None = None
        self._own: pl.Series | None = None

    @classmethod
    def of(cls, column: pl.Series) -> tuple[Ids, np.ndarray]:
        """The distinct labels of a column, and its codes int32 (n,), -1 where missing."""
        kind = column.dtype
        if kind.is_integer() and _fits(column):
            ranks = column.rank("dense").cast(pl.Int32) - 1
            labels = column.drop_nulls().unique().sort().cast(pl.String).to_list()
            return cls(labels, "integer"), ranks.fill_null(-1).to_numpy()
        codes, labels = _cells.to_codes(column)
        named = "number" if kind.is_float() or kind.is_decimal() else "text"
        return cls(labels, named), codes.astype(np.int32)

    def __len__(self) -> int:
        return len(self.labels)

    def codes(self, names: Any) -> np.ndarray:
        """Codes int32 of names of any type, -1 where unknown."""
        known = self._table()
        names = list(names) if isinstance(names, (set, frozenset, range)) else names
        return np.fromiter((known.get(name, -1) if name is not None else -1
                            for name in labels_of(names)), dtype=np.int32)

    def values(self, codes: np.ndarray) -> pl.Series:
        """The names of these codes in the user's own type; null for -1."""
        if self._own is None:
            self._own = pl.Series("id", self.labels, dtype=pl.String).cast(
                _KINDS[self.kind], strict=False)
        if not len(self.labels):
            return pl.Series("id", [None] * len(codes), dtype=_KINDS[self.kind])
        unknown = codes < 0
        found = self._own.gather(np.where(unknown, 0, codes).astype(np.uint32))
        return found if not unknown.any() else found.set(pl.Series(unknown), None)

    def extended(self, names: Iterable[str]) -> Ids:
        """With those labels at the end that are not known yet, in their order."""
        known = self._table()
        fresh = dict.fromkeys(name for name in names if name is not None and name not in known)
        return Ids([*self.labels, *fresh], self.kind) if fresh else self

    def state(self) -> State:
        """The labels as JSON text, and their type."""
        return State(KIND, {"kind": self.kind, "count": len(self)},
                     blobs={"labels": json.dumps(self.labels, ensure_ascii=False).encode()})

    @classmethod
    def from_state(cls, state: State) -> Ids:
        """Read back what `state` wrote; ArtifactError if it was altered."""
        labels = json.loads(state.blobs["labels"].decode())
        good = isinstance(labels, list) and all(isinstance(label, str) for label in labels)
        if not good or state.config["kind"] not in _KINDS or len(labels) != state.config["count"]:
            raise ArtifactError("the model file's names of users or items cannot be read: they "
                                "were altered; save the model anew.")
        return cls(labels, state.config["kind"])

    def _table(self) -> dict[str, int]:
        if self._codes is None:
            self._codes = {label: code for code, label in enumerate(self.labels)}
        return self._codes


def labels_of(names: Any) -> list[str | None]:
    """Names of any type as the text that stands for them; None where missing."""
    if len(names) <= _FEW:
        return [label_of(name) for name in
                (names.to_list() if isinstance(names, pl.Series) else names)]
    if isinstance(names, pl.Series):
        return _cells.to_labels(names.alias("column")).to_list()
    if isinstance(names, np.ndarray) and names.dtype.kind in "iufU":
        return _cells.to_labels(pl.Series("column", names)).to_list()
    return [label_of(name) for name in names]


def label_of(name: Any) -> str | None:
    """One name as the text that stands for it: 17 and 17.0 are "17"."""
    if name is None or isinstance(name, str):
        return None if name is None else str(name)
    if isinstance(name, (int, np.integer)) and not isinstance(name, bool):
        return str(int(name))
    if isinstance(name, (float, np.floating)):
        number = float(name)
        if number.is_integer() and abs(number) < 2.0**53:
            return str(int(number))
    return _cells.to_labels(pl.Series("column", [name], strict=False)).to_list()[0]


def _fits(column: pl.Series) -> bool:
    """Whether every number fits 64 bits with a sign."""
    largest: Any = column.max()
    return largest is None or int(largest) < 2**63
