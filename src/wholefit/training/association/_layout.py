"""How a table holds baskets: a line an item, a column an item, or words in a column.

"long": a line says that a basket holds an item. "matrix": a row is a basket, a column an item, a
cell says whether it is in. "strings": a row is a basket, one column names its items, separated.
"slots": a row is a basket, each of several columns names one of its items.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from wholefit.base.errors import DataError, unknown
from wholefit.base.stored import typed
from wholefit.data import Schema
from wholefit.data._cells import MISSING_WORDS

_SEPARATORS = (";", "|", "\t", ",", " + ", " & ", "/")
# What a list looks like that was turned into text: ["bread", "butter"].
BRACKETS = "[,]"
_PROBE = 2000
_YES = frozenset({"1", "1.0", "true", "t", "yes", "y", "x", "on"})
_NO = frozenset({"0", "0.0", "false", "f", "no", "n", "off", *MISSING_WORDS})
_BASKETS = ("basket", "order", "invoice", "transaction", "receipt", "ticket", "session", "visit")
_ITEMS = ("item", "product", "description", "article", "sku", "film", "page")


@dataclass(frozen=True)
class Layout:
    """Which columns say what, and `why` it was read so."""

    kind: str
    why: str
    basket: str | None = None
    item: str | None = None
    items: tuple[str, ...] = ()
    separator: str | None = None
    amount: str | None = None
    quantity: str | None = None
    time: str | None = None
    by: tuple[str, ...] = ()
    group: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**{name: getattr(self, name) for name in self.__dataclass_fields__},
                "items": list(self.items), "by": list(self.by)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Layout:
        """Back from `to_json`; ValueError where a column that its kind needs is not named."""
        made = cls(**{**stored, "items": tuple(stored["items"]), "by": tuple(stored["by"])})
        needs = {"long": ("basket", "item"), "strings": ("item",)}.get(made.kind, ())
        if any(getattr(made, name) is None for name in needs):
            raise ValueError(f"baskets laid out as {made.kind!r} need {' and '.join(needs)}")
        return typed(made)


def layout(frame: pl.DataFrame, schema: Schema, separator: str | None, quantity: str | None,
           by: tuple[str, ...]) -> Layout:
    """How this table holds baskets, from the roles that were given and from its cells.

    Raises DataError where that cannot be told, and UnknownNameError for a misspelt column.
    """
    for name in (*by, *(() if quantity is None else (quantity,))):
        if name not in frame.columns:
            raise unknown("column", name, frame.columns)
    basket, item, amount, time = (next(iter(schema.having(role)), None) for role in (
        "basket", "item", "amount", "time"))
    several, group = schema.having("item"), next(iter(schema.having("group")), None)
    apart = {*by, basket, amount, time, quantity, *schema.having("group"),
             *schema.having("ignored")}
    free = [name for name in frame.columns if name not in apart]
    found = _settled(frame, basket, item, several, free, separator)
    return replace(found, amount=amount, quantity=quantity, time=time, by=by, group=group)


def _settled(frame: pl.DataFrame, basket: str | None, item: str | None, several: list[str],
             free: list[str], separator: str | None) -> Layout:
    if len(several) > 1:
        return Layout("slots", f"each of {len(several)} columns names one item of the row's "
                      "basket", basket, items=tuple(several))
    if basket is not None and item is not None:
        return Layout("long", f"a line a basket {basket!r} and an item {item!r}", basket, item)
    if item is not None:
        return _strings(frame, item, separator, "item= names it") if _lists(
            frame, item, separator) else _lone_item(frame, item, free)
    if basket is not None:
        return _with_basket(frame, basket, free, separator)
    return _unnamed(frame, free, separator)


def _lone_item(frame: pl.DataFrame, item: str, free: list[str]) -> Layout:
    near = _called(frame, [name for name in free if name != item], _BASKETS)
    if near is None:
        raise DataError(f"column {item!r} names one item a row; say which column says what was "
                        "together: basket=.")
    return Layout("long", f"a line a basket {near!r} (by its name) and an item {item!r}", near,
                  item)


def _with_basket(frame: pl.DataFrame, basket: str, free: list[str],
                 separator: str | None) -> Layout:
    """The items, where only the baskets are named."""
    marks = [name for name in free if _is_mark(frame.get_column(name))]
    if len(marks) > 1 and len(marks) == len(free):
        return _matrix(marks, basket)
    if len(free) == 1:
        if _lists(frame, free[0], separator):
            return replace(_strings(frame, free[0], separator, "the one other column"),
                           basket=basket)
        return Layout("long", f"a line a basket {basket!r} and an item {free[0]!r}, the one other "
                      "column", basket, free[0])
    near = _called(frame, free, _ITEMS)
    if near is not None:
        return Layout("long", f"a line a basket {basket!r} and an item {near!r} (by its name)",
                      basket, near)
    raise DataError(f"cannot tell which column names the items of basket {basket!r}; say item= "
                    f"one of {', '.join(map(repr, free[:10]))}.")


def _unnamed(frame: pl.DataFrame, free: list[str], separator: str | None) -> Layout:
    """Nothing is named: the cells must tell."""
    marks = [name for name in free if _is_mark(frame.get_column(name))]
    if len(marks) >= 2 and len(marks) >= len(free) - 1:
        rest = [name for name in free if name not in marks]
        return _matrix(marks, rest[0] if rest else None)
    lists = [name for name in free if _lists(frame, name, separator)]
    if len(lists) == 1:
        return _strings(frame, lists[0], separator, "found by its separators")
    basket, item = _called(frame, free, _BASKETS), _called(frame, free, _ITEMS)
    if basket is not None and item is not None and basket != item:
        return Layout("long", f"a line a basket {basket!r} and an item {item!r}, by their names",
                      basket, item)
    if _are_slots(frame, free):
        return Layout("slots", f"each of {len(free)} columns names one item of the row's basket",
                      items=tuple(free))
    raise DataError("cannot tell how the table holds baskets: say basket= and item= for lines of "
                    "(basket, item); item= for one column of lists; or give a table whose columns "
                    f"are items and whose cells are true or false. Its columns: "
                    f"{', '.join(map(repr, frame.columns[:10]))}.")


def _matrix(marks: list[str], basket: str | None) -> Layout:
    return Layout("matrix", f"a row a basket, {len(marks):,} columns an item each, cells true or "
                  "false", basket, items=tuple(marks))


def _called(frame: pl.DataFrame, names: list[str], words: tuple[str, ...]) -> str | None:
    """The first column whose name has one of the words."""
    return next((name for word in words for name in names if word in name.lower()), None)


def _is_mark(column: pl.Series) -> bool:
    """Whether cells say in or not in: 0/1, true/false, or one word and nothing."""
    column = column.alias("column")  # the engine reads names such as "*" as patterns
    if column.dtype == pl.Boolean or column.dtype == pl.Null:
        return True
    if column.dtype.is_numeric():
        held = column.drop_nulls()
        return bool(((held == 0) | (held == 1)).all())
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return False
    words = {str(word).strip().lower() for word in column.unique().head(10).to_list()
             if word is not None}
    words -= {word for word in words if word in _NO}
    return len(words) <= 1 or words <= _YES


def marked(column: pl.Series) -> pl.Series:
    """Which rows of a column of marks say "in", as Boolean; what is not there says "not in"."""
    column = column.alias("column")
    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        word = column.cast(pl.String).str.strip_chars().str.to_lowercase()
        return (~word.is_in(list(_NO))).fill_null(False)
    if column.dtype == pl.Null:
        return pl.Series(column.name, [False] * len(column), dtype=pl.Boolean)
    if column.dtype.is_float():
        column = column.fill_nan(None)
    return (column.cast(pl.Float64) > 0).fill_null(False)


def _lists(frame: pl.DataFrame, name: str, separator: str | None) -> bool:
    column = frame.get_column(name)
    if isinstance(column.dtype, pl.List):
        return True
    if column.dtype != pl.String:
        return False
    return separator is not None or _separator(column) is not None


def _strings(frame: pl.DataFrame, name: str, separator: str | None, how: str) -> Layout:
    column = frame.get_column(name)
    if isinstance(column.dtype, pl.List):
        return Layout("strings", f"a row a basket, {name!r} lists its items", item=name)
    used = separator or _separator(column)
    apart = "in brackets" if used == BRACKETS else f"separated by {used!r}"
    return Layout("strings", f"a row a basket, {name!r} ({how}) lists its items, {apart}",
                  item=name, separator=used)


def _separator(column: pl.Series) -> str | None:
    """The separator that most cells have, and whose parts come back in other cells."""
    cells = [cell for cell in column.alias("column").drop_nulls().head(_PROBE).to_list() if cell]
    if cells and all(cell[0] == "[" and cell[-1] == "]" for cell in cells):
        return BRACKETS
    for mark in _SEPARATORS:
        having = [cell for cell in cells if mark in cell]
        if len(having) * 4 < len(cells) or not having:
            continue
        parts = Counter(part.strip() for cell in cells for part in set(cell.split(mark)))
        if len(parts) < 2 or sum(n for n in parts.values() if n > 1) * 3 >= sum(parts.values()):
            return mark
    return None


def _are_slots(frame: pl.DataFrame, free: list[str]) -> bool:
    """Whether several columns of text share their words."""
    texts = [frame.get_column(name).alias("column") for name in free]
    if len(texts) < 2 or not all(text.dtype == pl.String for text in texts):
        return False
    words = [set(text.drop_nulls().head(_PROBE).to_list()) for text in texts]
    return bool(words[0] & words[1])
