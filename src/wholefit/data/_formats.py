"""What a file is, by its first bytes first and its name second."""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress
from pathlib import Path

from wholefit.base.errors import DataError, unknown

PACKED = ("gzip", "bzip2", "xz", "zstd", "zip")
FORMATS = ("csv", "json", "jsonl", "parquet", "arrow", "excel", "sqlite", "avro", "numpy",
           "paragraphs")
_ALIASES = {"tsv": "csv", "txt": "csv", "tab": "csv", "text": "csv", "ndjson": "jsonl",
            "feather": "arrow", "ipc": "arrow", "xlsx": "excel", "xls": "excel", "ods": "excel",
            "xlsb": "excel", "xlsm": "excel", "db": "sqlite", "sqlite3": "sqlite", "npy": "numpy",
            "pq": "parquet", "data": "csv", "dat": "csv"}
_MAGIC = ((b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"\xff\xff\xff\xff", "arrow stream"),
          (b"SQLite format 3\0", "sqlite"), (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"),
          (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"PK\x03\x04", "zip"),
          (b"PK\x05\x06", "zip"), (b"\xd0\xcf\x11\xe0", "excel"), (b"Obj\x01", "avro"),
          (b"\x93NUMPY", "numpy"))
_NO_TABLE = ((b"\x89PNG", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"), (b"%PDF", "a PDF"),
             (b"\x89HDF", "an HDF5 file"), (b"GIF8", "a GIF image"), (b"\x7fELF", "a program"),
             (b"MZ\x90", "a program"), (b"FEA1", "a Feather file of version 1"),
             (b"7z\xbc\xaf", "a 7-Zip archive"), (b"Rar!", "a RAR archive"),
             (b"ORC", "an ORC file"), (b"RDX", "an R data file"))


def stated(word: str) -> str:
    """The format that the user's word means."""
    found = _ALIASES.get(word.lower().lstrip("."), word.lower().lstrip("."))
    if found not in FORMATS:
        raise unknown("format", word, [*FORMATS, *_ALIASES])
    return found


def by_name(name: str) -> str | None:
    """The format that a file's name promises, compression apart; None if it promises none."""
    suffixes = [s.lower().lstrip(".") for s in Path(name).suffixes]
    while suffixes and suffixes[-1] in ("gz", "gzip", "bz2", "xz", "lzma", "zst", "zstd", "zip"):
        suffixes.pop()
    last = _ALIASES.get(suffixes[-1], suffixes[-1]) if suffixes else None
    return last if last in FORMATS else None


def by_bytes(path: Path, name: str) -> str:
    """What the bytes of `path` are: one of FORMATS, one of PACKED, or "arrow stream"."""
    with open(path, "rb") as file:
        head = file.read(1 << 16)
    for magic, what in _NO_TABLE:
        if head.startswith(magic):
            raise DataError(f"{name} is {what}, not a table that wholefit reads.")
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise DataError(f"{name} is a pickle, which can run code when opened: save the table as "
                        "parquet or CSV instead.")
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return _in_zip(path) if found == "zip" else found
    return _text(head, name)


def _in_zip(path: Path) -> str:
    """Excel and OpenDocument files are zip archives with a known member."""
    with suppress(zipfile.BadZipFile, OSError, KeyError, RuntimeError, ValueError,
                  NotImplementedError), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if any(n.startswith("xl/") for n in names):
            return "excel"
        if "mimetype" in names and archive.getinfo("mimetype").file_size < 1000 and \
                b"spreadsheet" in archive.read("mimetype"):
            return "excel"
    return "zip"


def _text(head: bytes, name: str) -> str:
    """JSON, JSON lines or delimited text."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    promised = by_name(name)
    if text[:1] not in (b"{", b"["):
        return "csv"
    first, _, rest = text.partition(b"\n")
    is_line = _is_json(first) and first[:1] == b"{"
    if is_line and (promised != "json" or rest.lstrip()[:1] == b"{"):
        return "jsonl"
    if promised in ("json", "jsonl"):
        return promised
    second = text[1:].lstrip()[:1]
    looks = second in (b'"', b"{", b"[", b"}", b"]") if text[:1] == b"[" else second in (b'"', b"}")
    return "json" if looks and promised is None else "csv"


def _is_json(line: bytes) -> bool:
    with suppress(ValueError, RecursionError):
        return isinstance(json.loads(line), (dict, list))
    return False
