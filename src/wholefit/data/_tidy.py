"""A frame from any source, put in the few column types that the rest of wholefit knows.

Numbers, booleans, text, dates, datetimes and bytes stay; categories become text; times of day and
durations become seconds; decimals become floats; structs are opened into their fields; lists and
other objects become JSON text. What changed is noted.
"""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from wholefit.base.errors import DataError
from wholefit.data import _settle
from wholefit.data._dialect import unique_names
from wholefit.data.notes import Note, info, warning

_DEPTH = 5


def tidy(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Note]]:
    """`frame` with plain column types and usable names, and notes on what changed."""
    notes: list[Note] = []
    frame = _opened(frame, notes)
    names = unique_names(frame.columns, notes)
    if list(names) != frame.columns:
        frame.columns = list(names)
    plain = [_plain(column, notes) for column in frame.get_columns()]
    changed = [column for column in plain if column is not None]
    frame = frame.with_columns(changed) if changed else frame
    frame, nan_notes = _settle.no_nan(frame)
    return frame, _settle.folded(notes + nan_notes)


def _opened(frame: pl.DataFrame, notes: list[Note]) -> pl.DataFrame:
    """Structs become one column for each field, named column.field."""
    for _ in range(_DEPTH):
        if not any(isinstance(kind, pl.Struct) for kind in frame.dtypes):
            return frame
        parts = [part for column in frame.get_columns() for part in _fields(column, notes)]
        names = unique_names([part.name for part in parts])
        frame = pl.DataFrame([part.alias(n) for part, n in zip(parts, names, strict=True)])
    return frame


def _fields(column: pl.Series, notes: list[Note]) -> list[pl.Series]:
    """A struct's fields, each named column.field; any other column alone."""
    if not isinstance(column.dtype, pl.Struct):
        return [column]
    name, fields = column.name, column.struct.unnest()
    notes.append(info("nested", f"column {name!r} holds records: its {fields.width} fields became "
                      f"columns '{name}.…'.", column=name))
    return [field.alias(f"{name}.{field.name}") for field in fields.get_columns()]


def _plain(column: pl.Series, notes: list[Note]) -> pl.Series | None:
    """The column in a plain type, or None if it is in one."""
    kind, name = column.dtype, column.name
    if isinstance(kind, (pl.Categorical, pl.Enum)) or kind == pl.Null:
        return column.cast(pl.String)
    if isinstance(kind, pl.Decimal) or kind == pl.Float16:
        return column.cast(pl.Float64)
    if kind in (pl.Int128, pl.UInt128):
        return _long(column, notes)
    if kind == pl.UInt64:
        fits: Any = column.max()
        return column.cast(pl.Int64) if fits is None or fits < 2**63 else _long(column, notes)
    if isinstance(kind, pl.Duration) or kind == pl.Time:
        what = "times of day" if kind == pl.Time else "durations"
        notes.append(info("seconds", f"column {name!r}: {what} became seconds.", column=name))
        return _seconds(column)
    if isinstance(kind, pl.Datetime) and kind.time_unit != "us":
        return column.cast(pl.Datetime("us", kind.time_zone))
    if isinstance(kind, (pl.List, pl.Array, pl.Struct)) or kind == pl.Object:
        notes.append(warning("nested", f"column {name!r} holds lists or objects, which became "
                             "JSON text.", column=name))
        return pl.Series(name, [_json(v) for v in column.to_list()], dtype=pl.String)
    return None


def _long(column: pl.Series, notes: list[Note]) -> pl.Series:
    small = column.cast(pl.Int64, strict=False)
    if small.null_count() == column.null_count():
        return small
    notes.append(warning("long_integers", f"column {column.name!r}: kept as text, because it holds "
                         "integers that do not fit 64 bits.", column=column.name))
    return column.cast(pl.String)


def _seconds(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Time:
        return column.cast(pl.Int64).cast(pl.Float64) / 1e9
    return column.dt.total_microseconds().cast(pl.Float64) / 1e6


def _json(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str, ensure_ascii=False)


def checked(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The frame, or DataError if it has no rows or no columns."""
    if frame.width == 0:
        raise DataError(f"{name} has no columns: there is no table in it.")
    if frame.height == 0:
        raise DataError(f"{name} has {frame.width} columns but no rows.")
    return frame
