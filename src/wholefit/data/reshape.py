"""Tables in another shape: filter, sort, derive, aggregate, melt and pivot, each checked.

>>> long = melt({"id": [1, 2], "jan": [3, 4], "feb": [5, 6]}, keep=["id"])
>>> pivot(long, index=["id"], names="variable", values="value")
{'id': [1, 2], 'jan': [3, 4], 'feb': [5, 6]}

Each takes any table in memory and gives back one of the same kind. What these add to polars or
pandas: a misspelt column gets the nearest right name, conditions and formulas are the small
language of cleaning recipes, and nothing is merged, cut or cast in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.data import _cells, _memory
from wholefit.data.formulas import compute, condition, parse
from wholefit.data.read import read
from wholefit.data.table import Table

_MOST_COLUMNS = 10_000


def filter_rows(source: Any, where: str) -> Any:
    """The rows in which a condition holds, such as "income > 60000 and town != 'Ely'".

    A row in which a missing value leaves it open is left out.
    """
    table = _table(source)
    return _back(table, table.frame.filter(condition(where, table.frame).fill_null(False)))


def derive(source: Any, **formulas: str) -> Any:
    """Columns computed from others: `derive(table, after_tax="income * 0.75")`, one by one."""
    table = _table(source)
    frame = table.frame
    for name, formula in formulas.items():
        frame = frame.with_columns(compute(formula, frame).alias(name))
    return _back(table, frame)


def sort(source: Any, by: str | Sequence[str]) -> Any:
    """Rows in order of columns; "-age" is from high to low, missing values come last.

    Rows that are equal in these columns keep their order.
    """
    table = _table(source)
    wanted = [by] if isinstance(by, str) else list(by)
    if not wanted:
        raise ParameterError("sort needs at least one column to sort by; got none.")
    falling = [word.startswith("-") and word not in table.frame.columns for word in wanted]
    names = [word[1:] if down else word for word, down in zip(wanted, falling, strict=True)]
    _check(table.frame, names)
    keys = pl.DataFrame([_sortable(table.frame.get_column(name)).alias(str(at))
                         for at, name in enumerate(names)])
    order = keys.with_row_index("row").sort(keys.columns, descending=falling, nulls_last=True,
                                            maintain_order=True)["row"]
    return _back(table, table.frame[order])


def aggregate(source: Any, by: str | Sequence[str], **columns: str) -> Any:
    """One row for each group, in order of the groups' first rows.

    `columns` says what is computed: `aggregate(table, "town", pay="mean(income)",
    people="count()", rich="share(income > 60000)")`. Functions: count, sum, mean, median, min,
    max, std, first, last, distinct, missing, share; what stands inside is a formula. Missing
    values are passed over, and are a group of their own.
    """
    table = _table(source)
    keys = [by] if isinstance(by, str) else list(by)
    _check(table.frame, keys)
    if not keys or not columns:
        raise ParameterError("aggregate needs columns to group by and columns to compute, such as "
                             "aggregate(table, 'town', pay='mean(income)').")
    asked = {name: _asked(said, table.frame) for name, said in columns.items()}
    for name in asked:
        if name in keys:
            raise ParameterError(f"aggregate cannot call a column {name!r}: it is grouped by.")
    parts = [table.frame.get_column(name).alias(f"k{at}") for at, name in enumerate(keys)]
    parts += [made.alias(f"v{at}") for at, (_, made) in enumerate(asked.values())]
    grouped = pl.DataFrame(parts).group_by([f"k{at}" for at in range(len(keys))],
                                           maintain_order=True)
    found = grouped.agg([make(pl.col(f"v{at}")) for at, (make, _) in enumerate(asked.values())])
    found.columns = [*keys, *asked]
    return _back(table, found)


def melt(
    source: Any, *, keep: Sequence[str] = (), values: Sequence[str] | None = None,
    names_to: str = "variable", values_to: str = "value",
) -> Any:
    """Wide to long: a row for each cell of `values`, beside the columns to `keep`.

    `values` are all other columns if left out. They must hold one kind of thing; numbers may be
    mixed. Rows come in the order of the wide table, a wide row after the other.
    """
    table = _table(source)
    frame = table.frame
    chosen = [name for name in frame.columns if name not in set(keep)] if values is None else (
        list(values))
    _check(frame, [*keep, *chosen])
    if not chosen:
        raise ParameterError("melt needs at least one column of values; got none.")
    for name in (names_to, values_to):
        if name in keep or names_to == values_to:
            raise ParameterError(f"melt cannot call a column {name!r}: that name is taken; say "
                                 "names_to= and values_to=.")
    cells = _one_kind(frame, chosen)
    rows = pl.int_range(frame.height, eager=True)
    many = len(chosen)
    long = pl.concat([pl.DataFrame({"row": rows, "at": pl.Series([at] * frame.height,
                                                                 dtype=pl.Int64), "cell": cell})
                      for at, cell in enumerate(cells)]).sort("row", "at")
    kept = [frame.get_column(name).gather(long["row"]) for name in keep]
    labels = pl.Series(names_to, chosen * frame.height if many else [], dtype=pl.String)
    return _back(table, pl.DataFrame([*kept, labels, long["cell"].alias(values_to)]))


def pivot(
    source: Any, *, index: Sequence[str], names: str, values: str, aggregate: str | None = None,
) -> Any:
    """Long to wide: a row for each `index`, a column for each word of `names`.

    Two values for one cell are an error that names the rows, unless `aggregate` says how to make
    one of them (mean, sum, first, ...). A cell without a value is missing. Rows and columns come
    in the order in which they are first met.
    """
    table = _table(source)
    frame = table.frame
    _check(frame, [*index, names, values])
    if not index:
        raise ParameterError("pivot needs at least one index column; got none.")
    if aggregate is not None and aggregate not in _AGGREGATES:
        raise unknown("aggregate", aggregate, _AGGREGATES)
    labels = _cells.to_labels(frame.get_column(names).alias("column"))
    _check_labels(labels, names, index)
    parts = [frame.get_column(name).alias(f"k{at}") for at, name in enumerate(index)]
    long = pl.DataFrame([*parts, labels.alias("label"),
                         frame.get_column(values).alias("cell")]).with_row_index("at")
    keys = [f"k{at}" for at in range(len(index))]
    if aggregate is None:
        _check_single(long, keys, names)
    rows = long.select(*keys).unique(maintain_order=True)
    made = rows
    make = _AGGREGATES[aggregate or "first"]
    wide = []
    for label in labels.unique(maintain_order=True).to_list():
        part = long.filter(pl.col("label") == label).group_by(keys, maintain_order=True).agg(
            make(pl.col("cell")).alias("cell"))
        joined = made.join(part, on=keys, how="left", nulls_equal=True, maintain_order="left")
        wide.append(joined["cell"].alias(label))
    found = pl.DataFrame([*(rows[key].alias(name) for key, name in zip(keys, index, strict=True)),
                          *wide])
    return _back(table, found)


# Checks ---------------------------------------------------------------------------------------

def _table(source: Any) -> Table:
    return read(source)


def _back(table: Table, frame: pl.DataFrame) -> Any:
    return _memory.to_guest(frame, table.guest)


def _check(frame: pl.DataFrame, names: Sequence[str]) -> None:
    for at, name in enumerate(names):
        if name not in frame.columns:
            raise unknown("column", str(name), frame.columns)
        if name in names[:at]:
            raise ParameterError(f"each column is named once; {name!r} is named twice.")


def _one_kind(frame: pl.DataFrame, names: list[str]) -> list[pl.Series]:
    """Cells of several columns in one type."""
    kinds = [frame.schema[name] for name in names]
    found = [frame.get_column(name).alias("column") for name in names]
    if len(set(kinds)) == 1:
        return found
    if all(kind.is_numeric() for kind in kinds):
        whole = all(kind.is_integer() for kind in kinds)
        return [cells.cast(pl.Int64 if whole else pl.Float64) for cells in found]
    odd = next(name for name, kind in zip(names, kinds, strict=True) if kind != kinds[0])
    raise DataError(f"melt puts columns of one kind together; {names[0]!r} is {kinds[0]} and "
                    f"{odd!r} is {frame.schema[odd]}: make them one type, or name values=.")


def _check_labels(labels: pl.Series, names: str, index: Sequence[str]) -> None:
    if labels.null_count():
        row = int(labels.is_null().arg_true()[0]) + 1
        raise DataError(f"pivot makes columns of {names!r}, which is missing in row {row}: fill it "
                        "or leave such rows out.")
    if labels.n_unique() > _MOST_COLUMNS:
        raise DataError(f"pivot would make {labels.n_unique():,} columns of {names!r}; at most "
                        f"{_MOST_COLUMNS:,}.")
    clash = [name for name in index if (labels == name).any()]
    if clash:
        raise DataError(f"pivot would make a second column {clash[0]!r}: rename that one first.")


def _check_single(long: pl.DataFrame, keys: list[str], names: str) -> None:
    twice = long.filter(pl.struct(*keys, "label").is_duplicated())
    if twice.height:
        first = twice.row(0, named=True)
        same = [pl.col(key).eq_missing(pl.lit(first[key])) for key in (*keys, "label")]
        at = (twice.filter(*same)["at"] + 1).to_list()
        raise DataError(f"pivot has several values for one cell ({names}={first['label']!r}): rows "
                        f"{', '.join(map(str, at[:5]))}; say aggregate='mean', or leave all but "
                        "one out.")


def _sortable(column: pl.Series) -> pl.Series:
    return column.fill_nan(None) if column.dtype.is_float() else column


def _asked(said: str, frame: pl.DataFrame) -> tuple[Callable[[pl.Expr], pl.Expr], pl.Series]:
    """What "mean(income / 12)" asks for: the function, and the cells inside."""
    tree = parse(said)
    if tree.kind != "call":
        raise ParameterError(f"aggregate computes things like \"mean(income)\"; got {said!r}.")
    name = str(tree.value)
    if name not in _AGGREGATES:
        raise unknown("aggregate", name, _AGGREGATES)
    inside = said.strip()[said.strip().index("(") + 1:-1].strip()
    if not inside and name == "count":
        return pl.Expr.len, pl.Series([0] * frame.height, dtype=pl.Int64)
    if len(tree.parts) != 1:
        raise ParameterError(f"{name}() takes one value; got {len(tree.parts)} in {said!r}.")
    column = tree.parts[0].kind == "column" and str(tree.parts[0].value) in frame.columns
    made = frame.get_column(str(tree.parts[0].value)) if column else compute(inside, frame)
    if name in _NUMERIC and not (made.dtype.is_numeric() or made.dtype == pl.Boolean):
        raise ParameterError(f"{name}() is of numbers; {inside!r} holds {made.dtype}.")
    if name == "share" and made.dtype != pl.Boolean:
        raise ParameterError(f"share() is of a condition, such as share(age > 60); got {said!r}.")
    return _AGGREGATES[name], _sortable(made)


_NUMERIC = ("sum", "mean", "median", "std")
_AGGREGATES: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "count": lambda cells: cells.count(), "sum": lambda cells: cells.sum(),
    "mean": lambda cells: cells.mean(), "median": lambda cells: cells.median(),
    "min": lambda cells: cells.min(), "max": lambda cells: cells.max(),
    "std": lambda cells: cells.std(), "first": lambda cells: cells.first(),
    "last": lambda cells: cells.last(),
    "distinct": lambda cells: cells.drop_nulls().n_unique(),
    "missing": lambda cells: cells.null_count(), "share": lambda cells: cells.mean(),
}
