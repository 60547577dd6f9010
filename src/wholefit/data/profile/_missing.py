"""Where cells are missing: by blocks of rows, and which columns lack them together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl

from wholefit.data.profile._pairs import pearson
from wholefit.data.profile._parts import ColumnProfile, Missing

MOST_COLUMNS = 40
_BLOCKS = 60
_TOGETHER = 20
_LEAST = 0.3
_MOST_ROWS = 50_000


def missing(frame: pl.DataFrame, columns: Sequence[ColumnProfile]) -> Missing:
    """The map of missing cells, of the 40 columns that lack most; empty where none is missing."""
    holed = sorted((c for c in columns if c.missing), key=lambda c: -c.missing)
    if not holed:
        return Missing()
    drawn = holed[:MOST_COLUMNS]
    count = min(_BLOCKS, frame.height)
    starts = (np.arange(count) * frame.height) // count
    sizes = np.diff(starts, append=frame.height)
    step = -(-frame.height // _MOST_ROWS)
    shares, thin = [], []
    for column in drawn:
        absent = _absent(frame.get_column(column.name).alias("column"))
        held = np.add.reduceat(absent.view(np.int8), starts, dtype=np.int64)
        shares.append(tuple((held / sizes).round(4).tolist()))
        thin.append(absent[::step])
    together = _together([column.name for column in drawn], np.column_stack(thin), frame)
    return Missing(tuple(column.name for column in drawn), tuple(shares), int(sizes.max()),
                   together, len(holed) - len(drawn))


def _absent(cells: pl.Series) -> np.ndarray:
    absent = cells.is_null()
    if cells.dtype.is_float():
        absent = absent | cells.is_nan().fill_null(False)
    return absent.to_numpy()


def _together(
    names: list[str], absent: np.ndarray, frame: pl.DataFrame
) -> tuple[tuple[str, str, float, int], ...]:
    """Pairs of columns that lack the same rows, by the correlation of lacking."""
    found = pearson(absent.astype(np.float64))[0]
    pairs = sorted(((float(found[i, j]), names[i], names[j])
                    for i, j in combinations(range(len(names)), 2) if found[i, j] >= _LEAST),
                   key=lambda pair: -pair[0])
    return tuple((a, b, size, _both(frame, a, b)) for size, a, b in pairs[:_TOGETHER])


def _both(frame: pl.DataFrame, a: str, b: str) -> int:
    """Rows that lack both."""
    one, other = (_absent(frame.get_column(name).alias("column")) for name in (a, b))
    return int((one & other).sum())
