"""Columns of a frame as numbers, labels or times: the same cell means the same in training and
later, whatever type it was read as."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError
from wholefit.data import _cells

PARTED = "\x1f"
"""Between the labels of several columns that together make one key."""


def numbers(column: pl.Series) -> np.ndarray:
    """Float64 (n,), NaN where missing."""
    return _cells.to_numbers(column.alias("column")).to_numpy().astype(np.float64, copy=True)


def labels(column: pl.Series) -> pl.Series:
    """Text, null where missing; truth values read as 1 and 0, as they do after encoding."""
    column = column.alias("column")
    return _cells.to_labels(column.cast(pl.Int8) if column.dtype == pl.Boolean else column)


def keys(frame: pl.DataFrame, columns: list[str]) -> pl.Series:
    """One label a row from several columns; a missing part is an empty one."""
    if len(columns) == 1:
        return labels(frame.get_column(columns[0]))
    parts = [labels(frame.get_column(name)).fill_null("").alias(str(i))
             for i, name in enumerate(columns)]
    return pl.DataFrame(parts).select(
        pl.concat_str(pl.all(), separator=PARTED).alias("column")).to_series()


def times(column: pl.Series, user: str) -> np.ndarray:
    """datetime64[us] (n,), NaT where missing; DataError if no cell is a date."""
    found = _cells.to_times(column.alias("column"))
    if len(found) and found.null_count() == len(found) and column.null_count() < len(column):
        raise DataError(f"{user} needs dates; column {column.name!r} holds {column.dtype}.")
    return found.to_numpy()


def missing(column: pl.Series) -> np.ndarray:
    """True where a cell holds nothing."""
    return _cells.is_missing(column.alias("column")).to_numpy()


def places(values: pl.Series, known: list[str]) -> np.ndarray:
    """For each label its place in `known`, len(known) for a missing one, -1 for another."""
    table: dict[Any, int] = {label: i for i, label in enumerate(known)}
    unique = values.unique()
    found = [len(known) if v is None else table.get(v, -1) for v in unique.to_list()]
    joined = pl.DataFrame({"column": values}).join(
        pl.DataFrame({"column": unique, "at": found}, schema_overrides={"at": pl.Int64}),
        on="column", how="left", nulls_equal=True, maintain_order="left")
    return joined.get_column("at").to_numpy()
