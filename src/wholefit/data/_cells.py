"""One way to turn a polars column into numbers, labels, times or truth values.

Training and prediction use the same functions, so a cell means the same thing in both. Each
gives a column of the same length where a cell that does not convert is null; `unconverted`
tells which those are.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from wholefit.data import _dates

# Spellings of "no value" that are met inside text columns which hold numbers or dates.
MISSING_WORDS = ("", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "nat", "?", "-",
                 "--", ".", "missing")
_NOTHING = frozenset(MISSING_WORDS)
_TRUE = ("true", "t", "yes", "y", "1", "1.0", "on")
_FALSE = ("false", "f", "no", "n", "0", "0.0", "off")
# Words for true and false, in lower case.
TRUTH = {**dict.fromkeys(_TRUE, 1.0), **dict.fromkeys(_FALSE, 0.0)}
_PROBE = 200
# A column this short is gone through cell by cell: asking the engine takes longer than that.
SHORT = 5_000
# Whole numbers are counted from so many cells on, over a range of their count or of `_SPAN`.
_ONES, _SPAN = 100, 1_000
_EXACT = 1 << 53  # below it a float of a whole number is that number
# What the engine strips from both ends of a text: Unicode's white space.
_SPACE = ("\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
          "\u2009\u200a\u2028\u2029\u202f\u205f\u3000")
_TIME = pl.Datetime("us")
_TEXTS = (pl.String, pl.Categorical, pl.Enum)


def to_numbers(column: pl.Series) -> pl.Series:
    """As Float64; durations and times of day in seconds; NaN becomes null."""
    kind = column.dtype
    if kind in _TEXTS:
        text = column.cast(pl.String).str.strip_chars()
        found = text.cast(pl.Float64, strict=False)
    elif kind.is_numeric() or kind == pl.Boolean:
        found = column.cast(pl.Float64)
        if not nans(found):
            return found
    elif kind == pl.Duration:
        found = column.dt.total_microseconds().cast(pl.Float64) / 1e6
    elif kind == pl.Time:
        found = column.cast(pl.Int64).cast(pl.Float64) / 1e9
    else:
        return _nothing(column, pl.Float64())
    return found.fill_nan(None)


def to_labels(column: pl.Series) -> pl.Series:
    """As String; a whole float reads like the integer it is, so 1.0 and 1 are one level."""
    kind = column.dtype
    if kind == pl.String:
        return column
    if kind.is_float() or kind.is_decimal():
        return _float_labels(column.cast(pl.Float64))
    if kind == pl.Duration:
        return _float_labels(to_numbers(column))
    if kind.is_nested() or kind in (pl.Object, pl.Binary):
        return _nothing(column, pl.String())
    return column.cast(pl.String)


def to_times(column: pl.Series, *, utc: bool = False) -> pl.Series:
    """As Datetime in microseconds without zone: wall-clock time, or UTC for putting in order."""
    kind = column.dtype
    if kind == pl.String:
        column = parse_times(column)[0]
        kind = column.dtype
    if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
        zoned = column.dt.convert_time_zone("UTC") if utc else column
        return zoned.dt.replace_time_zone(None).cast(_TIME)
    if kind in (pl.Date, pl.Datetime):
        return column.cast(_TIME)
    return _nothing(column, _TIME)


def to_booleans(column: pl.Series) -> pl.Series:
    """As Float64: 1 for true, 0 for false; numbers stay as they are."""
    if column.dtype in _TEXTS:
        word = column.cast(pl.String).str.strip_chars().str.to_lowercase()
        return word.replace_strict(TRUTH, default=None, return_dtype=pl.Float64)
    return to_numbers(column)


def to_codes(column: pl.Series) -> tuple[np.ndarray, list[str]]:
    """Codes int32 (n,), -1 where missing, into the sorted list of levels."""
    if len(column) > _ONES and (column.dtype.is_integer() or column.dtype.is_float()):
        found = _whole_codes(column)
        if found is not None:
            return found
    labels = to_labels(column)
    if len(labels) <= SHORT:
        return _short_codes(labels.to_list())
    levels = labels.unique().drop_nulls().sort()
    if len(levels) == 0:
        return np.full(len(labels), -1, dtype=np.int32), []
    codes = labels.cast(pl.Enum(levels)).to_physical().cast(pl.Int32).fill_null(-1)
    return codes.to_numpy(), levels.to_list()


def _whole_codes(column: pl.Series) -> tuple[np.ndarray, list[str]] | None:
    """Codes of whole numbers that lie close together, counted and never spelt cell by cell."""
    cells = column.to_numpy()  # floats where any is missing, and then exact up to 2 ** 53
    missing = np.isnan(cells) if cells.dtype.kind == "f" else None
    known = cells if missing is None else cells[~missing]
    if not len(known) or not (known.min() > -_EXACT and known.max() < _EXACT):
        return None
    low, high = int(known.min()), int(known.max())
    if high - low > max(len(cells), _SPAN) or (known != np.floor(known)).any():
        return None
    known = known.astype(np.int64) - low
    seen = np.bincount(known)
    levels = sorted((str(low + at), at) for at in np.flatnonzero(seen).tolist())
    table = np.full(len(seen), -1, dtype=np.int32)
    table[[at for _, at in levels]] = np.arange(len(levels), dtype=np.int32)
    codes = table[known]
    if missing is not None:
        codes, told = np.full(len(cells), -1, dtype=np.int32), codes
        codes[~missing] = told
    return codes, [level for level, _ in levels]


def _short_codes(labels: list[str | None]) -> tuple[np.ndarray, list[str]]:
    levels = sorted({label for label in labels if label is not None})
    place: dict[str | None, int] = {level: at for at, level in enumerate(levels)}
    return np.array([place.get(label, -1) for label in labels], dtype=np.int32), levels


def parse_times(column: pl.Series) -> tuple[pl.Series, str | None]:
    """Text to dates or datetimes by the one format that reads it best, and the format."""
    cells = column.str.strip_chars()
    cells = cells.set(is_missing(cells), None)
    present = cells.drop_nulls()
    places = np.unique(np.linspace(0, max(len(present) - 1, 0), _PROBE).astype(np.int64))
    probe = present.gather(places).to_list() if len(present) else []
    found = _dates.parse(cells) if _dates.looks_like(probe) > 0.5 else None
    return (_nothing(column, _TIME), None) if found is None else (found.values, found.format)


def is_missing(column: pl.Series) -> pl.Series:
    """True where a cell is null, NaN, or text that spells "no value"."""
    if column.dtype == pl.String and len(column) <= SHORT:
        cells = column.to_list()
        nothing = {cell: _spells_nothing(cell) for cell in set(cells)}
        return pl.Series(column.name, [nothing[cell] for cell in cells], dtype=pl.Boolean)
    if column.dtype == pl.String:
        short = column.str.len_bytes() <= max(map(len, MISSING_WORDS))
        if not short.any():
            return column.is_null()
        word = column.str.strip_chars().str.to_lowercase()
        return column.is_null() | word.is_in(list(MISSING_WORDS)).fill_null(True)
    if column.dtype.is_float():
        return pl.Series(column.name, np.isnan(column.to_numpy()))  # where it is null too
    if not column.null_count():
        return pl.Series(column.name, np.zeros(len(column), dtype=bool))
    return column.is_null()


def nans(column: pl.Series) -> int:
    """How many cells of floats are NaN, null ones apart."""
    return int(np.isnan(column.to_numpy()).sum()) - column.null_count()


def _spells_nothing(cell: str | None) -> bool:
    return cell is None or cell.strip(_SPACE).lower() in _NOTHING


def unconverted(before: pl.Series, after: pl.Series) -> np.ndarray:
    """Rows whose cell held something before and is null after."""
    if not after.null_count():
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero((after.is_null() & ~is_missing(before)).to_numpy())


def mean(column: pl.Series) -> float:
    """The mean of numbers or truth values; 0 where there is none."""
    return float(column.cast(pl.Float64).mean() or 0.0)  # type: ignore[arg-type]


def _nothing(column: pl.Series, kind: pl.DataType) -> pl.Series:
    return pl.Series(column.name, [None] * len(column), dtype=kind)


def _float_labels(column: pl.Series) -> pl.Series:
    column = column.fill_nan(None)
    whole = (column == column.floor()) & (column.abs() < 2.0**53)
    as_whole = column.cast(pl.Int64, strict=False).cast(pl.String)
    if whole.all():
        return as_whole
    return as_whole.zip_with(whole.fill_null(False), column.cast(pl.String))
