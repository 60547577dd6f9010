"""A value judged by its context: 4,000 cars an hour are usual at noon and strange at three.

Each number becomes its distance from what is usual in the row's cell of context (hour of day,
weekday, shop, ...), in robust spreads of that cell; each category becomes its surprise there,
-log of its share. Cells are thin where there are many, so each is drawn towards the cell one
word of context less, and that towards all rows: with n rows of its own a cell counts n to the
parent's `_PRIOR` (partial pooling: Gelman and Hill, 2007, chapter 12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.base.state import State
from wholefit.data import Dataset, Schema
from wholefit.data.schema import Column

KIND = "anomaly.context"
CALENDAR = ("hour", "weekday", "day", "month", "quarter")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")
# Rows of its own that a cell needs to count as much as its parent.
_PRIOR = 10.0
# A cell's spread is at least this share of the whole column's: what never varied may, a little.
_LEAST = 0.02
_MOST_CELLS = 200_000


@dataclass(frozen=True)
class Key:
    """One word of context: a part of a calendar read from `column`, or the column itself."""

    name: str
    column: str

    @property
    def calendar(self) -> bool:
        """True for a part of the calendar."""
        return self.name != self.column


def keys_of(context: str, schema: Schema, times: str | None) -> tuple[Key, ...]:
    """The words of `context="hour,weekday,shop"`; `times` is the column that tells the time."""
    found = []
    names = {column.name for column in schema.columns if column.role != "label"}
    for word in (part.strip() for part in context.split(",")):
        if not word:
            raise ParameterError(f"context must name columns or {', '.join(CALENDAR)}, parted by "
                                 f"commas; got {context!r}.")
        if word in names:
            found.append(Key(word, word))
        elif word in CALENDAR:
            if times is None:
                raise DataError(f"context={word!r} needs to know the time of each row: name its "
                                "column with time=.")
            found.append(Key(word, times))
        else:
            raise unknown("column or part of the calendar", word, [*CALENDAR, *sorted(names)])
    if len(set(found)) < len(found):
        raise ParameterError(f"context must name each word once; got {context!r}.")
    return tuple(found)


class Context:
    """What is usual in each cell, learnt from some rows; without keys, what is usual at all.

    `numbers` and `labels` are the columns judged; others pass as they are.
    """

    def __init__(
        self, keys: tuple[Key, ...], levels: dict[str, list[str]], numbers: list[str],
        labels: list[str], tables: Sequence[Table], shares: Sequence[Shares],
    ) -> None:
        self.keys, self.levels = keys, levels
        self.numbers, self.labels = numbers, labels
        self.tables, self.shares = list(tables), list(shares)

    @classmethod
    def learn(cls, dataset: Dataset, keys: tuple[Key, ...], rows: np.ndarray) -> Context:
        """From these rows of the dataset."""
        numbers, labels = judged(dataset.schema, keys)
        levels = {key.column: _levels(dataset, key.column, rows)
                  for key in keys if not key.calendar}
        made = cls(keys, levels, numbers, labels, (), ())
        cells = [codes[rows] for codes in made.cells(dataset)]
        values = np.column_stack([dataset.numeric(name)[rows] for name in numbers]) \
            if numbers else np.zeros((len(rows), 0))
        made.tables = _tables(values, cells)
        made.shares = [_shares(_texts(dataset, name, rows), cells) for name in labels]
        return made

    def cells(self, dataset: Dataset) -> list[np.ndarray]:
        """Cell of each row at each depth: by no word, by the first, by the first two, ..."""
        whole = np.zeros(len(dataset), dtype=np.int64)
        found = [whole]
        room = 2.0**40  # what is left of 64 bits once levels of a category are counted in
        for key in self.keys:
            codes, size = self._codes(dataset, key)
            room /= size
            if room < 1:
                raise DataError(f"context {', '.join(key.name for key in self.keys)} has too many "
                                "cells: name fewer or coarser words of context.")
            whole = whole * size + codes
            found.append(whole)
        return found

    def _codes(self, dataset: Dataset, key: Key) -> tuple[np.ndarray, int]:
        if key.calendar:
            return calendar(dataset.times(key.column), key.name)
        known = self.levels[key.column]
        codes, levels = dataset.codes(key.column)
        place = {level: at for at, level in enumerate(known)}
        translate = np.array([place.get(level, len(known)) for level in levels] + [len(known)])
        return translate[codes], len(known) + 1

    def usual(self, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Middle and spread (n, numbers) of each number in the row's cell."""
        return _looked_up(self.tables, self.cells(dataset))

    def apply(self, dataset: Dataset) -> Dataset:
        """The same rows, each number as its distance from the usual, each category's surprise."""
        middle, spread = self.usual(dataset)
        columns = []
        for at, name in enumerate(self.numbers):
            away = (dataset.numeric(name) - middle[:, at]) / spread[:, at]
            columns.append(pl.Series(name, away))
        cells = self.cells(dataset)
        for name, shares in zip(self.labels, self.shares, strict=True):
            codes, levels = dataset.codes(name)
            columns.append(pl.Series(name, shares.surprise(codes, levels, cells)))
        judged_names = {column.name for column in columns}
        schema = self._schema(dataset.schema)
        frame = dataset.frame
        rest = [frame.get_column(name) for name in frame.columns if name not in judged_names]
        return Dataset(pl.DataFrame([*columns, *rest]), schema, source=dataset.source,
                       guest=dataset.guest, original=dataset.original)

    def _schema(self, schema: Schema) -> Schema:
        """The schema of `apply`: what is judged is a number, what is context is not learnt."""
        context = {key.column for key in self.keys}
        judged_names = {*self.numbers, *self.labels}

        def seen(column: Column) -> Column:
            if column.name in judged_names:
                return Column(column.name, "numeric", "Float64", "judged in its context")
            if column.name in context and column.role in ("categorical", "boolean", "numeric",
                                                          "datetime", "text"):
                return Column(column.name, "ignored", column.dtype, "context")
            return column

        return Schema(tuple(seen(column) for column in schema.columns), schema.target,
                      schema.task)

    def said(self, dataset: Dataset) -> list[str]:
        """The context of each row in words: "hour 17, Monday"."""
        parts = []
        for key in self.keys:
            if key.calendar:
                codes, _ = calendar(dataset.times(key.column), key.name)
                parts.append([_moment(key.name, int(code)) for code in codes])
            else:
                parts.append([f"{key.name} {value!r}" if value is not None
                              else f"{key.name} missing"
                              for value in dataset.texts(key.column)])
        return [", ".join(words) for words in zip(*parts, strict=True)] if parts \
            else [""] * len(dataset)

    def state(self) -> State:
        """As plain data."""
        config = {"keys": [[key.name, key.column] for key in self.keys], "levels": self.levels,
                  "numbers": self.numbers, "labels": self.labels}
        parts = {f"table {at}": table.state() for at, table in enumerate(self.tables)}
        parts |= {f"shares {at}": shares.state() for at, shares in enumerate(self.shares)}
        return State(KIND, config, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Context:
        """Read back what `state` gave; an error where its parts do not fit together."""
        config = state.config
        keys = tuple(Key(str(name), str(column)) for name, column in config["keys"])
        tables = [Table.from_state(state.parts[f"table {at}"], len(config["numbers"]))
                  for at in range(len(keys) + 1)]
        shares = [Shares.from_state(state.parts[f"shares {at}"], len(keys) + 1)
                  for at in range(len(config["labels"]))]
        return cls(keys, dict(config["levels"]), list(config["numbers"]), list(config["labels"]),
                   tables, shares)


def judged(schema: Schema, keys: Sequence[Key]) -> tuple[list[str], list[str]]:
    """Names of the numbers and of the categories that are judged: features that are no context."""
    context = {key.column for key in keys}
    roles = {column.name: column.role for column in schema.columns}
    left = [name for name in schema.features if name not in context]
    numbers = [name for name in left if roles[name] in ("numeric", "boolean")]
    return numbers, [name for name in left if roles[name] == "categorical"]


def calendar(times: np.ndarray, part: str) -> tuple[np.ndarray, int]:
    """A part of each time (n,) as a code, the last code where it is missing; and their number."""
    series = pl.Series("time", times)
    if part == "hour":
        codes, size = series.dt.hour(), 24
    elif part == "weekday":
        codes, size = series.dt.weekday() - 1, 7
    elif part == "day":
        codes, size = series.dt.day() - 1, 31
    elif part == "month":
        codes, size = series.dt.month() - 1, 12
    else:
        codes, size = series.dt.quarter() - 1, 4
    return codes.cast(pl.Int64).fill_null(size).to_numpy(), size + 1


def _moment(part: str, code: int) -> str:
    words: dict[str, Sequence[str]] = {"weekday": WEEKDAYS, "month": MONTHS}
    if part in words:
        return words[part][code] if code < len(words[part]) else f"{part} missing"
    return f"{part} {code}" if part == "hour" else f"{part} {code + 1}"


def _levels(dataset: Dataset, name: str, rows: np.ndarray) -> list[str]:
    codes, levels = dataset.codes(name)
    seen = np.unique(codes[rows])
    return [levels[code] for code in seen if code >= 0]


def _texts(dataset: Dataset, name: str, rows: np.ndarray) -> tuple[np.ndarray, list[str]]:
    codes, levels = dataset.codes(name)
    return codes[rows], levels


# ---- numbers: middle and spread of a cell -----------------------------------------------


@dataclass(frozen=True, eq=False)
class Table:
    """Cells of one depth in order (c,), with the middle and spread (c, p) of each column."""

    cells: np.ndarray
    middle: np.ndarray
    spread: np.ndarray

    def state(self) -> State:
        """As plain data."""
        return State(KIND + ".table", {}, {"cells": self.cells, "middle": self.middle,
                                           "spread": self.spread})

    @classmethod
    def from_state(cls, state: State, columns: int) -> Table:
        """Read back; ValueError where shapes or order do not fit."""
        cells, middle, spread = (state.arrays[n] for n in ("cells", "middle", "spread"))
        shape = (len(cells), columns)
        if middle.shape != shape or spread.shape != shape or not (np.diff(cells) > 0).all():
            raise ValueError("a table of what is usual has the wrong shape")
        return cls(cells, middle, spread)


def _tables(values: np.ndarray, cells: Sequence[np.ndarray]) -> list[Table]:
    """Middle and spread at each depth, each drawn towards the depth above."""
    found: list[Table] = []
    least = np.ones(values.shape[1])
    for depth, codes in enumerate(cells):
        table, counts = _plain_table(values, codes)
        if len(table.cells) > _MOST_CELLS:
            raise DataError(f"context has {len(table.cells):,} cells, more than {_MOST_CELLS:,}: "
                            "name fewer or coarser words of context.")
        if depth == 0:
            overall = np.nan_to_num(table.spread, nan=1.0)
            wide = np.where(overall > 0, overall, 1.0)
            middle = np.nan_to_num(table.middle, nan=0.0)
            found.append(Table(table.cells, middle, wide))
            least = _LEAST * wide
            continue
        first = np.unique(codes, return_index=True)[1]  # a row of each cell, to find its parents
        middle, spread = _looked_up(found, [above[first] for above in cells[:depth]])
        weight = counts / (counts + _PRIOR)
        mixed = np.where(counts > 0, weight * np.nan_to_num(table.middle)
                         + (1 - weight) * middle, middle)
        wide = np.where(counts > 0, weight * np.nan_to_num(table.spread)
                        + (1 - weight) * spread, spread)
        found.append(Table(table.cells, mixed, np.maximum(wide, least)))
    return found


def _plain_table(values: np.ndarray, codes: np.ndarray) -> tuple[Table, np.ndarray]:
    """Median and robust spread of each cell on its own, and how many values each rests on."""
    names = [f"c{at}" for at in range(values.shape[1])]
    frame = pl.DataFrame({"cell": codes, **dict(zip(names, values.T, strict=True))}).with_columns(
        pl.when(pl.col(names).is_finite()).then(pl.col(names))) if names else \
        pl.DataFrame({"cell": codes})
    middle = frame.group_by("cell").agg([pl.col(n).median() for n in names]).sort("cell")
    counts = frame.group_by("cell").agg([pl.col(n).count() for n in names]).sort("cell")
    at = np.searchsorted(middle["cell"].to_numpy(), codes)
    medians = _matrix(middle, names)
    away = np.abs(values - medians[at])
    frame = pl.DataFrame({"cell": codes, **dict(zip(names, away.T, strict=True))}).with_columns(
        pl.when(pl.col(names).is_finite()).then(pl.col(names))) if names else frame
    mad = frame.group_by("cell").agg([pl.col(n).median() for n in names]).sort("cell")
    mean = frame.group_by("cell").agg([pl.col(n).mean() for n in names]).sort("cell")
    # The median deviation where there is one; half the values alike leave only the mean one.
    spread = np.maximum(1.4826 * _matrix(mad, names), 0.0)
    spread = np.where(spread > 0, spread, 1.2533 * _matrix(mean, names))
    return Table(middle["cell"].to_numpy(), medians, spread), _matrix(counts, names)


def _matrix(frame: pl.DataFrame, names: list[str]) -> np.ndarray:
    return frame.select(names).cast(pl.Float64).to_numpy() if names else np.zeros(
        (frame.height, 0))


def _looked_up(
    tables: Sequence[Table], cells: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Middle and spread of each row from the deepest of the tables that knows its cell."""
    rows = len(cells[0])
    middle = np.repeat(tables[0].middle, rows, axis=0)
    spread = np.repeat(tables[0].spread, rows, axis=0)
    for table, codes in zip(tables[1:], cells[1:], strict=False):
        at = np.minimum(np.searchsorted(table.cells, codes), max(len(table.cells) - 1, 0))
        known = table.cells[at] == codes if len(table.cells) else np.zeros(rows, dtype=bool)
        middle[known], spread[known] = table.middle[at[known]], table.spread[at[known]]
    return middle, spread


# ---- categories: share of a cell --------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Shares:
    """How often each level was seen in each cell of each depth: pairs in order, and counts."""

    levels: list[str]
    pairs: list[np.ndarray]
    counts: list[np.ndarray]
    cells: list[np.ndarray]
    totals: list[np.ndarray]

    def surprise(
        self, codes: np.ndarray, levels: list[str], cells: Sequence[np.ndarray]
    ) -> np.ndarray:
        """-log of the share of each row's level in its cell, (n,); a missing one is a level."""
        place = {level: at for at, level in enumerate(self.levels)}
        size = len(self.levels) + 2
        translate = np.array([place.get(x, size - 1) for x in levels] + [size - 2])
        mine = translate[codes]
        share = np.full(len(mine), 1.0 / size)
        for pairs, counts, known, totals, cell in zip(
                self.pairs, self.counts, self.cells, self.totals, cells, strict=True):
            seen = _count(pairs, counts, cell * size + mine)
            share = (seen + _PRIOR * share) / (_count(known, totals, cell) + _PRIOR)
        # What most rows of a cell have is no surprise at all, not one that is more or less small.
        found: np.ndarray = np.where(share > 0.5, 0.0, np.round(-np.log(share), 1))
        return found

    def state(self) -> State:
        """As plain data."""
        arrays = {f"{name} {at}": array for name in ("pairs", "counts", "cells", "totals")
                  for at, array in enumerate(getattr(self, name))}
        return State(KIND + ".shares", {"levels": self.levels}, arrays)

    @classmethod
    def from_state(cls, state: State, depths: int) -> Shares:
        """Read back; ValueError where arrays do not belong together."""
        parts = {name: [state.arrays[f"{name} {at}"] for at in range(depths)]
                 for name in ("pairs", "counts", "cells", "totals")}
        for a, b in (("pairs", "counts"), ("cells", "totals")):
            if any(x.shape != y.shape for x, y in zip(parts[a], parts[b], strict=True)):
                raise ValueError("a table of shares has the wrong shape")
        return cls([str(level) for level in state.config["levels"]], **parts)


def _shares(seen: tuple[np.ndarray, list[str]], cells: Sequence[np.ndarray]) -> Shares:
    codes, levels = seen
    size = len(levels) + 2
    mine = np.where(codes < 0, size - 2, codes)
    pairs, counts, known, totals = [], [], [], []
    for cell in cells:
        pair, count = np.unique(cell * size + mine, return_counts=True)
        place, total = np.unique(cell, return_counts=True)
        pairs.append(pair)
        counts.append(count.astype(np.float64))
        known.append(place)
        totals.append(total.astype(np.float64))
    return Shares(levels, pairs, counts, known, totals)


def _count(keys: np.ndarray, counts: np.ndarray, asked: np.ndarray) -> Any:
    if not len(keys):
        return np.zeros(len(asked))
    at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where(keys[at] == asked, counts[at], 0.0)
