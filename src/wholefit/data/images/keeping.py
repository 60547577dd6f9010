"""Cells whose pixels lie in a file: what a column holds where pictures are too many for memory.

Such a cell is ten bytes as those of other cells (with a mark of its own), the store's name and
where the pixels begin. A column of them is taken, split and sent like any other, at 26 bytes a
picture. A store lives as long as a Table or a Dataset holds a cell of it, and is removed then.
Equal pictures of one store are equal cells.

A name is drawn at random in this process, so that no cell that comes from outside leads anywhere.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from wholefit.base.errors import DataError
from wholefit.base.spool import Spool, check_room, most_held

PLAIN, MARK = b"\x93wfi", b"\x93wfk"
HEAD = struct.Struct("<4sBxHH")
"""Mark, channels, height, width: how every cell begins."""
_HEAD = HEAD.size
_PLACE = struct.Struct("<8sQ")
LENGTH = _HEAD + _PLACE.size
_ROWS = 512
"""Pictures of a file that are brought into memory to be hashed, at a time."""
_WAY_OUT = "give a smaller image_limit, or fewer pictures"


class Store:
    """A file of pixels, and the cells that lead there; see `put`."""

    def __init__(self, name: bytes | None = None, spool: Spool | None = None) -> None:
        self.name, self.spool = name or secrets.token_bytes(8), spool or Spool()
        self._known: dict[bytes, bytes] = {}
        _open[self.name] = self
        _fresh[self.name] = self

    def put(self, cell: bytes) -> bytes:
        """A cell that leads to the pixels of `cell`, which lie in the file from now on."""
        print_ = hashlib.blake2b(cell, digest_size=16).digest()
        found = self._known.get(print_)
        if found is None:
            start = self.spool.write(memoryview(cell)[_HEAD:])
            found = MARK + cell[4:_HEAD] + _PLACE.pack(self.name, start)
            self._known[print_] = found
        return found

    def close(self) -> None:
        """Nothing more is put there: what found equal pictures is let go."""
        self._known = {}


_open: weakref.WeakValueDictionary[bytes, Store] = weakref.WeakValueDictionary()
# Held here from when they are made until a Table or a Dataset has them.
_fresh: dict[bytes, Store] = {}


def here(cell: bytes, count: int) -> bool:
    """True if the cell leads to `count` bytes of pixels of an open store."""
    if len(cell) != LENGTH:
        return False
    name, start = _PLACE.unpack_from(cell, _HEAD)
    store = _open.get(name)
    return store is not None and start + count <= store.spool.size


def brought(cells: Sequence[bytes]) -> list[bytes]:
    """The cells with their pixels in them; those that have them stay as they are.

    DataError where a store is gone.
    """
    return [_brought(cell) if cell[:4] == MARK else cell for cell in cells]


def _brought(cell: bytes) -> bytes:
    _, channels, high, wide = HEAD.unpack_from(cell)
    pixels = np.empty(channels * high * wide, np.uint8)
    if not here(cell, len(pixels)):
        raise DataError("a cell of a picture column leads to pixels that are no longer there: keep "
                        "the table or data set that it was read into, or read it anew.")
    name, start = _PLACE.unpack_from(cell, _HEAD)
    _open[name].spool.into(start, pixels)
    return PLAIN + cell[4:_HEAD] + pixels.tobytes()


def stores_of(*frames: pl.DataFrame) -> tuple[Store, ...]:
    """The stores that cells of these frames lead to: hold them as long as the frames."""
    if not _open:
        return ()
    names: set[bytes] = set()
    for frame in frames:
        for column in frame.get_columns():
            if column.dtype == pl.Binary:
                names.update(_names(column.alias("column")))
    found = tuple(store for name in sorted(names) if (store := _open.get(name)) is not None)
    for store in found:
        _fresh.pop(store.name, None)
    return found


def _names(column: pl.Series) -> Iterable[bytes]:
    led = column.filter(column.bin.starts_with(MARK).fill_null(False))
    return led.bin.slice(_HEAD, 8).unique().to_list() if len(led) else ()


def leads(column: pl.Series) -> bool:
    """True if some cells of the column lead to a file."""
    return bool(_open) and column.dtype == pl.Binary and bool(
        column.alias("column").bin.starts_with(MARK).any())


def hashed(frame: pl.DataFrame) -> pl.Series:
    """A hash uint64 of each row: the same wherever the pixels of its pictures lie."""
    led = [at for at, column in enumerate(frame.get_columns()) if leads(column)]
    if not led:
        return frame.hash_rows(seed=0)
    parts = []
    for start in range(0, frame.height, _ROWS):
        part = frame.slice(start, _ROWS)
        for at in led:
            column = part.to_series(at)
            part.replace_column(at, pl.Series(column.name, [
                None if cell is None else _brought(cell) if cell[:4] == MARK else cell
                for cell in column.to_list()], dtype=pl.Binary))
        parts.append(part.hash_rows(seed=0))
    return pl.concat(parts)


Found = bytes | Exception | None


class Gathering:
    """Cells as they come: in memory up to a limit, and all of them in a file beyond it.

    `count` cells are to come, each of so many bytes where that is known: then the file is begun
    at once. DataError where the disk has no room for it.
    """

    def __init__(self, count: int, each: int = 0) -> None:
        self.found: list[Found] = []
        self._count, self._held, self._most = count, 0, most_held()
        self._store: Store | None = None
        if each * count > self._most:
            self._move(each * count)

    def add(self, cell: Found) -> None:
        """One more; what is no cell (a picture that cannot be used) stays what it is."""
        if isinstance(cell, bytes) and cell[:4] != MARK:
            if self._store is not None:
                cell = self._store.put(cell)
            else:
                self._held += len(cell)
        self.found.append(cell)
        if self._store is None and self._held > self._most:
            self._move(round(self._held / len(self.found) * self._count))

    def _move(self, wanted: int) -> None:
        check_room(wanted, f"{self._count:,} pictures come", _WAY_OUT)
        self._store = store = Store()
        try:
            for at, cell in enumerate(self.found):
                if isinstance(cell, bytes) and cell[:4] != MARK:
                    self.found[at] = store.put(cell)
        except BaseException:
            self.drop()
            raise

    def take(self) -> list[Found]:
        """What came since the last time: the caller holds it from here on."""
        found, self.found = self.found, []
        return found

    def drop(self) -> None:
        """Reading failed: nothing will hold what was put in a file."""
        if self._store is not None:
            _fresh.pop(self._store.name, None)
            self._store = None

    def done(self) -> list[Found]:
        """All that came."""
        if self._store is not None:
            self._store.close()
        return self.found


def told(frame: pl.DataFrame) -> list[tuple[str, str]]:
    """Name and file of each store that the frame's cells lead to, for another process."""
    return [(store.name.hex(), str(store.spool.path)) for store in stores_of(frame)]


def opened(known: Iterable[tuple[str, str]]) -> None:
    """Open what `told` told of, until a Dataset holds it; the files stay the other's."""
    for name, path in known:
        if bytes.fromhex(name) not in _open:
            Store(bytes.fromhex(name), Spool.of(Path(path)))
