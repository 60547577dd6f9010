"""Bytes that are too many for memory: a file that is written once, read anywhere, and then gone.

    spool = Spool()
    at = spool.write(pixels)                    # where they begin
    pictures = Filed(spool, (3, 64, 64), 100)   # an array of which only what is asked for is read

Files are read, not mapped: what a process holds is then what it asked for, and no more.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.base.budget import Budget
from wholefit.base.errors import DataError, ParameterError

SAID = "WHOLEFIT_PIXELS_IN_MEMORY"
"""The environment variable that says how many bytes of pixels are held, such as 500MB."""
MOST_HELD = 4_000_000_000
_LEAST_HELD = 64 << 20
_SHARE = 8  # pixels are held about four times in a fit; half of the memory is for other things
_SPARE = 256 << 20
"""Bytes of a disk that are left to others."""
AT_ONCE = 64 << 20
"""Bytes that may be brought into memory at once, whatever the limit."""


def free_memory() -> int:
    """Bytes of memory this machine could still give, or 4 GiB where it does not say."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 4 << 30


def most_held() -> int:
    """Bytes of pixels that are held in memory before they go to a file.

    An eighth of the memory that is free, at most 4 GB; or what WHOLEFIT_PIXELS_IN_MEMORY says
    ("500MB"). What is learnt is the same either way. ParameterError where it says no size.
    """
    said = os.environ.get(SAID)
    if not said:
        return min(MOST_HELD, max(_LEAST_HELD, free_memory() // _SHARE))
    found = None
    with suppress(ParameterError):
        found = Budget.parse(said).bytes
    if found is None:
        raise ParameterError(f"{SAID} must be a size, such as '500MB' or '2GB'; got {said!r}.")
    return found


def check_room(wanted: int, what: str, way_out: str) -> None:
    """DataError where the disk of the temporary folder has not these bytes and some to spare.

    `what` is the sentence's subject, `way_out` begins what can be done.
    """
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if wanted + _SPARE > free:
        raise DataError(
            f"{what} to {wanted:,} bytes ({wanted / 1e9:,.1f} GB), which are more than memory "
            f"should hold, and the disk of the temporary folder has only {free:,} bytes "
            f"({free / 1e9:,.1f} GB) free: {way_out}; or set TMPDIR to a folder with more room.")


class Spool:
    """A file of bytes in a temporary folder of its own; both are removed when it is let go.

    `size` are the bytes written so far. Several threads may read at once.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="wholefit-")) / "bytes"
        self._file: Any = open(self.path, "w+b", buffering=0)  # noqa: SIM115
        self._lock, self.size = threading.Lock(), 0
        weakref.finalize(self, _let_go, self._file, self.path.parent)

    @classmethod
    def of(cls, path: Path) -> Spool:
        """What another process wrote there, to read; the file stays when this is let go."""
        made = cls.__new__(cls)
        made.path, made._lock = path, threading.Lock()
        made._file = open(path, "rb", buffering=0)  # noqa: SIM115
        made.size = os.fstat(made._file.fileno()).st_size
        weakref.finalize(made, _let_go, made._file, None)
        return made

    def write(self, data: Any) -> int:
        """Append bytes, or a contiguous array; gives where they begin. DataError if it is full."""
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")
        with self._lock:
            start = done = self.size
            try:
                self._file.seek(start)
                while done < start + len(view):
                    done += self._file.write(view[done - start:])
            except OSError as error:
                raise DataError(
                    f"pixels could not be written to the temporary folder after {done:,} bytes "
                    f"({error.strerror}): set TMPDIR to a folder on a disk with more room.",
                ) from error
            self.size = done
        return start

    def into(self, start: int, out: np.ndarray) -> None:
        """Fill the contiguous `out` with the bytes from `start`; DataError where they end."""
        view, done = out.data.cast("B"), 0
        with self._lock:
            self._file.seek(start)
            while done < len(view):
                got = self._file.readinto(view[done:])
                if not got:
                    raise DataError("the temporary file of pixels was cut short: read the data "
                                    "anew.")
                done += got


def _let_go(file: Any, folder: Path | None) -> None:
    file.close()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


class Filed:
    """An array uint8 (n, ...) in a spool, of which rows are read when they are asked for.

    `filed[rows]` is an array in memory; `filed.take(rows)` another Filed of the same file, so that
    a fold costs an index. `blank` (n,) marks rows that are `usual`, broadcast, in place of what
    lies in the file. To make an array of all of it raises DataError above the limit of memory.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self, spool: Spool, each: tuple[int, ...], count: int, *, rows: np.ndarray | None = None,
        blank: np.ndarray | None = None, usual: np.ndarray | None = None,
    ) -> None:
        self.spool, self.each = spool, each
        self._count, self._rows, self._blank, self._usual = count, rows, blank, usual

    def __len__(self) -> int:
        return self._count if self._rows is None else len(self._rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, ...)."""
        return (len(self), *self.each)

    @property
    def ndim(self) -> int:
        """Axes, that of rows included."""
        return 1 + len(self.each)

    @property
    def nbytes(self) -> int:
        """Bytes that all rows come to."""
        return len(self) * math.prod(self.each)

    def dim(self) -> int:
        """Axes, as tensors say it."""
        return self.ndim

    def take(self, rows: np.ndarray) -> Filed:
        """These rows (indices or a mask) of the same file; nothing is read."""
        where = self._where(np.asarray(rows))
        return self._like(where, None if self._blank is None else self._blank[rows])

    def with_blanks(self, blank: np.ndarray, usual: np.ndarray) -> Filed:
        """The same rows, but `usual` where `blank` (n,) is true."""
        made = self._like(self._rows, blank)
        made._usual = usual
        return made

    def __getitem__(self, key: Any) -> np.ndarray:
        """Rows by number, slice, indices or mask, as an array in memory."""
        if isinstance(key, tuple):
            raise TypeError("rows of pictures in a file are asked for alone: filed[rows][:, ...].")
        if isinstance(key, (int, np.integer)):
            if not -len(self) <= key < len(self):
                raise IndexError(f"row {key} of {len(self)}")
            return self[np.array([key % len(self)])][0]
        where = self._where(key if isinstance(key, slice) else np.asarray(key))
        out = np.empty((len(where), *self.each), np.uint8)
        size = math.prod(self.each)
        breaks = np.flatnonzero(np.diff(where) != 1) + 1  # neighbours are read in one go
        for start, stop in zip([0, *breaks], [*breaks, len(where)], strict=True):
            if stop > start and size:
                self.spool.into(int(where[start]) * size, out[start:stop])
        if self._blank is not None and self._usual is not None:
            out[self._blank[key]] = self._usual
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        check_held(self.nbytes)
        return self[:].astype(dtype or np.uint8, copy=False)

    def _where(self, key: Any) -> np.ndarray:
        """Places in the file of the rows asked for."""
        if self._rows is not None:
            return np.asarray(self._rows[key])
        if isinstance(key, slice):
            return np.arange(*key.indices(self._count))
        where = np.flatnonzero(key) if key.dtype == bool else key.astype(np.intp, copy=False)
        if len(where) and not (where.min() >= 0 and where.max() < self._count):
            raise IndexError(f"rows must be >= 0 and < {self._count}.")
        return where

    def _like(self, rows: np.ndarray | None, blank: np.ndarray | None) -> Filed:
        return Filed(self.spool, self.each, self._count, rows=rows, blank=blank,
                     usual=self._usual)


def check_held(wanted: int) -> None:
    """DataError where pixels that were put in a file are all asked for at once."""
    most = max(AT_ONCE, most_held())
    if wanted > most:
        raise DataError(
            f"all pixels are wanted in memory at once, which takes {wanted:,} bytes "
            f"({wanted / 1e9:,.1f} GB) and more for the work; at most {most / 1e9:,.1f} GB are "
            "held. Take a network ('cnn', 'pretrained'), which reads them batch by batch; or "
            "smaller pictures (features={'image_size': 32}); or leave images='pixels' out.")
