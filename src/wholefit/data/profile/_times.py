"""The figures of dates: step, longest gap, rows over time, and dates that nobody meant."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from wholefit.data.profile._parts import DateFacts

Array = np.ndarray
# What a missing date is often written as: spreadsheet and system zeros, and the end of days.
_PLACEHOLDERS = ("1900-01-01", "1970-01-01", "1899-12-30", "1899-12-31", "1901-01-01",
                 "0001-01-01", "1753-01-01", "2099-12-31", "9999-12-31")
_UNITS = (("minute", "m", 60e6), ("hour", "h", 3600e6), ("day", "D", 86400e6),
          ("week", "W", 7 * 86400e6), ("month", "M", 30.44 * 86400e6),
          ("year", "Y", 365.25 * 86400e6), ("decade", "10Y", 3652.5 * 86400e6))
_MOST_PERIODS = 120
_DAY = 86_400_000_000


def span(times: pl.Series) -> tuple[str, str] | None:
    """The first and the last time; None where there is none."""
    first, last = times.min(), times.max()
    return None if first is None else (said(first), said(last))


def said(moment: object) -> str:
    """A time as text, without a clock that says midnight."""
    return str(moment).removesuffix(" 00:00:00")


def facts(times: pl.Series, now: dt.datetime | None = None) -> DateFacts | None:
    """Figures of a Datetime column; None where it holds no time."""
    present = times.drop_nulls()
    if not len(present):
        return None
    stamps = np.sort(present.to_numpy().astype("datetime64[us]"))
    step, gap = _steps(stamps)
    unit, starts, counts = timeline(stamps)
    return DateFacts(step, gap, _odd(present, now), unit, starts, tuple(counts.tolist()))


def timeline(stamps: Array) -> tuple[str, tuple[str, ...], Array]:
    """The finest unit with few enough periods, the start of each period, and the rows in it."""
    unit, starts, codes = periods(stamps)
    return unit, starts, np.bincount(codes, minlength=len(starts))


def periods(stamps: Array) -> tuple[str, tuple[str, ...], Array]:
    """The unit, the start of each period, and the period (n,) of each time."""
    first, last = stamps.min(), stamps.max()
    reach = float((last - first).astype(np.int64))
    unit, code, _ = next((u for u in _UNITS if reach / u[2] <= _MOST_PERIODS - 2), _UNITS[-1])
    kind = f"datetime64[{code}]"
    base = first.astype(kind)
    places = (stamps.astype(kind) - base).astype(np.int64)
    starts = base + np.arange(int(places.max()) + 1)
    return unit, tuple(str(start).replace("T", " ") for start in starts), places


def length(microseconds: float) -> str:
    """A time span in the unit that fits: "15 minutes", "1 day", "2.4 years"."""
    for name, _, size in reversed([("second", "s", 1e6), *_UNITS[:3], *_UNITS[4:6]]):
        if microseconds >= size * 0.999:
            count = microseconds / size
            text = f"{count:.0f}" if abs(count - round(count)) < 0.05 else f"{count:.1f}"
            return f"{text} {name}" + ("" if text == "1" else "s")
    return f"{microseconds / 1e6:.3g} seconds"


def _steps(stamps: Array) -> tuple[str, tuple[str, str, str] | None]:
    """The typical step between different times, and the longest one with its ends."""
    different = stamps[np.concatenate([[True], stamps[1:] != stamps[:-1]])]
    if len(different) < 2:
        return "", None
    steps = np.diff(different).astype(np.int64)
    at = int(steps.argmax())
    gap = (_stamp(different[at]), _stamp(different[at + 1]), length(float(steps[at])))
    return length(float(np.median(steps))), gap


def _stamp(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[s]")).replace("T", " ").removesuffix(" 00:00:00")


def _odd(times: pl.Series, now: dt.datetime | None) -> tuple[tuple[str, int], ...]:
    """Dates in the future, and dates that stand for "none"."""
    now = now or dt.datetime.now()
    found = [("in the future", int((times > now + dt.timedelta(days=1)).sum()))]
    days = times.cast(pl.Date)
    for day in _PLACEHOLDERS:
        found.append((day, int((days == dt.date.fromisoformat(day)).sum())))
    return tuple((name, count) for name, count in found if count)
