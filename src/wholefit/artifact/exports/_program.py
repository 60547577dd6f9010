"""A fitted model as a short list of plain operations on arrays: what small runtimes execute.

A program reads the cells of one row by column, fills registers (runs of 64-bit floats) one
operation after another, and ends with a register that holds probabilities, or one number. It
depends on numpy and the standard library alone, and so do the modules that make one, for the
numpy runtime carries copies of them.

An operation writes to a stretch of one register; its arguments are registers, tables (constant
arrays), word lists, columns and numbers. What each does is said once, in `_numpy_ops.py`; the
templates `*.c` and `*.js` hold the same operations under the same names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

KINDS = ("number", "truth", "level", "time", "text")
"""What a column's cells are: numbers, truth values (as 0 and 1), names, times, running text."""


@dataclass(frozen=True)
class Reg:
    """A register: `width` numbers."""

    at: int
    width: int


@dataclass(frozen=True)
class Table:
    """A constant array, by its place among the program's tables."""

    at: int


@dataclass(frozen=True)
class Words:
    """A list of words, by its place among the program's lists."""

    at: int


@dataclass(frozen=True)
class Column:
    """A column of the row, by its place among the program's columns."""

    at: int


@dataclass(frozen=True)
class Cell:
    """What the program reads of one column; `levels` are the names that training saw."""

    name: str
    kind: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Op:
    """One operation: it fills `width` numbers of register `out` from `start` on."""

    name: str
    out: Reg
    start: int
    width: int
    args: tuple[Any, ...] = ()


@dataclass
class Program:
    """Columns, registers, tables, words and operations; `answer` is the register that answers.

    `classes` are the labels of a classification in order of the probabilities, empty for a
    number. `rule` says how probabilities become a label: None for the most probable one,
    {"positive", "threshold"}, or {"costs"} with true class down and answer across.
    """

    columns: list[Cell] = field(default_factory=list)
    registers: list[Reg] = field(default_factory=list)
    tables: list[np.ndarray] = field(default_factory=list)
    words: list[list[str]] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    answer: Reg = Reg(0, 0)
    task: str = ""
    target: str = ""
    classes: tuple[Any, ...] = ()
    rule: dict[str, Any] | None = None

    # -- building ---------------------------------------------------------------------------

    def column(self, name: str) -> Column:
        """The column of that name."""
        return Column([cell.name for cell in self.columns].index(name))

    def register(self, width: int) -> Reg:
        """A new register."""
        made = Reg(len(self.registers), int(width))
        self.registers.append(made)
        return made

    def table(self, values: Any, kind: str = "f8") -> Table:
        """A new constant array, flat: "f8" floats, "i4" whole numbers, "u1" bytes."""
        array = np.ascontiguousarray(np.asarray(values).ravel(), dtype=np.dtype("<" + kind)
                                     if kind != "u1" else np.uint8)
        for at, known in enumerate(self.tables):
            if known.dtype == array.dtype and len(array) < 4096 and (
                    known.tobytes() == array.tobytes()):
                return Table(at)
        self.tables.append(array)
        return Table(len(self.tables) - 1)

    def wordlist(self, words: Sequence[str]) -> Words:
        """A new list of words."""
        self.words.append(list(words))
        return Words(len(self.words) - 1)

    def do(self, name: str, out: Reg | int, *args: Any, start: int = 0,
           width: int | None = None) -> Reg:
        """Append an operation; `out` is a register, or the width of a new one. Gives it back."""
        into = self.register(out) if isinstance(out, int) else out
        self.ops.append(Op(name, into, start, into.width - start if width is None else width,
                           args))
        return into

    # -- facts ------------------------------------------------------------------------------

    @property
    def nbytes(self) -> int:
        """Bytes of the constant arrays."""
        return sum(table.nbytes for table in self.tables)

    @property
    def names(self) -> set[str]:
        """The operations that it uses."""
        return {op.name for op in self.ops}
