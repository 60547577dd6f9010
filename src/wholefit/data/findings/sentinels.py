"""Numbers that stand for "no number": -999, 9999, or 0 where nothing can be 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wholefit.base.wording import counted
from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look, share, short
from wholefit.data.schema import Column

_FEWEST = 3
_DISTINCT = 10
# Zeros in a column of positive numbers are suspect only while they are few.
_ZEROS = 0.25
# How far (in middle halves of the rest) the nearest real value must lie from a suspect zero.
_APART = 1.5


def find(look: Look) -> Iterator[Finding]:
    """Placeholders among the numbers of each column."""
    for column in look.numeric:
        if column.distinct < _DISTINCT or column.low is None or column.high is None:
            continue
        for value in _candidates(column):
            found = _placeholder(look, column, value)
            if found is not None:
                look.cache[f"placeholder {column.name}"] = value
                yield found


def _candidates(column: Column) -> list[float]:
    """Extremes that look like a placeholder, and zero."""
    low, high = float(column.low or 0.0), float(column.high or 0.0)
    found = [value for value in (low, high) if _looks_made_up(value)]
    return [*found, 0.0] if low == 0.0 and high > 0 else found


def _looks_made_up(value: float) -> bool:
    """-1, and two or more nines or the like: 99, -999, 9999.0, 99999, -9999, 1e10."""
    if value != int(value) or abs(value) > 1e18:
        return False
    digits = str(abs(int(value)))
    return value == -1 or (len(digits) >= 2 and set(digits) == {"9"}) or \
        (len(digits) >= 3 and digits in ("888", "8888", "88888", "777", "7777")) or \
        digits in ("2147483647", "2147483648", "4294967295", "65535", "32767", "32768") or \
        (value < 0 and len(digits) >= 3 and digits.strip("0") in ("1", "9"))


def _placeholder(look: Look, column: Column, value: float) -> Finding | None:
    cells = look.numbers(column.name)
    at = cells == value
    count = int(at.sum())
    if not count:
        return None
    rest = cells[np.isfinite(cells) & ~at]
    if count < (_FEWEST if value == 0 or look.n >= 50 else 2) or len(rest) < 20:
        return None
    low, q1, middle, q3, high = (float(v) for v in np.quantile(rest, [0, 0.25, 0.5, 0.75, 1]))
    spread = (q3 - q1) or (high - low)
    gap = low - value if value < low else value - high
    if gap <= 0 or spread <= 0:
        return None
    apart = gap >= _APART * spread and low > 0 and count < _ZEROS * look.n if value == 0 else (
        _below(low, count, look.n) if value == -1 else
        (value < 0 <= low) or gap > max(abs(high - middle), abs(middle - low)))
    if not apart:
        return None
    return Finding(
        "placeholder", "warning" if value != -1 else "info", (column.name,),
        f"column {column.name!r} is {short(value)} in {counted(count, 'row')} "
        f"({share(count, look.n)}), and every other value lies from {short(low)} to {short(high)}",
        "it stands for a missing value, or for a ceiling, and a model takes it for a quantity",
        *_remedy.missing_number(column.name, short(value)), count=count, rows=look.rows(at),
        strength=count / look.n)


def _below(low: float, count: int, n: int) -> bool:
    """-1 below numbers that are all at least zero, in more than a few rows."""
    return low >= 0 and count >= max(_FEWEST, 0.001 * n)
