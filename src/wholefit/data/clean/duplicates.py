"""Rows that are there twice: exactly, by a key, or by nearly the same text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.data.clean import _fuzzy
from wholefit.data.clean._step import Edit, Step, View, cells, here, is_plain, register
from wholefit.data.clean.missing import missing

_SHOWN = 20


@register
@dataclass(frozen=True)
class Deduplicate(Step):
    """Of rows that are the same, one stays.

    Without `keys`, rows are the same that agree in every column; with them, in these. With
    `alike` below 1, keys are compared as text, without case, accents, punctuation and order of
    words: 0.9 lets one letter in ten differ; numbers in them must agree. `block` names columns
    in which the rows must agree exactly. Without keys, all text is compared so, and everything
    else must agree. A row goes only if it is like the very row that stays. Rows with a missing
    key are like no other.
    """

    name: ClassVar[str] = "deduplicate"
    keys: tuple[str, ...] | None = param(None, "Columns that make rows the same; all if left "
                                         "out.", none=True)
    keep: str = param("first", "Which row stays.", choices=("first", "last", "most_complete"))
    alike: float = param(1.0, "How alike the text of the keys must be.", low=0.5, high=1)
    block: tuple[str, ...] | None = param(None, "With alike: columns that must agree exactly.",
                                          none=True)

    def check(self) -> None:
        """Blocks belong to near text, and to keys that are named."""
        if self.block and not self.keys:
            raise ParameterError("Deduplicate.block needs keys: name the text columns to compare.")
        if self.block and self.alike == 1:
            raise ParameterError("Deduplicate.block has a meaning only with alike below 1; add its "
                                 "columns to keys.")

    @property
    def drops(self) -> bool:
        """True."""
        return True

    def learn(self, view: View) -> State:
        """The columns compared, which must be there."""
        wanted = None if self.keys is None else (*self.keys, *(self.block or ()))
        names = view.pick(wanted, None, is_plain, "plain cells", safe=True)
        return State(f"clean.{self.name}", {"columns": names})

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Leave out the rows that are like one that stays."""
        names = here(frame, learnt)
        if frame.height < 2 or not names:
            return Edit()
        if self.alike < 1:
            keys = self.keys or [n for n in names if frame.schema[n] == pl.String]
            return self._fuzzy(frame, [n for n in names if n in keys],
                               [n for n in names if n in (self.block or ()) or (
                                   self.keys is None and n not in keys)])
        groups = _groups([cells(frame, name) for name in names])
        if self.keys is not None:
            groups = _apart(groups, [cells(frame, name) for name in names])
        numbers = np.unique(groups, return_inverse=True)[1]
        stays = _best(numbers, self._rank(frame))
        return _edit(stays[numbers], frame.height, ())

    def _fuzzy(self, frame: pl.DataFrame, keys: list[str], block: list[str]) -> Edit:
        if not keys:
            return Edit()
        words, rests = _fuzzy.keys_of([cells(frame, name) for name in keys])
        agree = [cells(frame, name) for name in block]
        if any(rests):
            agree.append(pl.Series(rests))
        within = _groups(agree) if agree else np.zeros(frame.height, dtype=np.int64)
        found = _fuzzy.pairs(words, within, self.alike)
        stand_in = _settle(found, self._rank(frame))
        gone = np.flatnonzero(stand_in != np.arange(frame.height))
        said = tuple(f"row {at + 1} is like row {stand_in[at] + 1}: {words[at]!r} and "
                     f"{words[stand_in[at]]!r}" for at in gone[:_SHOWN].tolist())
        return _edit(stand_in, frame.height, said)

    def _rank(self, frame: pl.DataFrame) -> np.ndarray:
        """Lower stays: the place of a row, or first how much of it is missing."""
        place = np.arange(frame.height)
        if self.keep == "last":
            return -place
        if self.keep == "first":
            return place
        holes = np.zeros(frame.height, dtype=np.int64)
        for name in frame.columns:
            holes += missing(cells(frame, name)).to_numpy()
        return holes * frame.height + place


def _groups(columns: list[pl.Series]) -> np.ndarray:
    """For each row (n,) the first row that agrees with it in all columns.

    Hashes find the rows that may be equal; only those are compared cell by cell.
    """
    frame = pl.DataFrame([_comparable(column).alias(str(at)) for at, column in enumerate(columns)])
    first = np.arange(frame.height)
    suspects = np.flatnonzero(frame.hash_rows(seed=0).is_duplicated().to_numpy())
    if len(suspects):
        few = frame[suspects].with_columns(pl.Series("row", suspects))
        names = few.columns[:-1]
        first[suspects] = few.select(pl.col("row").min().over(names)).to_series().to_numpy()
    return first


def _comparable(column: pl.Series) -> pl.Series:
    return column.fill_nan(None) if column.dtype.is_float() else column


def _apart(groups: np.ndarray, columns: list[pl.Series]) -> np.ndarray:
    """Rows with a missing key each in a group of their own."""
    lost = np.zeros(len(groups), dtype=bool)
    for column in columns:
        lost |= missing(column).to_numpy()
    made = groups.copy()
    made[lost] = len(groups) + np.arange(int(lost.sum()))
    return made


def _best(groups: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """The row of each group (g,) with the lowest rank."""
    order = np.lexsort((rank, groups))
    first = np.concatenate([[True], np.diff(groups[order]) > 0])
    return order[first]


def _settle(found: _fuzzy.Pairs, rank: np.ndarray) -> np.ndarray:
    """For each row the row that stays in its place: itself, or one it is directly like.

    The better of two rows stays, best rows first; a row stays unless one that stays is like it.
    """
    worse = np.where(rank[found.left] > rank[found.right], found.left, found.right)
    better = np.where(rank[found.left] > rank[found.right], found.right, found.left)
    stand_in = np.arange(len(rank))
    order = np.lexsort((-found.alike, rank[better], rank[worse]))
    for low, high in zip(worse[order].tolist(), better[order].tolist(), strict=True):
        if stand_in[high] == high and stand_in[low] == low:
            stand_in[low] = high
    return stand_in


def _edit(stand_in: np.ndarray, rows: int, said: tuple[str, ...]) -> Edit:
    kept = stand_in == np.arange(rows)
    if kept.all():
        return Edit()
    return Edit(kept=kept, twins=np.where(kept, -1, stand_in), said=said)
