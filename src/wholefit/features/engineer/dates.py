"""Dates as circles (hour, weekday, month), holidays, and the time between dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.features.engineer import _cells
from wholefit.features.engineer._step import Step

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
PERIODS = {"minute": 60, "hour": 24, "weekday": 7, "day": 31, "month": 12, "yearday": 365.2425}
"""Each part of a date that comes round, and how many steps its circle has."""
UNITS = {"seconds": 1_000_000, "minutes": 60_000_000, "hours": _HOUR, "days": _DAY,
         "weeks": 7 * _DAY, "years": 365.2425 * _DAY}


@dataclass(eq=False, repr=False)
class Cyclic(Step):
    """Sine and cosine of the parts of a date, so that December is next to January.

    Two columns a part: hour 23 is as near to hour 0 as hour 1 is. Without `parts`, those that
    varied in training are used. `holidays` adds a 0/1 column: whether the day is one of them.
    """

    kind: ClassVar[str] = "cyclic"
    summary: ClassVar[str] = "sine and cosine of hour, weekday, month; holidays from a list"
    wants: ClassVar[str] = "frame"

    parts: Sequence[str] | None = param(
        None, "Which of minute, hour, weekday, day, month, yearday; those that vary.", none=True)
    holidays: Sequence[str] | None = param(
        None, "Days as 2026-12-25; adds a 0/1 column.", none=True)

    def _learn(self, values: Any, y: np.ndarray | None) -> None:
        for part in self.parts or ():
            if part not in PERIODS:
                raise ParameterError(f"Cyclic.parts must be some of {', '.join(PERIODS)}; "
                                     f"got {part!r}.")
        self.days_ = sorted({_day(text) for text in self.holidays or ()})
        self.kept_ = [self._parts_of(_cells.times(column, "Cyclic"))
                      for column in values.get_columns()]

    def _make(self, values: Any) -> np.ndarray:
        made = []
        for column, parts in zip(values.get_columns(), self.kept_, strict=True):
            times = _cells.times(column, "Cyclic")
            for part in parts:
                turn = 2 * np.pi * _part(part, times) / PERIODS[part]
                made += [np.sin(turn), np.cos(turn)]
            if self.days_:
                day = times.astype("datetime64[D]").astype(np.int64)
                made.append(np.where(np.isnat(times), np.nan, np.isin(day, self.days_)))
        return np.stack(made, axis=1) if made else np.empty((len(values), 0))

    def _called(self, names: list[str]) -> list[str]:
        found = []
        for name, parts in zip(names, self.kept_, strict=True):
            found += [f"{wave}({name}.{part})" for part in parts for wave in ("sin", "cos")]
            found += [f"holiday({name})"] * bool(self.days_)
        return found

    def _parts_of(self, times: np.ndarray) -> list[str]:
        if self.parts is not None:
            return list(dict.fromkeys(self.parts))
        known = times[~np.isnat(times)]
        vary = [part for part in ("hour", "weekday", "month")
                if len(known) and np.ptp(_part(part, known)) > 0]
        return vary or ["weekday"]


@dataclass(eq=False, repr=False)
class Elapsed(Step):
    """Time from each of the other date columns to the first; or from a fixed day to each.

    Negative where the first lies before; missing where either is.
    """

    kind: ClassVar[str] = "elapsed"
    summary: ClassVar[str] = "time between dates, or since a fixed day"
    wants: ClassVar[str] = "frame"

    unit: str = param("days", "What time is counted in.", choices=tuple(UNITS))
    since: str | None = param(None, "A day such as 2020-01-01 to count from.", none=True)

    def _learn(self, values: Any, y: np.ndarray | None) -> None:
        if self.since is not None:
            _day(self.since)
        elif values.width < 2:
            raise ParameterError("Elapsed needs at least 2 date columns, or since= a day; got "
                                 f"n_features = {values.width}.")

    def _make(self, values: Any) -> np.ndarray:
        times = [_cells.times(column, "Elapsed") for column in values.get_columns()]
        if self.since is not None:
            start = np.datetime64(self.since, "us")
            gaps = [found - start for found in times]
        else:
            gaps = [times[0] - other for other in times[1:]]
        made = [np.where(np.isnat(gap), np.nan, gap.astype(np.int64) / UNITS[self.unit])
                for gap in gaps]
        return np.stack(made, axis=1)

    def _called(self, names: list[str]) -> list[str]:
        if self.since is not None:
            return [f"{self.unit} since {self.since} ({name})" for name in names]
        return [f"{self.unit} from {name} to {names[0]}" for name in names[1:]]


def _part(part: str, times: np.ndarray) -> np.ndarray:
    """Steps of a part (n,) since its circle began, NaN where the time is missing."""
    known = ~np.isnat(times)
    times = np.where(known, times, np.datetime64(0, "us"))
    micros = times.astype(np.int64)
    if part == "minute":
        found = micros // 60_000_000 % 60
    elif part == "hour":
        found = micros // _HOUR % 24
    elif part == "weekday":
        found = (micros // _DAY + 3) % 7
    else:
        found = _calendar(part, times)
    return np.where(known, found, np.nan)


def _calendar(part: str, times: np.ndarray) -> np.ndarray:
    months = times.astype("datetime64[M]")
    if part == "month":
        return months.astype(np.int64) % 12
    first = months if part == "day" else times.astype("datetime64[Y]")
    return (times.astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)


def _day(text: str) -> int:
    """Days since 1970 of a day written as 2026-12-25."""
    try:
        return int(np.datetime64(str(text), "D").astype(np.int64))
    except ValueError as error:
        raise ParameterError(f"a day must be written as 2026-12-25; got {text!r}.") from error
