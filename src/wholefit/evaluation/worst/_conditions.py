"""What a part can be made of: a level, a range between quantiles, a gap, a word."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from wholefit.base.wording import cut
from wholefit.data import _cells

# Ranges end at these quantiles of a column; RANGES are pairs of them, by their places.
QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
RANGES = ((0, 1), (0, 2), (0, 3), (2, 3), (2, 4), (3, 4), (3, 6), (4, 6), (5, 6))
_FEW, _LEVELS, _WORDS = 12, 40, 25
_WORD = re.compile(r"[^\W\d_]{3,}")
# Text of so many words at the median is looked at word by word.
_WORDY = 3
_LONGEST = 60


@dataclass(frozen=True)
class Condition:
    """One condition on a row: the column, and what holds there, in words.

    >>> print(Condition("age", "is above 40, at most 55"))
    age is above 40, at most 55
    """

    column: str
    said: str

    def __str__(self) -> str:
        return f"{self.column} {self.said}"


@dataclass(frozen=True)
class Conditions:
    """All conditions, `masks` (conditions, n) which rows meet each, and the `column` of each."""

    all: tuple[Condition, ...]
    masks: np.ndarray
    column: np.ndarray

    def meets(self, parts: Sequence[int]) -> np.ndarray:
        """Which rows meet all of these conditions, (n,)."""
        return np.asarray(self.masks[list(parts)].all(axis=0))


def conditions(columns: Mapping[str, pl.Series], least: int) -> Conditions:
    """Conditions that at least `least` rows meet and as many do not; equal ones only once."""
    found: list[Condition] = []
    masks: list[np.ndarray] = []
    place: list[int] = []
    seen: set[bytes] = set()
    for at, (name, column) in enumerate(columns.items()):
        rows = len(column)
        for said, mask in _of_column(column, least):
            count = int(np.count_nonzero(mask))
            key = np.packbits(mask).tobytes()
            if count < least or rows - count < least or key in seen:
                continue
            seen.add(key)
            found.append(Condition(name, said))
            masks.append(mask)
            place.append(at)
    rows = len(next(iter(columns.values()))) if columns else 0
    stacked = np.array(masks, dtype=bool).reshape(len(masks), rows)
    return Conditions(tuple(found), stacked, np.array(place, dtype=np.intp))


def _of_column(column: pl.Series, least: int) -> list[tuple[str, np.ndarray]]:
    kind = column.dtype
    if kind.is_nested() or kind in (pl.Object, pl.Binary, pl.Null):
        return []
    missing = _cells.is_missing(column).to_numpy()
    found = [("is missing", missing)] if missing.any() else []
    if kind in (pl.Date, pl.Datetime):
        stamps = _cells.to_times(column).dt.epoch("us").cast(pl.Float64).to_numpy()
        return [*found, *_ranges(stamps, _moment)]
    if kind.is_numeric() or kind in (pl.Duration, pl.Time):
        numbers = _cells.to_numbers(column).to_numpy().astype(np.float64)
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        if len(np.unique(numbers[~np.isnan(numbers)])) > _FEW:
            return [*found, *_ranges(numbers, _number)]
    text = kind in (pl.String, pl.Categorical, pl.Enum)
    if text and _is_words(column):
        return [*found, *_words(column, least)]
    return [*found, *_levels(column, missing, least)]


def _levels(
    column: pl.Series, missing: np.ndarray, least: int
) -> list[tuple[str, np.ndarray]]:
    """The most frequent levels, each alone."""
    codes, levels = _cells.to_codes(column)
    codes = np.where(missing, -1, codes)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    order = np.argsort(-counts, kind="stable")[:_LEVELS]
    return [(f"= {cut(levels[code], _LONGEST)}", codes == code) for code in order
            if counts[code] >= least]


def _ranges(numbers: np.ndarray, written: object) -> list[tuple[str, np.ndarray]]:
    """Ranges between quantiles; ends that fall together are taken once."""
    say = written if callable(written) else str
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return []
    edges = np.quantile(known, QUANTILES, method="inverted_cdf")  # numbers that are there
    last = len(QUANTILES) - 1
    found = []
    for low, high in RANGES:
        mask = np.ones(len(numbers), dtype=bool) if low == 0 else numbers > edges[low]
        if high < last:
            mask &= numbers <= edges[high]
        mask &= ~np.isnan(numbers)
        if low == 0:
            said = f"is at most {say(edges[high])}"
        elif high == last:
            said = f"is above {say(edges[low])}"
        else:
            said = f"is above {say(edges[low])}, at most {say(edges[high])}"
        found.append((said, mask))
    return found


def _is_words(column: pl.Series) -> bool:
    """Whether cells are texts: of several words, and seldom the same."""
    cells = column.cast(pl.String).drop_nulls()
    if len(cells) == 0 or cells.n_unique() <= max(_LEVELS, len(cells) // 20):
        return False
    words = cells.head(2_000).str.split(" ").list.len().median()
    return isinstance(words, (int, float)) and words >= _WORDY


def _words(column: pl.Series, least: int) -> list[tuple[str, np.ndarray]]:
    """The most frequent words that not every text has."""
    cells = column.cast(pl.String).fill_null("").str.to_lowercase().str.slice(0, 5_000)
    counts: dict[str, int] = {}
    for text in cells.head(5_000).to_list():
        for word in set(_WORD.findall(text)):
            counts[word] = counts.get(word, 0) + 1
    order = sorted(counts, key=lambda word: (-counts[word], word))[:_WORDS]
    found = []
    for word in order:
        pattern = rf"\b{word}\b"
        found.append((f'mentions "{word}"', cells.str.contains(pattern).to_numpy()))
    return [each for each in found if np.count_nonzero(each[1]) >= least]


def _number(value: float) -> str:
    return f"{value:.6g}"


def _moment(value: float) -> str:
    stamp = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=float(value))
    return stamp.strftime("%Y-%m-%d" if stamp.hour == stamp.minute == 0 else "%Y-%m-%d %H:%M")
