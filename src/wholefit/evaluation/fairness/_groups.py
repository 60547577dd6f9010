"""Who belongs to which group: levels as they are, numbers in bands, several columns together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.data import _cells
from wholefit.evaluation.slices import MISSING, parted

MOST = 100


def labelled(
    by: Mapping[str, pl.Series], bands: Mapping[str, Sequence[float]]
) -> dict[str, np.ndarray]:
    """The group of each row by each column, as text (n,).

    Columns named in `bands` are cut at those numbers ("under 25", "25 to 39", "40 and over" for
    25 and 40); other columns of many numbers at their quartiles.
    """
    for name in bands:
        if name not in by:
            raise unknown("column of bands", name, by)
    found = {}
    for name, column in by.items():
        cut = _banded(name, column, bands[name]) if name in bands else parted(column.alias("x"))
        found[name] = cut.to_numpy().astype(object)
    return found


def _banded(name: str, column: pl.Series, edges: Sequence[Any]) -> pl.Series:
    try:
        cuts = [float(edge) for edge in edges]
    except (TypeError, ValueError):
        cuts = []
    if not cuts or not all(map(math.isfinite, cuts)) or any(a >= b for a, b in pairwise(cuts)):
        raise ParameterError(f"bands of {name!r} must be rising numbers to cut at, such as "
                             f"[25, 40, 60]; got {edges!r}.")
    numbers = _cells.to_numbers(column)
    if numbers.null_count() == len(numbers) > column.null_count():
        raise DataError(f"bands are of numbers, and {name!r} holds none.")
    names = [f"under {cuts[0]:g}", *(f"{low:g} to under {high:g}" for low, high in pairwise(cuts)),
             f"{cuts[-1]:g} and over"]
    places = np.searchsorted(cuts, numbers.fill_null(0).to_numpy(), side="right")
    cut = pl.Series("x", np.array(names, dtype=object)[places], dtype=pl.String)
    missing = numbers.is_null() | numbers.is_nan().fill_null(True) \
        if numbers.dtype.is_float() else numbers.is_null()
    return cut.set(missing, MISSING)


def groups(
    labels: Mapping[str, np.ndarray], names: Sequence[str]
) -> tuple[list[tuple[tuple[str, ...], np.ndarray]], int]:
    """Each group by these columns together with its rows, the largest first; how many are left.

    Beyond the 100 largest none is judged.
    """
    frame = pl.DataFrame([pl.Series(str(at), labels[name].tolist(), dtype=pl.String)
                          for at, name in enumerate(names)])
    parts = frame.with_row_index("row").group_by(frame.columns, maintain_order=True).agg("row")
    found = [(tuple(row[:-1]), np.array(row[-1], dtype=np.intp)) for row in parts.iter_rows()]
    found.sort(key=lambda each: (-len(each[1]), each[0]))
    return found[:MOST], max(len(found) - MOST, 0)
