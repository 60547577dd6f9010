"""Rules that hold between categories of a row, and between what is missing in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from wholefit.base.seeds import generator
from wholefit.data.formulas import quoted
from wholefit.data.validate._discover import counted, transitive
from wholefit.data.validate.expectations import Rule

_SAMPLE, _MANY_ROWS = 20_000, 100_000
_MOST_COLUMNS, _MOST_RULES = 100, 30
_TELLING, _TOLERATED = 0.05, 0.001
_LEAST_MISSING = 10
# Groups must be large enough to show that they agree.
_ROWS_A_GROUP = 5


def determining(frame: pl.DataFrame, names: list[str]) -> list[Rule]:
    """"A determines B" among the columns `names`: rows with one value of A have one value of B.

    Looked for in a sample of 20,000 rows, and counted on all.
    """
    random = generator(0, "determines")
    few = frame if frame.height <= _SAMPLE else frame[
        np.sort(random.choice(frame.height, _SAMPLE, replace=False))]
    coded = {name: codes for name in names[:_MOST_COLUMNS]
             if (codes := _codes(few.get_column(name))) is not None}
    known = list(coded)
    if len(known) < 2 or few.height < 10 * _ROWS_A_GROUP:
        return []
    mixed = random.permutation(few.height)
    levels = {name: int(codes.max()) + 1 for name, codes in coded.items()}
    holds = np.zeros((len(known), len(known)), dtype=bool)
    for i, a in enumerate(known):
        for j, b in enumerate(known):
            if i != j and levels[b] <= levels[a] and _differing(
                    coded[a], coded[b], levels[a], quick=True) <= _TOLERATED:
                holds[i, j] = _differing(coded[a], coded[b][mixed], levels[a]) >= _TELLING
    pairs = zip(*np.nonzero(_without_twins(holds)), strict=True)
    whole: dict[str, np.ndarray] = {}
    rules = [_counted(known[i], known[j], frame, whole) for i, j in pairs]
    return [rule for rule in rules if rule is not None][:_MOST_RULES]


def missing_together(frame: pl.DataFrame) -> list[Rule]:
    """"If A is missing then B is missing", and where they are missing in the same rows."""
    few = frame if frame.height <= _MANY_ROWS else frame[
        generator(0, "missing").choice(frame.height, _MANY_ROWS, replace=False)]
    gaps = {column.name: gap for column in few.get_columns()
            if (gap := absent(column)).any() and not gap.all()}
    names = [name for name, gap in gaps.items() if gap.sum() >= _LEAST_MISSING][:1000]
    if len(names) < 2:
        return []
    holes = np.column_stack([gaps[name].to_numpy() for name in names]).astype(np.float32)
    counts = holes.sum(axis=0)
    within = (holes.T @ holes) >= counts[:, None] - 0.5
    telling = counts[:, None] * (1 - counts[None, :] / len(holes)) >= _LEAST_MISSING
    holds = within & telling
    np.fill_diagonal(holds, False)
    return _missing_rules(frame, names, holds)


def absent(column: pl.Series) -> pl.Series:
    """True where a cell is null, NaN or blank."""
    column = column.alias("column")
    if column.dtype.is_float():
        return column.is_null() | column.is_nan().fill_null(True)
    if column.dtype == pl.String:
        return column.is_null() | (column.str.strip_chars() == "").fill_null(True)
    return column.is_null()


def differing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rows (n,) bool whose b is not the most frequent b of the rows with the same a; -1 is none.

    `a` and `b` are codes.
    """
    known = np.flatnonzero((a >= 0) & (b >= 0))
    if not len(known):
        return np.zeros(len(a), dtype=bool)
    pairs, inverse, counts = np.unique(
        a[known].astype(np.int64) * (int(b.max(initial=0)) + 1) + b[known], return_inverse=True,
        return_counts=True)
    group = pairs // (int(b.max(initial=0)) + 1)
    order = np.lexsort((-counts, group))
    usual = np.zeros(len(pairs), dtype=bool)
    usual[order[np.unique(group[order], return_index=True)[1]]] = True
    found = np.zeros(len(a), dtype=bool)
    found[known] = ~usual[inverse]
    return found


def codes_of(column: pl.Series) -> np.ndarray:
    """Codes int64 (n,) of a column's values, from 0 with gaps and below 2**31, -1 where missing."""
    cells = column.alias("column")
    gap = absent(cells).to_numpy()
    if cells.dtype.is_nested() or cells.dtype in (pl.Object, pl.Null):
        return np.where(gap, -1, 0)
    if cells.dtype == pl.String:
        codes = cells.cast(pl.Categorical).to_physical().cast(pl.Int64)
    elif cells.dtype.is_integer() and _span(cells) < 2**31:
        wide = cells if cells.dtype == pl.UInt64 else cells.cast(pl.Int64)
        codes = (wide - (cells.min() or 0)).cast(pl.Int64)
    else:
        codes = cells.rank("dense").cast(pl.Int64) - 1
    return np.where(gap, -1, codes.fill_null(0).to_numpy())


def _span(cells: pl.Series) -> int:
    low: Any = cells.min()
    high: Any = cells.max()
    return 0 if low is None else int(high) - int(low)


def _codes(column: pl.Series) -> np.ndarray | None:
    """Codes without gaps of what may be a category; None for the constant and the nearly unique."""
    kind = column.dtype
    if kind.is_nested() or kind in (pl.Object, pl.Binary, pl.Null):
        return None
    distinct = column.n_unique()
    if not 2 <= distinct <= max(len(column) // _ROWS_A_GROUP, 2):
        return None
    codes = codes_of(column)
    levels, codes = np.unique(codes, return_inverse=True)
    codes = codes - int(levels[0] < 0)
    return codes if int(codes.max(initial=-1)) >= 1 else None


def _differing(a: np.ndarray, b: np.ndarray, groups: int, quick: bool = False) -> float:
    """Share of rows whose b is not the group's: its last one (quick), or its most frequent one."""
    known = (a >= 0) & (b >= 0)
    if not known.any():
        return 1.0
    if quick:
        last = np.full(groups, -1, dtype=np.int64)
        last[a[known]] = b[known]
        # One odd row may be the last: then all of its group differ, and the slow count decides.
        if float((last[a[known]] == b[known]).mean()) < 0.5:
            return 1.0
    return float(differing(a, b)[known].mean())


def _without_twins(holds: np.ndarray) -> np.ndarray:
    """Without what follows: of two columns that determine each other, the first speaks for both."""
    both = holds & holds.T
    twin = np.array([row[:at].any() for at, row in enumerate(both)])
    alone = holds & ~twin[:, None] & ~twin[None, :]
    return transitive(alone) | (both & ~twin[:, None]) | (both & ~twin[None, :])


def _counted(a: str, b: str, frame: pl.DataFrame, coded: dict[str, np.ndarray]) -> Rule | None:
    for name in (a, b):
        if name not in coded:
            coded[name] = codes_of(frame.get_column(name))
    known = (coded[a] >= 0) & (coded[b] >= 0)
    rows, broken = int(known.sum()), int(differing(coded[a], coded[b]).sum())
    if broken > _TOLERATED * rows or rows < _ROWS_A_GROUP * frame.get_column(a).n_unique():
        return None
    return Rule(f"{quoted(a)} determines {quoted(b)}", rows, broken)


def _missing_rules(frame: pl.DataFrame, names: list[str], holds: np.ndarray) -> list[Rule]:
    same = holds & holds.T
    first = np.array([int(np.flatnonzero(row).min(initial=at)) for at, row in enumerate(same)])
    lead = np.minimum(first, np.arange(len(names)))
    texts = [f"({quoted(names[lead[at]])} is missing) == ({quoted(names[at])} is missing)"
             for at in range(len(names)) if lead[at] != at]
    leads = lead == np.arange(len(names))
    alone = transitive(holds & ~same & leads[:, None] & leads[None, :])
    texts += [f"if {quoted(names[a])} is missing then {quoted(names[b])} is missing"
              for a, b in zip(*np.nonzero(alone), strict=True)]
    rules = [counted(text, frame) for text in texts[:_MOST_RULES]]
    return [rule for rule in rules if rule is not None]
