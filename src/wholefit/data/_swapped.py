"""Two columns that hold each other's values: found before they spoil every prediction.

Each column is asked how well it fits its own training column and the others'. A pair is called
swapped on evidence of kind (numbers where categories belong, one set of levels where another
belongs). Ranges alone are weaker: numbers drift. They count as proof when both columns leave
their own ranges and enter each other's, and as a warning when one does, on enough rows.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from wholefit.base.errors import SchemaError
from wholefit.data import _cells
from wholefit.data.notes import Note, warning
from wholefit.data.schema import Column, Schema

_SAMPLE = 500
_FITS, MISFITS = 0.95, 0.1
# Rows, below which ranges of numbers prove nothing.
ENOUGH = 20
_MOST_PAIRS = 20_000
_COMPARED = ("numeric", "categorical", "datetime")


def find_swapped(schema: Schema, frame: pl.DataFrame, refuse: bool) -> list[Note]:
    """A warning for each swapped pair; SchemaError instead if `refuse` and the proof is firm."""
    columns = [column for column in schema.columns if column.role in _COMPARED]
    cells = _samples(frame, [column.name for column in columns])
    own = {c.name: _fit(c, cells[c.name]) for c in columns}
    notes = []
    places = {c.name: place for place, c in enumerate(columns)}
    misfits = [c for c in columns if own[c.name] <= MISFITS]
    for first in misfits:
        for second in _partners(misfits, columns):
            done = own[second.name] <= MISFITS and places[first.name] > places[second.name]
            if second is first or done:
                continue
            firm = _swapped(first, second, cells, own)
            if firm is None:
                continue
            sentence = (f"columns {first.name!r} and {second.name!r} look swapped: each holds "
                        "values that training saw in the other")
            if firm and refuse:
                raise SchemaError(f"{sentence}. Swap them back, or say swapped='warn'.")
            notes.append(warning("columns_swapped", f"{sentence}.", column=first.name,
                                 count=frame.height))
    return notes


def _partners(misfits: list[Column], columns: list[Column]) -> list[Column]:
    """Whom a misfit is compared with: fewer where all pairs would take longer than they tell."""
    for partners in (columns, misfits):
        if len(misfits) * len(partners) <= _MOST_PAIRS:
            return partners
    return []


def _swapped(
    first: Column, second: Column, cells: dict[str, pl.Series], own: dict[str, float]
) -> bool | None:
    """True: surely; False: perhaps; None: no."""
    there, back = _fit(second, cells[first.name]), _fit(first, cells[second.name])
    if there < _FITS or back < _FITS:
        return None
    both = own[second.name] <= MISFITS
    ranges = first.role == second.role == "numeric"
    enough = min(len(cells[first.name]), len(cells[second.name])) >= ENOUGH
    if ranges:
        return both if enough else None
    return True if both else None


def _samples(frame: pl.DataFrame, names: list[str]) -> dict[str, pl.Series]:
    """The present cells of up to 500 rows, spread over all; of a sparse column, of all rows."""
    whole = {cells.name: cells.alias("column") for cells in frame.get_columns()}
    if frame.height <= _SAMPLE:
        return {name: _spread(whole[name]) for name in names}
    rows = np.linspace(0, frame.height - 1, _SAMPLE).astype(np.int64)
    some = {cells.name: cells.alias("column") for cells in frame[rows].get_columns()}
    found = {name: _present(some[name]) for name in names}
    return {name: cells if len(cells) >= ENOUGH else _spread(whole[name])
            for name, cells in found.items()}


def _spread(column: pl.Series) -> pl.Series:
    """Up to 500 present cells, spread over the rows."""
    present = _present(column)
    if len(present) <= _SAMPLE:
        return present
    return present.gather(np.linspace(0, len(present) - 1, _SAMPLE).astype(np.int64))


def _present(column: pl.Series) -> pl.Series:
    missing = _cells.is_missing(column).to_numpy()
    return column.filter(pl.Series(~missing)) if missing.any() else column


def _fit(column: Column, cells: pl.Series) -> float:
    """Share of present cells that could have come from the training column; 0.5 if unknown."""
    if not len(cells):
        return 0.5
    if column.role == "numeric":
        if cells.dtype.is_temporal() or column.low is None or column.high is None:
            return 0.0 if cells.dtype.is_temporal() else 0.5
        numbers = _cells.to_numbers(cells).to_numpy()  # at most 500: the engine takes longer
        return float(np.mean((numbers >= column.low) & (numbers <= column.high)))
    if column.role == "datetime":
        return 1.0 - _cells.to_times(cells).null_count() / len(cells)
    if column.distinct > len(column.levels or ()):
        return 0.5
    labels = [label for label in _cells.to_labels(cells).to_list() if label is not None]
    return sum(label in column.known for label in labels) / max(len(labels), 1)
