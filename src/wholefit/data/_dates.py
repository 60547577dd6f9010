"""Text columns that hold dates: which order of day and month, decided over the whole column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from wholefit.data import _words as words

_ISO = "%Y-%m-%d"
_TRIPLE = r"^([0-9]{1,2})([-/.])([0-9]{1,2})[-/.]([0-9]{4}|[0-9]{2})(?:[T ,]|$)"
_CLOCKS = ("%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
_YEAR_FIRST = ("%Y/%m/%d", "%Y.%m.%d")
_MONTH_NAMES = ("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y", "%d %B %Y",
                "%B %d, %Y", "%B %d %Y")
_MONTHS = tuple(map(frozenset, ("jan", "feb", "mar", "apr", "may", "jun",
                                "jul", "aug", "sep", "oct", "nov", "dec")))
# Years before are of two digits: %Y reads "21-Jan-16" as a day of the year 16.
_FIRST_YEAR = 100
_ZONE = r"(Z|UTC|[+-][0-9]{2}:?[0-9]{2})$"


@dataclass(frozen=True)
class Dates:
    """A parsed column: the values, the format that fits, and whether day and month are a guess."""

    values: pl.Series
    format: str
    ambiguous: bool = False


def parse(text: pl.Series, *, day_first: bool | None = None) -> Dates | None:
    """The best reading of `text` as dates or datetimes, or None if it does not look like dates.

    Cells that do not fit the chosen format come out missing: the caller counts them.
    """
    attempts = (_attempt(text, fmt, unsure) for fmt, unsure in _candidates(text, day_first))
    found = [dates for dates in attempts if dates is not None]
    if not found:
        return None
    best = min(found, key=lambda d: d.values.null_count())
    return replace(best, values=_joined(best, found)) if best.values.null_count() else best


def with_format(text: pl.Series, fmt: str) -> pl.Series:
    """`text` read with one stated format; what does not fit is missing."""
    zoned = fmt.endswith("z")
    timed = any(code in fmt for code in ("%H", "%I", "%T", "%R"))
    kind: Any = pl.Date
    if timed:
        kind = pl.Datetime("us", "UTC") if zoned else pl.Datetime("us")
        text = text.str.replace(r"[,T]? *([0-9]{1,2}:[0-9]{2})", " $1")
        text = text.str.replace(r"(?i)([0-9]) ?([ap]m)", "$1 $2")
    if zoned:
        text = text.str.replace(r" ?(?:Z|UTC)$", "+00:00").str.replace(
            r" ?([+-][0-9]{2}):?([0-9]{2})$", "$1:$2")
    values = text.str.strptime(kind, fmt, strict=False, exact=True)
    if "%Y" in fmt:
        years = values.dt.year()
        first: Any = years.min()
        if first is not None and first < _FIRST_YEAR:
            values = values.set(years < _FIRST_YEAR, None)
    return values


def _joined(best: Dates, found: list[Dates]) -> pl.Series:
    """Cells that `best` left out, read as the same kind of date with another clock or none."""
    values, kind = best.values, best.values.dtype
    if kind == pl.Date:
        return values
    for other in found:
        same = other.format.split(" %H")[0].split(" %I")[0] in best.format
        if same and other is not best and _zone(other.values) == _zone(best.values):
            values = values.fill_null(other.values.cast(kind))
    return values


def _zone(values: pl.Series) -> str | None:
    return values.dtype.time_zone if isinstance(values.dtype, pl.Datetime) else None


def _attempt(text: pl.Series, fmt: str, unsure: bool) -> Dates | None:
    values = with_format(text, fmt)
    return None if values.null_count() == values.len() else Dates(values, fmt, unsure)


def _candidates(text: pl.Series, day_first: bool | None) -> list[tuple[str, bool]]:
    """Formats worth trying on the whole column, with True where day and month are a guess."""
    head = text.head(2000)
    letters = set("".join(cell for cell in head.to_list() if cell is not None).lower())
    dates = [(fmt, False) for fmt in (_ISO, *_YEAR_FIRST, *_MONTH_NAMES) if _spelt(fmt, letters)]
    if letters & set("-/."):
        dates += _day_or_month(text, day_first)
    tails = _tails(head, letters) if dates else []
    found = [(fmt + tail, unsure) for fmt, unsure in dates for tail in tails]
    if len(head) == len(text):  # each is read at once
        return found
    return [each for each in found if with_format(head, each[0]).null_count() < head.len()]


def _spelt(fmt: str, letters: set[str]) -> bool:
    """True if cells of these letters can hold what a date of this format must.

    To read a column of one cell by every format took longer than a model takes to answer.
    """
    named = "%b" in fmt or "%B" in fmt
    return all(sign in letters for sign in "-/.," if sign in fmt) and (
        not named or any(month <= letters for month in _MONTHS))


def _tails(head: pl.Series, letters: set[str]) -> list[str]:
    if ":" not in letters or not head.str.contains(r"[0-9]:[0-9]{2}").any():
        return [""]
    zone = "%:z" if head.str.contains(_ZONE).any() else ""
    clocks = [clock for clock in _CLOCKS if "%p" not in clock or "m" in letters]
    return [f" {clock}{zone}" for clock in clocks] + [""]


def _day_or_month(text: pl.Series, day_first: bool | None) -> list[tuple[str, bool]]:
    """12/03/2020: which is the day? The column says, where any part exceeds 12."""
    parts = text.str.extract_groups(_TRIPLE).struct.unnest()
    first, second = (parts[c].cast(pl.Int32, strict=False) for c in ("1", "3"))
    if first.null_count() == first.len():
        return []
    sep = str(parts["2"].drop_nulls().mode().sort()[0])
    year = "%Y" if parts["4"].drop_nulls().str.len_bytes().median() == 4 else "%y"
    day, month = f"%d{sep}%m{sep}{year}", f"%m{sep}%d{sep}{year}"
    days, months = int((first > 12).sum()), int((second > 12).sum())
    if days != months:
        return [(day if days > months else month, False)]
    if days:
        return [(day, False), (month, False)]
    guess = day_first if day_first is not None else sep != "/"
    # With points ("3.4.2020") the day always comes first: no guess there.
    return [(day if guess else month, day_first is None and sep != ".")]


def looks_like(values: list[str]) -> float:
    """The share of `values` that look like dates."""
    found = sum(len(v) <= 80 and bool(words.DATEISH.fullmatch(v)) for v in values)
    return found / max(1, len(values))
