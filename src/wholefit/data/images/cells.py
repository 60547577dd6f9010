"""Pictures as cells of a table: pixels with their size in front, in a column of bytes.

A cell is ten bytes (a mark, channels, height, width) and then the pixels, row by row, one byte a
channel. A column of such cells is taken, split, hashed and sent to other processes like any other
column, whatever the sizes; 60,000 grey pictures of 28 x 28 take 48 MB.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError
from wholefit.data.images import keeping

MARK, _HEAD = keeping.PLAIN, keeping.HEAD
LARGEST = 65_535
_STRETCH = 1 << 24


def pack(pixels: np.ndarray) -> bytes:
    """The cell of a picture: uint8 (height, width) or (height, width, channels), 1 or 3."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    high, wide, channels = pixels.shape
    return _HEAD.pack(MARK, channels, high, wide) + np.ascontiguousarray(pixels).tobytes()


def unpack(cell: bytes) -> np.ndarray:
    """Pixels uint8 (height, width, channels); DataError where the cell is no picture."""
    cell, = keeping.brought([cell])
    channels, high, wide = size(cell)
    return np.frombuffer(cell, np.uint8, offset=_HEAD.size).reshape(high, wide, channels)


def size(cell: bytes) -> tuple[int, int, int]:
    """(channels, height, width) of a cell; DataError where it is no picture."""
    if len(cell) >= _HEAD.size:
        mark, channels, high, wide = _HEAD.unpack_from(cell)
        count = channels * high * wide
        if channels in (1, 3) and count:
            if mark == MARK and len(cell) == _HEAD.size + count:
                return channels, high, wide
            if mark == keeping.MARK and keeping.here(cell, count):
                return channels, high, wide
    raise DataError("a cell of a picture column must be a picture; got other bytes.")


def is_cell(cell: Any) -> bool:
    """True if these bytes are a picture's cell."""
    try:
        return isinstance(cell, bytes) and bool(size(cell))
    except DataError:
        return False


def are_cells(column: pl.Series) -> bool:
    """True if the column is one of cells: bytes, of which each is whole."""
    if column.dtype != pl.Binary or column.null_count() == len(column):
        return False
    column = column.alias("column")  # the engine reads names such as "^a.*$" as patterns
    there = column.drop_nulls()
    led = there.bin.starts_with(keeping.MARK)
    if not (there.bin.starts_with(MARK) | led).all():
        return False
    lengths = there.bin.size().to_numpy().astype(np.int64)
    if (lengths < _HEAD.size).any():
        return False
    found = sizes(there)
    wanted = np.where(led.to_numpy(), keeping.LENGTH, _HEAD.size + found.prod(axis=1))
    return bool(np.isin(found[:, 0], (1, 3)).all() and (found[:, 1:] > 0).all()
                and (lengths == wanted).all() and all(map(is_cell, there.filter(led).to_list())))


def sizes(column: pl.Series) -> np.ndarray:
    """(channels, height, width) of each picture that is there, int64 (present, 3)."""
    heads = column.alias("column").drop_nulls().bin.slice(0, _HEAD.size)
    whole = np.frombuffer(b"".join(heads.to_list()), np.uint8).reshape(-1, _HEAD.size)
    pairs = whole[:, 6:10].copy().view("<u2").astype(np.int64)
    return np.column_stack([whole[:, 4].astype(np.int64), pairs])


def column(name: str, cells: Iterable[bytes | None]) -> pl.Series:
    """Cells as a column; None is a picture that is not there."""
    return pl.Series(name, list(cells), dtype=pl.Binary)


def of_pixels(name: str, pixels: np.ndarray) -> pl.Series:
    """A column of pictures of one size: uint8 (n, height, width) or (n, height, width, channels).

    Made in stretches, so that no second copy of all the pixels is held.
    """
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    return of_stretches(name, stretches(pixels), len(pixels))


def of_stretches(name: str, parts: Iterable[np.ndarray], count: int) -> pl.Series:
    """A column of `count` pictures that come in parts (n, height, width, channels) of one size."""
    gathering: keeping.Gathering | None = None
    made: list[pl.Series] = []
    try:
        for part in parts:
            gathering = gathering or keeping.Gathering(count, part[0].size + _HEAD.size)
            head = _HEAD.pack(MARK, part.shape[3], *part.shape[1:3])
            for row in np.ascontiguousarray(part).reshape(len(part), -1):
                gathering.add(head + row.tobytes())
            made.append(pl.Series(gathering.take(), dtype=pl.Binary))
    except BaseException:
        if gathering is not None:
            gathering.drop()
        raise
    return (pl.concat(made) if made else pl.Series([], dtype=pl.Binary)).alias(name)


def stretches(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """The pictures (n, ...) a few at a time; of an array in a file no more than that is held."""
    step = max(1, _STRETCH // max(1, pixels.nbytes // max(1, len(pixels))))
    for at in range(0, len(pixels), step):
        yield pixels[at:at + step]
        let_go(pixels)


def let_go(array: np.ndarray) -> None:
    """Pages of an array in a file that were read count as this process's until it lets them go."""
    base: Any = array
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    # What was changed in a copy of its own ("c") would be lost.
    if isinstance(base, np.memmap) and base.mode == "r":
        held: Any = base._mmap  # type: ignore[attr-defined]
        if hasattr(held, "madvise"):
            held.madvise(mmap.MADV_DONTNEED)


def alike(cells: Sequence[bytes]) -> np.ndarray | None:
    """Pixels (n, height, width, channels) where all cells hold theirs and are of one size."""
    head = cells[0][:_HEAD.size]
    channels, high, wide = size(cells[0])
    length = len(cells[0])
    if any(len(cell) != length or cell[:_HEAD.size] != head for cell in cells):
        return None
    whole = np.frombuffer(b"".join(cells), np.uint8).reshape(len(cells), length)
    return whole[:, _HEAD.size:].reshape(len(cells), high, wide, channels)
