"""A made row that a model can be asked, from what its schema remembers; no row of anybody's.

Numbers lie in the middle of what training saw, categories are the first by alphabet.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from wholefit.data.schema import Column, Schema

_DAY = dt.datetime(2024, 1, 15, 12)


def row(schema: Schema) -> dict[str, Any] | None:
    """One value for each column that is learnt from; None where a picture would be needed."""
    found = {}
    for column in schema.columns:
        if column.name not in schema.features:
            continue
        if column.role == "image":
            return None
        found[column.name] = _MAKERS[column.role](column)
    return found or None


def _number(column: Column) -> float | int:
    low = column.low if column.low is not None else 0.0
    high = column.high if column.high is not None else low
    middle = (low + high) / 2
    return int(middle) if "Int" in column.dtype else float(f"{middle:.6g}")


def _category(column: Column) -> Any:
    level = (column.levels or ("",))[0]
    # Categories may be numbers in the table; levels are always told as text.
    return int(level) if "Int" in column.dtype and level.lstrip("-").isdigit() else level


def _boolean(column: Column) -> Any:
    if column.levels:
        return _category(column)
    return 1 if "Int" in column.dtype or "Float" in column.dtype else (
        True if column.dtype == "Boolean" else "true")


def _time(column: Column) -> str:
    if column.format and "%" in column.format:
        return _DAY.strftime(column.format)
    return _DAY.isoformat() if "Datetime" in column.dtype else _DAY.date().isoformat()


def _text(column: Column) -> str:
    return "a short text"


_MAKERS: Mapping[str, Any] = {
    "numeric": _number, "categorical": _category, "boolean": _boolean, "datetime": _time,
    "text": _text,
}
