"""How numbers and dates are written in text, and what they are; each cell by itself.

A decision that needs the whole column (which sign is the decimal one, whether the day comes
first) is made once, from the training rows, and then holds for every cell alone: a row is read
the same alone as among others.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import polars as pl

from wholefit.data import _cells, _dates, _types
from wholefit.data import _words as words

_MONEY = (r"(?:[$€£¥₹₽₩₺₴฿₫₱]|(?i:USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|"
          r"RUB|BRL|MXN|ZAR|SGD|HKD|KRW|TRY|Rs\.?|kr\.?))")
_HEAD = rf"^\s*([+-]?)\s*{_MONEY}?\s*([+-]?)"
_CELL = r"^([+-]?)((?:[0-9][0-9.,'’ \u{a0}\u{202f}]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?)\s*(.*)$"
_PLAIN_TAIL = rf"^{_MONEY}$"
_STYLE_FROM = 50_000
_MANY = {"k": 1e3, "thousand": 1e3, "mn": 1e6, "mio": 1e6, "million": 1e6, "millions": 1e6,
         "bn": 1e9, "billion": 1e9, "billions": 1e9, "tn": 1e12, "trillion": 1e12}
# Of each unit: what it measures, how many base units it is, and what is added (temperatures).
UNITS: dict[str, tuple[str, float, float]] = {
    **{name: ("mass", factor, 0.0) for name, factor in {
        "mg": 1e-6, "g": 1e-3, "kg": 1.0, "t": 1e3, "oz": 0.028349523125, "lb": 0.45359237,
        "lbs": 0.45359237, "st": 6.35029318}.items()},
    **{name: ("length", factor, 0.0) for name, factor in {
        "mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3, "in": 0.0254, "inch": 0.0254,
        "inches": 0.0254, '"': 0.0254, "ft": 0.3048, "feet": 0.3048, "yd": 0.9144,
        "mi": 1609.344, "mile": 1609.344, "miles": 1609.344}.items()},
    **{name: ("time", factor, 0.0) for name, factor in {
        "ms": 1e-3, "s": 1.0, "sec": 1.0, "secs": 1.0, "min": 60.0, "mins": 60.0, "h": 3600.0,
        "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0, "d": 86400.0, "day": 86400.0,
        "days": 86400.0, "week": 604800.0, "weeks": 604800.0}.items()},
    **{name: ("volume", factor, 0.0) for name, factor in {
        "ml": 1e-3, "cl": 1e-2, "l": 1.0, "gal": 3.785411784, "pt": 0.473176473}.items()},
    **{name: ("area", factor, 0.0) for name, factor in {
        "m2": 1.0, "m²": 1.0, "sqm": 1.0, "km2": 1e6, "km²": 1e6, "ha": 1e4, "sqft": 0.09290304,
        "sq ft": 0.09290304, "ft2": 0.09290304, "ft²": 0.09290304, "acre": 4046.8564224,
        "acres": 4046.8564224}.items()},
    **{name: ("data", factor, 0.0) for name, factor in {
        "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 2.0**10, "mib": 2.0**20,
        "gib": 2.0**30}.items()},
    **{name: ("speed", factor, 0.0) for name, factor in {
        "m/s": 1.0, "km/h": 1 / 3.6, "kmh": 1 / 3.6, "kph": 1 / 3.6, "mph": 0.44704,
        "kn": 0.514444}.items()},
    "°c": ("temperature", 1.0, 273.15), "c": ("temperature", 1.0, 273.15),
    "°f": ("temperature", 5 / 9, 459.67 * 5 / 9), "f": ("temperature", 5 / 9, 459.67 * 5 / 9),
    "kelvin": ("temperature", 1.0, 0.0),
}


def parts(text: pl.Series) -> pl.DataFrame:
    """The cells cut into "number" (text), "tail" (lower case) and "minus" (accountants' too)."""
    cells = text.str.strip_chars().str.replace_all("[\u2212\u2013]", "-")
    minus = cells.str.contains(r"^\(.*\)$").fill_null(False)
    cells = cells.str.replace(r"^\((.*)\)$", "$1").str.replace(_HEAD, "$1$2")
    cut = cells.str.extract_groups(_CELL).struct.unnest()
    tail = cut["3"].str.strip_chars().str.replace(_PLAIN_TAIL, "").str.strip_chars()
    number = cut["1"] + cut["2"].str.strip_chars()
    return pl.DataFrame([number.alias("number"), tail.str.to_lowercase().alias("tail"),
                         minus.alias("minus")])


def spread(text: pl.Series) -> pl.Series:
    """Up to 50,000 present cells, evenly over the rows: how they are written shows in them."""
    known = text.drop_nulls()
    if len(known) <= _STYLE_FROM:
        return known
    return known.gather(np.linspace(0, len(known) - 1, _STYLE_FROM).astype(np.int64))


def decimal_sign(number: pl.Series) -> str:
    """The sign before fractions in this column: "." or ","."""
    full = number.drop_nulls()
    return "," if len(full) and _types._style(full, _types.Rules())[0] in ("point", "decimal") \
        else "."


def usual_unit(tail: pl.Series) -> str | None:
    """The most frequent unit behind the numbers; of several, the one that is met first."""
    known = tail.filter(tail.is_in(list(UNITS)).fill_null(False))
    if not len(known):
        return None
    counts = known.alias("unit").to_frame().group_by("unit", maintain_order=True).len()
    return str(counts.sort("len", descending=True, maintain_order=True)["unit"][0])


def numbers(text: pl.Series, decimal: str, unit: str | None, percent: str) -> pl.Series:
    """Text as Float64; what is not a number in a known way is missing.

    `unit` is the one that all are brought to; `percent` "fraction" makes 5 % 0.05, "points" 5.
    """
    if decimal != ".":
        return _of_each(text, lambda cells: _read_numbers(cells, decimal, unit, percent))
    # Most cells are plain: the engine reads them at once, and only the rest is looked at closely.
    found = text.str.strip_chars().cast(pl.Float64, strict=False).fill_nan(None)
    found = found.set(found.is_infinite().fill_null(False), None)
    rest = np.flatnonzero((found.is_null() & text.is_not_null()).to_numpy())
    if len(rest):
        read = _of_each(text.gather(rest), lambda cells: _read_numbers(cells, ".", unit, percent))
        found = found.scatter(rest, read)
    return found.alias(text.name)


def _read_numbers(text: pl.Series, decimal: str, unit: str | None, percent: str) -> pl.Series:
    cut = parts(text)
    found = _plain_number(cut["number"], decimal)
    factor, shift = _factors(cut["tail"], unit, percent)
    found = found * factor + shift
    return _signed(found, cut["minus"]).alias(text.name)


def _of_each(text: pl.Series, read: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """`read` of the column, each different cell read once."""
    different = text.unique()
    if len(different) > 0.5 * len(text):
        return read(text)
    return text.to_frame("cell").join(
        pl.DataFrame({"cell": different, "read": read(different)}), on="cell", how="left",
        nulls_equal=True, maintain_order="left")["read"].alias(text.name)


def _signed(found: pl.Series, minus: pl.Series) -> pl.Series:
    return minus.cast(pl.Float64) * found * -2 + found if minus.any() else found


def _plain_number(number: pl.Series, decimal: str) -> pl.Series:
    thousands, shaped, other = {
        ".": (",", words.COMMA_THOUSANDS, words.PLAIN),
        ",": (".", words.POINT_THOUSANDS, words.DECIMAL_COMMA)}[decimal]
    known = (number.str.contains(shaped) | number.str.contains(words.SPACE_THOUSANDS)
             | number.str.contains(other) | number.str.contains(words.WHOLE))
    bare = number.str.replace_all("[ \u00a0\u202f'’]", "")
    grouped = number.str.contains(shaped).fill_null(False)
    ungrouped = bare.str.replace_all(thousands, "", literal=True)
    bare = ungrouped.zip_with(grouped, bare)
    if decimal == ",":
        bare = bare.str.replace_all(",", ".", literal=True)
    return _types.blank(bare.cast(pl.Float64, strict=False), ~known.fill_null(False))


def _factors(tail: pl.Series, unit: str | None, percent: str) -> tuple[pl.Series, pl.Series]:
    """What each number is multiplied by and what is added, null where the tail is unknown."""
    scales: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}
    scales.update((word, (many, 0.0)) for word, many in _MANY.items())
    share = 0.01 if percent == "fraction" else 1.0
    scales["%"] = scales["percent"] = scales["pct"] = (share, 0.0)
    if unit is not None:
        measure, size, shift = UNITS[unit.lower()]
        scales.update((word, (own / size, (added - shift) / size))
                      for word, (kind, own, added) in UNITS.items() if kind == measure)
    factor = {word: pair[0] for word, pair in scales.items()}
    shift_by = {word: pair[1] for word, pair in scales.items()}
    return (tail.replace_strict(factor, default=None, return_dtype=pl.Float64),
            tail.replace_strict(shift_by, default=None, return_dtype=pl.Float64))


# Dates ----------------------------------------------------------------------------------------

def date_formats(text: pl.Series, day_first: bool | None) -> tuple[list[str], bool]:
    """Formats that read the cells, the best first, until none reads more; and if it is a guess.

    Cells written in several ways need several formats: each is asked only for what the ones
    before it left.
    """
    rest = text.str.strip_chars()
    rest = rest.filter(~_cells.is_missing(rest))
    formats: list[str] = []
    guessed = False
    for _ in range(6):
        if not len(rest):
            break
        found = _dates.parse(rest.alias("column"), day_first=day_first)
        if found is None or found.format in formats:
            break
        read = _dates.with_format(rest, found.format)
        if read.null_count() == len(rest):
            break
        formats.append(found.format)
        guessed = guessed or found.ambiguous
        if day_first is None and found.format[:2] in ("%d", "%m") and not found.ambiguous:
            day_first = found.format.startswith("%d")
        rest = rest.filter(read.is_null())
    return formats, guessed


def dates(text: pl.Series, formats: list[str]) -> pl.Series:
    """Text as Date, or Datetime where a format has a clock; each cell by the first that reads it.

    Times with a zone become UTC without one.
    """
    cells = text.str.strip_chars()
    timed = any(code in form for form in formats for code in ("%H", "%I", "%T", "%R"))
    kind: pl.DataType = pl.Datetime("us") if timed else pl.Date()
    found = pl.Series(text.name, [None] * len(text), dtype=kind)
    for form in formats:
        read = _dates.with_format(cells, form)
        if isinstance(read.dtype, pl.Datetime) and read.dtype.time_zone is not None:
            read = read.dt.replace_time_zone(None)
        found = found.fill_null(read.cast(kind))
    return found.alias(text.name)


def check_format(form: str) -> bool:
    """True if a date format can be used."""
    if not re.fullmatch(r"[^%]*(?:%(?:[YymdBbHIMSpjf]|\.f|:z|z)[^%]*)+", form) or len(form) > 60:
        return False
    try:
        pl.Series(["2024-01-31"]).str.strptime(
            pl.Datetime if any(c in form for c in ("%H", "%I")) else pl.Date, form, strict=False)
    except pl.exceptions.PolarsError:
        return False
    return True


def share_read(before: pl.Series, after: pl.Series) -> float:
    """The share of cells with something in them that became something."""
    full = len(before) - int(_cells.is_missing(before).sum())
    return (len(after) - after.null_count()) / full if full else 0.0


def truths(text: pl.Series) -> pl.Series:
    """Yes and no, true and false, t, f, y, n, on, off, 1, 0 as Boolean."""
    return _cells.to_booleans(text).cast(pl.Boolean).alias(text.name)
