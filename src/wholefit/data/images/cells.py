"""Pictures as cells of a table: pixels with their size in front, in a column of bytes.

A cell is ten bytes (a mark, channels, height, width) and then the pixels, row by row, one byte a
channel. A column of such cells is taken, split, hashed and sent to other processes like any other
column, whatever the sizes; 60,000 grey pictures of 28 x 28 take 48 MB.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError

MARK = b"\x93wfi"
_HEAD = struct.Struct("<4sBxHH")
LARGEST = 65_535


def pack(pixels: np.ndarray) -> bytes:
    """The cell of a picture: uint8 (height, width) or (height, width, channels), 1 or 3."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    high, wide, channels = pixels.shape
    return _HEAD.pack(MARK, channels, high, wide) + np.ascontiguousarray(pixels).tobytes()


def unpack(cell: bytes) -> np.ndarray:
    """Pixels uint8 (height, width, channels); DataError where the cell is no picture."""
    channels, high, wide = size(cell)
    return np.frombuffer(cell, np.uint8, offset=_HEAD.size).reshape(high, wide, channels)


def size(cell: bytes) -> tuple[int, int, int]:
    """(channels, height, width) of a cell; DataError where it is no picture."""
    if len(cell) >= _HEAD.size:
        mark, channels, high, wide = _HEAD.unpack_from(cell)
        if mark == MARK and channels in (1, 3) and high and wide and \
                len(cell) == _HEAD.size + channels * high * wide:
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
    if not column.bin.starts_with(MARK).all():
        return False
    lengths = column.drop_nulls().bin.size().to_numpy().astype(np.int64)
    if (lengths < _HEAD.size).any():
        return False
    found = sizes(column)
    return bool(np.isin(found[:, 0], (1, 3)).all() and (found[:, 1:] > 0).all()
                and (lengths == _HEAD.size + found.prod(axis=1)).all())


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
    count, high, wide, channels = pixels.shape
    head = _HEAD.pack(MARK, channels, high, wide)
    step = max(1, (1 << 24) // max(1, high * wide * channels))
    parts = [_stretch(head, pixels[at:at + step]) for at in range(0, count, step)]
    return (pl.concat(parts) if parts else pl.Series([], dtype=pl.Binary)).alias(name)


def _stretch(head: bytes, pixels: np.ndarray) -> pl.Series:
    flat = np.ascontiguousarray(pixels).reshape(len(pixels), -1)
    return pl.Series([head + row.tobytes() for row in flat], dtype=pl.Binary)


def alike(cells: Sequence[bytes]) -> np.ndarray | None:
    """Pixels (n, height, width, channels) where all cells are of one size; else None."""
    head = cells[0][:_HEAD.size]
    channels, high, wide = size(cells[0])
    length = len(cells[0])
    if any(len(cell) != length or cell[:_HEAD.size] != head for cell in cells):
        return None
    whole = np.frombuffer(b"".join(cells), np.uint8).reshape(len(cells), length)
    return whole[:, _HEAD.size:].reshape(len(cells), high, wide, channels)
