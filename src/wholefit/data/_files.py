"""Files that carry their own types: Parquet, Arrow, JSON, JSON lines, Excel, Avro, numpy."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, WholefitError, unknown
from wholefit.base.optional import need
from wholefit.base.wording import first_line
from wholefit.data import _memory
from wholefit.data._unpack import limit


def read_file(path: Path, kind: str, name: str, sheet: str | int | None) -> pl.DataFrame:
    """The frame in `path`; DataError if the file is damaged."""
    readers: dict[str, Callable[[], pl.DataFrame]] = {
        "parquet": lambda: pl.read_parquet(path, glob=False),
        "arrow": lambda: pl.read_ipc(path),
        "arrow stream": lambda: pl.read_ipc_stream(path),
        "avro": lambda: pl.read_avro(path),
        "jsonl": lambda: _json_lines(path, name),
        "json": lambda: _json(path, name),
        "excel": lambda: _excel(path, name, sheet),
        "numpy": lambda: _numpy(path),
    }
    if kind in _SIZES:
        _check_size(_SIZES[kind], path, name)
    try:
        return readers[kind]()
    except (pl.exceptions.PolarsError, OSError, ValueError, EOFError, TypeError,
            RecursionError, pl.exceptions.PanicException) as error:
        if isinstance(error, WholefitError):
            raise
        raise DataError(f"{name} cannot be read as {kind}: it is damaged or cut short "
                        f"({first_line(error)}).") from error


# Bombs ---------------------------------------------------------------------------------------

def _check_size(size: Callable[[Path], int], path: Path, name: str) -> None:
    """Refuse a small file that unfolds to more than the memory there is."""
    try:
        unfolded = size(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError,
            zipfile.BadZipFile):
        return  # damaged: the reader says how
    most = limit()
    if unfolded > most:
        raise DataError(
            f"{name} unfolds to about {unfolded / 1e9:,.1f} GB, more than the {most / 1e9:.1f} GB "
            "that fit in memory; split it, or take a sample of it with the tool that made it.")


def _parquet_size(path: Path) -> int:
    """What its cells take in memory, by the file's own count of rows."""
    lazy = pl.scan_parquet(path, glob=False)
    rows = int(lazy.select(pl.len()).collect().item())
    return int(rows * sum(_WIDTHS.get(str(kind), 8) for kind in lazy.collect_schema().values()))


def _workbook_size(path: Path) -> int:
    """The parts of an .xlsx or .ods, unpacked; older workbooks are not packed."""
    if not zipfile.is_zipfile(path):
        return 0
    with zipfile.ZipFile(path) as book:
        return sum(part.file_size for part in book.infolist())


# Bytes a cell; of those not named, 8.
_WIDTHS = {"Boolean": 0.125, "Null": 0, "Int8": 1, "UInt8": 1, "Int16": 2, "UInt16": 2, "Int32": 4,
           "UInt32": 4, "Float32": 4, "Date": 4, "Categorical": 4, "Enum": 4, "String": 16}
_SIZES: dict[str, Callable[[Path], int]] = {"parquet": _parquet_size, "excel": _workbook_size}


def _numpy(path: Path) -> pl.DataFrame:
    return _memory.from_memory(np.load(path, allow_pickle=False), "numpy")


# JSON ----------------------------------------------------------------------------------------

def _json_lines(path: Path, name: str) -> pl.DataFrame:
    try:
        return pl.read_ndjson(path, infer_schema_length=None)
    except pl.exceptions.PolarsError:
        return _json_lines_slowly(path, name)


def _json_lines_slowly(path: Path, name: str) -> pl.DataFrame:
    """Line by line, so that an error can name the line."""
    rows: list[dict[str, Any]] = []
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"{name}, line {number} is not JSON: {error}.") from error
            if not isinstance(row, dict):
                raise DataError(f"{name}, line {number} must be a JSON object; "
                                f"got {type(row).__name__}.")
            rows.append(row)
    return _memory.from_memory(rows, "dict")


def _json(path: Path, name: str) -> pl.DataFrame:
    if path.stat().st_size > limit() // 8:
        raise DataError(f"{name} is too large to read as one JSON value: write it as JSON lines.")
    text = path.read_bytes()
    try:
        value = json.loads(text)
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not JSON in UTF-8, UTF-16 or UTF-32: {error}.") from error
    except ValueError as error:
        if b"\n{" in text:
            return _json_lines(path, name)
        raise DataError(f"{name} is not JSON: {error}.") from error
    return _table(value, name)


def _table(value: Any, name: str) -> pl.DataFrame:
    """Records, columns, or an object around one of them."""
    if isinstance(value, list) and value:
        return _memory.from_memory(value, "dict")
    if isinstance(value, dict) and value:
        if set(value) >= {"columns", "data"} and isinstance(value["data"], list):
            return _split(value)
        if all(isinstance(v, list) for v in value.values()) and not _holds_records(value):
            return _memory.from_memory(value, "dict")
        if all(isinstance(v, dict) for v in value.values()):
            keys = list(dict.fromkeys(k for v in value.values() for k in v))
            return _memory.from_memory(
                {c: [v.get(k) for k in keys] for c, v in value.items()}, "dict")
        inner = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
        if len(inner) == 1:
            return _memory.from_memory(inner[0], "dict")
        return _memory.from_memory([value], "dict")
    raise DataError(f"{name} holds no table: expected a list of records or columns by name; "
                    f"got {type(value).__name__ if value is not None else 'null'}"
                    f"{'' if value else ' that is empty'}.")


def _split(value: dict[str, Any]) -> pl.DataFrame:
    names = [str(c) for c in value["columns"]]
    rows = value["data"]
    if any(not isinstance(r, list) or len(r) != len(names) for r in rows):
        raise DataError("JSON with 'columns' and 'data' must have rows as long as its columns.")
    return _memory.from_memory({n: [r[i] for r in rows] for i, n in enumerate(names)}, "dict")


def _holds_records(value: dict[str, Any]) -> bool:
    return len(value) == 1 and all(isinstance(v, dict) for v in next(iter(value.values())))


# Excel ---------------------------------------------------------------------------------------

def _excel(path: Path, name: str, sheet: str | int | None) -> pl.DataFrame:
    """One sheet through calamine; with several sheets the first, unless `sheet` names one."""
    engine = need("fastexcel", extra="excel", user="reading Excel files")
    try:
        book = engine.read_excel(str(path))
        names = list(book.sheet_names)
        chosen = _sheet(names, sheet, name)
        data = book.load_sheet(chosen, dtype_coercion="coerce")
        return data.to_polars()
    except WholefitError:
        raise
    except Exception as error:  # the engine has one class of error for each kind of damage
        raise DataError(f"{name} cannot be read as a spreadsheet: {first_line(error)}.") from error


def sheet_names(path: Path) -> list[str]:
    """The sheets of a workbook, in order."""
    engine = need("fastexcel", extra="excel", user="reading Excel files")
    return list(engine.read_excel(str(path)).sheet_names)


def _sheet(names: list[str], sheet: str | int | None, name: str) -> str:
    if not names:
        raise DataError(f"{name} has no sheets.")
    if sheet is None:
        return names[0]
    if isinstance(sheet, int):
        if not 0 <= sheet < len(names):
            raise DataError(f"{name} has {len(names)} sheets, counted from 0; got sheet={sheet}.")
        return names[sheet]
    if sheet not in names:
        raise unknown("sheet", sheet, names)
    return sheet
