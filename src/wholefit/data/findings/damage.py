"""Damaged cells: text among numbers, dates and truth values, and what the text was meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import polars as pl

from wholefit.base.wording import counted
from wholefit.data import _cells, _dates
from wholefit.data import _words as words
from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look, quoted, share
from wholefit.data.schema import Column

# So large a share of numbers, and the rest is damage; below it, a column of words and codes.
_MOSTLY = 0.7
_FEWEST = 10
_PROBE = 300
_UNITS = ("kg|g|mg|t|lb|lbs|oz|km|m|cm|mm|mi|ft|in|l|ml|cl|h|hr|hrs|hours?|min|mins|s|sec|ms|days?"
          "|weeks?|months?|years?|yrs?|k|mb|gb|kb|tb|kw|kwh|w|v|a|hz|c|f|usd|eur|gbp|chf|jpy|pcs|"
          "units?|°c|°f|°|%|\\$|€|£|¥")
_KINDS = (
    ("a decimal comma", re.compile(r"\s*[+-]?\d+,\d+\s*")),
    ("a unit or currency", re.compile(
        rf"\s*(?:[$€£¥]\s*[+-]?[\d.,]+|[+-]?[\d.,]+\s*(?:{_UNITS})\.?)\s*", re.IGNORECASE)),
    ("letters for digits", re.compile(
        r"\s*[+-]?(?=.*\d)(?=.*[OoIl])[\dOoIl]+(?:[.,][\dOoIl]+)?\s*")),
    ("spaces between digits", re.compile(r"\s*[+-]?\d+(?:\s+\d+)+(?:[.,]\d+)?\s*")),
    ("two signs or points", re.compile(r"\s*(?:[+-]{2,}\d[\d.]*|[+-]?\d*\.\d*\.[\d.]*)\s*")),
    ("brackets or quotes", re.compile(r"""\s*[("'\[]+[+-]?[\d.,]+[)"'\]]+\s*""")),
)
_STEPS = {"numbers": "numbers", "dates": "dates", "true and false": "types"}
_LOST = ("bad_cells", "cells_not_converted")


def find(look: Look) -> Iterator[Finding]:
    """Columns of text that hold numbers, dates or truth values but for some cells."""
    found = {}
    for column in look.worded:
        if not _worth_a_look(look, column):
            continue
        one = _numbers(look, column) or _dated(look, column) or _truths(look, column)
        if one is not None:
            found[column.name] = one
    yield from found.values()
    for note in look.dataset.notes:
        known = {c.name for c in look.looked_at}
        if note.kind in _LOST and note.column in known and note.column not in found:
            rows = np.array(note.rows, dtype=np.int64)
            if note.kind == "cells_not_converted":
                rows = look.numbers_of_rows[rows - 1]
            yield Finding(
                "damaged_cells", "warning", (str(note.column),), note.message.partition(";")[0]
                .rstrip("."), "read as missing, these cells are lost; repaired they are not",
                *_remedy.repair(str(note.column)), count=note.count, rows=rows,
                strength=note.count / look.n)


def _worth_a_look(look: Look, column: Column) -> bool:
    """True if many cells are numbers, dates or truth values: else they are words, and whole."""
    if column.role in ("text", "datetime"):
        return False  # dates that do not convert there, loading has noted
    cells = look.series(column.name).head(_PROBE).drop_nulls().cast(pl.String)
    some = [cell.strip() for cell in cells.to_list()]
    numbers = sum(words.NUMBERISH.fullmatch(cell) is not None for cell in some)
    truths = sum(cell.lower() in ("true", "false") for cell in some)
    return max(numbers, truths, _dates.looks_like(some) * len(some)) >= 0.4 * len(some)


def _numbers(look: Look, column: Column) -> Finding | None:
    """Cells that are no numbers in a column of which most are."""
    levels, weight, cells = _levels(look, column)
    good = _cells.to_numbers(levels).is_not_null() & ~_cells.is_missing(levels)
    bad = ~good & ~_cells.is_missing(levels)
    numbers = float(weight.filter(good).sum())
    other = float(weight.filter(bad).sum())
    if not other or numbers < _MOSTLY * (numbers + other) or numbers < _FEWEST:
        return None
    plain = levels.filter(good)
    if _are_codes(plain):
        return None
    wrong = levels.filter(bad)
    return _damaged(look, column, "numbers", wrong, cells, other, _meant(wrong))


def _are_codes(numbers: pl.Series) -> bool:
    """True for digits that name things: all of one length, or some with a zero in front."""
    digits = numbers.str.strip_chars()
    if bool(digits.str.contains(r"^0\d").any()):
        return True
    long = digits.str.len_bytes().to_numpy()
    whole = bool(digits.str.contains(r"^\d+$").all())
    return whole and len(long) >= 20 and long.min() == long.max() and long.max() >= 4


def _dated(look: Look, column: Column) -> Finding | None:
    """Cells that are no dates in a column of which most are."""
    levels, weight, cells = _levels(look, column)
    some = levels.drop_nulls().head(400).to_list()
    if not some or _dates.looks_like([s.strip() for s in some]) < _MOSTLY:
        return None
    times, _ = _cells.parse_times(levels)
    good, missing = times.is_not_null(), _cells.is_missing(levels)
    bad = ~good & ~missing
    right, other = float(weight.filter(good).sum()), float(weight.filter(bad).sum())
    if not other or right < _MOSTLY * (right + other):
        return None
    return _damaged(look, column, "dates", levels.filter(bad), cells, other, "written otherwise")


def _truths(look: Look, column: Column) -> Finding | None:
    """Cells that are neither true nor false in a column of which most are."""
    if column.distinct > 20:
        return None
    levels, weight, cells = _levels(look, column)
    lower = levels.str.strip_chars().str.to_lowercase()
    good = lower.is_in(["true", "false"]).fill_null(False)
    bad = ~good & ~_cells.is_missing(levels)
    right, other = float(weight.filter(good).sum()), float(weight.filter(bad).sum())
    if not other or right < _MOSTLY * (right + other):
        return None
    return _damaged(look, column, "true and false", levels.filter(bad), cells, other, "other words")


def _levels(look: Look, column: Column) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Different cells as text, how often each is met, and all cells."""
    if column.name not in look.cache:
        cells = look.series(column.name).cast(pl.String)
        counts = cells.rename("v").value_counts(name="n")
        look.cache[column.name] = counts["v"].alias("column"), counts["n"], cells
    return look.cache[column.name]  # type: ignore[return-value]


def _damaged(
    look: Look, column: Column, kind: str, wrong: pl.Series, cells: pl.Series, count: float,
    meant: str,
) -> Finding:
    rows = look.rows(cells.is_in(wrong.to_list()))
    return Finding(
        "damaged_cells", "warning", (column.name,),
        f"column {column.name!r} holds {kind} but for {counted(len(rows), 'cell')} "
        f"({share(len(rows), look.n)}), such as {quoted(wrong.to_list())} ({meant})",
        "one such cell makes the column text, or is read as missing; repaired it keeps its value",
        *_remedy.repair(column.name, _STEPS[kind]), count=len(rows), rows=rows,
        strength=len(rows) / look.n)


def _meant(wrong: pl.Series) -> str:
    """What most of the damaged numbers look like."""
    some = wrong.head(500).to_list()
    counts = {name: sum(bool(shape.fullmatch(v)) for v in some) for name, shape in _KINDS}
    name, most = max(counts.items(), key=lambda pair: pair[1])
    if most:
        return name
    return "words" if not any(re.search(words.WHOLE[1:-1], v) for v in some) else "not numbers"
