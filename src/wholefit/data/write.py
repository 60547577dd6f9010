"""A polars frame to a file of any common format, or back into the kind of frame a user gave."""

from __future__ import annotations

import gzip
import io
import json
import os
import sqlite3
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import polars as pl

from wholefit.base.errors import DataError, ParameterError, UnknownNameError, WholefitError
from wholefit.base.events import emit
from wholefit.base.optional import need
from wholefit.data import _memory

_EXCEL_ROWS = 1_048_575


def write(frame: pl.DataFrame, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write `frame` to `path`, in the format that its ending names; "-" is CSV on standard output.

    Endings: .csv .tsv .txt .json .jsonl .ndjson .parquet .arrow .feather .ipc .xlsx .sqlite .db
    (the table is called data), and .gz after the text ones. A file that exists is replaced only
    with `force=True`; the new file appears whole or not at all. DataError says what went wrong.
    """
    if isinstance(path, str) and path == "-":
        sink = getattr(sys.stdout, "buffer", None)
        text = _csv_bytes(frame, ",")
        _ = sink.write(text) if sink is not None else sys.stdout.write(text.decode())
        sys.stdout.flush()
        return
    place = Path(path).expanduser()
    writer, packed = _writer(place)
    _check_place(place, force)
    emit("writing", path=place.name, rows=frame.height)
    _whole_or_nothing(place, lambda temp: _pour(writer, frame, temp, packed), force)


def write_frames(
    frames: Iterable[pl.DataFrame], path: str | os.PathLike[str], *, force: bool = False
) -> int:
    """Write frames of the same columns one after the other, as they are made; gives the rows.

    Endings: .csv .tsv .txt .jsonl .ndjson. What `write` says of files that exist holds here too.
    """
    place = Path(path).expanduser()
    ending = place.suffix.lower()
    if ending not in _STREAMED:
        raise ParameterError(f"{place.name!r} must end in one of {', '.join(_STREAMED)}, which are "
                             f"written as rows are made; got {ending or 'no ending'!r}.")
    _check_place(place, force)
    rows = 0

    def fill(temp: Path) -> None:
        nonlocal rows
        with open(temp, "wb") as file:
            for at, frame in enumerate(frames):
                if ending in (".jsonl", ".ndjson"):
                    _plain_json(frame).write_ndjson(file)
                else:
                    flat(frame).write_csv(file, include_header=not at,
                                          separator="," if ending == ".csv" else "\t")
                rows += frame.height
                emit("writing", path=place.name, rows=rows)

    _whole_or_nothing(place, fill, force)
    return rows


def give_back(frame: pl.DataFrame, guest: str) -> Any:
    """`frame` in the kind of table the user gave ("pandas", "pyarrow", "numpy", "dict").

    "polars" and "file" stay polars. pandas is filled through numpy: pyarrow is not needed.
    numpy gives a 2-D array (objects, if the columns are of different kinds); dict a dict of lists.
    """
    return _memory.to_guest(frame, guest)


# Which writer ---------------------------------------------------------------------------------

_Writer = Callable[[pl.DataFrame, Path], None]


def _writer(place: Path) -> tuple[_Writer, bool]:
    """The writer for a path's ending, and whether its bytes are packed with gzip."""
    suffixes = [s.lower() for s in place.suffixes]
    packed = bool(suffixes) and suffixes[-1] == ".gz"
    if packed:
        suffixes.pop()
    ending = suffixes[-1] if suffixes else ""
    if ending not in _WRITERS or (packed and ending not in _TEXT):
        raise UnknownNameError(
            f"{place.name!r} must end in one of {', '.join(_WRITERS)} (the text ones also with "
            f".gz); got {place.suffix or 'no ending'!r}.")
    return _WRITERS[ending], packed


def _check_place(place: Path, force: bool) -> None:
    if place.is_dir():
        raise DataError(f"{str(place)!r} is a folder: give a file name in it.")
    if place.exists() and not force:
        raise DataError(f"{place.name!r} exists already: force=True (--force) replaces it.")
    if not place.parent.is_dir():
        raise DataError(f"the folder {str(place.parent)!r} does not exist: make it first.")


def _pour(writer: _Writer, frame: pl.DataFrame, temp: Path, packed: bool) -> None:
    writer(frame, temp)
    if packed:
        plain = temp.read_bytes()
        # No time stamp in the header: the same rows give the same bytes.
        with open(temp, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as sink:
            sink.write(plain)


def _whole_or_nothing(place: Path, fill: Callable[[Path], None], force: bool) -> None:
    """Fill a temporary file beside `place`, then put it there in one step."""
    try:
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.stem[:40]}-",
                                        suffix=".tmp")
    except OSError as error:
        raise DataError(f"{str(place)!r} cannot be written: {error.strerror}.") from error
    os.close(handle)
    temp = Path(name)
    try:
        fill(temp)
        _permit(temp)
        if not force and place.exists():
            raise DataError(f"{place.name!r} has come to exist: force=True (--force) replaces it.")
        os.replace(temp, place)
    except (OSError, pl.exceptions.PolarsError, sqlite3.Error, ValueError, TypeError) as error:
        if isinstance(error, WholefitError):
            raise
        raise DataError(f"{place.name!r} cannot be written: {error}.") from error
    finally:
        with suppress(FileNotFoundError):
            temp.unlink()


def _permit(temp: Path) -> None:
    """The permissions that a file made plainly would have: temporary files are private."""
    mask = os.umask(0)
    os.umask(mask)
    temp.chmod(0o666 & ~mask)


# Writers --------------------------------------------------------------------------------------

def _csv_bytes(frame: pl.DataFrame, separator: str) -> bytes:
    sink = io.BytesIO()
    flat(frame).write_csv(sink, separator=separator)
    return sink.getvalue()


def _csv(frame: pl.DataFrame, path: Path) -> None:
    flat(frame).write_csv(path)


def _tsv(frame: pl.DataFrame, path: Path) -> None:
    flat(frame).write_csv(path, separator="\t")


def _json(frame: pl.DataFrame, path: Path) -> None:
    _plain_json(frame).write_json(path)


def _jsonl(frame: pl.DataFrame, path: Path) -> None:
    _plain_json(frame).write_ndjson(path)


def _parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path)


def _arrow(frame: pl.DataFrame, path: Path) -> None:
    frame.write_ipc(path)


def _excel(frame: pl.DataFrame, path: Path) -> None:
    need("xlsxwriter", extra="excel", user="writing Excel files")
    if frame.height > _EXCEL_ROWS:
        raise DataError(f"Excel holds at most {_EXCEL_ROWS:,} rows under a header; got "
                        f"{frame.height:,}: write CSV or parquet.")
    frame = flat(frame).with_columns(
        pl.col(n).dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        for n, d in frame.schema.items() if isinstance(d, pl.Datetime) and d.time_zone)
    sink = io.BytesIO()
    frame.write_excel(sink, worksheet="data", autofit=False)
    path.write_bytes(sink.getvalue())


def _sqlite(frame: pl.DataFrame, path: Path) -> None:
    frame = flat(frame, bytes_as_text=False)
    columns = ", ".join(f"{_quoted(n)} {_sqlite_type(d)}" for n, d in frame.schema.items())
    marks = ", ".join("?" * frame.width)
    with closing(sqlite3.connect(path)) as link, link:
        link.execute(f"CREATE TABLE data ({columns})")
        link.executemany(f"INSERT INTO data VALUES ({marks})", _dated_as_text(frame).iter_rows())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sqlite_type(kind: pl.DataType) -> str:
    if kind == pl.Boolean or kind.is_integer():
        return "INTEGER"
    if kind == pl.Binary:
        return "BLOB"
    return "REAL" if kind.is_numeric() else "TEXT"


def _dated_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """SQLite has no type for dates: ISO text is its custom."""
    return frame.with_columns(
        pl.col(n).dt.to_string("iso") if d.is_temporal() else pl.col(n).cast(pl.Int64)
        for n, d in frame.schema.items() if d.is_temporal() or d == pl.Boolean)


# Plain columns --------------------------------------------------------------------------------

def flat(frame: pl.DataFrame, *, bytes_as_text: bool = True) -> pl.DataFrame:
    """Lists, records and objects as JSON text, bytes as base64: what a flat file can hold."""
    changed = []
    for column in frame.get_columns():
        if column.dtype.is_nested() or column.dtype == pl.Object:
            cells = [None if v is None else json.dumps(_listed(v), default=str, ensure_ascii=False)
                     for v in column]
            changed.append(pl.Series(column.name, cells, dtype=pl.String))
        elif column.dtype == pl.Binary and bytes_as_text:
            changed.append(_base64(column))
    return frame.with_columns(changed) if changed else frame


def _listed(value: Any) -> Any:
    return value.to_list() if isinstance(value, pl.Series) else value


def _base64(column: pl.Series) -> pl.Series:
    cells = [None if v is None else b64encode(v).decode("ascii") for v in column]
    return pl.Series(column.name, cells, dtype=pl.String)


def _plain_json(frame: pl.DataFrame) -> pl.DataFrame:
    """JSON has no NaN, no infinity and no bytes."""
    floats = [n for n, d in frame.schema.items() if d.is_float()]
    binary = [_base64(c) for c in frame.get_columns() if c.dtype == pl.Binary]
    frame = frame.with_columns(binary) if binary else frame
    if not floats:
        return frame
    return frame.with_columns(
        pl.when(pl.col(n).is_finite()).then(pl.col(n)).otherwise(None).alias(n) for n in floats)


_WRITERS: dict[str, _Writer] = {
    ".csv": _csv, ".txt": _tsv, ".tsv": _tsv, ".json": _json, ".jsonl": _jsonl, ".ndjson": _jsonl,
    ".parquet": _parquet, ".arrow": _arrow, ".feather": _arrow, ".ipc": _arrow, ".xlsx": _excel,
    ".sqlite": _sqlite, ".sqlite3": _sqlite, ".db": _sqlite}
_TEXT = (".csv", ".txt", ".tsv", ".json", ".jsonl", ".ndjson")
_STREAMED = (".csv", ".txt", ".tsv", ".jsonl", ".ndjson")
