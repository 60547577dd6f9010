"""The profile of one column, by what its role lets one say of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl

from wholefit.data import _cells
from wholefit.data.images.sizing import kinds
from wholefit.data.profile import _numbers, _times
from wholefit.data.profile._parts import ColumnProfile, Histogram
from wholefit.data.profile._words import WIDE, clipped
from wholefit.data.schema import Column

_TOP = 20
_SAMPLES = 5
# A level of fewer rows is thin: a share of it is known to worse than 18 points either way.
THIN = 30
_NOT_A_KIND = ("target", "weight", "group", "time", "identifier", "ignored", "constant")


def profiled(
    column: Column, cells: pl.Series, kind: str | None = None, now: dt.datetime | None = None
) -> ColumnProfile:
    """The profile of `cells`, described as `kind` or as the column's role asks for."""
    kind = kind or kind_of(column.role, cells)
    found: dict[str, Any] = {"samples": samples(cells)}
    if kind == "numeric":
        found |= _numbers.figures(_cells.to_numbers(cells).drop_nulls().to_numpy())
    elif kind == "datetime":
        times = _cells.to_times(cells)
        found |= {"span": _times.span(times), "dates": _times.facts(times, now)}
    elif kind == "text":
        found |= _texts(cells.cast(pl.String))
    elif kind == "categorical":
        found |= _levels(_cells.to_labels(cells))
    elif kind == "image":
        found["top"] = _levels(kinds(cells))["top"]
    return ColumnProfile(column.name, column.role, column.dtype, column.reason, column.missing,
                         column.distinct, kind=kind, **found)


def kind_of(role: str, cells: pl.Series) -> str:
    """How a column is described: numeric, categorical, text, datetime or none."""
    if role == "boolean":
        return "categorical"
    if role not in _NOT_A_KIND:
        return role
    if cells.dtype.is_nested() or cells.dtype in (pl.Object, pl.Binary, pl.Null):
        return "none"
    if cells.dtype.is_temporal() and cells.dtype not in (pl.Duration, pl.Time):
        return "datetime"
    return "numeric" if cells.dtype.is_numeric() else "categorical"


def samples(cells: pl.Series) -> tuple[str, ...]:
    """A few different cells, from evenly spread rows, as text."""
    if cells.dtype in (pl.Object, pl.Binary, pl.Null) or not len(cells):
        return ()
    places = np.unique(np.linspace(0, len(cells) - 1, 8 * _SAMPLES).astype(np.int64))
    found: dict[str, None] = {}
    digits = 7 if cells.dtype == pl.Float32 else 10
    for cell in cells.gather(places).drop_nulls().to_list():
        found.setdefault(clipped(_said(cell, digits), WIDE))
    return tuple(list(found)[:_SAMPLES])


def _said(cell: object, digits: int = 10) -> str:
    if isinstance(cell, float):
        return f"{cell:.{digits}g}"
    return _times.said(cell) if isinstance(cell, dt.datetime) else str(cell)


def _levels(labels: pl.Series) -> dict[str, Any]:
    """The most frequent levels, and how many are seen once."""
    counted = labels.drop_nulls().rename("level").value_counts(name="rows")
    once = int((counted["rows"] == 1).sum())
    least = min(counted["rows"].top_k(_TOP).to_list(), default=0)
    most = counted.filter(pl.col("rows") >= least)
    most = most.sort(["rows", "level"], descending=[True, False]).head(_TOP)
    top = tuple(zip(most["level"].to_list(), most["rows"].to_list(), strict=True))
    thin = counted.filter(pl.col("rows") < THIN)
    return {"top": top, "counts": {
        "once": once, "mode": top[0][1] if top else 0, "thin": thin.height,
        "thin_rows": int(thin["rows"].sum())}}


def _texts(cells: pl.Series) -> dict[str, Any]:
    """Words and characters a cell, and how many cells hold nothing."""
    present = cells.drop_nulls()
    words = present.str.count_matches(r"\S+").to_numpy().astype(np.float64)
    letters = present.str.len_chars()
    if not len(words):
        return {"words": 0.0}
    ordered = np.sort(words)
    lengths = {"words_min": float(ordered[0]), "words_median": float(np.median(ordered)),
               "words_max": float(ordered[-1]), "characters_min": _cells.mean(letters.head(0)),
               "characters_mean": _cells.mean(letters)}
    lengths["characters_min"], lengths["characters_max"] = (
        float(letters.min() or 0), float(letters.max() or 0))  # type: ignore[arg-type]
    shape: Histogram | None = _numbers.histogram(ordered)
    return {"words": float(words.mean()), "lengths": lengths, "histogram": shape,
            "counts": {"empty": int((words == 0).sum())}}
