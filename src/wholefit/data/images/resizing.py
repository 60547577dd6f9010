"""Resizing by two products with weights that make every sum exact: the same alone as in a batch.

Bilinear weights, widened over the area that a pixel covers where a picture shrinks (the triangle
filter, as Pillow's BILINEAR). They are whole 4096ths that sum to one, so that products with bytes
are exact in float32 whatever the order of summation; each pass rounds to bytes.
"""

from __future__ import annotations

import functools

import numpy as np

_UNIT = 4096
_STRETCH = 1 << 22


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pixels uint8 (h, w, c) at another size."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return resize_all(pixels.transpose(2, 0, 1)[None], height, width)[0].transpose(1, 2, 0)


def resize_all(pictures: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pictures uint8 (n, c, h, w) of one size at another."""
    count, channels, high, wide = pictures.shape
    if (high, wide) == (height, width):
        return pictures
    out = np.empty((count, channels, height, width), np.uint8)
    step = max(1, _STRETCH // (channels * max(high, height) * max(wide, width)))
    across, down = weights(wide, width), weights(high, height)
    for at in range(0, count, step):
        part = np.ascontiguousarray(pictures[at:at + step]).astype(np.float32)
        part = np.floor(part.reshape(-1, wide) @ across.T + 0.5)
        part = part.reshape(-1, high, width)
        out[at:at + step] = np.floor(down @ part + 0.5).reshape(-1, channels, height, width)
    return out


@functools.lru_cache(maxsize=256)
def weights(before: int, after: int) -> np.ndarray:
    """What each pixel before is worth to each after: float32 (after, before), rows sum to one."""
    scale = before / after
    reach = max(scale, 1.0)
    centres = (np.arange(after) + 0.5) * scale
    away = np.abs(np.arange(before)[None, :] + 0.5 - centres[:, None]) / reach
    found = np.maximum(1 - away, 0)
    whole = np.floor(found / found.sum(axis=1, keepdims=True) * _UNIT)
    short = (_UNIT - whole.sum(axis=1)).astype(np.int64)
    rest = found / found.sum(axis=1, keepdims=True) * _UNIT - whole
    order = np.argsort(-rest, axis=1, kind="stable")
    for row, lacking in enumerate(short):  # the largest remainders get what rounding left over
        whole[row, order[row, :lacking]] += 1
    made = (whole / _UNIT).astype(np.float32)
    made.flags.writeable = False
    return made
