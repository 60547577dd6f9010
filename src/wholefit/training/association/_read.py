"""From a table to baskets: cells to codes, returns and charges apart, money and times by basket.

Nothing is left out in silence: each kind of line that is, leaves a note that counts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, SchemaError, nearest
from wholefit.data import Note, _cells
from wholefit.data.notes import info, some, warning
from wholefit.models._itemsets.base import Baskets, grouped
from wholefit.training.association._layout import BRACKETS, Layout, marked

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
    without amounts; `time` (n,) datetime64[us]; `segments` name to (codes (n,), levels); `group`
    (n,) codes of who holds them, a basket without a group being one by itself.
    """

    baskets: Baskets
    names: list[str]
    keys: pl.Series | None
    notes: list[Note] = field(default_factory=list)
    value: np.ndarray | None = None
    price: np.ndarray | None = None
    time: np.ndarray | None = None
    segments: dict[str, tuple[np.ndarray, list[str]]] = field(default_factory=dict)
    group: np.ndarray | None = None
    strange: int = 0


@dataclass(eq=False)
class _Lines:
    """Lines of (basket, item): `item` codes into `names`, `basket` names or rows; `kept` says
    which lines still count. Nothing is copied to leave a line out: tables may be large."""

    names: list[str]
    item: np.ndarray
    basket: pl.Series
    kept: np.ndarray
    amount: pl.Series | None = None
    quantity: pl.Series | None = None

    def drop(self, out: np.ndarray) -> tuple[int, int, np.ndarray]:
        """Leave lines out; how many were, of how many, and the first of them (from 1)."""
        out = out & self.kept
        before = int(self.kept.sum())
        self.kept &= ~out
        return before - int(self.kept.sum()), before, np.flatnonzero(out)[:_SAID] + 1


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
    _named(lines, how, notes)
    if returns == "drop":
        _bought(lines, how, notes)
    _goods(lines, charges, ignore if known is None else (), notes)
    return _coded(lines, frame, how, total, known, notes)


def _check(frame: pl.DataFrame, how: Layout) -> None:
    for name in (how.basket if how.kind == "long" else None, how.item):
        if name is not None and name not in frame.columns:
            near = nearest(name, frame.columns)
            hint = f"; there is {near!r}: rename it" if near else ""
            raise SchemaError(f"the baskets must have column {name!r}, as the ones that were mined "
                              f"had{hint}.")


# ---- lines of (basket, item) ------------------------------------------------------------


def _lines(frame: pl.DataFrame, how: Layout) -> _Lines:
    """The table's lines, whichever way it is laid out."""
    if how.kind == "long":
        item, names = _items(frame.get_column(str(how.item)).alias("item"))
        amount, quantity = (
            frame.get_column(name).alias("cells") if name is not None and name in frame.columns
            else None for name in (how.amount, how.quantity))
        return _Lines(names, item, frame.get_column(str(how.basket)).alias("basket"),
                      np.ones(frame.height, dtype=bool), amount, quantity)
    row = np.arange(frame.height, dtype=np.uint32)
    if how.kind == "strings":
        held = _split(frame.get_column(str(how.item)), how.separator, row)
    else:
        parts = [_marks(frame.get_column(name), name, row) if how.kind == "matrix" else
                 _slot(frame.get_column(name), row) for name in how.items if name in frame.columns]
        held = pl.concat([pl.DataFrame(schema={"basket": pl.UInt32, "item": pl.String}), *parts])
    item, names = _items(held["item"])
    return _Lines(names, item, held["basket"], np.ones(len(held), dtype=bool))


def _items(column: pl.Series) -> tuple[np.ndarray, list[str]]:
    """Codes int32 of names without blanks at their ends, -1 where there is none, and the names."""
    codes, raw = _cells.to_codes(column)
    place: dict[str, int] = {}
    for name in sorted({name.strip() for name in raw}):
        if name.lower() not in _cells.MISSING_WORDS:
            place[name] = len(place)
    moved = np.array([place.get(name.strip(), -1) for name in raw] + [-1], dtype=np.int32)
    return moved[codes], list(place)


def _split(column: pl.Series, separator: str | None, row: np.ndarray) -> pl.DataFrame:
    cells, quoted = column.alias("item"), separator == BRACKETS
    if not isinstance(cells.dtype, pl.List):
        cells = _cells.to_labels(cells)
        if quoted:
            cells, separator = cells.str.strip_chars("[] "), ","
        cells = cells.str.split(separator or ",")
    lines = pl.DataFrame([pl.Series("basket", row), cells]).explode("item")
    marks = " \t\r\n'\"" if quoted else None
    lines = lines.with_columns(pl.col("item").cast(pl.String).str.strip_chars(marks))
    return lines.filter(pl.col("item").is_not_null() & (pl.col("item") != ""))


def _marks(column: pl.Series, name: str, row: np.ndarray) -> pl.DataFrame:
    held = row[marked(column).to_numpy()]
    items = pl.Series([name], dtype=pl.String).new_from_index(0, len(held))
    return pl.DataFrame([pl.Series("basket", held), items.alias("item")])


def _slot(column: pl.Series, row: np.ndarray) -> pl.DataFrame:
    cells = _cells.to_labels(column.alias("item"))
    return pl.DataFrame([pl.Series("basket", row), cells]).filter(~_cells.is_missing(cells))


# ---- what is left out -------------------------------------------------------------------


def _named(lines: _Lines, how: Layout, notes: list[Note]) -> None:
    """Lines that say both their basket and their item."""
    if how.kind != "long":
        return
    for role, name, empty in (("basket", how.basket, _cells.is_missing(lines.basket).to_numpy()),
                              ("item", how.item, lines.item < 0)):
        count, of, rows = lines.drop(empty)
        if count:
            notes.append(warning(f"{role}_missing", f"{count:,} of {of:,} lines have no {role} "
                                 f"(column {name!r}): left out.", column=name, count=count,
                                 rows=rows))


def _bought(lines: _Lines, how: Layout, notes: list[Note]) -> None:
    """Lines of what was bought and kept: returns and cancellations say nothing of a basket."""
    back = np.zeros(len(lines.item), dtype=bool)
    if lines.quantity is not None:
        back = (_cells.to_numbers(lines.quantity) <= 0).fill_null(False).to_numpy()
    elif lines.amount is not None:
        back = (_cells.to_numbers(lines.amount) < 0).fill_null(False).to_numpy()
    cancelled = _cancelled(lines.basket)
    many, named = (int((each & lines.kept).sum()) for each in (back, cancelled))
    if not many + named:
        return
    first = int(np.argmax(cancelled))
    words = [f"{many:,} have {'a quantity' if how.quantity else 'an amount'} of "
             f"{'0 or less' if how.quantity else 'less than 0'}" if many else "",
             f"{named:,} belong to baskets named like cancellations ({lines.basket[first]!r})"
             if named else ""]
    count, of, rows = lines.drop(back | cancelled)
    notes.append(warning(
        "returns", f"{count:,} of {of:,} lines are returns or cancellations and were left out: "
        f"{' and '.join(filter(None, words))}. returns='keep' takes them in.", count=count,
        rows=rows))


def _cancelled(basket: pl.Series) -> np.ndarray:
    """Lines of baskets named "C12345", where nearly all baskets are plain numbers."""
    none = np.zeros(len(basket), dtype=bool)
    if basket.dtype != pl.String or not len(basket):
        return none
    lettered = basket.str.contains(r"^[Cc]\d+$").fill_null(False)
    if not lettered.any():
        return none
    plain = basket.str.contains(r"^\d+$").fill_null(False)
    return lettered.to_numpy() if _cells.mean(plain) > 0.8 else none


def _goods(lines: _Lines, charges: str, ignore: Sequence[str], notes: list[Note]) -> None:
    """Lines of goods: postage is in half of all parcels and is no one's taste."""
    away = {word.strip().lower() for word in ignore} | (CHARGES if charges == "drop" else set())
    lower = [name.lower() for name in lines.names]
    for word in ignore:
        if word.strip().lower() not in lower:
            notes.append(warning("ignore_unknown", f"ignore= names {word!r}, which no basket "
                                 "holds."))
    out = np.array([name in away for name in lower] + [False])
    count, _, rows = lines.drop(out[lines.item])
    if count:
        names = [repr(name) for name, gone in zip(lines.names, out, strict=False) if gone]
        notes.append(warning("charges", f"{count:,} lines are no goods and were left out "
                             f"({some(names, 8)}). charges='keep' takes them in.", count=count,
                             rows=rows))


# ---- codes ------------------------------------------------------------------------------


def _coded(lines: _Lines, frame: pl.DataFrame, how: Layout, total: bool,
           known: list[str] | None, notes: list[Note]) -> Read:
    if known is None and not lines.kept.any():
        raise DataError("there must be an item in some basket; there is none.")
    basket, keys = _keys(lines, how.kind == "long")
    names, item = _renamed(lines, known)
    strange = int((lines.kept & (item < 0)).sum())
    lines.kept &= item >= 0
    count = frame.height if keys is None else len(keys)
    baskets = grouped(basket[lines.kept], item[lines.kept], count, len(names))
    _repeats(baskets, int(lines.kept.sum()), notes)
    found = Read(baskets, names, keys, notes, strange=strange)
    return _with_facts(found, lines, frame, how, basket, item, total)


def _keys(lines: _Lines, by_name: bool) -> tuple[np.ndarray, pl.Series | None]:
    """The basket of each line as a code, int32, and the sorted names that are still in use."""
    if not by_name:
        return lines.basket.to_numpy(), None
    column = lines.basket
    keys = column.unique().drop_nulls().sort()
    if column.dtype == pl.String:
        codes = column.cast(pl.Enum(keys)).to_physical().cast(pl.Int32)
    else:
        codes = column.replace_strict(keys, np.arange(len(keys)), default=None,
                                      return_dtype=pl.Int32)
    code = codes.fill_null(0).to_numpy()
    used = np.zeros(len(keys), dtype=bool)
    used[code[lines.kept]] = True
    moved = (np.cumsum(used) - 1).astype(np.int32)
    return moved[code] if len(keys) else code, keys.filter(pl.Series(used))


def _renamed(lines: _Lines, known: list[str] | None) -> tuple[list[str], np.ndarray]:
    """The names still in use, or those known, and each line's code among them."""
    if known is None:
        used = np.zeros(len(lines.names) + 1, dtype=bool)
        used[lines.item[lines.kept]] = True
        names = [name for name, there in zip(lines.names, used, strict=False) if there]
    else:
        names = known
    place = {name: at for at, name in enumerate(names)}
    moved = np.array([place.get(name, -1) for name in lines.names] + [-1], dtype=np.int32)
    return names, moved[lines.item]


def _repeats(baskets: Baskets, lines: int, notes: list[Note]) -> None:
    more = lines - len(baskets.item)
    if more:
        notes.append(info("repeated_items", f"{more:,} lines repeat an item within its basket: "
                          "an item counts once, its amounts are added up.", count=more))


def _with_facts(found: Read, lines: _Lines, frame: pl.DataFrame, how: Layout,
                basket: np.ndarray, item: np.ndarray, total: bool) -> Read:
    """Money, times and segments of each basket."""
    n, by_row = len(found.baskets), how.kind != "long"
    value = price = time = None
    kept = np.flatnonzero(lines.kept)
    if by_row and how.amount is not None and how.amount in frame.columns:
        cells = _cells.to_numbers(frame.get_column(how.amount).alias("cells"))
        value = np.nan_to_num(cells.fill_null(0.0).to_numpy(), nan=0.0, posinf=0.0, neginf=0.0)
    elif lines.amount is not None:
        money = _money(lines.amount, None if total else lines.quantity)[kept]
        value, many = np.bincount(basket[kept], money, n), len(found.names)
        with np.errstate(divide="ignore", invalid="ignore"):
            price = np.bincount(item[kept], money, many) / np.bincount(item[kept], minlength=many)
    rows = np.arange(n) if by_row else _first_rows(basket[kept], kept, n)
    if how.time is not None and how.time in frame.columns:
        time = _cells.to_times(frame.get_column(how.time).alias("column")).to_numpy()[rows]
    segments = {}
    for name in how.by:
        if name in frame.columns:
            codes, levels = _cells.to_codes(frame.get_column(name).alias("column"))
            segments[name] = (codes[rows], levels)
    group = None
    if how.group is not None and how.group in frame.columns:
        group = _alone(_cells.to_codes(frame.get_column(how.group).alias("column"))[0][rows])
    return replace(found, value=value, price=price, time=time, segments=segments, group=group)


def _alone(codes: np.ndarray) -> np.ndarray:
    """Codes in which each basket without a group is a group of its own."""
    none = codes < 0
    out = codes.astype(np.int64)
    out[none] = int(codes.max(initial=-1)) + 1 + np.arange(int(none.sum()))
    return out


def _money(amount: pl.Series, quantity: pl.Series | None) -> np.ndarray:
    """Money of each line; that of pieces times their number."""
    money = _cells.to_numbers(amount).fill_null(0.0).to_numpy()
    if quantity is not None:
        money = money * _cells.to_numbers(quantity).fill_null(0.0).to_numpy()
    return np.where(np.isfinite(money), money, 0.0)


def _first_rows(basket: np.ndarray, row: np.ndarray, n: int) -> np.ndarray:
    """The first row of each basket; the rows are in order."""
    first = np.zeros(n, dtype=np.int64)
    first[basket[::-1]] = row[::-1]
    return first
