"""What a step changed: counted over all rows and cells, with a few of them shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.wording import counted
from wholefit.data import _cells
from wholefit.data.clean._step import Edit, cells, kind_word

_EACH, _ALL = 3, 12
_PAIRS = 20
_SAID = 50


@dataclass(frozen=True)
class Example:
    """One cell before and after; `row` is a data row of the source, from 1."""

    row: int
    column: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"row {self.row}: {_shown(self.before)} -> {_shown(self.after)}"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"row": self.row, "column": self.column, "before": _plain(self.before),
                "after": _plain(self.after)}


@dataclass(frozen=True)
class Change:
    """What one step did.

    `cells` counts changed cells by column; `rows` are the rows that hold one (their number);
    `dropped` counts rows that went, `gone` names some of them with the row that stays instead
    (0 where there is none); `added` and `removed` name columns, `renamed` old to new; `said` is
    evidence in sentences.
    """

    step: int
    do: str
    cells: dict[str, int]
    rows: int
    dropped: int
    gone: tuple[tuple[int, int], ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    renamed: dict[str, str]
    types: dict[str, tuple[str, str]]
    examples: tuple[Example, ...]
    said: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """True if the step changed nothing at all."""
        return not (self.cells or self.dropped or self.added or self.removed or self.renamed
                    or self.types)

    def summary(self) -> str:
        """What happened, in one sentence without the step's name."""
        parts = []
        if self.cells:
            total = sum(self.cells.values())
            parts.append(f"{counted(total, 'cell')} in {counted(self.rows, 'row')} changed: "
                         + _listed([f"{name} {count:,}" for name, count in self.cells.items()]))
        if self.dropped:
            parts.append(f"{counted(self.dropped, 'row')} left out")
        if self.added:
            parts.append(f"added {_listed([repr(name) for name in self.added])}")
        if self.removed:
            parts.append(f"left out {_listed([repr(name) for name in self.removed])}")
        if self.renamed:
            parts.append("renamed " + _listed([f"{a!r} to {b!r}"
                                               for a, b in self.renamed.items()]))
        typed = [f"{n}: {a} became {b}" for n, (a, b) in self.types.items() if n not in self.cells]
        parts += [_listed(typed)] if typed else []
        return "; ".join(parts) if parts else "nothing to change"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"step": self.step, "do": self.do, "cells": self.cells, "rows": self.rows,
                "dropped": self.dropped, "gone": [list(pair) for pair in self.gone],
                "added": list(self.added), "removed": list(self.removed), "renamed": self.renamed,
                "types": {name: list(pair) for name, pair in self.types.items()},
                "examples": [each.to_json() for each in self.examples], "said": list(self.said)}


def of(number: int, do: str, before: pl.DataFrame, edit: Edit, rows: np.ndarray) -> Change:
    """The change that `edit` makes to `before`, whose rows have the numbers `rows` (from 1)."""
    old = set(before.columns)
    counts: dict[str, int] = {}
    types: dict[str, tuple[str, str]] = {}
    examples: list[Example] = []
    touched = np.zeros(before.height, dtype=bool)
    for column in edit.columns:
        if column.name not in old:
            continue
        was, now = cells(before, column.name), column.alias("column")
        if kind_word(was.dtype) != kind_word(now.dtype):
            types[column.name] = (kind_word(was.dtype), kind_word(now.dtype))
        places = np.flatnonzero(different(was, now))
        if len(places):
            counts[column.name] = len(places)
            touched[places] = True
            examples += [Example(int(rows[at]), column.name, was[int(at)], now[int(at)])
                         for at in places[:_EACH]]
    gone = () if edit.kept is None else _gone(edit, rows)
    removed = [*edit.dropped]
    if edit.order is not None:
        removed += [name for name in before.columns if name not in set(edit.order)]
    return Change(
        number, do, counts, int(touched.sum()),
        0 if edit.kept is None else int((~edit.kept).sum()), gone,
        tuple(c.name for c in edit.columns if c.name not in old), tuple(removed),
        {a: b for a, b in edit.renamed.items() if a != b}, types, tuple(examples[:_ALL]),
        edit.said[:_SAID])


def different(was: pl.Series, now: pl.Series) -> np.ndarray:
    """True where a cell says something else; another type alone is no difference."""
    if was.dtype.is_float():
        was = was.fill_nan(None)
    if was.dtype == now.dtype:
        return was.ne_missing(now).to_numpy()
    if was.dtype.is_numeric() and now.dtype.is_numeric():
        return was.cast(pl.Float64).ne_missing(now.cast(pl.Float64)).to_numpy()
    return _cells.to_labels(was).ne_missing(_cells.to_labels(now)).to_numpy()


def _gone(edit: Edit, rows: np.ndarray) -> tuple[tuple[int, int], ...]:
    assert edit.kept is not None
    places = np.flatnonzero(~edit.kept)[:_PAIRS]
    twins = np.full(len(rows), -1) if edit.twins is None else edit.twins
    return tuple((int(rows[at]), int(rows[twins[at]]) if twins[at] >= 0 else 0)
                 for at in places.tolist())


def _listed(words: list[str], most: int = 8) -> str:
    return ", ".join(words[:most]) + (f" and {len(words) - most:,} more"
                                      if len(words) > most else "")


def _shown(value: Any) -> str:
    if value is None:
        return "(missing)"
    text = f"{value:.6g}" if isinstance(value, float) else (
        repr(value) if isinstance(value, str) else str(value))
    return text if len(text) <= 40 else text[:37] + "..."


def _plain(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
