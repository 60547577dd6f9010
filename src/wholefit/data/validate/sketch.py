"""A sketch of a table: what is needed to see later whether new rows are of the same kind.

Only aggregates are kept, so that a model file can carry one without carrying anybody's row: a
number's inner quantiles and how many rows lie between them (never its smallest or largest
value), a category's frequent levels and their counts (a level of fewer than ten rows is folded
into the others), and how many cells are missing. Some 200 bytes a column.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import ArtifactError
from wholefit.base.seeds import generator
from wholefit.data import _cells
from wholefit.data.schema import Column, Schema

MEMBER = "sketch.json"
_BINS, _ROWS_A_BIN, _MOST_LEVELS = 20, 10, 30
_LEAST_ROWS = 10
_FEW_VALUES = 20
_MOST_ROWS, _MOST_COLUMNS = 20_000, 2_000
_SKIPPED = {
    "identifier": "an identifier: new rows have new ones",
    "group": "groups: new rows may have new ones",
    "datetime": "a time: it moves on", "time": "a time: it moves on",
    "ignored": "ignored", "image": "it holds pictures",
}


@dataclass(frozen=True)
class ColumnSketch:
    """One column: `kind` is number, text (its length), category, or skipped.

    `counts` has one more entry than `edges`: rows at most the first edge, above it up to the
    second, and so on. `levels` are frequent levels and their rows, `other` the rest.
    """

    name: str
    kind: str
    rows: int
    missing: int
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    levels: Mapping[str, int] = field(default_factory=dict)
    other: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; what is empty is left out."""
        every = {"name": self.name, "kind": self.kind, "rows": self.rows,
                 "missing": self.missing, "edges": list(self.edges),
                 "counts": list(self.counts), "levels": dict(self.levels), "other": self.other}
        return {name: value for name, value in every.items() if value or name == "name"}


@dataclass(frozen=True)
class Sketch:
    """The sketches of a table's columns, and of how many rows they are."""

    rows: int
    columns: tuple[ColumnSketch, ...]

    def column(self, name: str) -> ColumnSketch | None:
        """The sketch of that column, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def to_bytes(self) -> bytes:
        """JSON, in as few characters as it takes."""
        whole = {"rows": self.rows, "columns": [column.to_json() for column in self.columns]}
        return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Sketch:
        """Back from `to_bytes`; ArtifactError for anything else."""
        try:
            whole = json.loads(stored)
            return cls(int(whole["rows"]), tuple(_column(each) for each in whole["columns"]))
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError,
                RecursionError) as error:
            raise ArtifactError("the model file's reference sketch is not one that wholefit "
                                f"wrote ({type(error).__name__}: {error}).") from error


def sketch_of(frame: pl.DataFrame, schema: Schema, seed: int = 0) -> Sketch:
    """Sketch the columns of a frame; above 20,000 rows, a random sample of them."""
    if frame.height > _MOST_ROWS:
        picked = generator(seed, "sketch").choice(frame.height, _MOST_ROWS, replace=False)
        frame = frame[np.sort(picked)]
    here = {column.name: column for column in frame.get_columns()}
    known = [column for column in schema.columns if column.name in here]
    return Sketch(frame.height, tuple(
        _sketched(here[column.name].alias("column"), column)
        for column in known[:_MOST_COLUMNS]))


def kind_of(column: Column) -> str:
    """How a column is compared: as number, text (its length), category, or not: skipped."""
    if column.role in _SKIPPED:
        return "skipped"
    if column.role == "text":
        return "text"
    numbers = column.dtype.startswith(("Int", "UInt", "Float", "Decimal", "Duration", "Time"))
    if column.role == "numeric" or (column.role in ("target", "weight") and numbers):
        return "number" if column.distinct > _FEW_VALUES else "category"
    if column.dtype.startswith(("List", "Struct", "Array", "Binary", "Object")):
        return "skipped"
    return "category"


def why_skipped(column: Column) -> str:
    """Why a column is not compared."""
    return _SKIPPED.get(column.role, f"it holds {column.dtype.split('(')[0]}")


def numbers(column: pl.Series, kind: str) -> np.ndarray:
    """Finite numbers (k,) of a number column, or the lengths of a text column's cells."""
    if kind == "text":
        found = _cells.to_labels(column).str.len_chars().cast(pl.Float64)
    else:
        found = _cells.to_numbers(column)
    values = found.drop_nulls().to_numpy()
    return values[np.isfinite(values)]


def labels(column: pl.Series) -> pl.Series:
    """Levels as text, null where missing."""
    found = _cells.to_labels(column)
    return found.set(found.str.strip_chars() == "", None)


def binned(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Rows (k + 1,) at most each edge and above the one before; `values` sorted."""
    upto = np.searchsorted(values, edges, side="right")
    return np.diff(np.concatenate([[0], upto, [len(values)]]))


def inner_edges(values: np.ndarray, bins: int = _BINS) -> np.ndarray:
    """Up to `bins - 1` quantiles of sorted values, rounded to what their spread deserves."""
    bins = min(bins, len(values) // _ROWS_A_BIN)
    if bins < 2:
        return np.empty(0)
    found = np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf")
    spread = found[-1] - found[0]
    if spread > 0:
        found = np.round(found, int(3 - math.floor(math.log10(spread))))
    return np.unique(found)


def _sketched(cells: pl.Series, column: Column) -> ColumnSketch:
    kind = kind_of(column)
    if kind == "skipped":
        return ColumnSketch(column.name, kind, len(cells), int(cells.is_null().sum()))
    if kind == "category":
        return _levels(labels(cells), column.name)
    values = np.sort(numbers(cells, kind))
    edges = inner_edges(values)
    return ColumnSketch(column.name, kind, len(cells), len(cells) - len(values),
                        tuple(edges.tolist()), tuple(binned(values, edges).tolist()))


def _levels(cells: pl.Series, name: str) -> ColumnSketch:
    counted = cells.drop_nulls().alias("level").value_counts(name="rows").sort(
        ["rows", "level"], descending=[True, False])
    kept = counted.filter(counted["rows"] >= _LEAST_ROWS).head(_MOST_LEVELS)
    missing = cells.null_count()
    other = len(cells) - missing - int(kept["rows"].sum())
    return ColumnSketch(name, "category", len(cells), missing,
                        levels=dict(kept.iter_rows()), other=other)


def _column(stored: dict[str, Any]) -> ColumnSketch:
    edges = tuple(float(edge) for edge in stored.get("edges", ()))
    counts = tuple(int(count) for count in stored.get("counts", ()))
    levels = {str(level): int(rows) for level, rows in stored.get("levels", {}).items()}
    if (counts and len(counts) != len(edges) + 1) or list(edges) != sorted(edges):
        raise ValueError(f"edges and counts of {stored['name']!r} do not fit together")
    return ColumnSketch(str(stored["name"]), str(stored["kind"]), int(stored.get("rows", 0)),
                        int(stored.get("missing", 0)), edges, counts, levels,
                        int(stored.get("other", 0)))
