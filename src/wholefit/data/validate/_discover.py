"""Rules that hold between numbers of a row: order, sums, products, equal columns.

A rule is proposed only if it would often fail were the columns unrelated: each is tried against
the same columns with the rows of one of them shuffled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from wholefit.base.seeds import generator
from wholefit.data import _cells
from wholefit.data.formulas import predicate, quoted
from wholefit.data.validate.expectations import Rule

_SAMPLE, _PROBE = 5_000, 64
_MOST_COLUMNS, _MOST_RULES = 300, 30
_LEAST_ROWS, _TOLERATED = 100, 0.001
# A rule that unrelated columns would keep in 19 rows of 20 says little.
_TELLING = 0.05
_NEAR = 1e-6
# A number of cars is always below an area in square feet: not a rule worth keeping.
_COMPARABLE = 30.0


@dataclass(frozen=True)
class _Numbers:
    """Columns as numbers in a sample of rows, (rows, columns), NaN where missing."""

    names: list[str]
    values: np.ndarray
    times: np.ndarray


def number_rules(frame: pl.DataFrame, names: list[str]) -> tuple[list[Rule], list[str]]:
    """Rules between the number and date columns `names`, and names of columns that repeat one.

    Rules are looked for in a sample of 5,000 rows and counted on all.
    """
    found = _numbers(frame, names[:_MOST_COLUMNS])
    if len(found.names) < 2 or len(found.values) < _LEAST_ROWS:
        return [], []
    equal = list(_equal(found))
    repeated = {b for _, b in equal}
    kept = [at for at in range(len(found.names)) if at not in repeated]
    few = _Numbers([found.names[at] for at in kept], found.values[:, kept], found.times[kept])
    texts = [_said(found, pair, "==") for pair in equal]
    texts += [*_sums(few), *_products(few), *_ordered(few)]
    rules = [rule for text in texts if (rule := counted(text, frame)) is not None]
    return rules, [found.names[at] for at in repeated]


def counted(text: str, frame: pl.DataFrame) -> Rule | None:
    """The rule with the rows it held in; None where too many rows break it, or too few tell."""
    truth = predicate(text).truth(frame)
    rows, broken = len(truth) - truth.null_count(), int((~truth).sum())
    if rows < _LEAST_ROWS or broken > _TOLERATED * rows:
        return None
    return Rule(text, rows, broken)


def transitive(holds: np.ndarray) -> np.ndarray:
    """The relation (k, k) without what follows from two others: a to c, where a to b to c."""
    steps = (holds.astype(np.float32) @ holds.astype(np.float32)) > 0
    return holds & ~steps


def _numbers(frame: pl.DataFrame, names: list[str]) -> _Numbers:
    if frame.height > _SAMPLE:
        picked = generator(0, "rules").choice(frame.height, _SAMPLE, replace=False)
        frame = frame.select(pl.all())[np.sort(picked)]
    columns, times = [], []
    for name in names:
        cells = frame.get_column(name).alias("column")
        is_time = cells.dtype in (pl.Date, pl.Datetime)
        made = _cells.to_times(cells).dt.epoch("us") / 1e6 if is_time else _cells.to_numbers(cells)
        columns.append(made.cast(pl.Float64).fill_null(np.nan).to_numpy())
        times.append(is_time)
    values = np.column_stack(columns) if columns else np.empty((0, 0))
    finite = np.where(np.isfinite(values), values, np.nan)
    kept = [at for at in range(len(names)) if _varies(finite[:, at])]
    return _Numbers([names[at] for at in kept], finite[:, kept], np.array(times)[kept])


def _varies(column: np.ndarray) -> bool:
    present = column[~np.isnan(column)]
    return len(present) >= _LEAST_ROWS and bool(np.ptp(present) > 0)


def _said(found: _Numbers, pair: tuple[int, int], sign: str) -> str:
    return f"{quoted(found.names[pair[0]])} {sign} {quoted(found.names[pair[1]])}"


# ---- equal columns, and order -----------------------------------------------------------


def _equal(found: _Numbers) -> Iterator[tuple[int, int]]:
    """Pairs of columns that are the same wherever both are there; each repeated column once."""
    taken: set[int] = set()
    codes: dict[bytes, int] = {}
    for at in range(len(found.names)):
        key = np.nan_to_num(found.values[:, at], nan=-1.2345e300).tobytes()
        if key in codes and at not in taken:
            taken.add(at)
            yield codes[key], at
        codes.setdefault(key, at)


def _ordered(found: _Numbers) -> list[str]:
    """a <= b, the most telling first, without what follows from the others."""
    values, k = found.values, len(found.names)
    shuffled = values[generator(0, "order").permutation(len(values))]
    holds, telling = np.zeros((k, k), dtype=bool), np.zeros((k, k))
    present = ~np.isnan(values)
    size = np.nanquantile(np.abs(values), 0.9, axis=0) + 1e-300
    for a in range(k):
        both = present & present[:, [a]]
        rows = both.sum(axis=0)
        with np.errstate(invalid="ignore"):
            above = (values[:, [a]] > values).sum(axis=0)
            apart = (values[:, [a]] > shuffled).sum(axis=0)
            same = (values[:, [a]] == values).sum(axis=0)
        rows = np.maximum(rows, 1)
        telling[a] = apart / rows
        holds[a] = (above <= _TOLERATED * rows) & (both.sum(axis=0) >= _LEAST_ROWS) & (
            telling[a] >= _TELLING) & (same < rows) & (found.times == found.times[a]) & (
            (size < _COMPARABLE * size[a]) & (size[a] < _COMPARABLE * size))
        holds[a, a] = False
    kept = transitive(holds & ~holds.T)
    pairs = sorted(zip(*np.nonzero(kept), strict=True), key=lambda at: -telling[at])
    return [_said(found, pair, "<=") for pair in pairs[:_MOST_RULES]]


# ---- sums and products ------------------------------------------------------------------


def _sums(found: _Numbers) -> list[str]:
    """a + b == c, by a random weighing of rows: sums of columns weigh as much as their total."""
    return _totals(found, "+", np.add)


def _products(found: _Numbers) -> list[str]:
    """a * b == c, in the same way."""
    return _totals(found, "*", np.multiply)


def _totals(found: _Numbers, sign: str, make: np.ufunc) -> list[str]:
    at, probe, weights = _probe(found)
    if len(at) < 3:
        return []
    weighed = weights @ probe
    scale = np.abs(weights) @ np.abs(probe)
    pairs = weighed[:, None] + weighed[None, :] if sign == "+" else (
        (probe * weights[:, None]).T @ probe)
    return [f"{_name(found, at[a])} {sign} {_name(found, at[b])} == {_name(found, at[c])}"
            for a, b, c in _matches(pairs, weighed, scale)
            if _holds(make(probe[:, a], probe[:, b]), probe, a, b, c)][:_MOST_RULES]


def _probe(found: _Numbers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns without dates, up to 64 rows where all of them are there, and their weights."""
    at = np.flatnonzero(~found.times)
    values = found.values[:, at]
    while len(at) >= 3:
        whole = np.flatnonzero(~np.isnan(values).any(axis=1))
        if len(whole) >= _PROBE:
            rows = values[generator(0, "probe").choice(whole, _PROBE, replace=False)]
            varies = np.ptp(rows, axis=0) > 0
            weights = generator(0, "weights").normal(size=_PROBE)
            return at[varies], rows[:, varies], weights
        worst = np.isnan(values).sum(axis=0).argmax()
        at, values = np.delete(at, worst), np.delete(values, worst, axis=1)
    return at[:0], values[:0], np.empty(0)


def _matches(
    pairs: np.ndarray, weighed: np.ndarray, scale: np.ndarray
) -> Iterator[tuple[int, int, int]]:
    """(a, b, c) with a < b whose pair weighs what c weighs."""
    order = np.argsort(weighed)
    first, second = np.triu_indices(len(weighed), 1)
    wanted = pairs[first, second]
    slack = _NEAR * float(scale.max())
    low = np.searchsorted(weighed[order], wanted - slack)
    high = np.searchsorted(weighed[order], wanted + slack)
    for at in np.flatnonzero(high > low):
        for place in range(low[at], high[at]):
            c = int(order[place])
            if c not in (first[at], second[at]):
                yield int(first[at]), int(second[at]), c


def _holds(made: np.ndarray, probe: np.ndarray, a: int, b: int, c: int) -> bool:
    """True if it holds in every row of the probe, and both parts matter."""
    total = probe[:, c]
    near = np.abs(made - total) <= _NEAR * np.maximum(np.abs(made), np.abs(total)) + 1e-9
    matters = all(np.mean(np.abs(total - probe[:, part]) > _NEAR * np.abs(total)) > _TELLING
                  for part in (a, b))
    return bool(near.all()) and matters


def _name(found: _Numbers, at: int) -> str:
    return quoted(found.names[at])
