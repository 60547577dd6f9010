"""The functions and signs of formulas, as polars expressions."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

SIGNS: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "/": lambda a, b: a / b, "%": lambda a, b: a % b, "**": lambda a, b: a.pow(b)}

NEAR: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "==": lambda gap, slack: gap.abs() <= slack, "!=": lambda gap, slack: gap.abs() > slack,
    "<": lambda gap, slack: gap < -slack, "<=": lambda gap, slack: gap <= slack,
    ">": lambda gap, slack: gap > slack, ">=": lambda gap, slack: gap >= -slack}
"""The comparisons again, of the gap between two computed numbers and what is nought beside it."""

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
    "year": ("time", "number", 1, 1, lambda a: a.dt.year()),
    "month": ("time", "number", 1, 1, lambda a: a.dt.month()),
    "day": ("time", "number", 1, 1, lambda a: a.dt.day()),
    "weekday": ("time", "number", 1, 1, lambda a: a.dt.weekday()),
    "hour": ("time", "number", 1, 1, lambda a: a.dt.hour()),
    "length": ("text", "number", 1, 1, lambda a: a.str.len_chars()),
    "lower": ("text", "text", 1, 1, lambda a: a.str.to_lowercase()),
    "upper": ("text", "text", 1, 1, lambda a: a.str.to_uppercase()),
    "trim": ("text", "text", 1, 1, lambda a: a.str.strip_chars()),
    "number": ("text", "number", 1, 1,
               lambda a: a.str.strip_chars().cast(pl.Float64, strict=False)),
    "if": ("truth", "any", 3, 3, lambda *a: a[0]),
    "coalesce": ("any", "any", 2, 20, lambda *a: a[0]),
}
