"""Opening a zip without trusting it.

Everything is checked from the directory at the file's end, before a member is unpacked: names,
kinds, sizes as declared, overlaps. Unpacking is then done in chunks and stops at the declared
size.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from wholefit.artifact import _format
from wholefit.artifact._members import damaged
from wholefit.base.errors import ArtifactError, nearest

_ALLOWED_FLAGS = 0x800 | 0x8 | 0x6  # UTF-8 names, sizes after the data, deflate's own level
_DEFLATE_BEST = 1032                # deflate cannot do better than 1032 : 1
FAULTS = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError,
           NotImplementedError, RuntimeError, LookupError, ValueError, OverflowError)


@contextmanager
def opened(source: Path | bytes, where: str) -> Iterator[zipfile.ZipFile]:
    """The zip at `source`; whatever goes wrong inside the block is an ArtifactError."""
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
            _check_ends(file, where)
            with zipfile.ZipFile(file) as archive:
                yield archive
    except FAULTS as error:
        raise damaged(where, f"the zip cannot be read ({error})") from error
    except OSError as error:
        raise ArtifactError(f"{where} cannot be read: {error.strerror or error}.") from error


def check(archive: zipfile.ZipFile, where: str, limit: int) -> dict[str, zipfile.ZipInfo]:
    """The members by name, once nothing in the directory is unsafe. Raises ArtifactError."""
    infos = archive.infolist()
    if len(infos) > _format.MAX_MEMBERS + 1:
        raise ArtifactError(f"{where} is unsafe: it has {len(infos)} members; at most "
                            f"{_format.MAX_MEMBERS} are read.")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        check_member(info, where)
        if info.filename in members:
            raise ArtifactError(f"{where} is unsafe: it has two members named {info.filename!r}.")
        members[info.filename] = info
    _check_places(archive, infos, where)
    total = sum(info.file_size for info in infos)
    if total > limit:
        raise ArtifactError(
            f"{where} unpacks to {total / 1e9:.3g} GB; the limit is {limit / 1e9:.3g} GB: "
            "pass a larger limit= if you trust where it came from."
        )
    return members


def find(path: str | os.PathLike[str]) -> Path:
    """`path` if it is a file; else an ArtifactError that names the nearest file beside it."""
    found = Path(path)
    if found.is_dir():
        raise ArtifactError(f"{found} is a folder; expected a wholefit artifact (a .wf file).")
    if found.is_file():
        return found
    if found.exists():
        raise ArtifactError(f"{found} is not a regular file; expected a wholefit artifact.")
    raise ArtifactError(f"{found} does not exist; {_hint(found)}")


def _hint(missing: Path) -> str:
    try:
        beside = sorted(entry.name for entry in missing.parent.iterdir() if entry.is_file())
    except OSError:
        return f"nor does a readable folder {str(missing.parent)!r}."
    close = nearest(missing.name, beside)
    if close is not None:
        return f"did you mean {str(missing.parent / close)!r}?"
    others = [name for name in beside if name.endswith(".wf")]
    return f"artifacts there: {', '.join(others[:10])}." if others else "no .wf file is there."


def _check_ends(file: IO[bytes], where: str) -> None:
    """Nothing before the zip and nothing after it: no second file can hide in this one."""
    start = file.read(4)
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 22))
    end = file.read(22)
    file.seek(0)
    if start != b"PK\x03\x04":
        raise ArtifactError(f"{where} is not a wholefit artifact: it is not a zip file"
                            + (" (it is empty)." if not size else "."))
    if end[:4] != b"PK\x05\x06":
        raise damaged(where, "the zip is cut short, or something follows it")


def check_member(info: zipfile.ZipInfo, where: str) -> None:
    name, raw = info.filename, info.orig_filename
    mode = info.external_attr >> 16
    if name != raw or not _format.is_member_name(name):
        raise ArtifactError(f"{where} is unsafe: it has a member named {raw[:80]!r}, which is not "
                            "a plain relative path.")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise ArtifactError(f"{where} is unsafe: member {name!r} is a link or a special file.")
    if info.flag_bits & 0x41:
        raise ArtifactError(f"{where} is encrypted; wholefit reads plain files only: save it "
                            "without a password.")
    if info.flag_bits & ~_ALLOWED_FLAGS:
        raise damaged(where, f"member {name!r} has unknown zip flags")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise damaged(where, f"member {name!r} is neither stored nor deflated")
    _check_size(info, where)


def _check_size(info: zipfile.ZipInfo, where: str) -> None:
    if info.compress_type == zipfile.ZIP_STORED:
        if info.compress_size != info.file_size:
            raise damaged(where, f"stored member {info.filename!r} states two sizes")
    elif info.file_size > _format.MAX_DEFLATED:
        raise ArtifactError(
            f"{where} is unsafe: member {info.filename!r} claims to unpack to {info.file_size} "
            f"bytes; a deflated member may hold {_format.MAX_DEFLATED}."
        )
    elif info.file_size > _DEFLATE_BEST * info.compress_size + 64:
        raise ArtifactError(f"{where} is unsafe: member {info.filename!r} claims to unpack to "
                            "more than deflate can hold.")


def _check_places(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], where: str) -> None:
    """Members lie one after the other from byte 0: no overlap, nothing before the first."""
    at = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < at or (at == 0 and info.header_offset != 0):
            raise ArtifactError(f"{where} is unsafe: member {info.filename!r} overlaps another, "
                                "or something precedes the zip.")
        at = info.header_offset + 30 + len(info.filename) + info.compress_size
    if at > archive.start_dir:
        raise ArtifactError(f"{where} is unsafe: a member overlaps the directory.")
