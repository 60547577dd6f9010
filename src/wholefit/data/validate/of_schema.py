"""Expectations of a fitted model's rows, from what its schema recorded of them."""

from __future__ import annotations

from typing import Any

from wholefit.data.schema import Column, Schema
from wholefit.data.validate.expectations import ColumnRule, Expectations

_LEAST_SHARE = 6


def of_schema(schema: Schema, rows: int, source: str) -> Expectations:
    """What rows for the model should be like: columns, types, levels, ranges, missing cells.

    `rows` is how many it was fitted on. A schema records no patterns, keys or rules across
    columns: those come from data (`infer`). Columns the model does not learn from may be absent.
    """
    learnt = set(schema.features)
    columns = {column.name: _rule(column, rows, column.name in learnt)
               for column in schema.columns if column.role != "ignored"}
    return Expectations(columns, rows=rows, source=source, target=schema.target,
                        extra_columns="ignore")


def _rule(column: Column, rows: int, learnt: bool) -> ColumnRule:
    facts: dict[str, Any] = {"type": _type(column), "required": learnt}
    if rows and learnt:
        facts["missing"] = min(float(f"{column.missing / rows:.{_LEAST_SHARE + 3}g}"), 1.0)
    if column.levels is not None and column.distinct <= len(column.levels):
        facts["allowed"] = tuple(column.levels)
    if column.low is not None and column.high is not None and column.role == "numeric":
        whole = facts["type"] == "integer"
        facts["seen"] = tuple(int(v) if whole else float(v) for v in (column.low, column.high))
    return ColumnRule(**facts)


def _type(column: Column) -> str:
    if column.role == "datetime":
        return "datetime"
    if column.role == "categorical" or column.dtype.startswith(("String", "Categ", "Enum")):
        return "number" if column.role == "numeric" else "text" \
            if column.role != "boolean" else "boolean"
    if column.dtype.startswith("Boolean"):
        return "boolean"
    if column.dtype.startswith(("Int", "UInt")):
        return "integer"
    if column.dtype.startswith(("Float", "Decimal")):
        return "number"
    return "any"
