"""Which type the engine may parse for each column while it reads, from cells all over the file."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from wholefit.data import _words as words
from wholefit.data._dialect import Dialect, line_text

_PLACES = 16
_CHUNK = 64 << 10

Kind = Any      # a polars data type, class or instance


@dataclass
class Plan:
    """A type for each column; cells that mean missing; widths of integers that may be codes."""

    types: list[Kind]
    nulls: tuple[str, ...]
    widths: dict[int, int]


def plan(path: Path, dialect: Dialect, *, as_text: set[int]) -> Plan:
    """The plan for a clean file; columns in `as_text` are left as text for later."""
    columns = _cells(path, dialect)
    used = sorted({c for cells in columns for c in cells if c in words.TOKENS})
    nulls = tuple(t for t in used if t in words.STANDARD)
    # Null tokens cost the engine time, so they are only named where a numeric column has them.
    needed: set[str] = set()
    types: list[Kind] = []
    widths: dict[int, int] = {}
    for place, cells in enumerate(columns):
        tokens = {c for c in cells if c in nulls}
        kind = pl.String if place in as_text else _kind(cells - tokens)
        if kind != pl.String:
            needed |= tokens - ({"NaN", "nan"} if kind == pl.Float64 else set())
        if kind == pl.Int64 and (width := _one_width(cells - tokens)):
            widths[place] = width
        types.append(kind)
    return Plan(types, tuple(sorted(needed)), widths)


def _kind(cells: set[str]) -> Kind:
    if not cells:
        return pl.String
    for shape, kind in ((words.INTEGER, pl.Int64), (words.FLOAT, pl.Float64),
                        (words.BOOLEAN, pl.Boolean), (words.DATE, pl.Date),
                        (words.DATETIME, pl.Datetime("us")),
                        (words.ZONED, pl.Datetime("us", "UTC"))):
        if all(map(shape.fullmatch, cells)):
            zeros = kind == pl.Float64 and any(map(words.CODE.fullmatch, cells))
            long = kind == pl.Float64 and any(map(words.LONG_INTEGER.fullmatch, cells))
            return pl.String if zeros or long else kind
    return pl.String


def _one_width(cells: set[str]) -> int | None:
    """The number of digits, if every integer has the same and at least three: zip codes do."""
    widths = {len(c.lstrip("+-")) for c in cells}
    width = widths.pop() if len(widths) == 1 else 0
    return width if width >= 3 else None


def _cells(path: Path, dialect: Dialect) -> list[set[str]]:
    """The distinct non-empty cells of each column in the head and in places over the file."""
    columns: list[set[str]] = [set() for _ in dialect.names]
    _gather(columns, dialect.rows)
    size = path.stat().st_size
    if size > 4 * _CHUNK:
        with open(path, "rb") as file:
            for place in range(1, _PLACES + 1):
                file.seek(max(0, size * place // _PLACES - _CHUNK))
                _gather(columns, _rows(file.read(_CHUNK), dialect, last=place == _PLACES))
    return columns


def _gather(columns: list[set[str]], rows: Any) -> None:
    width = len(columns)
    good = [row for row in rows if len(row) == width]
    for cells, values in zip(columns, zip(*good, strict=True), strict=False):
        cells.update(values)
        cells.discard("")


def _rows(block: bytes, dialect: Dialect, *, last: bool) -> list[list[str]]:
    lines = block.split(b"\n")[1:]
    if not last and lines:
        lines.pop()
    text = line_text(b"\n".join(lines)) + "\n"
    try:
        return list(csv.reader(io.StringIO(text), delimiter=dialect.delimiter,
                               quotechar=dialect.quote))
    except csv.Error:
        return []
