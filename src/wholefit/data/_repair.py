"""A delimited text file that the engine refuses is rewritten, row by row, as one it reads.

Nothing is lost in silence. The rewritten file has one line per row of the source:

- rows with too many values (and not just empty ones at the end) keep their place with every
  cell missing, because which value belongs where cannot be known;
- rows with too few values are filled up with missing cells;
- blank lines in a table of several columns are no rows;
- bytes that are not UTF-8 are read as Windows-1252; NUL bytes are removed;
- a quote that is never closed counts as an ordinary character.

Each of these is counted and noted with row numbers (1-based, the header not counted).
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from wholefit.base.errors import DataError
from wholefit.data._dialect import Dialect, line_text
from wholefit.data.notes import Note, info, some, warning

BLOCK = 1 << 20
LONGEST_LINE = 64 << 20
_OPEN_LINES = 1000          # a quoted cell may span this many lines before the quote is distrusted
_EXAMPLES = 1000
_MOST_BAD = 0.5


@dataclass
class _Tally:
    """What was met on the way."""

    rows: int = 0
    long: list[int] = field(default_factory=list)
    short: list[int] = field(default_factory=list)
    quotes: list[int] = field(default_factory=list)
    foreign: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, row: int | None = None, times: int = 1) -> None:
        """Count, and keep the first thousand row numbers."""
        self.counts[kind] = self.counts.get(kind, 0) + times
        kept = getattr(self, kind, None)
        if row is not None and kept is not None and len(kept) < _EXAMPLES:
            kept.append(row)


def rewrite(source: IO[bytes], dialect: Dialect, out: Path, name: str) -> list[Note]:
    """Write the rows of `source` to `out` as clean UTF-8 with the same delimiter; the notes.

    The result has one header line if the source has one, '\\n' line ends and '"' quotes.
    """
    tally = _Tally()
    lines = _lines(blocks(source, dialect, tally), name)
    for _ in range(dialect.skip):
        next(lines, None)
    with open(out, "w", encoding="utf-8", newline="") as sink:
        _Rows(dialect, tally, sink).write(_texts(lines, dialect, tally))
    if tally.rows > 20 and tally.counts.get("long", 0) > _MOST_BAD * tally.rows:
        raise DataError(
            f"{name}: {tally.counts['long']} of {tally.rows} rows have more than {dialect.width} "
            f"values when cut at {dialect.delimiter!r}: say delimiter= or header=."
        )
    return _notes(tally, dialect)


# From bytes to lines --------------------------------------------------------------------------

def blocks(source: IO[bytes], dialect: Dialect, tally: _Tally | None = None) -> Iterator[bytes]:
    """UTF-8-like bytes without NULs, in pieces; line ends are \\n."""
    tally = _Tally() if tally is None else tally
    decoder = None
    if dialect.encoding != "utf-8":
        decoder = codecs.getincrementaldecoder(dialect.encoding)(errors="replace")
    first = True
    while True:
        block = source.read(BLOCK)
        final = not block
        if decoder is not None:
            block = decoder.decode(block, final).encode("utf-8", "surrogatepass")
        if first:
            block, first = block.removeprefix(codecs.BOM_UTF8), False
        nuls = block.count(b"\0")
        if nuls:
            tally.add("nuls", times=nuls)
            block = block.replace(b"\0", b"")
        if dialect.returns:
            block = block.replace(b"\r", b"\n")
        if block:
            yield block
        if final:
            return


def _lines(pieces_of_text: Iterable[bytes], name: str) -> Iterator[bytes]:
    rest: list[bytes] = []
    held = 0
    for block in pieces_of_text:
        pieces = block.split(b"\n")
        if len(pieces) == 1:
            rest.append(block)
            held += len(block)
            if held > LONGEST_LINE:
                raise too_long(name)
            continue
        pieces[0] = b"".join(rest) + pieces[0]
        rest, held = [pieces.pop()], 0
        held = len(rest[0])
        for piece in pieces:
            yield piece[:-1] if piece.endswith(b"\r") else piece
    last = b"".join(rest)
    if last:
        yield last[:-1] if last.endswith(b"\r") else last


def too_long(name: str) -> DataError:
    """The error for a line that no table has."""
    return DataError(
        f"{name} has a line longer than {LONGEST_LINE >> 20} MB: it is not a delimited text table, "
        "or its line ends are lost; say format= if it is something else."
    )


def _texts(lines: Iterator[bytes], dialect: Dialect, tally: _Tally) -> Iterator[str]:
    row = 0 if dialect.header else 1
    for line in lines:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text = line_text(line)
            tally.add("foreign", row)
        row += 1
        yield text


# From lines to rows ---------------------------------------------------------------------------

class _Rows:
    """Cuts lines into rows of the right width and writes them."""

    def __init__(self, dialect: Dialect, tally: _Tally, sink: IO[str]) -> None:
        self.dialect, self.tally, self.sink = dialect, tally, sink
        self.writer = csv.writer(sink, delimiter=dialect.delimiter, lineterminator="\n")
        self.width = dialect.width
        self.empty = '""' if self.width == 1 else dialect.delimiter * (self.width - 1)

    def write(self, texts: Iterator[str]) -> None:
        """Every line of `texts`; the header, if there is one, is rewritten from the names."""
        queue: deque[str] = deque()
        if self.dialect.header:
            self.writer.writerow(self.dialect.names)
            self._skip_header(texts, queue)
        separator, quote = self.dialect.delimiter, self.dialect.quote
        while True:
            line = queue.popleft() if queue else next(texts, None)
            if line is None:
                return
            plain = quote not in line and '"' not in line and not self.dialect.spaces
            if plain and "\r" not in line and line.count(separator) == self.width - 1:
                self._line(line)
            else:
                self._row(self._fields(line, texts, queue))

    def _line(self, line: str) -> None:
        if line or self.width == 1:
            self.tally.rows += 1
            self.sink.write(line + "\n")

    def _skip_header(self, texts: Iterator[str], queue: deque[str]) -> None:
        while True:
            line = queue.popleft() if queue else next(texts, None)
            if line is None:
                return
            if line.strip():
                self._fields(line, texts, queue)
                return

    def _fields(self, line: str, texts: Iterator[str], queue: deque[str]) -> list[str]:
        """The values of the row that starts with `line`; an open quote takes further lines."""
        if self.dialect.spaces:
            line = " ".join(line.split())
        taken = [line]
        size = len(line)
        while True:
            fields, is_open = self._parse("\n".join(taken))
            if fields is not None:
                return fields
            if not is_open or len(taken) > _OPEN_LINES or size > BLOCK:
                break
            more = queue.popleft() if queue else next(texts, None)
            if more is None:
                break
            taken.append(more)
            size += len(more)
        queue.extendleft(reversed(taken[1:]))
        self.tally.add("quotes", self.tally.rows + 1)
        return [self._unquoted(cell) for cell in line.split(self.dialect.delimiter)]

    def _unquoted(self, cell: str) -> str:
        quote = self.dialect.quote
        if len(cell) > 1 and cell[0] == cell[-1] == quote:
            return cell[1:-1].replace(quote * 2, quote)
        return cell

    def _parse(self, text: str) -> tuple[list[str] | None, bool]:
        """The fields of `text`; None and True if a quote is still open, None and False if bad."""
        if self.dialect.quote not in text:
            return text.split(self.dialect.delimiter), False
        try:
            reader = csv.reader(io.StringIO(text, newline=""), strict=True,
                                delimiter=self.dialect.delimiter, quotechar=self.dialect.quote)
            rows = list(reader)
        except csv.Error as error:
            return None, "unexpected end" in str(error)
        return (rows[0] if len(rows) == 1 else None), False

    def _row(self, fields: list[str]) -> None:
        if self.width > 1 and len(fields) <= 1 and not "".join(fields).strip():
            self.tally.add("blank")
            return
        self.tally.rows += 1
        if len(fields) > self.width:
            if any(cell.strip() for cell in fields[self.width:]):
                self.tally.add("long", self.tally.rows)
                self.sink.write(self.empty + "\n")
                return
            self.tally.add("trailing", self.tally.rows)
            fields = fields[: self.width]
        elif len(fields) < self.width:
            self.tally.add("short", self.tally.rows)
            fields = fields + [""] * (self.width - len(fields))
        self.writer.writerow(fields)


# Notes ----------------------------------------------------------------------------------------

def _notes(tally: _Tally, dialect: Dialect) -> list[Note]:
    count = tally.counts.get
    notes = []
    if many := count("long"):
        notes.append(warning(
            "long_rows", f"{_rows_of(many, tally.long)} more than {dialect.width} values; which "
            "value belongs to which column cannot be known, so all their cells are missing. "
            "Put quotes around values that contain the delimiter.", rows=tally.long, count=many))
    if many := count("short"):
        notes.append(warning(
            "short_rows", f"{_rows_of(many, tally.short)} fewer than {dialect.width} values; the "
            "cells at the end are missing.", rows=tally.short, count=many))
    if many := count("quotes"):
        notes.append(warning(
            "quotes", f"{_rows_of(many, tally.quotes)} a stray or unclosed quote, taken as an "
            "ordinary character.", rows=tally.quotes, count=many))
    if many := count("foreign"):
        notes.append(warning(
            "encoding", f"{many} lines are not valid UTF-8 and were read as Windows-1252; say "
            "encoding= if letters look wrong.", rows=[r for r in tally.foreign if r > 0],
            count=many))
    if many := count("nuls"):
        notes.append(warning("nul_bytes", f"{many} NUL bytes were removed.", count=many))
    if many := count("blank"):
        notes.append(info("blank_lines", f"{many} blank lines were passed over.", count=many))
    if many := count("trailing"):
        notes.append(info("trailing_delimiters", f"{many} rows end in delimiters with nothing "
                          "after them, which were dropped.", count=many))
    return notes


def _rows_of(count: int, rows: list[int]) -> str:
    return f"row {rows[0]} has" if count == 1 else f"{count} rows ({some(rows)}) have"
