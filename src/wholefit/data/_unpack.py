"""Compressed sources become plain temporary files, in bounded memory and bounded size."""

from __future__ import annotations

import bz2
import gzip
import importlib
import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from wholefit.base.errors import DataError
from wholefit.base.optional import available
from wholefit.base.spool import free_memory

BLOCK = 1 << 20
_BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, ValueError)


class Workspace:
    """A temporary folder that is made when first needed and removed by `close`."""

    def __init__(self) -> None:
        self._folder: str | None = None
        self._count = 0

    def file(self, name: str) -> Path:
        """A fresh path whose last part is `name`."""
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="wholefit-")
        self._count += 1
        place = Path(self._folder) / str(self._count)
        place.mkdir()
        return place / (Path(name).name or "data")

    def close(self) -> None:
        """Remove everything."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def limit() -> int:
    """How many bytes a compressed source may grow to: what memory could hold."""
    return max(64 << 20, free_memory())


def unpack(path: Path, kind: str, work: Workspace, member: str | None = None) -> Path:
    """The plain file inside `path`, in a temporary place; DataError if damaged or too large."""
    out = work.file(_inner_name(path, kind))
    try:
        if kind == "zip":
            return _unzip(path, out, member)
        with _opener(kind)(path) as source:
            _pour(source, out, path.name)
    except DataError:
        raise
    except _BROKEN as error:
        raise DataError(
            f"{path.name} is damaged: its {kind} data cannot be read to the end ({error}); "
            "fetch or make the file again."
        ) from error
    return out


def open_packed(path: Path, kind: str) -> IO[bytes]:
    """A stream of the plain bytes in a compressed file."""
    if kind == "zip":
        raise DataError(f"{path.name} is a zip archive, which cannot be streamed: unpack it first.")
    return _opener(kind)(path)


def _inner_name(path: Path, kind: str) -> str:
    ends = {"gzip": (".gz", ".gzip"), "bzip2": (".bz2",), "xz": (".xz", ".lzma"),
            "zstd": (".zst", ".zstd"), "zip": (".zip",)}[kind]
    name = path.name
    return name[: -len(Path(name).suffix)] if name.lower().endswith(ends) else name


def _opener(kind: str) -> Callable[[Path], Any]:
    plain: dict[str, Callable[[Path], Any]] = {
        "gzip": gzip.GzipFile, "bzip2": bz2.BZ2File, "xz": lzma.LZMAFile, "zstd": _open_zstd}
    return plain[kind]


def _open_zstd(path: Path) -> Any:
    """Zstandard by the first library that is there; the standard one came with Python 3.14."""
    for module in ("compression.zstd", "zstandard"):
        if available(module):
            return importlib.import_module(module).open(path, "rb")
    if available("pyarrow"):
        arrow = importlib.import_module("pyarrow")
        return arrow.CompressedInputStream(arrow.OSFile(str(path)), "zstd")
    raise DataError(
        f"{path.name} is compressed with Zstandard, which needs a library: pip install zstandard, "
        "or unpack the file first."
    )


def _pour(source: Any, out: Path, name: str) -> None:
    most, total = limit(), 0
    with open(out, "wb") as sink:
        while block := source.read(BLOCK):
            total += len(block)
            if total > most:
                raise DataError(
                    f"{name} unpacks to more than the {most / 1e9:.1f} GB that fit in memory; "
                    "stopped. Unpack it yourself and read a part, if you trust it."
                )
            sink.write(block)


def _unzip(path: Path, out: Path, member: str | None) -> Path:
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if not n.endswith("/") and "__MACOSX" not in n]
        if member is None and len(names) != 1:
            shown = ", ".join(names[:8]) or "nothing"
            raise DataError(
                f"{path.name} is a zip archive of {len(names)} files ({shown}): name one with "
                "table=, or unpack it."
            )
        chosen = member if member is not None else names[0]
        if chosen not in names:
            raise DataError(f"{path.name} holds no file named {chosen!r}; it holds {names[:8]}.")
        if archive.getinfo(chosen).flag_bits & 1:
            raise DataError(f"{path.name} is locked with a password: unpack it first.")
        out = out.with_name(Path(chosen).name or "data")
        try:
            with archive.open(chosen) as source:
                _pour(source, out, path.name)
        except (NotImplementedError, RuntimeError) as error:
            raise DataError(f"{path.name} cannot be unpacked: {error}.") from error
    return out
