"""Two tables as points in one space, so that their distance as a whole can be tested.

Numbers become their rank among the rows of both tables (0 to 1), so that no unit or outlier
rules; a category becomes one axis for each of its frequent levels; a missing cell is the middle
of its axis and one step along another.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from wholefit.base.seeds import generator
from wholefit.data import _cells
from wholefit.data.schema import Schema
from wholefit.data.validate.sketch import kind_of, labels
from wholefit.evaluation.two_sample import Tested, energy

_ROWS, _COLUMNS, _LEVELS, _DRAWS = 500, 200, 10, 499


def whole(new: pl.DataFrame, old: pl.DataFrame, schema: Schema, seed: int) -> Tested | None:
    """The energy distance of up to 500 rows of each table; None where nothing compares."""
    names = [column.name for column in schema.columns
             if column.name in new.columns and column.name in old.columns
             and kind_of(column) in ("number", "category")][:_COLUMNS]
    if not names or new.height < 10 or old.height < 10:
        return None
    kinds = {column.name: kind_of(column) for column in schema.columns}
    first, second = _some(old, seed, "old"), _some(new, seed, "new")
    blocks = []
    for name in names:
        pair = [frame.get_column(name).alias("column") for frame in (first, second)]
        make = _ranks if kinds[name] == "number" else _levels
        blocks.append(make(*pair))
    points = np.concatenate(blocks, axis=1)
    points = points[:, np.ptp(points, axis=0) > 0]
    if not points.shape[1]:
        return None
    return energy(points[:first.height], points[first.height:], draws=_DRAWS, seed=seed)


def _some(frame: pl.DataFrame, seed: int, which: str) -> pl.DataFrame:
    if frame.height <= _ROWS:
        return frame
    picked = generator(seed, "table distance", which).choice(frame.height, _ROWS, replace=False)
    return frame[np.sort(picked)]


def _ranks(old: pl.Series, new: pl.Series) -> np.ndarray:
    both = pl.concat([_cells.to_numbers(old), _cells.to_numbers(new)])
    ranks = (both.rank("average") / max(len(both) - both.null_count(), 1)).fill_null(0.5)
    missing = both.is_null().cast(pl.Float64)
    return np.column_stack([ranks.to_numpy(), missing.to_numpy() / np.sqrt(2)])


def _levels(old: pl.Series, new: pl.Series) -> np.ndarray:
    both = pl.concat([labels(old), labels(new)]).fill_null("(missing)").alias("level")
    counted = both.value_counts(name="rows").sort(["rows", "level"], descending=[True, False])
    kept = counted["level"].head(_LEVELS).to_list()
    return np.column_stack([(both == level).to_numpy() for level in kept]) / np.sqrt(2)
