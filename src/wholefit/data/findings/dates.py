"""Dates that cannot be: placeholders, the future, years torn off from the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from wholefit.base.wording import counted
from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look, share
from wholefit.data.schema import Column

_PLACEHOLDERS = ("1900-01-01", "1899-12-30", "1899-12-31", "1904-01-01", "1970-01-01",
                 "1111-11-11", "1753-01-01", "0001-01-01", "9999-12-31", "2999-12-31",
                 "2099-12-31", "9999-09-09")
_DAY = np.timedelta64(1, "D")
_APART = 3.0
_FEWEST = 10


def find(look: Look) -> Iterator[Finding]:
    """Suspicious dates of every column of dates."""
    for column in look.dated:
        times = look.dataset.times(column.name)
        known = ~np.isnat(times)
        if not known.any():
            continue
        made_up = _placeholders(times, known)
        if made_up.any():
            yield _finding(look, column, times, made_up, "placeholder_dates",
                           "dates that stand for none", "days since then are meaningless")
        yield from _future(look, column, times, known & ~made_up)
        yield from _torn(look, column, times, known & ~made_up)
    yield from _guessed(look)


def _placeholders(times: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Days that programs write for "no date", where they are not an ordinary day of the column."""
    days = times.astype("datetime64[D]")
    suspect = np.isin(days, np.array(_PLACEHOLDERS, dtype="datetime64[D]")) & known
    rest = days[known & ~suspect]
    if not suspect.any() or not len(rest):
        return np.zeros(len(times), dtype=bool)
    for day in np.unique(days[suspect]):
        year = np.timedelta64(366, "D")
        if ((rest > day - year) & (rest < day + year)).any():
            suspect &= days != day
    return suspect


def _future(
    look: Look, column: Column, times: np.ndarray, known: np.ndarray
) -> Iterator[Finding]:
    """Days after today in a column that is mostly of the past."""
    today = np.datetime64(dt.date.today(), "D")
    later = known & (times > (today + _DAY))
    if later.any() and later.sum() < 0.1 * known.sum():
        yield _finding(look, column, times, later, "future_dates", "dates in the future",
                       "what has not happened cannot have been recorded: a wrong century, or "
                       "day and month swapped")


def _torn(
    look: Look, column: Column, times: np.ndarray, known: np.ndarray
) -> Iterator[Finding]:
    """A few days far before all others."""
    days = times[known].astype("datetime64[D]").astype(np.int64)
    if len(days) < _FEWEST:
        return
    low, high = np.quantile(days, [0.05, 0.95])
    width = max(float(high - low), 30.0)
    early = known.copy()
    early[known] = days < low - _APART * width
    if early.any() and early.sum() <= 0.01 * len(days):
        yield _finding(look, column, times, early, "torn_off_dates",
                       "dates far before all others", "a wrong century or a slip of the pen")


def _finding(
    look: Look, column: Column, times: np.ndarray, where: np.ndarray, kind: str, what: str,
    why: str,
) -> Finding:
    shown = ", ".join(str(day) for day in
                      np.unique(times[where].astype("datetime64[D]"))[:3])
    count = int(where.sum())
    return Finding(
        kind, "warning", (column.name,),
        f"column {column.name!r} has {counted(count, 'row')} ({share(count, look.n)}) with {what}: "
        f"{shown}", why, *_remedy.none(), count=count, rows=look.rows(where),
        strength=count / look.n)


def _guessed(look: Look) -> Iterator[Finding]:
    """Columns whose order of day and month nothing in them settles."""
    for note in look.dataset.notes:
        if note.kind == "ambiguous_dates" and note.column is not None:
            yield Finding(
                "ambiguous_dates", "warning", (note.column,),
                note.message.partition(": dtypes")[0], "read the wrong way round, one day in "
                "three is another month", *_remedy.dates(note.column, note.message))
