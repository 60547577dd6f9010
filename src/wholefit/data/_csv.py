"""Delimited text: the engine's own fast reader, with types that hold beyond the sample.

1. `_dialect.detect` looks at the first megabyte, `_plan` at cells from all over the file, and
   each column gets a type that the engine can parse while reading, or String.
2. The engine reads strictly, on all threads. If a value does not fit its column's type, that
   column is read again as text; if the file is malformed, `_repair` rewrites it first.
3. Text columns are settled over all their cells (`_types`), and what the engine forgives in
   silence (rows that are too short) is found by counting delimiters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, unknown
from wholefit.base.events import emit
from wholefit.data import _dialect, _plan, _repair, _settle, _types
from wholefit.data._dialect import Dialect
from wholefit.data._unpack import Workspace
from wholefit.data.notes import Note

BLOCK = 8 << 20
_RETRIES = 4
# A panic of the engine is no Exception: it must be caught by name.
_TROUBLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
_WRONG_VALUE = re.compile(r"could not parse `(.*)` as dtype `([^`]+)` at column '([0-9]+)'", re.S)


@dataclass(frozen=True)
class Options:
    """What the user said about a text file; None means: find out."""

    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None
    decimal: str | None = None
    na_values: Any = None
    columns: tuple[str, ...] | None = None
    dtypes: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Parsed:
    """A frame with its notes and the date formats that were found."""

    frame: pl.DataFrame
    notes: list[Note]
    formats: dict[str, str]


def read_csv(path: Path, options: Options, work: Workspace, name: str) -> Parsed:
    """The table in the plain text file `path`; `name` is what messages call it."""
    one = job(path, options, work, name)
    if not one.dialect.rows and path.stat().st_size <= _dialect.HEAD:
        raise DataError(f"{name} has a header ({one.dialect.width} columns) but no rows; "
                        "header=False reads its one line as data.")
    notes = list(one.dialect.notes)
    frame = one.run()
    if frame.height == 0:
        raise DataError(f"{name} has a header ({one.dialect.width} columns) but no rows.")
    done = _settle.settle_all(frame, rules(one.dialect, options), options.dtypes, options.na_values)
    return Parsed(done.frame, notes + one.notes + done.notes, done.formats)


def job(path: Path, options: Options, work: Workspace, name: str) -> _Job:
    """The reading of one plain text file, not begun."""
    return _Job(path, dialect_of(path, options, name), options, work, name)


def rules(dialect: Dialect, options: Options) -> _types.Rules:
    """How cells are written in this file."""
    if options.decimal not in (None, ".", ","):
        raise DataError(f"decimal must be '.' or ','; got {options.decimal!r}.")
    return _types.Rules(decimal=options.decimal, semicolon=dialect.delimiter in ";\t")


def dialect_of(path: Path, options: Options, name: str) -> Dialect:
    """The dialect of a file, from its first megabyte."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(_dialect.HEAD)
        if len(head) < size and b"\n" not in head and b"\r" not in head:
            head = _longer_head(file, head, name)
    return _dialect.detect(head, name, whole=len(head) >= size, delimiter=options.delimiter,
                           encoding=options.encoding, header=options.header)


def _longer_head(file: IO[bytes], head: bytes, name: str) -> bytes:
    """Up to the first line end, which wide tables have after the first megabyte."""
    parts = [head]
    while sum(map(len, parts)) < _repair.LONGEST_LINE:
        block = file.read(BLOCK)
        parts.append(block)
        if not block or b"\n" in block or b"\r" in block:
            return b"".join([*parts, file.read(BLOCK)])
    raise _repair.too_long(name)


class _Job:
    """One file being read: strict first, widened or rewritten where the file asks for it."""

    def __init__(
        self, path: Path, dialect: Dialect, options: Options, work: Workspace, name: str
    ) -> None:
        self.path, self.dialect, self.options = path, dialect, options
        self.work, self.name = work, name
        self.notes: list[Note] = []
        self.chosen = _chosen(dialect, options)
        self.rewritten = False

    def run(self) -> pl.DataFrame:
        """The frame with its final column names; text columns not settled yet."""
        if not self.dialect.clean or _ends_open(self.path, self.dialect):
            self._rewrite()
        self.plan = self._plan()
        failures = 0
        while True:
            try:
                frame = self.scan().collect()
            except _TROUBLE as error:
                failures += 1
                self._answer(str(error), failures)
                continue
            blank = self._blank_end()
            frame = frame.head(max(0, frame.height - blank)) if blank else frame
            last = str(self.dialect.width - 1)
            padded = last not in frame.columns or frame[last].null_count() > 0
            if self._is_faithful(frame.height, padded) and not self._codes(frame):
                return frame.rename(self._renames())

    def checked_scan(self) -> pl.LazyFrame:
        """A lazy reader whose types were checked against every row, in bounded memory."""
        self.plan = self._plan()
        if (not self.dialect.clean or self._blank_end()
                or _ends_open(self.path, self.dialect)):
            self._rewrite()
        failures = 0
        while True:
            try:
                asked = self.scan().select(pl.len().alias("rows"), pl.all().null_count())
                counts = asked.collect(engine="streaming").row(0, named=True)
            except _TROUBLE as error:
                failures += 1
                self._answer(str(error), failures)
                continue
            padded = counts.get(str(self.dialect.width - 1), 1) > 0
            if self._is_faithful(counts["rows"], padded):
                return self.scan().rename(self._renames())

    def _renames(self) -> dict[str, str]:
        return {str(i): self.dialect.names[i] for i in self.chosen}

    def scan(self) -> pl.LazyFrame:
        """The engine's reader for the current plan; columns are named by their place."""
        schema = {str(i): kind for i, kind in enumerate(self.plan.types)}
        lazy = pl.scan_csv(
            self.path, has_header=False, skip_rows=int(self.dialect.header), schema=schema,
            separator=self.dialect.delimiter, quote_char=self.dialect.quote, glob=False,
            null_values=list(self.plan.nulls) or None)
        if len(self.chosen) < self.dialect.width:
            lazy = lazy.select([str(i) for i in self.chosen])
        return lazy

    def _plan(self) -> _plan.Plan:
        own = self.options.na_values
        stated = {i for i, n in enumerate(self.dialect.names)
                  if n in self.options.dtypes or _settle.tokens(own, n)}
        everything = self.options.decimal == ","
        return _plan.plan(self.path, self.dialect,
                          as_text=set(range(self.dialect.width)) if everything else stated)

    def _answer(self, message: str, failures: int) -> None:
        """Make the next attempt differ: widen a column's type, or rewrite the file."""
        wrong = _WRONG_VALUE.search(message)
        if wrong and wrong.group(2) != "str" and failures <= 100:
            if failures > _RETRIES:
                self.plan.types = [pl.String] * self.dialect.width
            else:
                self.plan.types[int(wrong.group(3))] = pl.String
            return
        if self.rewritten:
            first = message.strip().splitlines()[0] if message.strip() else "no reason given"
            raise DataError(f"{self.name} cannot be read as delimited text: {first}.")
        self._rewrite()
        self.plan = self._plan()

    def _rewrite(self) -> None:
        emit("repairing", source=self.name)
        out = self.work.file("rewritten.csv")
        with open(self.path, "rb") as source:
            self.notes += _repair.rewrite(source, self.dialect, out, self.name)
        self.path, self.rewritten = out, True
        self.dialect = replace(self.dialect, encoding="utf-8", quote='"', skip=0, spaces=False,
                               returns=False, nuls=False)

    def _blank_end(self) -> int:
        """How many rows blank lines at the end of the file make: they are none."""
        return 0 if self.dialect.width == 1 else _blank_tail(self.path)

    def _is_faithful(self, rows: int, padded: bool) -> bool:
        """False, after rewriting the file, if the engine passed over a fault in silence.

        It fills up rows that are too short: then the last column has missing cells, and the
        delimiters in the file are fewer than its rows need.
        """
        if self.rewritten:
            return True
        lines = rows + int(self.dialect.header)
        needed = lines * (self.dialect.width - 1)
        short = padded and needed > 0 and _delimiters(self.path, self.dialect) != needed
        if short or _has_nul(self.path):
            self._rewrite()
            self.plan = self._plan()
            return False
        return True

    def _codes(self, frame: pl.DataFrame) -> bool:
        """True if integers of one width in the sample turn shorter: leading zeros may be lost."""
        schema = frame.schema
        doubtful = [i for i, width in self.plan.widths.items()
                    if schema.get(str(i)) == pl.Int64
                    and _smallest(frame[str(i)]) < 10 ** (width - 1)]
        for place in doubtful:
            self.plan.types[place] = pl.String
            del self.plan.widths[place]
        return bool(doubtful)


def _smallest(numbers: pl.Series) -> float:
    low: Any = numbers.abs().min()
    return float("inf") if low is None else low


def _chosen(dialect: Dialect, options: Options) -> list[int]:
    if options.columns is None:
        return list(range(dialect.width))
    for column in options.columns:
        if column not in dialect.names:
            raise unknown("column", column, dialect.names)
    return [dialect.names.index(column) for column in options.columns]


# Whole-file checks ----------------------------------------------------------------------------

def _has_nul(path: Path) -> bool:
    # One small buffer: a memory map of the whole file would count as memory of this process.
    buffer = bytearray(1 << 20)
    with open(path, "rb", buffering=0) as file:
        while size := file.readinto(buffer):
            if buffer.find(b"\0", 0, size) >= 0:
                return True
    return False


def _blank_tail(path: Path) -> int:
    """How many blank lines end the file."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16)))
        tail = file.read().replace(b"\r\n", b"\n")
    return max(0, len(tail) - len(tail.rstrip(b"\n")) - 1)


def _ends_open(path: Path, dialect: Dialect) -> bool:
    """True if the file's last cell is a lone quote, on which the engine panics."""
    quote = dialect.quote.encode()
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        tail = file.read().rstrip(b"\r\n")
    return tail.endswith(quote) and tail[-2:-1] in (b"", b"\n", b"\r", dialect.delimiter.encode())


def _delimiters(path: Path, dialect: Dialect) -> int:
    """The delimiters of the table, those inside quotes and above it left out."""
    total, inside = 0, 0
    cut, quote = ord(dialect.delimiter), ord(dialect.quote)
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            cells = np.frombuffer(block, dtype=np.uint8)
            if dialect.quote.encode() not in block:
                total += 0 if inside else int(np.count_nonzero(cells == cut))
                continue
            quotes = np.flatnonzero(cells == quote)
            cuts = np.flatnonzero(cells == cut)
            before = np.searchsorted(quotes, cuts) + inside
            total += int(np.count_nonzero(before % 2 == 0))
            inside = (inside + len(quotes)) % 2
    return total
