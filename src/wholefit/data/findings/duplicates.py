"""Rows met twice: exact copies, near copies, and equal rows with different answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from wholefit.base.wording import counted
from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look, share
from wholefit.data.near_duplicates import Near, near_duplicates

# Fewer different rows than this share, and equal rows are coarse columns, not copies.
_COARSE = 0.5
_MANY_ROWS = 1e-3
_FEWEST_COLUMNS = 3
# Keys of more columns than this are no remedy that anyone would type.
_KEYS = 20
_SAID = {
    "spelling": "differ from another row only in case, spaces or punctuation",
    "one cell": "differ from another row in one cell only",
    "numbers": "equal another row but for numbers a hair apart",
}


def find(look: Look) -> Iterator[Finding]:
    """Exact copies of whole rows, copies but for identifiers, near copies, conflicts."""
    whole = _keys(look, [c.name for c in look.looked_at])
    exact = list(_copies(look, whole))
    yield from exact
    learnt = [c.name for c in look.features]
    if not exact and learnt and look.target is not None:
        yield from _without_identifiers(look, [*learnt, look.target])
    if learnt and look.y is not None:
        yield from _conflicts(look, look.y)
    yield from _near(look)


def _keys(look: Look, names: list[str]) -> np.ndarray:
    """A hash (n,) of each row's cells in these columns."""
    if not names:
        return np.arange(look.n, dtype=np.uint64)
    columns = [look.series(name).alias(str(i)) for i, name in enumerate(names)]
    return pl.DataFrame(columns).hash_rows(seed=0).to_numpy()


def _copies(look: Look, keys: np.ndarray) -> Iterator[Finding]:
    column = pl.Series("k", keys)
    repeated = column.is_duplicated().to_numpy()
    members = int(repeated.sum())
    if not members or len(look.looked_at) < 2:
        return
    different = column.n_unique()
    extra, coarse = look.n - different, different < _COARSE * look.n
    yield Finding(
        "duplicate_rows", "info" if coarse else "warning", (),
        f"{counted(extra, 'row')} of {look.n:,} {'repeats' if extra == 1 else 'repeat'} another "
        f"in every column ({counted(members, 'row')} in {counted(members - extra, 'set')} of "
        "equal ones)",
        "so few columns make rows equal by chance: copies cannot be told from equals" if coarse
        else "a copy in the test part is a question whose answer was taught; copies also count "
        "double (the folds of fit keep them together)",
        *_remedy.dedupe(), count=extra, rows=look.rows(repeated), strength=members / look.n)


def _without_identifiers(look: Look, names: list[str]) -> Iterator[Finding]:
    """Rows that are copies once identifiers are set aside."""
    if len(names) < _FEWEST_COLUMNS or not look.schema.having("identifier"):
        return
    column = pl.Series("k", _keys(look, names))
    repeated = column.is_duplicated().to_numpy()
    members, different = int(repeated.sum()), column.n_unique()
    if members and different >= _COARSE * look.n:
        extra = look.n - different
        yield Finding(
            "duplicate_but_for_identifier", "info", tuple(look.schema.having("identifier")),
            f"{counted(extra, 'row')} {'repeats' if extra == 1 else 'repeat'} another in all "
            "that is learnt from, under another identifier",
            "the same thing entered twice, or things that the columns do not tell apart",
            *_remedy.dedupe(names), count=extra, rows=look.rows(repeated),
            strength=members / look.n)


def _conflicts(look: Look, y: np.ndarray) -> Iterator[Finding]:
    """Equal features, different target: no model can be right about all of them."""
    column = pl.Series("k", look.dataset.row_keys())
    repeated = np.flatnonzero(column.is_duplicated().to_numpy())
    if not len(repeated) or look.target is None:
        return
    some = pl.DataFrame({"k": column.gather(repeated), "y": y[repeated]})
    split = some.select(pl.col("y").n_unique().over("k") > 1).to_series().to_numpy()
    rows = repeated[split]
    if not len(rows):
        return
    coarse = column.n_unique() < _COARSE * look.n
    worst = ""
    if look.classes:
        wrong = some.filter(pl.Series(split)).group_by("k").agg(
            (pl.len() - pl.col("y").value_counts(name="n").struct.field("n").max()).alias("w"))
        worst = f"; at least {share(float(wrong['w'].sum()), look.n)} of all answers must be wrong"
    yield Finding(
        "conflicting_labels", "info" if coarse or not look.classes else "warning",
        (look.target,),
        f"{counted(len(rows), 'row')} {'equals' if len(rows) == 1 else 'equal'} another in every "
        f"feature and {'has' if len(rows) == 1 else 'have'} another {look.target!r}",
        f"no model can be right about them all{worst}: the labels contradict each other, or a "
        "column that tells them apart is missing",
        *(_remedy.label_errors(look.target) if look.classes else _remedy.none()),
        count=len(rows), rows=look.rows(rows), strength=len(rows) / look.n)


def _near(look: Look) -> Iterator[Finding]:
    found = near_of(look)
    for kind, said in _SAID.items():
        pairs = found.of(kind)
        if not len(pairs):
            continue
        rows = look.rows(pairs.ravel())
        touched = tuple(dict.fromkeys(
            found.names[j] for j in found.column[[k == kind for k in found.kinds]] if j >= 0))
        severity = "warning" if len(rows) > _MANY_ROWS * look.n else "info"
        yield Finding(
            f"near_duplicate_{kind.replace(' ', '_')}", severity, touched,
            f"{counted(len(pairs), 'pair')} of rows {said}{_of(touched)} (such as rows "
            f"{look.numbers_of_rows[pairs[0, 0]]:,} and {look.numbers_of_rows[pairs[0, 1]]:,})",
            "one thing entered twice with a slip; parted by a split, one tells the other's answer",
            *_near_remedy(kind, touched, found.names), count=len(pairs),
            rows=rows, strength=len(rows) / look.n)


def _near_remedy(kind: str, touched: tuple[str, ...], names: Sequence[str]) -> _remedy.Remedy:
    """What takes near copies out: nothing by rule where they differ in one column or another."""
    if kind == "spelling":
        return _remedy.alike()
    others = [name for name in names if name not in touched]
    if len(touched) == 1 and 0 < len(others) <= _KEYS:
        return _remedy.dedupe(others)
    return _remedy.none()


def _of(columns: tuple[str, ...]) -> str:
    """The columns in which near copies differ."""
    if not columns:
        return ""
    return f", of {', '.join(repr(name) for name in columns[:3])}" + (
        f" or {len(columns) - 3} more" if len(columns) > 3 else "")


def near_of(look: Look) -> Near:
    """The near copies of the table, found once."""
    if "near" not in look.cache:
        look.cache["near"] = near_duplicates(look.dataset, quick=look.quick)
    found = look.cache["near"]
    assert isinstance(found, Near)
    return found
