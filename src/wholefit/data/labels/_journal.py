"""A journal: records appended one a line, each forced to the disk before it counts as written.

A crash can cut off only the line that was being written, and nobody was told that it was kept.
Such a torn end is cut away when the journal is next opened, and the cut is said and written
down. Anything else that is not a record is damage, and is refused with its line number.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import IO, Any

from wholefit.base.errors import DataError
from wholefit.data.notes import Note, warning

Record = dict[str, Any]
# How every journal begins: another file is never taken for one that a crash cut short.
_BEGINNING = b'{"n": 0, "at": "'


class Journal:
    """An open journal that only this process may write to; use it as a context manager."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.notes: list[Note] = []
        new = not self.path.exists()
        try:
            # Unbuffered: what could not be written must not be tried again behind our back.
            self._file = open(self.path, "a+b", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise DataError(f"{self.path} cannot be written: {error.strerror}.") from error
        try:
            _lock(self._file, self.path)
            self.records = self._replay()
        except BaseException:
            self._file.close()
            raise
        if new:
            _sync_folder(self.path)

    def append(self, record: Record) -> None:
        """Write one record and wait until it is on the disk; DataError if it cannot be."""
        line = json.dumps(record, ensure_ascii=False, allow_nan=False).encode(
            "utf-8", "backslashreplace") + b"\n"
        end = self._file.seek(0, os.SEEK_END)
        try:
            self._write(line)
            os.fsync(self._file.fileno())
        except OSError as error:
            self._cut(end)
            raise DataError(f"{self.path} could not be written ({error.strerror}): the last "
                            "answer is not kept; make room, then answer it again.") from error
        self.records.append(record)

    def close(self) -> None:
        """Let go of the file and of its lock."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _replay(self) -> list[Record]:
        self._file.seek(0)
        found, whole, note = parse(self._file.read(), self.path.name)
        if note is not None:
            self._cut(whole)
            self.notes.append(note)
        elif whole:
            self._end_line(whole)
        return found

    def _end_line(self, size: int) -> None:
        """A crash may have kept a whole record and lost the end of its line."""
        self._file.seek(size - 1)
        if self._file.read(1) != b"\n":
            self._write(b"\n")

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._file.fileno(), data):]

    def _cut(self, size: int) -> None:
        os.ftruncate(self._file.fileno(), size)
        os.fsync(self._file.fileno())
        self._file.seek(0, os.SEEK_END)


def parse(data: bytes, name: str) -> tuple[list[Record], int, Note | None]:
    """Records of a journal's bytes, how many of the bytes are whole, and a note on a torn end.

    DataError, with its number, for a line before the last that is no record.
    """
    lines = data.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    records: list[Record] = []
    whole = 0
    for number, line in enumerate(lines, start=1):
        record = _record(line)
        if record is None and number == 1 and not _BEGINNING.startswith(line[:len(_BEGINNING)]):
            raise DataError(f"{name} is no journal of labels (`wholefit label` writes one), and is "
                            "left as it is. Give the journal another name.")
        if record is None and number < len(lines):
            raise DataError(f"line {number} of {name} is damaged: it is not a record of labels. "
                            "Put a copy of the file back, or take the line out by hand.")
        if record is None:
            note = warning(
                "torn_line", f"the last line of {name} was cut short by a crash ({len(line):,} "
                "bytes): no answer that was confirmed is lost.", rows=[number])
            return records, whole, note
        records.append(record)
        whole = min(whole + len(line) + 1, len(data))
    return records, whole, None


def _record(line: bytes) -> Record | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


# ---- locking ----------------------------------------------------------------------------


def _lock(file: IO[bytes], path: Path) -> None:
    """One writer at a time; the system lets go of it when the process ends, however it ends."""
    try:
        _take(file)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            raise DataError(f"{path} cannot be locked against a second writer ({error.strerror}): "
                            "put it on a local disk.") from error
        raise DataError(
            f"{path} is being written by another labelling session: end that one, or give this "
            "one a file of its own with --store (agreement and export take several)."
        ) from error


if sys.platform == "win32":
    import msvcrt

    _BEYOND = 2**40  # a byte that no answer reaches: on Windows locked bytes cannot be read

    def _take(file: IO[bytes]) -> None:
        file.seek(_BEYOND)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)

    def _sync_folder(path: Path) -> None:
        return None
else:
    import fcntl

    def _take(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _sync_folder(path: Path) -> None:
        """A new file's name is kept only when its folder is on the disk too."""
        handle = os.open(path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
