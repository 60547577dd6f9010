"""Pixels as a PNG, and many pictures as one sheet: no library is needed for that."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from wholefit.base.errors import DataError

_GAP = 2


def encode(pixels: np.ndarray) -> bytes:
    """uint8 pixels (height, width) or (height, width, 1 or 3) as the bytes of a PNG file."""
    shades = np.asarray(pixels)
    if shades.ndim == 2:
        shades = shades[:, :, None]
    if shades.dtype != np.uint8 or shades.ndim != 3 or shades.shape[2] not in (1, 3) or \
            not shades.size:
        raise DataError("a picture is written from uint8 pixels (height, width, 1 or 3); got "
                        f"{shades.dtype} of shape {np.asarray(pixels).shape}.")
    high, wide, channels = shades.shape
    lines = np.zeros((high, 1 + wide * channels), np.uint8)  # each line begins with its filter, 0
    lines[:, 1:] = shades.reshape(high, -1)
    head = struct.pack(">IIBBBBB", wide, high, 8, 0 if channels == 1 else 2, 0, 0, 0)
    return b"".join([b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", head),
                     _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)), _chunk(b"IEND", b"")])


def sheet(pictures: np.ndarray, *, across: int | None = None, scale: int = 1) -> np.ndarray:
    """Pictures uint8 (n, height, width, channels) side by side: `across` in a line, on white.

    `scale` draws each pixel as a square of so many.
    """
    n, high, wide, channels = pictures.shape
    across = max(1, min(across or int(np.ceil(np.sqrt(n))), n))
    down = -(-n // across)
    large = pictures.repeat(scale, axis=1).repeat(scale, axis=2)
    step_y, step_x = high * scale + _GAP, wide * scale + _GAP
    found = np.full((down * step_y + _GAP, across * step_x + _GAP, channels), 255, np.uint8)
    for at, picture in enumerate(large):
        y, x = (at // across) * step_y + _GAP, (at % across) * step_x + _GAP
        found[y:y + high * scale, x:x + wide * scale] = picture
    return found


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
