"""Tables larger than memory: a random sample of rows, or a lazy frame to query.

Both read the source once, in pieces. Every row has the same chance to be in a sample, and the
same seed gives the same rows.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.seeds import generator
from wholefit.data import _csv, _dialect, _formats, _repair, _unpack
from wholefit.data._csv import Options
from wholefit.data.notes import info
from wholefit.data.read import read
from wholefit.data.table import Table

_BLOCK = 4 << 20
_LONGEST_CELL = 1 << 20


def sample(source: Any, rows: int = 100_000, seed: int = 0, **options: Any) -> Table:
    """A Table of `rows` rows drawn at random, in their order; all rows, if there are no more.

    Delimited text, JSON lines, Parquet, Arrow and polars LazyFrames are read in pieces: memory
    holds the sample only. Other sources are read whole first. `options` are those of `read`.
    Row numbers in notes count the rows of the sample.
    """
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        raise ParameterError(f"rows must be an integer >= 1; got {rows!r}.")
    if isinstance(source, pl.LazyFrame):
        picked, total = _drawn(source, rows, seed)
        return _with_note(read(picked, **options), picked.height, total)
    path = _one_file(source)
    kind, packing = _kind(path, options) if path is not None else ("", None)
    if path is not None and kind in ("csv", "jsonl"):
        return _sample_text(path, kind, packing, rows, seed, options)
    if path is not None and kind in ("parquet", "arrow") and packing is None:
        lazy = pl.scan_parquet(path, glob=False) if kind == "parquet" else pl.scan_ipc(path)
        picked, total = _drawn(lazy, rows, seed)
        table = read(picked, **{k: v for k, v in options.items() if k != "format"})
        return _with_note(replace(table, source=path.name, guest="file"), picked.height, total)
    table = read(source, **options)
    chosen = _rows(table.frame.height, rows, seed)
    picked = table.frame if chosen is None else table.frame[chosen]
    return _with_note(replace(table, frame=picked), picked.height, table.frame.height)


def scan(source: Any, **options: Any) -> pl.LazyFrame:
    """`source` as a polars LazyFrame whose types hold for every row: text is checked once through.

    Delimited text, JSON lines, Parquet, Arrow and frames in memory. Faults of delimited text are
    repaired into a temporary file, as `read` does. Columns of text stay text: dates and numbers
    in other than ISO form are not converted.
    """
    if isinstance(source, pl.LazyFrame):
        return source
    path = _one_file(source)
    if path is None:
        return read(source, **options).frame.lazy()
    kind, packing = _kind(path, options)
    if kind not in ("csv", "jsonl", "parquet", "arrow"):
        return read(path, **options).frame.lazy()
    work = _unpack.Workspace()
    atexit.register(work.close)
    if packing is not None:
        path = _unpack.unpack(path, packing, work)
    if kind == "csv":
        job = _csv.job(path, _text_options(options), work, path.name)
        return job.checked_scan()
    scans: dict[str, Any] = {"parquet": pl.scan_parquet, "arrow": pl.scan_ipc,
                             "jsonl": lambda p: pl.scan_ndjson(p, infer_schema_length=100_000)}
    lazy: pl.LazyFrame = scans[kind](path)
    return lazy if options.get("columns") is None else lazy.select(options["columns"])


# Which file -----------------------------------------------------------------------------------

def _one_file(source: Any) -> Path | None:
    if not isinstance(source, (str, Path)) or str(source) == "-" or "://" in str(source):
        return None
    path = Path(source).expanduser()
    return path if path.is_file() and path.stat().st_size else None


def _kind(path: Path, options: dict[str, Any]) -> tuple[str, str | None]:
    """The format of a file, and how it is packed."""
    kind = _formats.by_bytes(path, path.name)
    packing = kind if kind in _formats.PACKED and kind != "zip" else None
    if packing is not None:
        kind = _formats.by_name(path.name) or "csv"
    if options.get("format") is not None:
        kind = _formats.stated(options["format"])
    return kind, packing


def _text_options(options: dict[str, Any]) -> Options:
    known = {k: v for k, v in options.items() if k in Options.__dataclass_fields__}
    if known.get("columns") is not None:
        known["columns"] = tuple(known["columns"])
    return Options(**{**known, "dtypes": dict(known.get("dtypes") or {})})


def _with_note(table: Table, drawn: int, total: int) -> Table:
    if drawn >= total:
        return table
    said = info("sample", f"{drawn:,} of {total:,} rows were drawn at random.", count=drawn)
    return replace(table, notes=[said, *table.notes])


# Rows of typed sources ------------------------------------------------------------------------

def _rows(total: int, rows: int, seed: int) -> np.ndarray | None:
    """Sorted row numbers, or None for all of them."""
    if total <= rows:
        return None
    chosen = generator(seed, "sample").choice(total, size=rows, replace=False, shuffle=False)
    return np.sort(chosen)


def _drawn(lazy: pl.LazyFrame, rows: int, seed: int) -> tuple[pl.DataFrame, int]:
    total = int(lazy.select(pl.len()).collect(engine="streaming").item())
    chosen = _rows(total, rows, seed)
    if chosen is None:
        return lazy.collect(engine="streaming"), total
    marked = np.zeros(total, dtype=bool)
    marked[chosen] = True
    index = "wholefit row number"
    wanted = pl.Series(marked)
    picked = lazy.with_row_index(index).filter(
        pl.col(index).map_batches(lambda s: wanted.gather(s), return_dtype=pl.Boolean,
                                  is_elementwise=True))
    return picked.drop(index).collect(engine="streaming"), total


# Rows of text ---------------------------------------------------------------------------------

def _sample_text(
    path: Path, kind: str, packing: str | None, rows: int, seed: int, options: dict[str, Any]
) -> Table:
    """Lines are drawn from the bytes; only the drawn ones are parsed."""
    work = _unpack.Workspace()
    try:
        with closing(_unpack.open_packed(path, packing) if packing else open(path, "rb")) as file:
            dialect = _head_dialect(file, path, kind, options)
        with closing(_unpack.open_packed(path, packing) if packing else open(path, "rb")) as file:
            header, drawn, total = _draw(file, dialect, kind, rows, seed, path.name)
        out = work.file(path.name.partition(".")[0] + (".csv" if kind == "csv" else ".jsonl"))
        out.write_bytes(b"".join([header, *drawn]))
        told = {**options, "format": kind}
        if dialect is not None:
            told |= {"delimiter": dialect.delimiter, "encoding": None, "header": dialect.header}
        table = read(out, **told)
    except (OSError, EOFError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path.name} is damaged: it cannot be read to the end ({error}).") \
            from error
    finally:
        work.close()
    return _with_note(replace(table, source=path.name), len(drawn), total)


def _head_dialect(
    file: Any, path: Path, kind: str, options: dict[str, Any]
) -> _dialect.Dialect | None:
    if kind != "csv":
        return None
    head = file.read(_dialect.HEAD)
    asked = _text_options(options)
    return _dialect.detect(head, path.name, whole=len(head) < _dialect.HEAD,
                           delimiter=asked.delimiter, encoding=asked.encoding, header=asked.header)


def _draw(
    file: Any, dialect: _dialect.Dialect | None, kind: str, rows: int, seed: int, name: str
) -> tuple[bytes, list[bytes], int]:
    """The header record, the drawn records in order, and how many there are in all."""
    plain = dialect or _dialect.Dialect((), quote="\0")
    records = _records(_repair.blocks(file, plain), plain.quote, name)
    skip = plain.skip + int(plain.header and kind == "csv")
    header = b""
    drawer = _Reservoir(rows, seed)
    for block, ends in records:
        starts = np.concatenate([[0], ends[:-1]])
        while skip and len(ends):
            header = block[starts[0]:ends[0]]
            starts, ends, skip = starts[1:], ends[1:], skip - 1
        drawer.offer(block, starts, ends)
    return (header if plain.header else b""), drawer.drawn(), drawer.seen


def _records(
    blocks: Iterator[bytes], quote: str, name: str
) -> Iterator[tuple[bytes, np.ndarray]]:
    """Pieces of text with the places where their records end (after the line end)."""
    rest = b""
    for block in blocks:
        block = rest + block
        ends = _ends(block, ord(quote))
        if len(ends) == 0:
            if len(block) > _repair.LONGEST_LINE:
                raise _repair.too_long(name)
            rest = block
            continue
        yield block[: ends[-1]], ends
        rest = block[ends[-1]:]
    if rest.strip():
        rest += b"\n"
        yield rest, np.array([len(rest)])


def _ends(block: bytes, quote: int) -> np.ndarray:
    """Where records end: line ends outside quotes. A quote open too long is a stray one."""
    cells = np.frombuffer(block, dtype=np.uint8)
    lines = np.flatnonzero(cells == 10) + 1
    quotes = np.flatnonzero(cells == quote)
    if len(quotes) == 0 or len(lines) == 0:
        return lines
    ends = lines[np.searchsorted(quotes, lines) % 2 == 0]
    gaps = np.diff(np.concatenate([[0], ends, [len(block)]]))
    return lines if gaps.max() > _LONGEST_CELL else ends


class _Reservoir:
    """Keeps the records with the smallest random keys."""

    def __init__(self, rows: int, seed: int) -> None:
        self.rows, self.seen = rows, 0
        self._random = generator(seed, "sample")
        self._keys = np.empty(0)
        self._kept: list[bytes] = []
        self._limit = np.inf

    def offer(self, block: bytes, starts: np.ndarray, ends: np.ndarray) -> None:
        """Draw from the records of one block."""
        keys = self._random.random(len(ends))
        self.seen += len(ends)
        taken = np.flatnonzero(keys < self._limit)
        self._keys = np.concatenate([self._keys, keys[taken]])
        self._kept += [block[starts[i]:ends[i]] for i in taken]
        if len(self._kept) > 2 * self.rows:
            self._shrink()

    def _shrink(self) -> None:
        if len(self._kept) <= self.rows:
            return
        best = np.sort(np.argpartition(self._keys, self.rows - 1)[: self.rows])
        self._keys = self._keys[best]
        self._kept = [self._kept[i] for i in best]
        self._limit = float(self._keys.max())

    def drawn(self) -> list[bytes]:
        """The records, in their order."""
        self._shrink()
        return self._kept
