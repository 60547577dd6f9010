"""Joins that never multiply rows, never hide what did not match, and never look ahead in time.

>>> shops = pl.DataFrame({"shop": [1, 2], "day": [5, 5]})
>>> sales = pl.DataFrame({"shop": [1, 1, 1], "day": [3, 4, 5], "units": [2.0, 4.0, 9.0]})
>>> found = join(shops, sales, "shop", as_of="day", aggregates={"units": "sum", "*": "count"})
>>> found.frame["units_sum"].to_list(), found.frame["count"].to_list()
([6.0, 0.0], [2, 0])

The sale of day 5 is not counted on day 5: only rows strictly before a row's time are its past.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.data import _cells
from wholefit.data._clock import MICROS, clock_of, read_times, span_of
from wholefit.data._ranges import STATISTICS, Ranges

_EVERY = "*"
_OF_ROWS = ("count", "gap")
_OF_ANY = ("count", "first", "last", "distinct")
_PARTED = "\x1f"


@dataclass(frozen=True)
class Joined:
    """A table with columns of another, and how well the two went together.

    `frame` has the rows of the left table in its order; `added` are the new columns; `matched`
    and `unmatched` count rows of the left table with and without a row of the right one (before
    their time, where there is one); `unused` rows of the right table that none of them used;
    `notes` say what should be known.
    """

    frame: Any
    added: tuple[str, ...]
    rows: int
    matched: int
    unmatched: int
    unused: int
    notes: tuple[str, ...] = field(default=())

    def to_text(self) -> str:
        """The counts and notes in sentences."""
        share = f" ({self.matched / self.rows:.1%})" if self.rows else ""
        said = [f"{self.matched:,} of {self.rows:,} rows{share} have a match, {self.unmatched:,} "
                f"have none; {self.unused:,} rows of the other table were used by none.",
                f"{len(self.added)} columns added: {', '.join(self.added)}."]
        return "\n".join([*said, *self.notes])

    def to_json(self) -> dict[str, Any]:
        """The counts and notes as plain JSON values."""
        return {"rows": self.rows, "matched": self.matched, "unmatched": self.unmatched,
                "unused": self.unused, "added": list(self.added), "notes": list(self.notes)}


def join(
    left: pl.DataFrame, right: pl.DataFrame, on: str | Sequence[str] | Mapping[str, str], *,
    how: str = "left", as_of: str | tuple[str, str] | None = None,
    within: str | float | None = None,
    aggregates: Mapping[str, str | Sequence[str]] | None = None, prefix: str = "",
) -> Joined:
    """The rows of `left` with columns of `right`; see `wholefit.join`.

    Statistics of a column: count, sum, mean, std, min, max (numbers), first, last, distinct
    (any), each of the values that are not missing; of "*": count (of rows) and gap (time since
    the last row, in days, or units of a time that is a number). Raises DataError for keys of
    different kinds and for a join that would multiply rows, with counts.
    """
    if how not in ("left", "inner"):
        raise ParameterError(f"how must be one of 'left', 'inner'; got {how!r}.")
    pairs = _keys(left, right, on)
    times = _times(left, right, as_of)
    wanted = _wanted(right, aggregates, times, {theirs for _, theirs in pairs})
    placed = _placed(left, right, pairs, times, _span(within, times))
    if wanted is None:
        _check_unique(placed, [theirs for _, theirs in pairs])
        rest = [n for n in right.columns if n not in {theirs for _, theirs in pairs}]
        wanted = [(name, "last", name) for name in rest]
    columns = [_column(right, placed, *ask).alias(prefix + ask[2]) for ask in wanted]
    _check_names(left, [column.name for column in columns])
    return _joined(left, columns, placed, how, _notes(right, placed, times, aggregates))


@dataclass(frozen=True, eq=False)
class _Placed:
    """The right table's rows in order of key and time, and each left row's range of them.

    `order` are places in the right table; `known` says which left rows have a key and a time;
    `time` is of the ordered rows, `now` of left's; `clock` says what it counts.
    """

    order: np.ndarray
    code: np.ndarray
    ranges: Ranges
    known: np.ndarray
    time: np.ndarray | None
    now: np.ndarray | None
    clock: str
    dropped: int
    whole: bool


# What was asked ---------------------------------------------------------------------------------


def _keys(left: pl.DataFrame, right: pl.DataFrame, on: Any) -> list[tuple[str, str]]:
    pairs = (list(on.items()) if isinstance(on, Mapping)
             else [(name, name) for name in ([on] if isinstance(on, str) else on)])
    if not pairs:
        raise ParameterError("on must name at least one key column; got none.")
    for ours, theirs in pairs:
        if ours not in left.columns:
            raise unknown("column of the left table", str(ours), left.columns)
        if theirs not in right.columns:
            raise unknown("column of the right table", str(theirs), right.columns)
        kinds = _kind(left.schema[ours]), _kind(right.schema[theirs])
        if kinds[0] != kinds[1] and "nothing" not in kinds:
            raise DataError(
                f"key {ours!r} holds {kinds[0]} ({left.schema[ours]}) and {theirs!r} of the right "
                f"table {kinds[1]} ({right.schema[theirs]}): no row would match; convert one.")
    return pairs


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "numbers"
    if dtype.is_temporal():
        return "dates"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    if dtype.is_nested():
        raise DataError(f"a key must hold plain values; got {dtype}.")
    return {pl.Boolean: "truth values", pl.Null: "nothing"}.get(type(dtype), str(dtype))


def _times(left: pl.DataFrame, right: pl.DataFrame, as_of: Any) -> tuple[str, str] | None:
    if as_of is None:
        return None
    pair = (as_of, as_of) if isinstance(as_of, str) else tuple(as_of)
    if len(pair) != 2:
        raise ParameterError("as_of must name the column of time, or a pair (left's, right's); "
                             f"got {as_of!r}.")
    if pair[0] not in left.columns:
        raise unknown("column of the left table", str(pair[0]), left.columns)
    if pair[1] not in right.columns:
        raise unknown("column of the right table", str(pair[1]), right.columns)
    return pair[0], pair[1]


def _span(within: Any, times: tuple[str, str] | None) -> float | None:
    if within is None:
        return None
    if times is None:
        raise ParameterError("within needs as_of, the column of time that it counts back from.")
    found = span_of(within) if isinstance(within, str) else float(within)
    if found is None or not found > 0:
        raise ParameterError(f"within must be a stretch of time such as '30d'; got {within!r}.")
    return found


def _wanted(
    right: pl.DataFrame, aggregates: Any, times: tuple[str, str] | None, keys: set[str]
) -> list[tuple[str, str, str]] | None:
    """(column, statistic, name) of what to make; None for a plain join."""
    if aggregates is None:
        if times is None:
            return None
        rest = [n for n in right.columns if n not in {*keys, times[1]}]
        return [(name, "last", name) for name in rest]
    found = []
    for name, asked in aggregates.items():
        for statistic in [asked] if isinstance(asked, str) else asked:
            _check_statistic(right, name, statistic, times)
            made = statistic if name == _EVERY else f"{name}_{statistic}"
            found.append((name, statistic, made))
    if not found:
        raise ParameterError("aggregates must name a column and a statistic; got none.")
    return found


def _check_statistic(
    right: pl.DataFrame, name: str, statistic: str, times: tuple[str, str] | None
) -> None:
    if name == _EVERY and name not in right.columns:
        if statistic not in _OF_ROWS:
            raise unknown("statistic of '*'", statistic, _OF_ROWS)
        if statistic == "gap" and times is None:
            raise ParameterError("the statistic gap needs as_of, the column of time.")
        return
    if name not in right.columns:
        raise unknown("column of the right table", name, [*right.columns, _EVERY])
    if statistic not in (*STATISTICS, "distinct"):
        raise unknown("statistic", statistic, [*STATISTICS, "distinct"])
    kind = right.schema[name]
    if statistic not in _OF_ANY and not (kind.is_numeric() or kind == pl.Boolean):
        raise ParameterError(f"statistic {statistic!r} needs numbers; column {name!r} holds "
                             f"{kind}: use one of {', '.join(_OF_ANY)}.")


# Where the rows lie -----------------------------------------------------------------------------


def _placed(
    left: pl.DataFrame, right: pl.DataFrame, pairs: list[tuple[str, str]],
    times: tuple[str, str] | None, span: float | None,
) -> _Placed:
    ours, theirs = _codes(left, right, pairs)
    now = when = None
    clock = "numbers"
    if times is not None:
        clock = clock_of(right.get_column(times[1])) if right.height else "numbers"
        now = read_times(left.get_column(times[0]), clock)
        when = read_times(right.get_column(times[1]), clock)
        if left.height and np.isnan(now).all() and not left.get_column(times[0]).is_null().all():
            raise DataError(f"as_of needs times of one kind: {times[1]!r} holds {clock}, and "
                            f"{times[0]!r} of the left table {left.schema[times[0]]}.")
    usable = theirs >= 0 if when is None else (theirs >= 0) & ~np.isnan(when)
    rows = np.flatnonzero(usable)
    keys = (rows, theirs[rows]) if when is None else (rows, when[rows], theirs[rows])
    order = rows[np.lexsort(keys)]
    code = theirs[order]
    time = None if when is None else when[order]
    known = ours >= 0 if now is None else (ours >= 0) & ~np.isnan(now)
    low, high = np.searchsorted(code, ours, "left"), np.searchsorted(code, ours, "right")
    if time is not None and now is not None:
        low, high = _before(code, time, ours, now, known, span)
    low, high = np.where(known, low, 0), np.where(known, high, 0)
    return _Placed(order, code, Ranges(low, high), known, time, now, clock,
                   len(theirs) - len(order), span is None)


def _codes(
    left: pl.DataFrame, right: pl.DataFrame, pairs: list[tuple[str, str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Keys as codes of the two tables, -1 where a part of it is missing."""
    sides = [_label(left, [ours for ours, _ in pairs]), _label(right, [t for _, t in pairs])]
    both = pl.concat(sides)
    missing = both.is_null().to_numpy()
    codes = both.rank("dense").fill_null(0).cast(pl.Int64).to_numpy() - 1
    codes = np.where(missing, -1, codes)
    return codes[:left.height], codes[left.height:]


def _label(frame: pl.DataFrame, names: list[str]) -> pl.Series:
    parts = [_one_label(frame.get_column(name)).alias(str(at)) for at, name in enumerate(names)]
    return pl.DataFrame(parts).select(
        pl.concat_str(pl.all(), separator=_PARTED).alias("column")).to_series()


def _one_label(column: pl.Series) -> pl.Series:
    column = column.alias("column")
    if column.dtype in (pl.Date, pl.Datetime):
        return _cells.to_times(column).cast(pl.Int64).cast(pl.String)
    return _cells.to_labels(column)


def _before(
    code: np.ndarray, time: np.ndarray, ours: np.ndarray, now: np.ndarray, known: np.ndarray,
    span: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    """The range of rows of the same key strictly before each left row's time."""
    # Both tables in one order: at equal times left's rows come first, so they see none of them.
    own = np.flatnonzero(known)
    first = np.searchsorted(code, ours[own], "left")
    high = _merged(code, time, ours[own], now[own])
    low = first if span is None else np.maximum(
        first, _merged(code, time, ours[own], now[own] - span))
    spread = np.zeros((2, len(ours)), dtype=np.int64)
    spread[0, own], spread[1, own] = low, high
    return spread[0], spread[1]


def _merged(code: np.ndarray, time: np.ndarray, ours: np.ndarray, now: np.ndarray) -> np.ndarray:
    """How many right rows come before (code, time) of each left row, by one sort of both."""
    codes, times = np.concatenate([ours, code]), np.concatenate([now, time])
    side = np.concatenate([np.zeros(len(ours)), np.ones(len(code))])
    order = np.lexsort((side, times, codes))
    before = np.cumsum(side[order])
    found = np.empty(len(order))
    found[order] = before
    return found[:len(ours)].astype(np.int64)


# What is made -----------------------------------------------------------------------------------


def _column(
    right: pl.DataFrame, placed: _Placed, name: str, statistic: str, made: str
) -> pl.Series:
    unknown_rows = pl.Series(~placed.known)
    if name == _EVERY and name not in right.columns:
        found = (pl.Series(placed.ranges.length, dtype=pl.Int64) if statistic == "count"
                 else pl.Series(_gap(placed), nan_to_null=True))
        return found.set(unknown_rows, None)
    cells = right.get_column(name).alias("column")
    if cells.dtype.is_float():
        cells = cells.fill_nan(None)
    cells = cells[placed.order]
    if statistic in ("first", "last"):
        place = placed.ranges.end(cells.is_not_null().to_numpy(), statistic)
        return cells.gather(pl.Series(place).replace(-1, None).cast(pl.Int64))
    if statistic == "distinct":
        return _distinct(cells, placed).set(unknown_rows, None)
    values = (cells.is_not_null().cast(pl.Float64).replace(0.0, None) if statistic == "count"
              else _cells.to_numbers(cells))
    found = pl.Series(placed.ranges.of(
        values.to_numpy().astype(np.float64), statistic), nan_to_null=True)
    return (found.cast(pl.Int64) if statistic == "count" else found).set(unknown_rows, None)


def _gap(placed: _Placed) -> np.ndarray:
    assert placed.time is not None and placed.now is not None
    last = placed.ranges.end(np.ones(len(placed.code), dtype=bool), "last")
    if not len(placed.time):
        return np.full(len(last), np.nan)
    found = placed.now - placed.time[np.maximum(last, 0)]
    found = found / MICROS["d"] if placed.clock == "times" else found
    return np.where(last >= 0, found, np.nan)


def _distinct(cells: pl.Series, placed: _Placed) -> pl.Series:
    """Different values from the beginning of the key on: each counts where it is first met."""
    if not placed.whole:
        raise ParameterError("the statistic distinct counts from the beginning: leave out within.")
    table = pl.DataFrame({"key": placed.code, "cell": cells})
    first = table.select(pl.struct("key", "cell").is_first_distinct()
                         & pl.col("cell").is_not_null()).to_series().to_numpy()
    found = placed.ranges.of(np.where(first, 1.0, np.nan), "count")
    return pl.Series(found).cast(pl.Int64)


def _check_unique(placed: _Placed, keys: list[str]) -> None:
    counts = np.bincount(placed.code) if len(placed.code) else np.zeros(0, dtype=np.int64)
    many = counts[counts > 1]
    if not len(many):
        return
    made = int(np.maximum(placed.ranges.length, 1).sum())
    raise DataError(
        f"key {', '.join(map(repr, keys))} must be unique in the right table; {len(many):,} keys "
        f"have 2 to {int(many.max()):,} rows, and the {len(placed.known):,} rows of the left "
        f"would become {made:,}: say aggregates={{'column': ['mean', 'count']}} to sum them up, or "
        "as_of= to take the last one before each row's time.")


def _check_names(left: pl.DataFrame, names: list[str]) -> None:
    twice = [n for at, n in enumerate(names) if n in left.columns or n in names[:at]]
    if twice:
        raise ParameterError(f"the join would make a second column {twice[0]!r}: say prefix=, such "
                             "as prefix='right_'.")


def _notes(
    right: pl.DataFrame, placed: _Placed, times: tuple[str, str] | None, aggregates: Any
) -> tuple[str, ...]:
    found = []
    if placed.dropped:
        what = "key or time" if times else "key"
        found.append(f"{placed.dropped:,} rows of the right table have no {what} and are not "
                     "used.")
    missing = int((~placed.known).sum())
    if missing:
        found.append(f"{missing:,} rows of the left table have no "
                     f"{'key or time' if times else 'key'}: what they would get is missing.")
    dated = [name for name, kind in right.schema.items() if kind in (pl.Date, pl.Datetime)]
    if aggregates is not None and times is None and dated:
        found.append(f"The right table has times ({dated[0]!r}), and as_of= was not said: rows "
                     "later than a row of the left are summed up too, which tells the future.")
    return tuple(found)


def _joined(
    left: pl.DataFrame, columns: list[pl.Series], placed: _Placed, how: str, notes: tuple[str, ...]
) -> Joined:
    hit = placed.ranges.length > 0
    edge = np.zeros(len(placed.code) + 1, dtype=np.int64)
    np.add.at(edge, placed.ranges.low[hit], 1)
    np.add.at(edge, placed.ranges.high[hit], -1)
    used = int((np.cumsum(edge)[:-1] > 0).sum())
    frame = pl.DataFrame([*left.get_columns(), *columns])
    if how == "inner":
        frame = frame.filter(pl.Series(hit))
    return Joined(frame, tuple(c.name for c in columns), left.height, int(hit.sum()),
                  int((~hit).sum()), len(placed.code) + placed.dropped - used, notes)
