"""The tree of a formula as a column of a frame: typed, row by row, nothing evaluated as code.

Cells are copied under neutral names, for names such as "^a.*$" mean a pattern to polars. What is
needed twice is computed once and held as a column of that copy, so that the cost grows with the
length of the formula however it nests.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import polars as pl

from wholefit.base.errors import UnknownNameError, WholefitError, nearest, unknown
from wholefit.data.formulas._functions import FUNCTIONS, NEAR, SIGNS
from wholefit.data.formulas._grammar import Node, columns_of
from wholefit.data.formulas._words import Dialect

EXACT = 2.0**53
"""Below it every whole number is a float64."""

_TYPES: dict[str, pl.DataType] = {"truth": pl.Boolean(), "text": pl.String(),
                                  "number": pl.Float64(), "time": pl.Datetime("us")}
_KINDS = {"truth": "true or false", "number": "a number", "text": "text", "time": "a date",
          "nothing": "always missing", "any": "a value"}


@dataclass(frozen=True)
class Typed:
    """An expression and what it gives: number, text, time, truth or nothing (always missing).

    `simple` is true of a column or value as it stands, which is compared exactly.
    """

    expression: pl.Expr
    kind: str
    literal: Any = None
    simple: bool = False


def values(tree: Node, source: str, frame: pl.DataFrame, dialect: Dialect) -> tuple[pl.Series, str]:
    """The formula's value in every row of `frame` (rows,), and of what kind it is.

    Numbers are float64 or the column's own; raises UnknownNameError for a column or function
    that is not there, and the dialect's error where kinds are mixed up.
    """
    compiler = _Compiler(source, frame, dialect, columns_of(tree))
    made = compiler.typed(tree)
    wanted = _TYPES.get(made.kind, pl.String())
    cells = compiler.cells.with_columns(made.expression.cast(wanted).alias("answer"))
    return cells.get_column("answer"), made.kind


def _plain(column: pl.Series) -> pl.Series:
    """NaN is missing, categories are text, wall-clock time where zoned, decimals are numbers."""
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


def _kind_of(kind: pl.DataType) -> str | None:
    if kind.is_numeric():
        return "number"
    words = {pl.String: "text", pl.Boolean: "truth", pl.Datetime: "time", pl.Null: "nothing"}
    return words.get(type(kind))


class _Compiler:
    """From nodes to typed expressions over `cells`; refuses what a kind does not have."""

    def __init__(self, source: str, frame: pl.DataFrame, dialect: Dialect,
                 names: list[str]) -> None:
        self.source, self.frame, self.dialect = source, frame, dialect
        self.columns: dict[str, Typed] = {}
        self.cells = pl.DataFrame({"rows": pl.repeat(None, frame.height, eager=True)})
        for at, name in enumerate(names):
            self._take(f"c{at}", name)

    def _take(self, place: str, name: str) -> None:
        if name not in self.frame.columns:
            raise self._absent(name)
        cells = _plain(self.frame.get_column(name).alias(place))
        kind = _kind_of(cells.dtype)
        if kind is None:
            raise self.wrong(f"column {name!r} holds {cells.dtype}, which cannot be computed with")
        self.cells = self.cells.with_columns(cells)
        self.columns[name] = Typed(pl.col(place), kind, simple=True)

    def _absent(self, name: str) -> WholefitError:
        there = self.frame.columns
        if nearest(name, there) is None and " " not in name and any(" " in n for n in there):
            return UnknownNameError(
                f"in {self.source!r}: no column is named {name!r}; text stands in quotes, and a "
                "name with spaces in backquotes.")
        return unknown("column", name, there)

    def typed(self, node: Node) -> Typed:
        """The expression of a node, and what it gives."""
        return getattr(self, "_" + node.kind)(node)

    def wrong(self, said: str) -> WholefitError:
        """The error for kinds that do not go together."""
        return self.dialect.error(f"in {self.source!r}: {said}.")

    def _held(self, made: pl.Expr) -> pl.Expr:
        place = f"t{self.cells.width}"
        self.cells = self.cells.with_columns(made.alias(place))
        return pl.col(place)

    def _settled(self, node: Node) -> Typed:
        """As `typed`, for what is asked about more than once; numbers are finite or missing."""
        made = self.typed(node)
        if made.simple:
            return made
        if made.kind == "number":
            return Typed(self._finite(made.expression), made.kind)
        return Typed(self._held(made.expression), made.kind)

    def _finite(self, made: pl.Expr) -> pl.Expr:
        held = self._held(made.cast(pl.Float64))
        return pl.when(held.is_finite()).then(held)

    # Values

    def _column(self, node: Node) -> Typed:
        return self.columns[str(node.value)]

    def _number(self, node: Node) -> Typed:
        return Typed(pl.lit(node.value), "number", node.value, simple=True)

    def _text(self, node: Node) -> Typed:
        return Typed(pl.lit(node.value, dtype=pl.String), "text", node.value, simple=True)

    def _truth(self, node: Node) -> Typed:
        return Typed(pl.lit(node.value), "truth", node.value, simple=True)

    # Truth

    def _logic(self, node: Node) -> Typed:
        made = [self._as(part, "truth") for part in node.parts]
        join = pl.all_horizontal if node.value == "and" else pl.any_horizontal
        return Typed(join(*made), "truth")

    def _not(self, node: Node) -> Typed:
        return Typed(~self._as(node.parts[0], "truth"), "truth")

    def _missing(self, node: Node) -> Typed:
        return Typed(self._settled(node.parts[0]).expression.is_null(), "truth")

    def _in(self, node: Node) -> Typed:
        cell, *options = (self._settled(part) for part in node.parts)
        literals = [option.literal for option in options]
        if None not in literals and {option.kind for option in options} == {cell.kind}:
            if cell.kind == "text":
                return Typed(cell.expression.is_in(literals), "truth")
            if cell.kind == "number" and cell.simple and max(map(abs, literals)) < EXACT:
                known = [float(value) for value in literals]
                return Typed(cell.expression.cast(pl.Float64).is_in(known), "truth")
        found = [self._compared("==", cell, option, (node.parts[0], part))
                 for option, part in zip(options, node.parts[1:], strict=True)]
        return Typed(pl.any_horizontal(*found), "truth")

    def _between(self, node: Node) -> Typed:
        value, low, high = (self._settled(part) for part in node.parts)
        above = self._compared(">=", value, low, (node.parts[0], node.parts[1]))
        below = self._compared("<=", value, high, (node.parts[0], node.parts[2]))
        return Typed(above & below, "truth")

    def _contains(self, node: Node) -> Typed:
        value, part = (self._as(each, "text") for each in node.parts)
        return Typed(value.str.contains(part, literal=True), "truth")

    def _matches(self, node: Node) -> Typed:
        return Typed(self._as(node.parts[0], "text").str.contains(f"^(?:{node.value})$"), "truth")

    # Comparing

    def _compare(self, node: Node) -> Typed:
        first, second = (self._settled(part) for part in node.parts)
        return Typed(self._compared(str(node.value), first, second, node.parts), "truth")

    def _compared(self, sign: str, a: Typed, b: Typed, parts: tuple[Node, ...]) -> pl.Expr:
        near = self.dialect.near if not (a.simple and b.simple) else 0.0
        a, b = self._beside(a, b), self._beside(b, a)
        if "nothing" not in (a.kind, b.kind) and a.kind != b.kind:
            raise self.wrong(f"{_said(parts[0])} is {_KINDS[a.kind]} and {_said(parts[1])} is "
                             f"{_KINDS[b.kind]}: they cannot be compared; numbers stand without "
                             "quotes, text in quotes")
        if near and a.kind == b.kind == "number":
            slack = near * pl.max_horizontal(a.expression.abs(), b.expression.abs())
            return NEAR[sign]((a.expression - b.expression).cast(pl.Float64), slack)
        return SIGNS[sign](a.expression, b.expression)

    def _beside(self, side: Typed, other: Typed) -> Typed:
        """A text beside a time is a date; a truth value beside a number is 0 or 1."""
        if (side.kind, other.kind) == ("truth", "number"):
            return Typed(side.expression.cast(pl.Int8), "number")
        if (side.kind, other.kind) != ("text", "time"):
            return side
        if side.literal is None:
            return Typed(side.expression.str.to_datetime(strict=False, time_unit="us"), "time")
        try:
            moment = dt.datetime.fromisoformat(str(side.literal)).replace(tzinfo=None)
        except ValueError:
            raise self.wrong(f"a date is written '2024-01-31'; got {side.literal!r}") from None
        return Typed(pl.lit(moment, dtype=pl.Datetime("us")), "time")

    # Computing

    def _minus(self, node: Node) -> Typed:
        return Typed(-self._as(node.parts[0], "number"), "number")

    def _arithmetic(self, node: Node) -> Typed:
        sign, sides = str(node.value), [self.typed(part) for part in node.parts]
        kinds = [side.kind for side in sides]
        if sign == "-" and kinds == ["time", "time"]:
            gap = sides[0].expression - sides[1].expression
            return Typed(gap.dt.total_microseconds().cast(pl.Float64) / 86_400e6, "number")
        if sign == "+" and kinds == ["text", "text"]:
            return Typed(sides[0].expression + sides[1].expression, "text")
        left, right = (self._made(side, part, "number")
                       for side, part in zip(sides, node.parts, strict=True))
        made = SIGNS[sign](left, right)
        return Typed(made if sign in ("+", "-", "*") else self._finite(made), "number")

    def _call(self, node: Node) -> Typed:
        name = str(node.value)
        if name not in FUNCTIONS:
            raise unknown("function", name, FUNCTIONS)
        takes, gives, least, most, make = FUNCTIONS[name]
        if not least <= len(node.parts) <= most:
            want = str(least) if least == most else f"{least} to {most}"
            raise self.wrong(f"{name}() takes {want} {'value' if most == 1 else 'values'}; got "
                             f"{len(node.parts)}")
        if name in ("if", "coalesce"):
            return self._choice(node)
        made = make(*(self._as(part, takes) for part in node.parts))
        return Typed(self._finite(made) if gives == "number" else made, gives)

    def _choice(self, node: Node) -> Typed:
        """`if(condition, a, b)` and `coalesce(a, b, ...)`: the branches are of one kind."""
        parts = node.parts[node.value == "if":]
        branches = [self._settled(part) for part in parts]
        kinds = {branch.kind for branch in branches} - {"nothing"} or {"text"}
        if len(kinds) > 1:
            raise self.wrong(f"the values of {node.value}() must be of one kind; got "
                             f"{' and '.join(sorted(_KINDS[kind] for kind in kinds))}")
        kind = kinds.pop()
        made = [self._made(each, part, kind) for each, part in zip(branches, parts, strict=True)]
        if node.value == "coalesce":
            return Typed(pl.coalesce(made), kind)
        test = self._held(self._as(node.parts[0], "truth"))
        # Where the condition is unknown, so is the value.
        chosen = pl.when(test.is_null()).then(None).when(test).then(made[0]).otherwise(made[1])
        return Typed(chosen, kind)

    def _as(self, node: Node, kind: str) -> pl.Expr:
        return self._made(self.typed(node), node, kind)

    def _made(self, made: Typed, node: Node, kind: str) -> pl.Expr:
        """In float64 where numbers are asked for: whole ones would wrap around."""
        if made.kind == "nothing" or (kind == "number" and made.kind in ("truth", "number")):
            return made.expression.cast(_TYPES[kind])
        if made.kind != kind:
            raise self.wrong(f"{_KINDS[kind]} was expected, and {_said(node)} is "
                             f"{_KINDS[made.kind]}")
        return made.expression


def _said(node: Node) -> str:
    if node.kind in ("column", "text"):
        return f"{'column ' if node.kind == 'column' else ''}{node.value!r}"
    return str(node.value) if node.kind == "number" else "an expression"
