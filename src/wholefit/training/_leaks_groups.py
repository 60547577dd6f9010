"""Rows that belong together and are parted by a split: groups, and copies across the folds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from wholefit.base.wording import counted
from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look, share
from wholefit.data.findings.duplicates import near_of
from wholefit.data.schema import Column
from wholefit.data.splits import Plan

_FEWEST_GROUPS = 30
_ROWS_A_GROUP = (1.3, 150.0)
# Members agree on the target so much beyond chance (0 .. 1).
_AGREE = 0.5
_AGREE_ENTITY = 0.15
_CONSTANT = 0.6
_TWINS = 1e-3
_FEWEST_COLUMNS = 3


def find(look: Look, plan: Plan | None) -> Iterator[Finding]:
    """Columns whose groups nearly determine the target, and twins on both sides of the split."""
    if look.y is None:
        return
    if not look.schema.having("group"):
        yield from _groups(look, look.y)
    if plan is not None:
        yield from _twins(look, plan)


def _groups(look: Look, y: np.ndarray) -> Iterator[Finding]:
    found = []
    for column in look.looked_at:
        if column.role not in ("categorical", "identifier", "ignored") or not column.distinct \
                or column.distinct < _FEWEST_GROUPS:
            continue
        size = (look.n - column.missing) / column.distinct
        if not _ROWS_A_GROUP[0] <= size <= _ROWS_A_GROUP[1]:
            continue
        agree = _agreement(look, column, y)
        if agree < _AGREE_ENTITY:
            continue
        constant = _constant_within(look, column)
        if agree >= _AGREE or (constant >= _CONSTANT and len(look.features) >= 3):
            found.append((agree, constant, size, column))
    for agree, constant, size, column in sorted(found, key=lambda one: -one[0])[:2]:
        also = f", and {constant:.0%} of the other columns are the same within one" \
            if constant >= _CONSTANT else ""
        yield Finding(
            "groups", "warning", (column.name,),
            f"rows of the same {column.name!r} ({column.distinct:,} of them, about {size:.0f} rows "
            f"each) have the same {look.target!r} far beyond chance (agreement {agree:.2f} of 1)"
            f"{also}",
            "parted by a split, a row is answered from its relatives, which a new one has not",
            *_remedy.column_of("groups", column.name), count=column.distinct, strength=agree)


def _agreement(look: Look, column: Column, y: np.ndarray) -> float:
    """How alike the target of two rows of one group is, beyond two rows of any group."""
    codes = look.levels(column.name)[0]
    known = codes >= 0
    codes, y = codes[known], y[known]
    size = np.bincount(codes).astype(np.float64)
    pairs = (size * (size - 1)).sum()
    if pairs == 0:
        return 0.0
    if look.classes:
        table = np.bincount(codes.astype(np.int64) * len(look.classes) + y,
                            minlength=len(size) * len(look.classes)).astype(np.float64)
        observed = (table * (table - 1)).sum() / pairs
        expected = ((np.bincount(y) / len(y)) ** 2).sum()
        return float((observed - expected) / (1 - expected)) if expected < 1 else 0.0
    centred = y - y.mean()
    spread = float((centred**2).mean())
    if spread == 0:
        return 0.0
    total = np.bincount(codes, weights=centred)
    squares = np.bincount(codes, weights=centred**2)
    return float((total**2 - squares).sum() / pairs / spread)


def _constant_within(look: Look, column: Column) -> float:
    """The share of the other features that are one value within nearly every larger group."""
    names = [c.name for c in look.features if c.name != column.name and c.distinct > 1][:50]
    if not names:
        return 0.0
    rows = np.arange(min(look.n, 20_000))
    some = pl.DataFrame([pl.Series("g", look.levels(column.name)[0][rows]),
                         *(look.series(name).head(len(rows)).alias(str(i))
                           for i, name in enumerate(names))]).filter(pl.col("g") >= 0)
    each = some.group_by("g").agg(pl.len().alias("n"), pl.exclude("g").n_unique())
    each = each.filter(pl.col("n") > 1)
    if not each.height:
        return 0.0
    same = (each.drop("g", "n").to_numpy() == 1).mean(axis=0)
    return float((same >= 0.9).mean())


def _twins(look: Look, plan: Plan) -> Iterator[Finding]:
    """Rows whose copy, or near copy, is learnt from when they are tested."""
    part = np.full(look.n, -1, dtype=np.int64)
    for number, (_, test) in enumerate(plan.folds):
        free = part[test] < 0  # of repeated folds the first draw is looked at
        part[test[free]] = number
        if (part >= 0).all():
            break
    twins = _exact_across(look, part)
    if twins.mean() >= _TWINS and len(look.features) >= _FEWEST_COLUMNS:
        yield Finding(
            "twins_across_split", "info", (),
            f"{counted(int(twins.sum()), 'row')} ({share(int(twins.sum()), look.n)}) of the test "
            "parts have an exact twin that was learnt from",
            "the columns are too coarse to tell copies from equals; if they are copies, scores "
            "are too good", *_remedy.dedupe(), count=int(twins.sum()), rows=look.rows(twins),
            strength=float(twins.mean()))
    pairs = near_of(look).pairs
    across = pairs[part[pairs[:, 0]] != part[pairs[:, 1]]] if len(pairs) else pairs
    rows = look.rows(across.ravel()) if len(across) else np.empty(0, dtype=np.int64)
    if len(rows) >= max(2, _TWINS * look.n):
        yield Finding(
            "near_twins_across_split", "warning" if len(rows) < 0.1 * look.n else "critical", (),
            f"{counted(len(across), 'pair')} of nearly equal rows "
            f"({share(len(rows), look.n)} of all rows) are parted by the split",
            "the answer of one is taught by the other: scores are better than on new rows",
            *_remedy.dedupe(), count=len(rows), rows=rows, strength=len(rows) / look.n)


def _exact_across(look: Look, part: np.ndarray) -> np.ndarray:
    """True (n,) for rows whose features are met in another part too."""
    keys = pl.Series("k", look.dataset.row_keys())
    if keys.n_unique() == look.n:
        return np.zeros(look.n, dtype=bool)
    frame = pl.DataFrame({"k": keys, "p": part})
    across = frame.select((pl.col("p").n_unique().over("k") > 1) & (pl.col("p") >= 0))
    return across.to_series().to_numpy()
