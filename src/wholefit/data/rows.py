"""A few rows as plain Python values, ready for an encoder without a table in between.

A server answers one row at a time. Making a table of it, bringing that to a schema and looking
for what may be wrong takes a hundred times as long as the answer itself; rows whose values are
plainly what training had need none of it. Whatever is not plain (a text where a number belongs, a
category never seen, an absent column) is left to `wholefit.data.conforming`, which repairs it
and says so, or refuses it with a reason.

>>> table = {"age": [30, 41, None], "town": ["Ely", "Wells", "Ely"], "y": [0, 1, 0]}
>>> reader = RowReader(wholefit.data.load(table, target="y").schema)
>>> reader.read([{"age": 35, "town": "Wells"}]).numeric("age")
array([35.])
>>> reader.read([{"age": "35", "town": "Wells"}]) is None
True
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from wholefit.data._cells import TRUTH
from wholefit.data._swapped import ENOUGH, MISFITS
from wholefit.data.schema import Column, Schema

# Whole numbers beyond this are not all floats.
_EXACT = 2**53
# Up to so many rows, cells are read one by one: arrays would cost more.
_FEW = 8
_NONE = type(None)
_NUMBERS = frozenset({float, int, _NONE})
_NAN = math.nan


class NotPlain(Exception):
    """A cell is not plainly what training had."""


class RowReader:
    """Reads rows of one schema; `able` is False where a column's role is never read here."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        learnt = set(schema.features)
        columns = [column for column in schema.columns if column.name in learnt]
        self.able = all(column.role in _READERS for column in columns)
        self._columns = [(column.name, _READERS[column.role](column)) for column in columns] \
            if self.able else []
        # Numbers may be whole or not; words, truth values and numbers are never in one column.
        self._alike = [c.name for c in columns if c.role in ("boolean", "categorical")]
        self._ranges = [(c.name, c.low, c.high) for c in columns
                        if c.role == "numeric" and c.low is not None and c.high is not None]
        self.levels = {c.name: list(c.levels or ()) for c in columns if c.role == "categorical"}

    def read(self, rows: Sequence[Mapping[str, Any]]) -> Rows | None:
        """These rows (at least one), or None where one of them is not plain."""
        if not self.able or not rows:
            return None
        few = len(rows) <= _FEW
        try:
            cells = self._one_by_one(rows) if few else self._together(rows)
        except (KeyError, NotPlain, TypeError, OverflowError):
            return None
        if few and len(rows) > 1 and not self._are_alike(rows):
            return None
        if len(rows) >= ENOUGH and self._strays(cells):
            return None
        return Rows(self, cells, len(rows))

    def _one_by_one(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {name: [read.one(row[name]) for row in rows] for name, read in self._columns}

    def _together(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Whole columns at a time; which also sees that they hold cells of one kind."""
        return {name: read.many(list(map(itemgetter(name), rows)))
                for name, read in self._columns}

    def _are_alike(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Whether no column holds words and numbers, which a table would read as words."""
        for name in self._alike:
            kinds = {type(row[name]) for row in rows}
            kinds.discard(type(None))
            if len(kinds) > 1 and not kinds <= _NUMBERS:
                return False
        return True

    def _strays(self, cells: dict[str, np.ndarray]) -> bool:
        """Whether two columns of numbers hardly hold what they held: they may be swapped."""
        odd = 0
        for name, low, high in self._ranges:
            there = cells[name][~np.isnan(cells[name])]
            odd += bool(len(there)) and float(
                np.mean((there >= low) & (there <= high))) <= MISFITS
        return odd > 1


class Rows:
    """Rows that were read: what an encoder asks of a Dataset, of feature columns alone.

    `cells` holds one list a column, or where there are many rows one array: floats (NaN missing),
    or codes of `levels` (-1 missing).
    """

    def __init__(self, reader: RowReader, cells: dict[str, Any], size: int) -> None:
        self.reader, self.cells, self._size = reader, cells, size
        self.schema = reader.schema

    def __len__(self) -> int:
        return self._size

    def numeric(self, name: str) -> np.ndarray:
        """A column of numbers or truth values as float64 (n,), NaN where missing."""
        return np.array(self.cells[name], dtype=np.float64)

    def codes(self, name: str) -> tuple[np.ndarray, list[str]]:
        """A column of categories as codes int32 (n,), -1 missing, into the training levels."""
        return np.array(self.cells[name], dtype=np.int32), self.reader.levels[name]

    def take(self, rows: np.ndarray) -> Rows:
        """The rows at these places, in that order."""
        taken = {name: np.asarray(column)[rows] for name, column in self.cells.items()}
        if len(rows) > _FEW:
            return Rows(self.reader, taken, len(rows))
        return Rows(self.reader, {name: column.tolist() for name, column in taken.items()},
                    len(rows))


class _Numbers:
    """How a column of numbers is read: a cell, or all of a column's."""

    def one(self, cell: Any) -> float:
        if type(cell) is float:
            return cell
        if cell is None:
            return _NAN
        if type(cell) is int and -_EXACT <= cell <= _EXACT:
            return float(cell)
        raise NotPlain

    def many(self, cells: list[Any]) -> np.ndarray:
        kinds = set(map(type, cells))
        if not kinds <= _NUMBERS:
            raise NotPlain
        found = np.array(cells, dtype=np.float64)  # None becomes NaN
        if int in kinds and (np.abs(found) >= _EXACT).any():  # one of them may be a float: rare
            return np.array(list(map(self.one, cells)))
        return found


class _Truths(_Numbers):
    """Truth values, also as words or numbers."""

    def one(self, cell: Any) -> float:
        if type(cell) is bool:
            return float(cell)
        if type(cell) is not str:
            return super().one(cell)
        found = TRUTH.get(cell)
        if found is None:
            raise NotPlain
        return found

    def many(self, cells: list[Any]) -> np.ndarray:
        kinds = set(map(type, cells)) - {_NONE}
        if kinds <= _NUMBERS:
            return super().many(cells)
        if len(kinds) > 1:
            raise NotPlain
        return np.array(list(map(self.one, cells)))


class _Levels:
    """Categories, as places among the levels that training had."""

    def __init__(self, column: Column) -> None:
        self._places: dict[Any, int] = {
            level: at for at, level in enumerate(column.levels or ())}
        self._or_missing = {**self._places, None: -1}

    def one(self, cell: Any) -> int:
        if cell is None:
            return -1
        found = self._places.get(
            cell if type(cell) is str else str(cell) if type(cell) is int else None)
        if found is None:
            raise NotPlain
        return found

    def many(self, cells: list[Any]) -> np.ndarray:
        try:
            return np.fromiter(map(self._or_missing.get, cells), np.int32, len(cells))
        except TypeError:  # something is no level as it stands; levels are texts
            if len(set(map(type, cells)) - {_NONE}) > 1:
                raise NotPlain from None
            return np.array(list(map(self.one, cells)), dtype=np.int32)


_READERS: dict[str, Callable[[Column], _Numbers | _Levels]] = {
    "numeric": lambda column: _Numbers(), "boolean": lambda column: _Truths(),
    "categorical": _Levels}
