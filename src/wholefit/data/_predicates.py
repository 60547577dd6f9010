"""From the tree of a rule to one polars expression over columns with neutral names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import polars as pl

from wholefit.base.errors import DataError

if TYPE_CHECKING:
    from wholefit.data.predicates import Node

Typed = tuple[pl.Expr, str]
"""An expression, and what it gives: number, text, time, truth or nothing (always missing)."""

_NEAR = 1e-6
_TYPES: dict[str, pl.DataType] = {"truth": pl.Boolean(), "text": pl.String(),
                                  "number": pl.Float64(), "time": pl.Datetime("us")}
FUNCTIONS: dict[str, tuple[str, str, Callable[[pl.Expr], pl.Expr]]] = {
    "abs": ("number", "number", lambda x: x.abs()),
    "round": ("number", "number", lambda x: x.round()),
    "length": ("text", "number", lambda x: x.str.len_chars()),
    "lower": ("text", "text", lambda x: x.str.to_lowercase()),
    "upper": ("text", "text", lambda x: x.str.to_uppercase()),
    "trim": ("text", "text", lambda x: x.str.strip_chars()),
    "year": ("time", "number", lambda x: x.dt.year()),
    "month": ("time", "number", lambda x: x.dt.month()),
    "day": ("time", "number", lambda x: x.dt.day()),
    "weekday": ("time", "number", lambda x: x.dt.weekday()),
}


def truth(
    tree: Node, columns: tuple[str, ...], text: str, frame: pl.DataFrame
) -> pl.Series:
    """Boolean (rows,) of a rule, null where it is open."""
    cells = [_plain(frame.get_column(name)).alias(str(at)) for at, name in enumerate(columns)]
    compiler = _Compiler({name: (pl.col(str(at)), _kind(cells[at].dtype, name))
                          for at, name in enumerate(columns)}, text)
    made, kind = compiler.of(tree)
    if kind not in ("truth", "nothing"):
        raise DataError(f"rule {text!r} must be true or false of a row; it gives a {kind}.")
    if not cells:
        cells = [pl.Series("0", [None] * frame.height)]
    asked = pl.DataFrame(cells).select(made.cast(pl.Boolean).alias("truth"))
    found = asked.to_series()
    return found if len(found) == frame.height else found.new_from_index(0, frame.height)


def _plain(column: pl.Series) -> pl.Series:
    """NaN is missing, categories are text, wall-clock time where zoned, decimals are numbers."""
    column = column.alias("column")
    kind = column.dtype
    if kind.is_float():
        return column.fill_nan(None)
    if kind.is_decimal():
        return column.cast(pl.Float64)
    if kind in (pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if kind == pl.Date:
        return column.cast(pl.Datetime("us"))
    if isinstance(kind, pl.Datetime):
        return column.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    if kind == pl.Duration:
        return column.dt.total_microseconds() / 1e6
    return column


def _kind(kind: pl.DataType, name: str) -> str:
    if kind.is_numeric():
        return "number"
    if kind == pl.Null:
        return "nothing"
    found = {pl.String: "text", pl.Boolean: "truth"}.get(type(kind))
    if found is None and isinstance(kind, pl.Datetime):
        found = "time"
    if found is None:
        raise DataError(f"column {name!r} holds {kind}, of which a rule cannot speak.")
    return found


class _Compiler:
    """Turns nodes into expressions; refuses what a type does not have."""

    def __init__(self, columns: dict[str, Typed], text: str) -> None:
        self.columns, self.text = columns, text

    def of(self, node: Node) -> Typed:
        """The expression of a node, and what it gives."""
        if node.does == "column":
            return self.columns[node.value]
        if node.does in ("number", "text", "truth"):
            return pl.lit(node.value), node.does
        return getattr(self, f"_{node.does.rstrip('_')}")(node)

    # Truth

    def _or(self, node: Node) -> Typed:
        return self._all(node, lambda a, b: a | b)

    def _and(self, node: Node) -> Typed:
        return self._all(node, lambda a, b: a & b)

    def _all(self, node: Node, join: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Typed:
        made = [self._asked(part, "truth") for part in node.parts]
        found = made[0]
        for each in made[1:]:
            found = join(found, each)
        return found, "truth"

    def _not(self, node: Node) -> Typed:
        return ~self._asked(node.parts[0], "truth"), "truth"

    def _missing(self, node: Node) -> Typed:
        return self.of(node.parts[0])[0].is_null(), "truth"

    def _in(self, node: Node) -> Typed:
        made, kind = self.of(node.parts[0])
        if kind in ("text", "number") and {_kind_of(value) for value in node.value} == {kind}:
            return made.is_in(list(node.value)), "truth"
        found = pl.lit(False)
        for value in node.value:
            typed = (pl.lit(value), _kind_of(value))
            found = found | self._compared("eq", (made, kind), typed, False)
        return pl.when(made.is_null()).then(None).otherwise(found), "truth"

    def _matches(self, node: Node) -> Typed:
        cell = self._asked(node.parts[0], "text")
        return cell.str.contains(f"^(?:{node.value})$"), "truth"

    # Comparing

    def _eq(self, node: Node) -> Typed:
        return self._pair(node)

    _ne = _lt = _le = _gt = _ge = _eq

    def _pair(self, node: Node) -> Typed:
        a, b = (self.of(part) for part in node.parts)
        leaves = all(part.does in ("column", "number", "negative") for part in node.parts)
        return self._compared(node.does, a, b, not leaves), "truth"

    def _compared(self, does: str, a: Typed, b: Typed, near: bool) -> pl.Expr:
        a, b = _same_kind(a, b), _same_kind(b, a)
        if "nothing" not in (a[1], b[1]) and a[1] != b[1]:
            raise DataError(f"rule {self.text!r} compares a {a[1]} with a {b[1]}.")
        if near and a[1] == "number":
            slack = _NEAR * pl.max_horizontal(a[0].abs(), b[0].abs())
            gap = (a[0] - b[0]).cast(pl.Float64)
            return {"eq": gap.abs() <= slack, "ne": gap.abs() > slack, "lt": gap < -slack,
                    "le": gap <= slack, "gt": gap > slack, "ge": gap >= -slack}[does]
        return getattr(a[0], does)(b[0])

    # Numbers

    def _add(self, node: Node) -> Typed:
        a, b = (self._number(part) for part in node.parts)
        return {"add": a + b, "sub": a - b, "mul": a * b, "mod": a % b,
                "div": pl.when(b != 0).then(a / b)}[node.does], "number"

    _sub = _mul = _div = _mod = _add

    def _negative(self, node: Node) -> Typed:
        return -self._number(node.parts[0]), "number"

    def _call(self, node: Node) -> Typed:
        needs, gives, make = FUNCTIONS[node.value]
        return make(self._asked(node.parts[0], needs)), gives

    def _number(self, node: Node) -> pl.Expr:
        """As Float64: whole numbers must not wrap around. Times are seconds, so they subtract."""
        made, kind = self.of(node)
        if kind == "time":
            return made.dt.epoch("us").cast(pl.Float64) / 1e6
        if kind not in ("number", "truth", "nothing"):
            raise DataError(f"rule {self.text!r} computes with a {kind}.")
        return made.cast(pl.Float64)

    def _asked(self, node: Node, wanted: str) -> pl.Expr:
        made, kind = self.of(node)
        if kind == "nothing":
            return made.cast(_TYPES[wanted])
        if kind != wanted:
            raise DataError(f"rule {self.text!r} needs a {wanted} where it has a {kind}.")
        return made


def _kind_of(value: Any) -> str:
    return "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def _same_kind(a: Typed, b: Typed) -> Typed:
    """A text beside a time is a date; a truth value beside a number is 0 or 1."""
    if a[1] == "text" and b[1] == "time":
        return a[0].str.to_datetime(strict=False, time_unit="us"), "time"
    if a[1] == "truth" and b[1] == "number":
        return a[0].cast(pl.Int8), "number"
    return a
