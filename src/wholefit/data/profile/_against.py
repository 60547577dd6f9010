"""Two data sets side by side: what moved, column by column, the largest move first.

It describes and does not judge: how far a distance goes by luck alone is stated beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.seeds import generator
from wholefit.data import _cells
from wholefit.data._association import ks_distance
from wholefit.data.dataset import Dataset
from wholefit.data.profile import _numbers, _times
from wholefit.data.profile._parts import Against, ColumnProfile, Shift

Array = np.ndarray
MOST_ROWS = 200_000
_MOST_LEVELS = 20
_MOST_NAMES = 12
_DRAWS, _MOST_DRAWN = 1000, 300


def against(
    columns: tuple[ColumnProfile, ...], here: pl.DataFrame, there: Dataset, seed: int
) -> Against:
    """The columns of `here` (profiled in `columns`) beside those of `there`."""
    other = there.frame
    first, second = _some(here, seed), _some(other, seed)
    names = set(other.columns)
    shifts = [_shift(column, first.get_column(column.name).alias("column"),
                     second.get_column(column.name).alias("column"))
              for column in columns if column.name in names]
    shifts.sort(key=lambda shift: (-max(shift.distance - shift.chance, _lacking(shift)),
                               -shift.distance))
    return Against(there.source, other.height, tuple(shifts),
                   tuple(c.name for c in columns if c.name not in names),
                   tuple(name for name in other.columns if name not in set(here.columns)),
                   (first.height, second.height))


def _some(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    if frame.height <= MOST_ROWS:
        return frame
    rows = generator(seed, "against").choice(frame.height, MOST_ROWS, replace=False)
    return frame[np.sort(rows)]


def _lacking(shift: Shift) -> float:
    return abs(shift.missing[1] - shift.missing[0])


def _shift(column: ColumnProfile, here: pl.Series, there: pl.Series) -> Shift:
    lacks = (_share_missing(here), _share_missing(there))
    make = {"numeric": _numeric, "datetime": _dates, "text": _texts,
            "categorical": _levelled}.get(column.kind)
    facts: dict[str, Any] = make(here, there) if make is not None else {}
    note = ""
    if here.dtype != there.dtype and not (here.dtype.is_numeric() and there.dtype.is_numeric()):
        note = f"type {here.dtype} here, {there.dtype} there"
    plain = {"distance": 0.0, "chance": 0.0}
    return Shift(column.name, column.kind, missing=lacks, note=note, **{**plain, **facts})


def _share_missing(cells: pl.Series) -> float:
    lost = cells.null_count()
    if cells.dtype.is_float():
        lost += int(cells.is_nan().sum())
    return lost / len(cells) if len(cells) else 0.0


# ---- numbers ----------------------------------------------------------------------------


def _numeric(here: pl.Series, there: pl.Series) -> dict[str, Any]:
    one, other = _finite(_cells.to_numbers(here)), _finite(_cells.to_numbers(there))
    return {**_compared(one, other), "here": _figures(one), "there": _figures(other)}


def _texts(here: pl.Series, there: pl.Series) -> dict[str, Any]:
    one, other = (_finite(_cells.to_labels(cells).str.count_matches(r"\S+").cast(pl.Float64))
                  for cells in (here, there))
    return {**_compared(one, other), "here": _figures(one), "there": _figures(other)}


def _dates(here: pl.Series, there: pl.Series) -> dict[str, Any]:
    one, other = _cells.to_times(here), _cells.to_times(there)
    first, second = (_finite(times.to_physical().cast(pl.Float64)) for times in (one, other))
    return {"distance": distance(first, second), "chance": _luck(len(first), len(second)),
            "here": _spanned(one), "there": _spanned(other)}


def _compared(one: Array, other: Array) -> dict[str, Any]:
    found: dict[str, Any] = {"distance": distance(one, other),
                             "chance": _luck(len(one), len(other))}
    edges = _numbers.bins(np.sort(np.concatenate([one, other]))) if len(one) else None
    if edges is not None and len(other):
        shares = tuple(tuple((np.histogram(part, edges)[0] / len(part)).round(5).tolist())
                       for part in (one, other))
        found |= {"edges": tuple(edges.tolist()), "shares": shares}
    return found


def distance(one: Array, other: Array) -> float:
    """The largest gap between the cumulative shares of sorted values (n,) and (m,)."""
    if not len(one) or not len(other):
        return 0.0 if len(one) == len(other) else 1.0
    return ks_distance(one, other)


def _luck(n: int, m: int) -> float:
    """What the gap stays under in 95 of 100 draws from one and the same source (Smirnov)."""
    return min(1.0, 1.358 * (1 / n + 1 / m) ** 0.5) if n and m else 0.0


def _figures(ordered: Array) -> Mapping[str, float]:
    if not len(ordered):
        return {}
    low, middle, high = _numbers.quantiles(ordered, [0.05, 0.5, 0.95]).tolist()
    with np.errstate(all="ignore"):
        return {"mean": float(ordered.mean()), "std": float(ordered.std()), "q05": low,
                "median": middle, "q95": high, "min": float(ordered[0]),
                "max": float(ordered[-1])}


def _spanned(times: pl.Series) -> Mapping[str, str]:
    found = _times.span(times)
    return {} if found is None else {"first": found[0], "last": found[1]}


def _finite(cells: pl.Series) -> Array:
    values = cells.drop_nulls().to_numpy()
    return np.sort(values[np.isfinite(values)])


# ---- levels -----------------------------------------------------------------------------


def _levelled(here: pl.Series, there: pl.Series) -> dict[str, Any]:
    one, other = (_cells.to_labels(cells).drop_nulls() for cells in (here, there))
    table = _counted(one, "here").join(_counted(other, "there"), on="level", how="full",
                                       coalesce=True).fill_null(0)
    table = table.sort(["here", "there", "level"], descending=[True, True, False])
    a, b = (table[name].to_numpy().astype(np.float64) for name in ("here", "there"))
    n, m = a.sum(), b.sum()
    if not n or not m:
        return {"distance": 0.0 if n == m else 1.0, "chance": 0.0}
    p, q = a / n, b / m
    return {"distance": float(np.abs(p - q).sum() / 2), "chance": _luck_of_levels(a + b, n, m),
            "here": {"levels": int((a > 0).sum())}, "there": {"levels": int((b > 0).sum())},
            "new": _named(table.filter(pl.col("here") == 0), "there"),
            "lost": _named(table.filter(pl.col("there") == 0), "here"),
            "names": tuple(table["level"].head(_MOST_NAMES).to_list()),
            "shares": (tuple(p[:_MOST_NAMES].tolist()), tuple(q[:_MOST_NAMES].tolist()))}


def _luck_of_levels(both: Array, n: float, m: float) -> float:
    """What the distance stays under in 95 of 100 draws from the pooled shares.

    The differences of shares are drawn from their joint normal limit; with very many levels
    they are as good as independent, and the sum of their sizes is normal.
    """
    share = both / both.sum()
    size = (1 / n + 1 / m) ** 0.5
    if len(share) > _MOST_DRAWN:
        spread = np.sqrt(share * (1 - share))
        mean = spread.sum() * (2 / np.pi) ** 0.5
        bound = mean + 1.645 * ((spread**2).sum() * (1 - 2 / np.pi)) ** 0.5
    else:
        root = np.sqrt(share)
        drawn = generator(0, "levels").normal(size=(_DRAWS, len(share)))
        bound = np.quantile(np.abs((drawn - (drawn @ root)[:, None] * root) * root).sum(1), 0.95)
    return float(min(1.0, size * bound / 2))


def _counted(labels: pl.Series, name: str) -> pl.DataFrame:
    return labels.rename("level").value_counts(name=name)


def _named(table: pl.DataFrame, count: str) -> tuple[tuple[str, int], ...]:
    most = table.sort([count, "level"], descending=[True, False]).head(_MOST_LEVELS)
    return tuple(zip(most["level"].to_list(), most[count].to_list(), strict=True))
