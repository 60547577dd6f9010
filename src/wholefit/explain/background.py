"""What a row is compared with: rows that were given, or rows made up from what the fit remembers.

A contribution says how much a column moves the answer away from a start, and the start is the mean
answer over some rows. A model file keeps no row. From what it does keep of each column (quantiles,
levels and their counts) rows are made up, each column drawn by itself: every column is then spread
as it was in training, and no column knows another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit import data
from wholefit.base.errors import DataError
from wholefit.base.seeds import generator
from wholefit.base.wording import counted
from wholefit.data import Column, Dataset, Policies, Schema
from wholefit.data.validate.sketch import ColumnSketch, Sketch

# A number's sketch has its inner quantiles: an outer bin is taken to be as wide as the next one.
_LENIENT = Policies(missing_column="impute", swapped="warn")


@dataclass(frozen=True, eq=False)
class Background:
    """Rows to compare with, what is said of them, and whether a person gave them."""

    dataset: Dataset
    said: str
    given: bool = False

    def first(self, rows: int) -> Background:
        """At most so many of the rows; they are in no order, so these are as good as any."""
        if rows >= len(self.dataset):
            return self
        said = self.said.replace(f"{len(self.dataset):,}", f"{rows:,}", 1)
        return Background(self.dataset.take(np.arange(rows)), said, self.given)


def of_rows(dataset: Dataset, most: int, seed: int) -> Background:
    """Rows that a person gave, at most `most` of them, drawn with the seed."""
    if not len(dataset):
        raise DataError("background must have rows to compare with; it has none.")
    if len(dataset) <= most:
        return Background(dataset, f"compared with the {counted(len(dataset), 'row')} given for "
                          "it", given=True)
    picked = generator(seed, "background").permutation(len(dataset))[:most]
    return Background(
        dataset.take(picked), f"compared with {most:,} rows drawn from the {len(dataset):,} given "
        "for it", given=True)


def of_sketch(schema: Schema, sketch: Sketch, asked: Dataset, most: int, seed: int) -> Background:
    """Rows made up from a sketch of training, each column by itself.

    Texts are empty, for no words are kept; columns of which nothing is kept (dates) are lent by
    the rows asked about.
    """
    draw = generator(seed, "background")
    made: list[pl.Series] = []
    lent: list[str] = []
    empty: list[str] = []
    for name in schema.features:
        kept = sketch.column(name)
        if kept is not None and kept.kind == "text":
            empty.append(name)
        cells = None if kept is None else _drawn(kept, schema.column(name), most, draw)
        if cells is None:
            lent.append(name)
            cells = pl.Series(name, [None] * most)
        made.append(cells.alias(name))
    frame, _ = data.conform(schema, pl.DataFrame(made), _LENIENT)
    frame = _with_lent(frame, asked.frame, lent, draw)
    return Background(Dataset(frame, schema, source="the training sketch"),
                      f"compared with {counted(most, 'made-up row')}: each column as it was spread "
                      "in training, drawn by itself" + _apart(lent, empty))


def of_asked(dataset: Dataset, most: int, seed: int) -> Background:
    """The rows asked about themselves, where nothing else is known; DataError if they are one."""
    if len(dataset) < 2:
        raise DataError("one row alone cannot be explained by a model that remembers nothing of "
                        "its training rows: say background= (--background), rows to compare with.")
    found = of_rows(dataset, most, seed)
    return Background(found.dataset, f"compared with {counted(len(found.dataset), 'row')} of those "
                      "asked about")


def joined(asked: Dataset, background: Dataset) -> Dataset:
    """Both in one Dataset, the rows asked about first."""
    names = [name for name in asked.frame.columns if name in background.frame.columns]
    top = pl.DataFrame([asked.frame.get_column(name) for name in names])
    # Under a neutral name: the engine reads names such as "*" and "^a.*$" as patterns.
    rest = pl.DataFrame([
        background.frame.get_column(name).alias("cells").cast(top.get_column(name).dtype)
        .alias(name) for name in names])
    return Dataset(pl.concat([top, rest]), asked.schema, source=asked.source)


def _apart(lent: list[str], empty: list[str]) -> str:
    """What is otherwise than the rest."""
    said = ""
    if empty:
        said += f"; {_listed(empty)} empty"
    if lent:
        said += f"; {_listed(lent)} as in the rows asked about"
    return said


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:3]))
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _drawn(
    kept: ColumnSketch, column: Column, rows: int, draw: np.random.Generator
) -> pl.Series | None:
    """Cells of a column, spread as the sketch says; None where it says nothing."""
    if kept.kind == "text":
        return pl.Series([None] * rows, dtype=pl.String)
    make: dict[str, Callable[..., Any]] = {"number": _numbers, "category": _levels}
    known = make[kept.kind](kept, column, _evenly(rows, draw)) if kept.kind in make else None
    if known is None:
        return None
    missing = _evenly(rows, draw) < kept.missing / max(kept.rows, 1)
    return pl.Series(known).set(pl.Series(missing), None)


def _evenly(rows: int, draw: np.random.Generator) -> np.ndarray:
    """Shares in [0, 1) (rows,), one in each of `rows` equal parts, in a random order."""
    return np.asarray(draw.permutation((np.arange(rows) + draw.random(rows)) / rows))


def _numbers(kept: ColumnSketch, column: Column, share: np.ndarray) -> np.ndarray | None:
    edges, counts = np.array(kept.edges), np.array(kept.counts, dtype=np.float64)
    low, high = column.low, column.high
    if not len(edges) or not counts.sum():
        if low is None or high is None:
            return None
        return _whole(low + share * (high - low), column)
    first = edges[0] - (edges[1] - edges[0] if len(edges) > 1 else 0.0)
    last = edges[-1] + (edges[-1] - edges[-2] if len(edges) > 1 else 0.0)
    ends = np.concatenate([[first if low is None else max(first, min(low, edges[0]))], edges,
                           [last if high is None else min(last, max(high, edges[-1]))]])
    upto = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
    return _whole(np.interp(share, upto, ends), column)


def _whole(values: np.ndarray, column: Column) -> np.ndarray:
    """Whole numbers where training had such."""
    return np.round(values) if column.dtype.startswith(("Int", "UInt")) else values


def _levels(kept: ColumnSketch, column: Column, share: np.ndarray) -> np.ndarray | None:
    """Frequent levels by their counts; rare ones, which are not kept by count, by their names."""
    levels: dict[str, float] = dict(kept.levels)
    rare = [level for level in column.levels or () if level not in levels]
    if kept.other and rare:
        levels |= {level: kept.other / len(rare) for level in rare}
    if not levels:
        return None
    upto = np.cumsum(list(levels.values())) / sum(levels.values())
    at = np.minimum(np.searchsorted(upto, share, side="right"), len(levels) - 1)
    return np.array(list(levels), dtype=object)[at]


def _with_lent(
    frame: pl.DataFrame, asked: pl.DataFrame, lent: list[str], draw: np.random.Generator
) -> pl.DataFrame:
    columns = {cells.name: cells for cells in frame.get_columns()}
    for name in lent:
        if asked.height:
            picked = draw.integers(0, asked.height, frame.height)
            columns[name] = asked.get_column(name)[picked].alias(name)
    return pl.DataFrame(list(columns.values()))
