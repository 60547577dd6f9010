"""Columns that say the same: equal, codes of each other, or nearly straight lines of each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from wholefit.data._association import average_ranks
from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look
from wholefit.data.schema import Column

_STRAIGHT = 0.98
_FEWEST = 30
_ROWS = 4_000
_ROWS_QUICK = 1_000
_MOST_CODED = 5_000


def find(look: Look) -> Iterator[Finding]:
    """Equal columns, columns that code each other, correlated columns."""
    if look.n < _FEWEST:
        return
    said: set[str] = set()
    for a, b in _equal(look):
        said.add(b)
        yield Finding(
            "equal_columns", "info", (a, b), f"columns {a!r} and {b!r} are equal in every row",
            "one of them says nothing new", *_remedy.ignore(b), strength=1.0)
    for a, b in _coded(look, said):
        said.add(b)
        yield Finding(
            "coded_columns", "info", (a, b),
            f"columns {a!r} and {b!r} are the same in other words: each value of one goes with "
            "one of the other", "one of them says nothing new", *_remedy.ignore(b), strength=0.99)
    yield from _correlated(look, said)


def _equal(look: Look) -> Iterator[tuple[str, str]]:
    seen: dict[tuple[int, int, str], str] = {}
    for column in look.features:
        cells = look.series(column.name).gather(look.sample)
        key = (column.distinct, column.missing, str(hash(cells.hash(seed=0).to_numpy().tobytes())))
        first = seen.setdefault(key, column.name)
        if first != column.name and look.series(first).equals(look.series(column.name)):
            yield first, column.name


def _coded(look: Look, said: set[str]) -> Iterator[tuple[str, str]]:
    """Columns of few values, as many in both, that go together one to one."""
    by_count: dict[int, list[Column]] = {}
    for column in look.features:
        if 3 <= column.distinct <= min(_MOST_CODED, look.n // 4) and column.name not in said \
                and column.role in ("categorical", "boolean", "numeric"):
            by_count.setdefault(column.distinct, []).append(column)
    for count, columns in by_count.items():
        for i, a in enumerate(columns):
            for b in columns[i + 1:]:
                if _one_to_one(look, a.name, b.name, count):
                    yield a.name, b.name


def _one_to_one(look: Look, a: str, b: str, count: int) -> bool:
    first, second = _codes(look, a), _codes(look, b)
    for some in (slice(200), slice(None)):
        pairs = np.unique(first[some] * (count + 2) + second[some])
        if len(pairs) > max(len(np.unique(first[some])), len(np.unique(second[some]))):
            return False
    whole = pl.DataFrame({"a": look.series(a), "b": look.series(b)}).drop_nulls().unique()
    return whole.height == whole["a"].n_unique() == whole["b"].n_unique()


def _codes(look: Look, name: str) -> np.ndarray:
    """Codes of the sampled cells, missing ones a level of their own."""
    key = f"codes {name}"
    if key not in look.cache:
        cells = look.series(name).gather(look.sample).rank("dense").fill_null(0)
        look.cache[key] = cells.cast(pl.Int64).to_numpy()
    found = look.cache[key]
    assert isinstance(found, np.ndarray)
    return found


def _correlated(look: Look, said: set[str]) -> Iterator[Finding]:
    """Columns of numbers whose rank or linear correlation is nearly one."""
    names = [c.name for c in look.features
             if c.role == "numeric" and c.distinct > 10 and c.name not in said][:look.most_compared]
    if len(names) < 2:
        return
    step = max(1, len(look.sample) // (_ROWS_QUICK if look.quick else _ROWS))
    rows = look.sample[::step]
    cells = np.stack([look.numbers(name)[rows] for name in names], axis=1)
    straight, ranked = _correlations(cells), _correlations(_ranked(cells))
    best = np.where(np.abs(straight) >= np.abs(ranked), straight, ranked)
    gone: set[int] = set()
    for i, j in zip(*np.nonzero(np.triu(np.abs(best) >= _STRAIGHT, 1)), strict=True):
        if i in gone or j in gone:
            continue
        gone.add(int(j))
        kind = "" if abs(straight[i, j]) >= _STRAIGHT else "rank "
        yield Finding(
            "correlated_columns", "info", (names[i], names[j]),
            f"columns {names[i]!r} and {names[j]!r} have a {kind}correlation of "
            f"{best[i, j]:.3f}",
            "they share one effect: coefficients and importances are split between them at whim",
            *_remedy.ignore(names[j]), strength=float(abs(best[i, j])))


def _correlations(cells: np.ndarray) -> np.ndarray:
    """Pearson correlations (k, k), missing cells at the mean of their column."""
    known = np.isfinite(cells)
    kept = np.where(known, cells, 0.0)
    size = np.maximum(np.abs(kept).max(axis=0), 1e-300)  # huge numbers must not overflow
    kept = kept / size
    mean = kept.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, kept - mean, 0.0)
    length = np.sqrt((centred**2).sum(axis=0))
    length[(length == 0) | (known.mean(axis=0) < 0.5)] = np.inf
    unit = centred / length
    return unit.T @ unit


def _ranked(cells: np.ndarray) -> np.ndarray:
    found = np.full(cells.shape, np.nan)
    for j in range(cells.shape[1]):
        known = np.isfinite(cells[:, j])
        found[known, j] = average_ranks(cells[known, j])
    return found
