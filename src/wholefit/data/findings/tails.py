"""Tails: values torn off from the rest, heavy tails that are no errors, skew, mixed units.

A value is called an outlier by the gap before it, not by its distance: in a heavy tail great
distances are ordinary. On the logarithm of the distance from the median, the spacings of the
largest values times their ranks are alike and exponential (Renyi's representation; Hill's
estimator of the tail rests on it), so a spacing far beyond that law tears the tail in two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wholefit.base.wording import counted
from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look, share, short
from wholefit.data.schema import Column

_FEWEST = 50
_LEAST_BODY = 30
_LEAST_STEPS = 8
_DISTINCT = 12
_DEEPEST = 0.05
# exp(-surprise) is the chance of the gap; columns and ranks are many.
_SURPRISE = 9.0
_JUMP = 0.3
_FAR = 2.0
_HEAVY = 2.0
_SKEWED = 2.0
_FACTORS = {
    10.0: "a factor of 10", 100.0: "a factor of 100 (cents, percent)",
    1000.0: "a factor of 1,000 (grams, metres, milliseconds)", 1e6: "a factor of a million",
    2.54: "inches and centimetres", 25.4: "inches and millimetres",
    3.28084: "feet and metres", 1.609344: "miles and kilometres", 2.20462: "pounds and kilograms",
    453.592: "pounds and grams", 28.3495: "ounces and grams", 60.0: "minutes and seconds or hours",
    3600.0: "hours and seconds", 3.78541: "gallons and litres", 12.0: "months and years",
    24.0: "days and hours", 1024.0: "a factor of 1,024",
}


def find(look: Look) -> Iterator[Finding]:
    """Mixed units, outliers, heavy tails and skew of each column of quantities."""
    heavy: list[tuple[Column, float, float]] = []
    skewed: list[tuple[Column, float, float]] = []
    for column in look.numeric:
        values = _without_placeholder(look, column, look.present(column.name))
        if len(values) < _FEWEST or column.distinct < _DISTINCT \
                or f"dull {column.name}" in look.cache:
            continue
        sampled, mixed, torn = values, _units(look, column, values), _tails(values)
        if len(look.sample) < look.n and (
                mixed is not None or any(t.torn for t in torn) or _reaches_further(column, values)):
            # A gap in the sample need not be one in all rows, and the sample may miss a lone one.
            values = _without_placeholder(look, column, look.numbers(column.name))
            mixed, torn = mixed and _units(look, column, values), _tails(values)
        if mixed is not None:
            yield mixed
            continue
        if any(t.torn for t in torn):
            yield _outliers(look, column, [t for t in torn if t.torn])
        elif column.role == "numeric":
            index = min((t.index for t in torn), default=np.inf)
            skew = _skewness(sampled)
            if index < _HEAVY:
                heavy.append((column, index, float(values.min())))
            elif abs(skew) > _SKEWED:
                skewed.append((column, skew, float(values.min())))
    yield from _shapes(look, heavy, skewed)


@dataclass(frozen=True)
class _Tail:
    """One side of a column: the first value of the torn part, and Hill's index of the rest."""

    side: int
    index: float
    torn: bool
    edge: float = 0.0
    last: float = 0.0


def _without_placeholder(look: Look, column: Column, cells: np.ndarray) -> np.ndarray:
    """The finite cells, but for a number that stands for a missing one."""
    cells = cells[np.isfinite(cells)]
    value = look.cache.get(f"placeholder {column.name}")
    return cells if value is None else cells[cells != value]


def _reaches_further(column: Column, values: np.ndarray) -> bool:
    """True if the column goes well beyond the sampled values."""
    if column.low is None or column.high is None:
        return False
    middle, low, high = float(np.median(values)), float(values.min()), float(values.max())
    jump = 1 + _JUMP
    return column.high - middle > jump * (high - middle) or \
        middle - column.low > jump * (middle - low)


def _tails(values: np.ndarray) -> list[_Tail]:
    """Both sides, as far as there are enough values for one."""
    return [tail for tail in (_tail(values, +1), _tail(values, -1)) if tail is not None]


def _tail(values: np.ndarray, side: int) -> _Tail | None:
    middle = float(np.median(values))
    away = side * (values - middle)
    away = away[away > 0]
    deep = min(int(_DEEPEST * len(values)) + 1, len(away) // 3)
    if deep < 1 or len(away) < 3 * _LEAST_BODY:
        return None
    usual = float(np.median(away))
    top = min(len(away), 3 * deep + 2 * _LEAST_BODY)     # all that is looked at below
    away = np.sort(np.partition(away, len(away) - top)[len(away) - top:])[::-1]
    logs = np.log(away)
    gaps = logs[:-1] - logs[1:]
    spacing = gaps * np.arange(1, len(away))
    total, steps = _running(spacing), _running((gaps > 0).astype(np.float64))
    ranks = np.arange(1, deep + 1)                       # so many would be torn off
    ends = np.minimum(ranks + np.maximum(_LEAST_BODY, 2 * ranks), len(spacing))
    mean = (total[ends] - total[ranks]) / (ends - ranks)
    with np.errstate(divide="ignore", invalid="ignore"):
        surprise = spacing[:deep] / mean
    far = away[:deep] > _FAR * usual
    varied = steps[ends] - steps[ranks] >= _LEAST_STEPS
    broken = np.flatnonzero((surprise > _SURPRISE + np.log(ranks)) & (gaps[:deep] > _JUMP)
                            & far & varied)
    if len(broken):
        at = int(broken.max())
        return _Tail(side, 0.0, True, middle + side * away[at], middle + side * away[at + 1])
    top = min(max(25, len(values) // 100), len(spacing))
    index = top / total[top] if total[top] > 0 and steps[top] >= _LEAST_STEPS else np.inf
    return _Tail(side, float(index), False)


def _running(values: np.ndarray) -> np.ndarray:
    """Sums of the first 0, 1, 2, ... values."""
    return np.concatenate([[0.0], np.cumsum(values)])


def _skewness(values: np.ndarray) -> float:
    spread = float(values.std())
    away = (values - values.mean()) / (spread or 1.0)
    return float((away * away * away).mean())


def _outliers(look: Look, column: Column, torn: list[_Tail]) -> Finding:
    cells = look.numbers(column.name)
    cut = {t.side: (t.edge + t.last) / 2 for t in torn}
    with np.errstate(invalid="ignore"):
        out = (cells > cut.get(+1, np.inf)) | (cells < cut.get(-1, -np.inf))
    rows = look.rows(out & np.isfinite(cells))
    values = np.unique(cells[out & np.isfinite(cells)])
    shown = ", ".join(short(v) for v in (values[:3] if torn[0].side < 0 else values[::-1][:3]))
    bound = " and ".join(f"{'at most' if t.side > 0 else 'at least'} {short(t.last)}"
                         for t in torn)
    return Finding(
        "outliers", "warning", (column.name,),
        f"column {column.name!r} has {counted(len(rows), 'value')} torn off from the rest, such "
        f"as {shown}, where all others are {bound}",
        "a slip of the pen or a unit, or a rare truth: a linear model follows it, a mean too",
        *_remedy.clip(column.name), count=len(rows), rows=rows,
        strength=min(1.0, abs(float(np.log10(max(abs(torn[0].edge), 1e-9) /
                                             max(abs(torn[0].last), 1e-9)))) / 3))


def _shapes(
    look: Look, heavy: list[tuple[Column, float, float]],
    skewed: list[tuple[Column, float, float]],
) -> Iterator[Finding]:
    """Heavy tails, and skew, of columns without torn-off values: one finding each."""
    if heavy:
        heavy.sort(key=lambda one: one[1])
        listed = ", ".join(f"{c.name!r} ({index:.1f})" for c, index, _ in heavy[:5])
        yield Finding(
            "heavy_tail", "info", tuple(c.name for c, _, _ in heavy),
            f"{_columns(len(heavy))} a heavy tail (Hill's index below {_HEAVY:.0f}): {listed}"
            f"{', ...' if len(heavy) > 5 else ''}; great values are their nature, not errors",
            "means and squares follow a few rows; trees and ranks do not mind",
            *_remedy.power([(c.name, low) for c, _, low in heavy], look.target), count=len(heavy),
            strength=1 / (1 + heavy[0][1]))
    if skewed:
        skewed.sort(key=lambda one: -abs(one[1]))
        listed = ", ".join(f"{c.name!r} ({skew:.1f})" for c, skew, _ in skewed[:5])
        yield Finding(
            "skewed", "info", tuple(c.name for c, _, _ in skewed),
            f"{_columns(len(skewed))} strong skew (skewness above {_SKEWED:.0f}): {listed}"
            f"{', ...' if len(skewed) > 5 else ''}",
            "a linear model sees a few large values and little else; a logarithm (of what is "
            "positive) or a power transform evens them out; trees do not mind",
            *_remedy.power([(c.name, low) for c, _, low in skewed], look.target), count=len(skewed),
            strength=min(1.0, abs(skewed[0][1]) / 20))


def _columns(count: int) -> str:
    return "1 column has" if count == 1 else f"{count} columns have"


def _units(look: Look, column: Column, values: np.ndarray) -> Finding | None:
    """Two heaps of one shape, a known factor apart: the same thing in two units."""
    if values.min() <= 0 and values.max() >= 0:
        return None
    logs = np.sort(np.log(np.abs(values)))
    gaps = np.diff(logs)
    at = int(gaps.argmax())
    low, high = logs[:at + 1], logs[at + 1:]
    if gaps[at] < 0.2 or min(len(low), len(high)) < max(5, 0.002 * len(logs)):
        return None
    factor = float(np.exp(np.median(high) - np.median(low)))
    name = min(_FACTORS, key=lambda f: abs(np.log(f / factor)))
    spreads = [float(np.subtract(*np.quantile(part, [0.75, 0.25]))) for part in (low, high)]
    alike = min(spreads) > 0 and max(spreads) < 1.6 * min(spreads)
    if not alike or abs(np.log(name / factor)) > max(0.05, 0.5 * min(spreads)):
        return None
    cells = look.numbers(column.name)
    cut = float(np.exp((logs[at] + logs[at + 1]) / 2))
    with np.errstate(invalid="ignore"):
        above = np.abs(cells) > cut
    fewer = above if len(high) <= len(low) else ~above & np.isfinite(cells)
    rows = look.rows(fewer)
    return Finding(
        "mixed_units", "warning", (column.name,),
        f"column {column.name!r} holds two heaps of one shape, {factor:.3g} times apart "
        f"({_FACTORS[name]}?): {counted(len(rows), 'row')} ({share(len(rows), look.n)}) in the "
        f"smaller, divided at {short(cut)}",
        "the same thing in two units is two things to a model",
        *_remedy.none(), count=len(rows), rows=rows, strength=len(rows) / look.n)
