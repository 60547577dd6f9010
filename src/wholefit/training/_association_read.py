"""From a table to baskets: cells to codes, returns and charges apart, money and times by basket.

Nothing is left out in silence: each kind of line that is, leaves a note that counts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, SchemaError, nearest
from wholefit.data import Note, _cells
from wholefit.data.notes import info, some, warning
from wholefit.models._itemsets import Baskets, grouped
from wholefit.training._association_layout import BRACKETS, Layout, marked

# Lines that are billed and are no goods, in the words of shops.
CHARGES = frozenset({
    "postage", "dotcom postage", "carriage", "shipping", "delivery", "freight", "manual",
    "discount", "bank charges", "amazon fee", "adjust bad debt", "samples", "sample", "deposit",
    "cruk commission", "fee", "tax", "vat", "rounding", "adjustment", "next day carriage",
})
_SAID = 5


@dataclass(frozen=True, eq=False)
class Read:
    """Baskets and what is known of each.

    `names` (items,) sorted; `keys` the baskets' own names, one a basket, None where they are
    rows; `value` (n,) money of each basket, `price` (items,) mean money of an item's line, None
    without amounts; `time` (n,) datetime64[us]; `segments` name to (codes (n,), levels).
    """

    baskets: Baskets
    names: list[str]
    keys: pl.Series | None
    notes: list[Note] = field(default_factory=list)
    value: np.ndarray | None = None
    price: np.ndarray | None = None
    time: np.ndarray | None = None
    segments: dict[str, tuple[np.ndarray, list[str]]] = field(default_factory=dict)
    strange: int = 0


def read(frame: pl.DataFrame, how: Layout, *, returns: str = "drop", charges: str = "drop",
         ignore: Sequence[str] = (), total: bool = False, known: list[str] | None = None) -> Read:
    """Baskets of a table laid out as `how` says.

    `returns` and `charges` "keep" or "drop"; `ignore` names items to leave out; `total` says
    that amounts are of whole lines, not of pieces. With `known`, the items of a fit, others are
    counted in `strange` and left out, and a row of a table of rows stays a basket, if empty.
    """
    _check(frame, how)
    notes: list[Note] = []
    lines = _lines(frame, how)
    if how.kind == "long" and known is None:
        lines = _named(lines, how, notes)
    if returns == "drop":
        lines = _bought(lines, how, notes)
    lines = _goods(lines, charges, ignore, notes)
    return _coded(lines, frame, how, total, known, notes)


def _check(frame: pl.DataFrame, how: Layout) -> None:
    for name in (how.basket if how.kind == "long" else None, how.item):
        if name is not None and name not in frame.columns:
            near = nearest(name, frame.columns)
            hint = f"; there is {near!r}: rename it" if near else ""
            raise SchemaError(f"the baskets must have column {name!r}, as the ones that were mined "
                              f"had{hint}.")


# ---- lines of (basket, item) ------------------------------------------------------------


def _lines(frame: pl.DataFrame, how: Layout) -> pl.DataFrame:
    """Columns "basket" (any type, or the row's number), "item" (text), and what else is known."""
    if how.kind == "long":
        taken = {"basket": how.basket, "item": how.item, "amount": how.amount,
                 "quantity": how.quantity}
        columns = [frame.get_column(name).alias(role) for role, name in taken.items()
                   if name is not None and name in frame.columns]
        lines = pl.DataFrame([*columns, pl.Series("row", np.arange(frame.height), pl.UInt32)])
        return lines.with_columns(_cells.to_labels(lines["item"]).str.strip_chars().alias("item"))
    row = np.arange(frame.height, dtype=np.uint32)
    if how.kind == "strings":
        return _split(frame.get_column(str(how.item)), how.separator, row)
    parts = [_marks(frame.get_column(name), name, row) if how.kind == "matrix" else
             _slot(frame.get_column(name), row) for name in how.items if name in frame.columns]
    empty = pl.DataFrame(schema={"basket": pl.UInt32, "item": pl.String, "row": pl.UInt32})
    return pl.concat([empty, *parts])


def _split(column: pl.Series, separator: str | None, row: np.ndarray) -> pl.DataFrame:
    cells, quoted = column.alias("item"), separator == BRACKETS
    if not isinstance(cells.dtype, pl.List):
        cells = _cells.to_labels(cells)
        if quoted:
            cells, separator = cells.str.strip_chars("[] "), ","
        cells = cells.str.split(separator or ",")
    lines = pl.DataFrame([pl.Series("basket", row), cells]).explode("item")
    marks = " \t\r\n'\"" if quoted else None
    lines = lines.with_columns(pl.col("item").cast(pl.String).str.strip_chars(marks),
                               pl.col("basket").alias("row"))
    return lines.filter(pl.col("item").is_not_null() & (pl.col("item") != ""))


def _marks(column: pl.Series, name: str, row: np.ndarray) -> pl.DataFrame:
    held = row[marked(column.alias("column")).to_numpy()]
    return pl.DataFrame({"basket": held, "item": pl.Series([name], dtype=pl.String).new_from_index(
        0, len(held)), "row": held})


def _slot(column: pl.Series, row: np.ndarray) -> pl.DataFrame:
    cells = _cells.to_labels(column.alias("item")).str.strip_chars()
    lines = pl.DataFrame([pl.Series("basket", row), cells, pl.Series("row", row)])
    return lines.filter(~_cells.is_missing(cells))


# ---- what is left out -------------------------------------------------------------------


def _named(lines: pl.DataFrame, how: Layout, notes: list[Note]) -> pl.DataFrame:
    """Lines that say both their basket and their item."""
    for role, name in (("basket", how.basket), ("item", how.item)):
        empty = _cells.is_missing(lines.get_column(role))
        if empty.any():
            notes.append(warning(
                f"{role}_missing", f"{int(empty.sum()):,} of {len(lines):,} lines have no "
                f"{role} (column {name!r}): left out.", column=name, count=int(empty.sum()),
                rows=lines["row"].filter(empty).head(_SAID).to_numpy() + 1))
            lines = lines.filter(~empty)
    return lines


def _bought(lines: pl.DataFrame, how: Layout, notes: list[Note]) -> pl.DataFrame:
    """Lines of what was bought and kept: returns and cancellations say nothing of a basket."""
    back = pl.Series("back", np.zeros(len(lines), dtype=bool))
    if "quantity" in lines.columns:
        back = (_cells.to_numbers(lines["quantity"]) <= 0).fill_null(False)
    elif "amount" in lines.columns:
        back = (_cells.to_numbers(lines["amount"]) < 0).fill_null(False)
    cancelled = _cancelled(lines)
    both = back | cancelled
    if not both.any():
        return lines
    named = lines["basket"].filter(cancelled)
    words = [f"{int(back.sum()):,} have a {'quantity' if how.quantity else 'amount'} of 0 or less"
             if back.any() else "", f"{int(cancelled.sum()):,} belong to baskets named like "
             f"cancellations ({named[0]!r})" if cancelled.any() else ""]
    notes.append(warning(
        "returns", f"{int(both.sum()):,} of {len(lines):,} lines are returns or cancellations and "
        f"were left out: {' and '.join(filter(None, words))}. returns='keep' takes them in.",
        count=int(both.sum()), rows=lines["row"].filter(both).head(_SAID).to_numpy() + 1))
    return lines.filter(~both)


def _cancelled(lines: pl.DataFrame) -> pl.Series:
    """Lines of baskets named "C12345", where nearly all baskets are plain numbers."""
    none = pl.Series("back", np.zeros(len(lines), dtype=bool))
    if lines["basket"].dtype != pl.String or not len(lines):
        return none
    plain = lines["basket"].str.contains(r"^\d+$").fill_null(False)
    lettered = lines["basket"].str.contains(r"^[Cc]\d+$").fill_null(False)
    few = bool((plain.mean() or 0) > 0.8)  # type: ignore[operator]
    return lettered if few else none


def _goods(lines: pl.DataFrame, charges: str, ignore: Sequence[str],
           notes: list[Note]) -> pl.DataFrame:
    """Lines of goods: postage is in half of all parcels and is no one's taste."""
    away = {word.strip().lower() for word in ignore}
    if charges == "drop":
        away |= CHARGES
    items = lines["item"].unique()
    lower = items.str.to_lowercase()
    gone = items.filter(lower.is_in(list(away)))
    for word in ignore:
        if word.strip().lower() not in set(lower.to_list()):
            notes.append(warning("ignore_unknown", f"ignore= names {word!r}, which no basket "
                                 "holds."))
    if not len(gone):
        return lines
    out = lines["item"].is_in(gone.to_list())
    names = sorted(gone.to_list())
    notes.append(warning(
        "charges", f"{int(out.sum()):,} lines are no goods and were left out: "
        f"{some([repr(name) for name in names], 8)}. charges='keep' takes them in.",
        count=int(out.sum())))
    return lines.filter(~out)


# ---- codes ------------------------------------------------------------------------------


def _coded(lines: pl.DataFrame, frame: pl.DataFrame, how: Layout, total: bool,
           known: list[str] | None, notes: list[Note]) -> Read:
    names = lines["item"].unique().drop_nulls().sort().to_list() if known is None else known
    if known is None and not names:
        raise DataError("there must be an item in some basket; there is none.")
    place = pl.Series(names, dtype=pl.String)
    codes = lines["item"].cast(pl.Enum(place), strict=False).to_physical()
    strange = int((codes.is_null() & lines["item"].is_not_null()).sum())
    item = codes.cast(pl.Int32).fill_null(-1).to_numpy()
    if how.kind == "long":
        basket, keys = _keys(lines["basket"])
    else:
        basket, keys = lines["basket"].to_numpy().astype(np.int64), None
    count = frame.height if keys is None else len(keys)
    held = (item >= 0) & (basket >= 0)
    if not held.all():
        basket, item = basket[held], item[held]
        lines = lines.filter(pl.Series(held))
    baskets = grouped(basket, item, count, len(names))
    _repeats(baskets, len(item), notes)
    return _with_facts(Read(baskets, names, keys, notes, strange=strange), lines, frame, how,
                       basket, item, total)


def _keys(column: pl.Series) -> tuple[np.ndarray, pl.Series]:
    """The basket of each line as a code into the sorted names of baskets."""
    keys = column.unique().drop_nulls().sort()
    if column.dtype == pl.String:
        codes = column.cast(pl.Enum(keys)).to_physical().cast(pl.Int64).fill_null(-1)
        return codes.to_numpy(), keys
    codes = column.replace_strict(keys, np.arange(len(keys)), default=None, return_dtype=pl.Int64)
    return codes.fill_null(-1).to_numpy(), keys


def _repeats(baskets: Baskets, lines: int, notes: list[Note]) -> None:
    more = lines - len(baskets.item)
    if more:
        notes.append(info("repeated_items", f"{more:,} lines repeat an item within its basket: "
                          "an item counts once, its amounts are added up.", count=more))


def _with_facts(found: Read, lines: pl.DataFrame, frame: pl.DataFrame, how: Layout,
                basket: np.ndarray, item: np.ndarray, total: bool) -> Read:
    """Money, times and segments of each basket."""
    n, by_row = len(found.baskets), how.kind != "long"
    value = price = time = None
    if by_row and how.amount is not None and how.amount in frame.columns:
        value = _cells.to_numbers(frame[how.amount]).fill_null(0.0).to_numpy().copy()
    elif "amount" in lines.columns:
        money = _money(lines, total)
        value = np.bincount(basket, money, n)
        with np.errstate(divide="ignore", invalid="ignore"):
            price = np.bincount(item, money, len(found.names)) / np.bincount(
                item, minlength=len(found.names))
    rows = np.arange(n) if by_row else _first_rows(basket, lines["row"].to_numpy(), n)
    if how.time is not None and how.time in frame.columns:
        time = _cells.to_times(frame.get_column(how.time).alias("column")).to_numpy()[rows]
    segments = {}
    for name in how.by:
        if name in frame.columns:
            codes, levels = _cells.to_codes(frame.get_column(name).alias("column"))
            segments[name] = (codes[rows], levels)
    return Read(found.baskets, found.names, found.keys, found.notes, value, price, time, segments,
                found.strange)


def _money(lines: pl.DataFrame, total: bool) -> np.ndarray:
    """Money of each line; that of pieces times their number."""
    money = _cells.to_numbers(lines["amount"]).fill_null(0.0).to_numpy()
    if "quantity" in lines.columns and not total:
        money = money * _cells.to_numbers(lines["quantity"]).fill_null(0.0).to_numpy()
    return np.where(np.isfinite(money), money, 0.0)


def _first_rows(basket: np.ndarray, row: np.ndarray, n: int) -> np.ndarray:
    """The first row of each basket."""
    first = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(first, basket, row)
    return np.minimum(first, max(int(row.max(initial=0)), 0))
