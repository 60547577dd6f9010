"""The tree of an expression as a column of a frame: typed, row by row, nothing evaluated as code.

Arithmetic is in float64; what is not a finite number (a division by nought, the logarithm of a
negative number) is missing. A comparison with a missing value is neither true nor false.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from wholefit.base.errors import ParameterError, nearest, unknown
from wholefit.data.clean._grammar import Node, columns_of, parse
from wholefit.data.clean._step import kind_word

_EXACT = 2.0**53


@dataclass(frozen=True)
class _Typed:
    """A polars expression and what it holds: number, text, date or truth."""

    expression: pl.Expr
    kind: str
    literal: Any = None


def compute(source: str, frame: pl.DataFrame) -> pl.Series:
    """The value of a formula in every row of `frame`.

    Raises ParameterError for an expression that cannot be read or mixes kinds up, and
    UnknownNameError for a column or function that is not there.
    """
    tree = parse(source)
    names = columns_of(tree)
    typed = _Compiler(source, frame, names).typed(tree)
    small = pl.DataFrame([frame.get_column(name).alias(f"c{at}")
                          for at, name in enumerate(names)])
    expression = typed.expression.alias("column")
    if not names:
        made = pl.select(expression).to_series()
        made = made.extend_constant(made[0], frame.height - 1) if frame.height else made.head(0)
    else:
        made = small.select(expression).to_series()
    whole = all(frame.schema[name].is_integer() or frame.schema[name] == pl.Boolean
                for name in names)
    return _tidied(made, whole) if typed.kind == "number" else made


def condition(source: str, frame: pl.DataFrame) -> pl.Series:
    """Whether a condition holds in each row: true, false, or null where it is unknown."""
    found = compute(source, frame)
    if found.dtype != pl.Boolean:
        raise ParameterError(f"the condition {source!r} must say true or false of each row; it "
                             f"gives {kind_word(found.dtype)}: compare it with something.")
    return found


def _tidied(made: pl.Series, whole: bool) -> pl.Series:
    """Finite numbers; integers where every column was and every result is."""
    if made.dtype.is_float():
        made = made.set(~made.is_finite().fill_null(True), None)
        if whole and made.null_count() < len(made) and bool(
                ((made == made.floor()) & (made.abs() < _EXACT)).all()):
            return made.cast(pl.Int64)
    return made


class _Compiler:
    """From nodes to typed expressions."""

    def __init__(self, source: str, frame: pl.DataFrame, names: list[str]) -> None:
        self.source, self.frame = source, frame
        self.place = {name: f"c{at}" for at, name in enumerate(names)}

    def typed(self, node: Node) -> _Typed:
        return getattr(self, "_" + node.kind)(node)

    def wrong(self, said: str) -> ParameterError:
        return ParameterError(f"in {self.source!r}: {said}.")

    def _column(self, node: Node) -> _Typed:
        name = str(node.value)
        if name not in self.frame.columns:
            close = nearest(name, self.frame.columns)
            if close is None and " " not in name and any(" " in n for n in self.frame.columns):
                raise ParameterError(
                    f"in {self.source!r}: no column is named {name!r}; text stands in quotes, and "
                    "a name with spaces in backquotes.")
            raise unknown("column", name, self.frame.columns)
        kind = self.frame.schema[name]
        found = pl.col(self.place[name])
        if kind == pl.Boolean:
            return _Typed(found, "truth")
        if kind.is_numeric():
            return _Typed(found.cast(pl.Float64).fill_nan(None), "number")
        if kind in (pl.Date, pl.Datetime):
            if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
                found = found.dt.replace_time_zone(None)
            return _Typed(found.cast(pl.Datetime("us")), "date")
        if kind in (pl.String, pl.Categorical, pl.Enum, pl.Null):
            return _Typed(found.cast(pl.String), "text")
        raise self.wrong(f"column {name!r} holds {kind_word(kind)}, which cannot be computed with")

    def _number(self, node: Node) -> _Typed:
        return _Typed(pl.lit(float(node.value), dtype=pl.Float64), "number", node.value)  # type: ignore[arg-type]

    def _text(self, node: Node) -> _Typed:
        return _Typed(pl.lit(node.value, dtype=pl.String), "text", node.value)

    def _truth(self, node: Node) -> _Typed:
        return _Typed(pl.lit(node.value), "truth", node.value)

    def _logic(self, node: Node) -> _Typed:
        left, right = (self._as(part, "truth") for part in node.parts)
        return _Typed(left & right if node.value == "and" else left | right, "truth")

    def _not(self, node: Node) -> _Typed:
        return _Typed(~self._as(node.parts[0], "truth"), "truth")

    def _minus(self, node: Node) -> _Typed:
        return _Typed(-self._as(node.parts[0], "number"), "number")

    def _missing(self, node: Node) -> _Typed:
        return _Typed(self.typed(node.parts[0]).expression.is_null(), "truth")

    def _as(self, node: Node, kind: str) -> pl.Expr:
        found = self.typed(node)
        if found.kind == "truth" and kind == "number":
            return found.expression.cast(pl.Float64)
        if found.kind != kind:
            raise self.wrong(f"{_KINDS[kind]} was expected, and {_said(node)} is "
                             f"{_KINDS[found.kind]}")
        return found.expression

    def _pair(self, left: _Typed, right: _Typed, node: Node) -> tuple[pl.Expr, pl.Expr]:
        """Both sides in one kind: ISO text beside a date is a date."""
        if {left.kind, right.kind} == {"date", "text"}:
            left, right = self._dated(left), self._dated(right)
        if {left.kind, right.kind} == {"truth", "number"}:
            left, right = (_Typed(t.expression.cast(pl.Float64), "number") for t in (left, right))
        if left.kind != right.kind:
            raise self.wrong(f"{_said(node.parts[0])} is {left.kind} and {_said(node.parts[1])} is "
                             f"{right.kind}: they cannot be compared; numbers stand without "
                             "quotes, text in quotes")
        return left.expression, right.expression

    def _dated(self, side: _Typed) -> _Typed:
        if side.kind == "date":
            return side
        try:
            moment = dt.datetime.fromisoformat(str(side.literal))
        except ValueError:
            raise self.wrong(f"a date is written '2024-01-31'; got {side.literal!r}") from None
        return _Typed(pl.lit(moment.replace(tzinfo=None), dtype=pl.Datetime("us")), "date")

    def _compare(self, node: Node) -> _Typed:
        first, second = (self.typed(part) for part in node.parts)
        left, right = self._pair(first, second, node)
        return _Typed(_SIGNS[str(node.value)](left, right), "truth")

    def _in(self, node: Node) -> _Typed:
        first = node.parts[0]
        found: pl.Expr | None = None
        for other in node.parts[1:]:
            one = self._compare(Node("compare", "==", (first, other))).expression
            found = one if found is None else found | one
        assert found is not None
        return _Typed(found, "truth")

    def _between(self, node: Node) -> _Typed:
        value, low, high = node.parts
        above = self._compare(Node("compare", ">=", (value, low))).expression
        below = self._compare(Node("compare", "<=", (value, high))).expression
        return _Typed(above & below, "truth")

    def _contains(self, node: Node) -> _Typed:
        value, part = (self._as(each, "text") for each in node.parts)
        return _Typed(value.str.contains(part, literal=True), "truth")

    def _arithmetic(self, node: Node) -> _Typed:
        sides = [self.typed(part) for part in node.parts]
        if node.value == "-" and [side.kind for side in sides] == ["date", "date"]:
            gap = sides[0].expression - sides[1].expression
            return _Typed(gap.dt.total_microseconds().cast(pl.Float64) / 86_400e6, "number")
        if node.value == "+" and [side.kind for side in sides] == ["text", "text"]:
            return _Typed(sides[0].expression + sides[1].expression, "text")
        left, right = (self._as(part, "number") for part in node.parts)
        return _Typed(_SIGNS[str(node.value)](left, right), "number")

    def _call(self, node: Node) -> _Typed:
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
        return _Typed(make(*(self._as(part, takes) for part in node.parts)), gives)

    def _choice(self, node: Node) -> _Typed:
        """`if(condition, a, b)` and `coalesce(a, b, ...)`: the branches are of one kind."""
        branches = [self.typed(part) for part in node.parts[node.value == "if":]]
        kinds = {branch.kind for branch in branches}
        if len(kinds) > 1:
            raise self.wrong(f"the values of {node.value}() must be of one kind; got "
                             f"{' and '.join(sorted(kinds))}")
        values = [branch.expression for branch in branches]
        if node.value == "coalesce":
            return _Typed(pl.coalesce(values), kinds.pop())
        if len(values) != 2:
            raise self.wrong("if() takes 3 values: if(condition, then, else)")
        test = self._as(node.parts[0], "truth")
        # Where the condition is unknown, so is the value.
        chosen = pl.when(test.is_null()).then(None).when(test).then(values[0]).otherwise(values[1])
        return _Typed(chosen, kinds.pop())


_KINDS = {"truth": "true or false", "number": "a number", "text": "text", "date": "a date",
          "any": "a value"}


def _said(node: Node) -> str:
    if node.kind in ("column", "text"):
        return f"{'column ' if node.kind == 'column' else ''}{node.value!r}"
    return str(node.value) if node.kind == "number" else "an expression"


_SIGNS: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "/": lambda a, b: a / b, "%": lambda a, b: a % b, "**": lambda a, b: a.pow(b)}

# name: (takes, gives, least, most, expression)
FUNCTIONS: dict[str, tuple[str, str, int, int, Callable[..., pl.Expr]]] = {
    "abs": ("number", "number", 1, 1, lambda a: a.abs()),
    "sqrt": ("number", "number", 1, 1, lambda a: a.sqrt()),
    "exp": ("number", "number", 1, 1, lambda a: a.exp()),
    "log": ("number", "number", 1, 1, lambda a: a.log()),
    "log10": ("number", "number", 1, 1, lambda a: a.log10()),
    "log1p": ("number", "number", 1, 1, lambda a: a.log1p()),
    "round": ("number", "number", 1, 1, lambda a: a.round(0)),
    "floor": ("number", "number", 1, 1, lambda a: a.floor()),
    "ceil": ("number", "number", 1, 1, lambda a: a.ceil()),
    "min": ("number", "number", 2, 20, lambda *a: pl.min_horizontal(*a)),
    "max": ("number", "number", 2, 20, lambda *a: pl.max_horizontal(*a)),
    "year": ("date", "number", 1, 1, lambda a: a.dt.year().cast(pl.Float64)),
    "month": ("date", "number", 1, 1, lambda a: a.dt.month().cast(pl.Float64)),
    "day": ("date", "number", 1, 1, lambda a: a.dt.day().cast(pl.Float64)),
    "weekday": ("date", "number", 1, 1, lambda a: a.dt.weekday().cast(pl.Float64)),
    "hour": ("date", "number", 1, 1, lambda a: a.dt.hour().cast(pl.Float64)),
    "length": ("text", "number", 1, 1, lambda a: a.str.len_chars().cast(pl.Float64)),
    "lower": ("text", "text", 1, 1, lambda a: a.str.to_lowercase()),
    "upper": ("text", "text", 1, 1, lambda a: a.str.to_uppercase()),
    "number": ("text", "number", 1, 1,
               lambda a: a.str.strip_chars().cast(pl.Float64, strict=False)),
    "if": ("truth", "any", 3, 3, lambda *a: a[0]),
    "coalesce": ("any", "any", 2, 20, lambda *a: a[0]),
}
