"""Any source becomes a Table: a polars frame, where it came from, and notes on what was repaired.

>>> table = read("customers.csv")
>>> table.frame, table.notes

A source is a path (delimited text, JSON, JSON lines, Parquet, Arrow, Excel, SQLite; compressed or
not; a folder of them; pictures, see `data.images`), a database URL, "-" for standard input, or a
table in memory (polars, pandas, pyarrow, numpy, dict, list of dicts). Files are recognised by
their bytes; their names only settle doubts.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import polars as pl

from wholefit.base.errors import DataError, unknown
from wholefit.base.events import emit
from wholefit.data import (
    _csv,
    _files,
    _formats,
    _memory,
    _prose,
    _settle,
    _sql,
    _tidy,
    _types,
    _unpack,
    series,
)
from wholefit.data._csv import Options
from wholefit.data.images.decode import LIMIT
from wholefit.data.notes import Note, info, warning
from wholefit.data.table import Table

_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_REMOTE = ("http", "https", "ftp", "ftps", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss",
           "hdfs", "ssh", "sftp", "hf", "webdav")
_SETTLED = ("excel", "sqlite", "sql")


@dataclass(frozen=True)
class _Ask:
    """The options of one call of `read`."""

    format: str | None
    text: Options
    table: str | None
    query: str | None
    sheet: str | int | None
    image_limit: int
    image_cache: str | None
    image_folder: str | None
    arrays: str | None = None


def read(
    source: Any,
    *,
    format: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    decimal: str | None = None,
    na_values: Any = None,
    table: str | None = None,
    query: str | None = None,
    sheet: str | int | None = None,
    columns: Sequence[str] | None = None,
    dtypes: Mapping[str, Any] | None = None,
    image_limit: int | None = None,
    image_cache: str | None = None,
    image_folder: str | None = None,
    arrays: str | None = None,
) -> Table:
    """Read `source` into a Table; every option left at None is found out.

    `format` one of csv, json, jsonl, parquet, arrow, excel, sqlite, or paragraphs, which makes a
    row of each paragraph of a text file, in the column "text"; `delimiter`, `encoding`,
    `header`, `decimal` ("." or ",") for delimited text; `na_values` words that mean missing (a
    list, or a dict of column to list); `table`/`query` for databases (`table` also names a file
    in a zip archive); `sheet` of a workbook; `columns` to keep; `dtypes` column to "text",
    "number", "integer", "boolean", "date", "datetime", a date format such as "%d/%m/%Y", or a
    polars type; `image_limit` the longer side that pictures are shrunk to (128), `image_cache` a
    folder that keeps decoded ones, `image_folder` where a table's paths of pictures lie (its own
    folder); `arrays` what an array of three axes is, "pictures" (n, height, width) or "series"
    (n, steps, channels). DataError says what is wrong with a source that cannot be read.
    """
    text = Options(delimiter, encoding, header, decimal, na_values,
                   None if columns is None else _names(columns), dict(dtypes or {}))
    ask = _Ask(None if format is None else _formats.stated(format), text, table, query, sheet,
               LIMIT if image_limit is None else image_limit, image_cache, image_folder,
               series.stated(arrays))
    emit("reading", source=_label(source))
    work = _unpack.Workspace()
    try:
        return _pictured(_read(source, ask, work), source, ask)
    finally:
        work.close()


def _names(columns: Sequence[str]) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else tuple(dict.fromkeys(columns))


def _label(source: Any) -> str:
    """What a source may be called in messages: no folder, no credential."""
    if isinstance(source, (str, os.PathLike)):
        text = os.fspath(source)
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        scheme = _URL.match(text)
        return f"{scheme.group(1)} URL" if scheme else Path(text).name or text
    return f"memory ({_memory.guest_of(source) or type(source).__name__})"


def _read(source: Any, ask: _Ask, work: _unpack.Workspace) -> Table:
    if isinstance(source, Table):
        return source
    if source is sys.stdin or (isinstance(source, str) and source == "-"):
        return _stream(_stdin(), "standard input", ask, work)
    if isinstance(source, (str, os.PathLike)):
        return _path_or_url(os.fspath(source), ask, work)
    guest = _memory.guest_of(source)
    if guest is not None:
        return _pictures(source, ask) or _guest(source, guest, ask)
    if hasattr(source, "read"):
        return _stream(source, "a stream", ask, work)
    raise DataError(
        f"a {type(source).__module__}.{type(source).__name__} is not a source; give a path, a "
        "database URL, a polars, pandas, pyarrow or numpy table, a dict of columns or a list of "
        "dicts.")


# Pictures -------------------------------------------------------------------------------------

def _pictures(source: Any, ask: _Ask) -> Table | None:
    """The table of a source of pictures, or of arrays of series; None where it is another."""
    from wholefit.data import images

    if not isinstance(source, Path) and ask.arrays == "series":
        found = series.of_memory(source)
        if found is not None:
            return found
    of = images.of_path if isinstance(source, Path) else images.of_memory
    return of(source, ask.image_limit, ask.image_cache, ask.arrays)


def _pictured(table: Table, source: Any, ask: _Ask) -> Table:
    """The table with its encoded pictures, and those it names by path, as columns of pictures."""
    from wholefit.data.images import tables

    base = ask.image_folder
    if base is None and table.guest == "file" and isinstance(source, (str, os.PathLike)):
        path = Path(os.fsdecode(source)).expanduser()
        base = str(path if path.is_dir() else path.parent) if path.exists() else None
    if base is not None and not Path(base).is_dir():
        raise DataError(f"image_folder must be a folder; got {base!r}.")
    found = tables.with_pictures(table, None if base is None else Path(base), ask.image_limit,
                                 ask.image_cache)
    sizes = {name: str(ask.image_limit) for name, role in found.roles.items() if role == "image"}
    return replace(found, formats={**found.formats, **sizes}) if sizes else found


# In memory and streams ------------------------------------------------------------------------

def _guest(source: Any, guest: str, ask: _Ask) -> Table:
    frame = _memory.from_memory(source, guest)
    return _typed(frame, f"memory ({guest})", guest, ask, [], settle=False)


def _stdin() -> Any:
    return getattr(sys.stdin, "buffer", sys.stdin)


def _stream(stream: Any, name: str, ask: _Ask, work: _unpack.Workspace) -> Table:
    """A stream is poured into a temporary file, so that its format can be sniffed."""
    path = work.file("stream")
    most, total = _unpack.limit(), 0
    with open(path, "wb") as sink:
        while block := stream.read(_unpack.BLOCK):
            block = block.encode("utf-8", "surrogateescape") if isinstance(block, str) else block
            total += len(block)
            if total > most:
                raise DataError(f"{name} gives more than the {most / 1e9:.1f} GB that fit in "
                                "memory; stopped.")
            sink.write(block)
    return replace(_file(path, name, ask, work), source=name)


# Paths and URLs -------------------------------------------------------------------------------

def _path_or_url(text: str | bytes, ask: _Ask, work: _unpack.Workspace) -> Table:
    text = os.fsdecode(text)
    match = _URL.match(text)
    if match and match.group(1).lower() == "file":
        return _path(Path(unquote(urlparse(text).path)), ask, work)
    if match and match.group(1).lower() in _REMOTE:
        raise DataError(f"a {match.group(1)} address is not read: wholefit fetches nothing over "
                        "the network by itself. Download the file and give its path.")
    if match:
        frame, name = _sql.read_url(text, ask.table, ask.query)
        return _typed(_tidy.checked(frame, name), name, "file", ask, [], settle=True)
    return _path(Path(text).expanduser(), ask, work)


def _path(path: Path, ask: _Ask, work: _unpack.Workspace) -> Table:
    try:
        if (pictures := _pictures(path, ask)) is not None:
            return pictures
        if path.is_dir():
            from wholefit.data import _folder

            return _folder.read_folder(path, lambda p: _file(p, p.name, ask, work))
        if not path.exists():
            raise DataError(f"there is no file {str(path)!r}{_nearby(path)}")
        if not path.is_file():
            raise DataError(f"{path.name} is neither a file nor a folder.")
        return _file(path, path.name, ask, work)
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{str(path)!r} cannot be opened: {error}.") from error


def _nearby(path: Path) -> str:
    from wholefit.base.errors import nearest

    if not path.parent.is_dir():
        return f": its folder {str(path.parent)!r} does not exist."
    close = nearest(path.name, [p.name for p in path.parent.iterdir()][:5000])
    return f"; did you mean {close!r}?" if close else "."


def _file(path: Path, name: str, ask: _Ask, work: _unpack.Workspace) -> Table:
    """A file of any format, unpacked first if it is compressed (at most twice)."""
    if path.stat().st_size == 0:
        raise DataError(f"{name} is empty (0 bytes).")
    notes: list[Note] = []
    kind = _formats.by_bytes(path, name)
    layers = 0
    while kind in _formats.PACKED:
        if layers == 2:
            raise DataError(f"{name} is compressed more than twice: unpack it first.")
        path = _unpack.unpack(path, kind, work, ask.table if kind == "zip" else None)
        if path.stat().st_size == 0:
            raise DataError(f"{name} is empty once unpacked.")
        if kind == "zip" or not name.lower().endswith(_ENDS[kind]):
            notes.append(info("compressed", f"{name} is compressed ({kind}) and was unpacked."))
        kind, layers = _formats.by_bytes(path, path.name), layers + 1
    kind = _agreed(kind, name, ask, notes)
    _check_apt(kind, name, ask, bool(layers))
    found = _by_kind(path, kind, name, ask, work)
    return replace(found, source=name, notes=notes + found.notes)


def _check_apt(kind: str, name: str, ask: _Ask, packed: bool) -> None:
    """An option that says nothing about this kind of file was meant for another file."""
    for option, value, apt in (("query", ask.query, kind == "sqlite"),
                               ("table", ask.table, kind == "sqlite" or packed),
                               ("sheet", ask.sheet, kind == "excel")):
        if value is not None and not apt:
            raise DataError(f"{name} is {kind}, which has no {option}: leave out {option}=.")


_ENDS = {"gzip": (".gz", ".gzip", ".tgz"), "bzip2": (".bz2",), "xz": (".xz", ".lzma"),
         "zstd": (".zst", ".zstd")}


def _agreed(kind: str, name: str, ask: _Ask, notes: list[Note]) -> str:
    """The format to read: the user's word, else the bytes, with a note where the name differs."""
    if ask.format is not None:
        both_text = {ask.format, kind} <= {"csv", "json", "jsonl", "paragraphs"}
        if ask.format != kind.split()[0] and not both_text:
            raise DataError(f"format={ask.format!r}, but the bytes of {name} are {kind}.")
        return ask.format if both_text else kind
    promised = _formats.by_name(name)
    if promised is not None and promised != kind.split()[0]:
        if kind == "csv" and promised not in ("json", "jsonl", "csv"):
            raise DataError(f"{name} is named like {promised}, but its bytes are not: it is "
                            f"damaged, or format='csv' if it is delimited text.")
        if kind == "csv":
            return promised
        if {promised, kind} != {"json", "jsonl"}:
            notes.append(warning("format", f"{name} is named like {promised}, but its bytes are "
                                 f"{kind}: read as {kind}."))
    return kind


def _by_kind(path: Path, kind: str, name: str, ask: _Ask, work: _unpack.Workspace) -> Table:
    if kind == "csv":
        parsed = _csv.read_csv(path, ask.text, work, name)
        return Table(parsed.frame, name, "file", parsed.notes, parsed.formats)
    if kind == "paragraphs":
        notes: list[Note] = []
        of_tables = Options(encoding=ask.text.encoding)
        if ask.text != of_tables:
            raise DataError(f"{name} is read by paragraphs: delimiter=, header=, decimal=, "
                            "na_values=, columns= and dtypes= are for tables; leave them out.")
        frame = _prose.read_paragraphs(path, ask.text.encoding, name, notes)
        return Table(frame, name, "file", notes, roles={_prose.COLUMN: "text"})
    if kind == "sqlite":
        frame = _sql.read_sqlite(path, name, ask.table, ask.query)
    else:
        frame = _files.read_file(path, kind, name, ask.sheet)
    notes = []
    if kind == "excel" and ask.sheet is None and len(sheets := _files.sheet_names(path)) > 1:
        notes.append(info("sheet", f"{name} has {len(sheets)} sheets; read the first, "
                          f"{sheets[0]!r}: sheet= names another."))
    return _typed(_tidy.checked(frame, name), name, "file", ask, notes, settle=kind in _SETTLED)


def _typed(
    frame: pl.DataFrame, name: str, guest: str, ask: _Ask, notes: list[Note], *, settle: bool
) -> Table:
    """A frame that has types already: plain ones, the user's wishes, and text settled if asked."""
    if ask.text.columns is not None:
        for column in ask.text.columns:
            if column not in frame.columns:
                raise unknown("column", column, frame.columns)
        frame = frame.select(ask.text.columns)
    frame, found = _tidy.tidy(frame)
    rules = _types.Rules(decimal=ask.text.decimal)
    done = _settle.settle_all(frame, rules, ask.text.dtypes, ask.text.na_values,
                              keep_text=not settle)
    return Table(done.frame, name, guest, notes + found + done.notes, done.formats)
