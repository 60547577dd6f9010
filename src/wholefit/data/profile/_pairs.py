"""How columns go together: Pearson, Spearman, Cramér's V, correlation ratio.

Each pair is measured on the rows where both have a value. Cramér's V is corrected for bias
(Bergsma 2013, "A bias-correction for Cramér's V and Tschuprow's T"), and the correlation ratio
likewise (Kelley 1935, epsilon squared): columns of many levels do not look related by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product

import numpy as np

from wholefit.data._association import code_ranks, crossed
from wholefit.data.profile._parts import Informs, Pair, Pairs
from wholefit.data.profile._rows import Looked, Sample

Array = np.ndarray
MOST_COLUMNS = 60
_FEWEST_ROWS = 3
_SCOUTS = 2000


def pairs(sample: Sample, target: str | None, informs: Sequence[Informs]) -> Pairs:
    """All pairs among the columns that can be compared, at most 60 of them."""
    chosen, why = _chosen(sample, target, informs)
    numeric = [column for column in chosen if column.is_numeric]
    levelled = [column for column in chosen if not column.is_numeric]
    found = [*_numeric(numeric), *_categorical(levelled),
             *_mixed(numeric, levelled)]
    found.sort(key=lambda pair: -pair.strength)
    return Pairs(tuple(column.name for column in chosen), tuple(found), sample.rows, why)


def _chosen(
    sample: Sample, target: str | None, informs: Sequence[Informs]
) -> tuple[list[Looked], str]:
    """The columns to compare, in order, and why others were left out."""
    if len(sample.columns) <= MOST_COLUMNS:
        return list(sample.columns), ""
    if target is not None and informs:
        best = {target, *(told.column for told in informs[: MOST_COLUMNS - 1])}
        said = "those that tell most about the target"
    else:
        best, said = _related(sample), "those most correlated with another one, then in order"
    why = (f"pairs are measured among {MOST_COLUMNS} of {len(sample.columns):,} columns, {said}")
    return [column for column in sample.columns if column.name in best], why


def _related(sample: Sample) -> set[str]:
    """The numeric columns with the largest correlation with any other, on few rows."""
    numeric = [column for column in sample.columns if column.is_numeric]
    best = [column.name for column in sample.columns]
    if len(numeric) > 1:
        table = np.column_stack([column.values[:_SCOUTS] for column in numeric])
        size = np.nan_to_num(np.abs(pearson(table)[0]))
        np.fill_diagonal(size, 0.0)
        order = np.argsort(-size.max(axis=1), kind="stable")
        best = list(dict.fromkeys([*(numeric[at].name for at in order), *best]))
    return set(best[:MOST_COLUMNS])


# ---- numbers ----------------------------------------------------------------------------


def pearson(table: Array) -> tuple[Array, Array]:
    """Pairwise-complete correlations (p, p) of the columns of (n, p), and rows used (p, p)."""
    with np.errstate(all="ignore"):
        known = ~np.isnan(table)
        mask = known.astype(np.float64)
        count = np.maximum(mask.sum(axis=0), 1)
        centred = np.where(known, table - np.where(known, table, 0).sum(axis=0) / count, 0.0)
        size = np.sqrt((centred**2).sum(axis=0) / count)
        centred = centred / np.where(size > 0, size, 1.0)
        rows = mask.T @ mask
        first, second = centred.T @ mask, (centred**2).T @ mask
        cross = centred.T @ centred - first * first.T / rows
        spread = second - first**2 / rows
        spread = np.where(spread > 1e-12 * rows, spread, np.nan)
        found = cross / np.sqrt(spread * spread.T)
    return np.clip(found, -1.0, 1.0), rows


def _numeric(columns: Sequence[Looked]) -> Iterator[Pair]:
    if len(columns) < 2:
        return
    table = np.column_stack([column.values for column in columns])
    straight, rows = pearson(table)
    ranked = [_ranked(column.values) for column in columns]
    whole = pearson(np.column_stack([rank for rank, _ in ranked]))[0]
    complete = ~np.isnan(table).any(axis=0)
    for i, j in combinations(range(len(columns)), 2):
        if rows[i, j] < _FEWEST_ROWS or np.isnan(straight[i, j]):
            continue
        monotone = whole[i, j] if complete[i] and complete[j] else _spearman(ranked[i], ranked[j])
        a, b = float(straight[i, j]), float(monotone)
        strength = abs(a) if np.isnan(b) else max(abs(a), abs(b))
        yield Pair(columns[i].name, columns[j].name, "numeric", strength, int(rows[i, j]), a,
                   None if np.isnan(b) else b)


def _ranked(values: Array) -> tuple[Array, Array]:
    """Average ranks (n,), NaN where missing; and dense ranks (n,) int64, -1 where missing."""
    known = ~np.isnan(values)
    dense = np.unique(values[known], return_inverse=True)[1]
    ranks, codes = np.full(len(values), np.nan), np.full(len(values), -1, dtype=np.int64)
    ranks[known] = code_ranks(dense)
    codes[known] = dense
    return ranks, codes


def _spearman(a: tuple[Array, Array], b: tuple[Array, Array]) -> float:
    """Spearman's correlation on the rows that both have: ranks are counted anew, not sorted."""
    both = (a[1] >= 0) & (b[1] >= 0)
    found = np.column_stack([code_ranks(a[1][both]), code_ranks(b[1][both])])
    return float(pearson(found)[0][0, 1])


# ---- levels -----------------------------------------------------------------------------


def _categorical(columns: Sequence[Looked]) -> Iterator[Pair]:
    for one, other in combinations(columns, 2):
        found = cramers_v(one.coded[0], other.coded[0])
        if found is not None:
            yield Pair(one.name, other.name, "categorical", *found)


def cramers_v(a: Array, b: Array) -> tuple[float, int] | None:
    """Bias-corrected Cramér's V of codes (n,), -1 missing, and the rows; None if undefined."""
    found = crossed(a, b)
    if found is None or found.rows < _FEWEST_ROWS:
        return None
    value = found.cramers_v
    return None if value is None else (value, found.rows)


def _mixed(numeric: Sequence[Looked], levelled: Sequence[Looked]) -> Iterator[Pair]:
    for levels, numbers in product(levelled, numeric):
        found = correlation_ratio(levels.coded[0], numbers.values)
        if found is not None:
            yield Pair(levels.name, numbers.name, "mixed", *found)


def correlation_ratio(codes: Array, values: Array) -> tuple[float, int] | None:
    """The corrected correlation ratio of levels (n,) and numbers (n,), and the rows."""
    both = (codes >= 0) & ~np.isnan(values)
    codes, values = codes[both], values[both]
    n = len(values)
    counts = np.bincount(codes) if n else np.zeros(1)
    groups = int((counts > 0).sum())
    if n < _FEWEST_ROWS or groups < 2 or n <= groups:
        return None
    with np.errstate(all="ignore"):
        values = values - values.mean()
        values = values / (np.abs(values).max() or 1.0)
        total = float(values @ values)
        sums = np.bincount(codes, weights=values)[counts > 0]
        within = total - float((sums**2 / counts[counts > 0]).sum())
        left = 1.0 - within / total * (n - 1) / (n - groups) if total > 0 else np.nan
    return None if np.isnan(left) else (min(1.0, max(0.0, left) ** 0.5), n)
