"""Answers as they lie in the log, made one table: a column for each cell of rows and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from wholefit.base.errors import DataError
from wholefit.data import _memory
from wholefit.data.predictions.record import Cells

# What a line of the log holds, in the order in which it is asked for.
LINE = ("id", "model", "version", "made", "shadow", "confidence", "seconds", "asked", "answer",
        "truth", "told")
# Columns that a table of answers always has.
FIELDS = ("id", "time", "model", "version", "shadow", "confidence", "seconds", "truth", "told")
LATEST = 253_402_300_799  # the last second of the year 9999
_WIDEST = 5_000


def wide(lines: Sequence[Sequence[Any]], cells: Cells) -> pl.DataFrame:
    """The table of these lines; DataError where one was not written by wholefit."""
    try:
        fixed = [
            pl.Series("id", [str(line[0]) for line in lines], dtype=pl.String),
            _times("time", [line[3] for line in lines]),
            pl.Series("model", [str(line[1]) for line in lines], dtype=pl.String),
            pl.Series("version", [str(line[2]) for line in lines], dtype=pl.String),
            pl.Series("shadow", [bool(line[4]) for line in lines], dtype=pl.Boolean),
            _numbers("confidence", [line[5] for line in lines]),
            _numbers("seconds", [line[6] for line in lines]),
            _memory.objects("truth", [cells.take(line[9], "truth") for line in lines]),
            _times("told", [line[10] for line in lines])]
        asked = _columns("row", [line[7] for line in lines], cells)
        said = _columns("answer", [line[8] for line in lines], cells)
        return pl.DataFrame([*fixed, *asked, *said])
    except DataError:
        raise
    except (TypeError, ValueError, OverflowError, RecursionError,
            pl.exceptions.PolarsError) as error:
        raise DataError("the log holds a time, a number or a text that is none: it was altered, or "
                        "not written by wholefit.") from error


def _columns(prefix: str, written: Sequence[Any], cells: Cells) -> list[pl.Series]:
    found = [cells.columns(each, prefix) for each in written]
    names = list(dict.fromkeys(name for each in found for name in each))
    if len(names) > _WIDEST:
        raise DataError(f"the log's {prefix}s have {len(names):,} different columns, more than "
                        f"{_WIDEST:,}: they are not of one model; name one.")
    return [_memory.objects(f"{prefix}.{name}", [_cell(each.get(name)) for each in found])
            for name in names]


def _cell(value: Any) -> Any:
    """Values of a cell; what is nested is shown as text."""
    return str(value) if isinstance(value, (list, dict)) else value


def _numbers(name: str, values: Sequence[Any]) -> pl.Series:
    return pl.Series(name, [None if value is None else float(value) for value in values],
                     dtype=pl.Float64)


def _times(name: str, values: Sequence[Any]) -> pl.Series:
    whole = []
    for value in values:
        if value is not None and not abs(float(value)) <= LATEST:
            raise ValueError(f"{value} is no time")
        whole.append(None if value is None else round(float(value) * 1e6))
    return pl.Series(name, whole, dtype=pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone(
        "UTC")
