"""Rows counted, not kept: how many fell into each bin of a sketch.

Where the rows that a model is asked about may not be stored, this is stored of them: for each
column of the sketch of its training rows, how many cells fell into each of its bins or levels,
and how many were missing. Counts of two stretches of time add up to those of both, and hold all
that a comparison with the sketch asks for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.data import _memory
from wholefit.data.validate import sketch as sketching
from wholefit.data.validate.sketch import ColumnSketch, Sketch

_MOST = 2**53


@dataclass(frozen=True)
class Counted:
    """How `rows` rows fell into the bins of a sketch.

    `missing` by column; `bins` (edges + 1,) of number and text columns; `levels` of category
    columns, the sketch's own in its order, and last all others.
    """

    rows: int
    missing: Mapping[str, int]
    bins: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], sketch: Sketch) -> Counted:
        """Count the cells of these rows; a column that is absent from a row is missing there."""
        missing, bins = {}, {}
        for column in sketch.columns:
            if column.kind == "skipped":
                continue
            cells = [row.get(column.name) for row in rows]
            found = _plainly(cells, column)
            if found is None:
                series = _memory.objects("column", cells)
                found = _levels(series, column) if column.kind == "category" else \
                    _bins(series, column)
            bins[column.name] = tuple(int(count) for count in found)
            missing[column.name] = len(rows) - sum(bins[column.name])
        return cls(len(rows), missing, bins)

    @classmethod
    def none(cls, sketch: Sketch) -> Counted:
        """No rows."""
        kept = [column for column in sketch.columns if column.kind != "skipped"]
        return cls(0, {column.name: 0 for column in kept},
                   {column.name: (0,) * _width(column) for column in kept})

    def __add__(self, other: Counted) -> Counted:
        """Both together; columns that only one of the two has are left out."""
        names = [name for name in self.bins
                 if len(self.bins[name]) == len(other.bins.get(name, ()))]
        return Counted(
            self.rows + other.rows,
            {name: self.missing[name] + other.missing[name] for name in names},
            {name: tuple(a + b for a, b in zip(self.bins[name], other.bins[name], strict=True))
             for name in names})

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"rows": self.rows, "missing": dict(self.missing),
                "bins": {name: list(counts) for name, counts in self.bins.items()}}

    @classmethod
    def from_json(cls, stored: Any, sketch: Sketch) -> Counted:
        """Back from `to_json`, for the same sketch; DataError for anything else."""
        try:
            widths = {column.name: _width(column) for column in sketch.columns
                      if column.kind != "skipped"}
            bins = {str(name): tuple(_whole(count) for count in counts)
                    for name, counts in stored["bins"].items()}
            missing = {name: _whole(stored["missing"][name]) for name in bins}
            if any(widths.get(name) != len(counts) for name, counts in bins.items()):
                raise ValueError("they are of another sketch")
            return cls(_whole(stored["rows"]), missing, bins)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"the log's counts cannot be read ({error}): they were altered, or not "
                            "written by wholefit.") from error


def _plainly(cells: list[Any], column: ColumnSketch) -> Any:
    """The counts where cells are plainly numbers, or text; None where they are not.

    This is what a server counts, thousands of times a second.
    """
    kinds = {type(cell) for cell in cells} - {type(None)}
    if column.kind == "number" and kinds <= {int, float}:
        try:
            values = np.array([cell for cell in cells if cell is not None], dtype=np.float64)
        except OverflowError:
            return None
        return sketching.binned(np.sort(values[np.isfinite(values)]), np.array(column.edges))
    if column.kind == "category" and kinds <= {str}:
        seen = Counter(cells)
        del seen[None]
        total = sum(count for level, count in seen.items() if level.strip())
        known = [seen.get(level, 0) for level in column.levels]
        return [*known, total - sum(known)]
    return None


def _bins(cells: Any, column: ColumnSketch) -> np.ndarray:
    values = np.sort(sketching.numbers(cells, column.kind))
    return sketching.binned(values, np.array(column.edges, dtype=float))


def _levels(cells: Any, column: ColumnSketch) -> list[int]:
    seen = dict(sketching.labels(cells).drop_nulls().alias("level")
                .value_counts(name="rows").iter_rows())
    known = [seen.get(level, 0) for level in column.levels]
    return [*known, sum(seen.values()) - sum(known)]


def _width(column: ColumnSketch) -> int:
    return len(column.levels) + 1 if column.kind == "category" else len(column.edges) + 1


def _whole(count: Any) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count < _MOST:
        raise ValueError(f"{str(count)[:40]!r} is no count")
    return count
