"""Pictures of many sizes brought to one."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl

from wholefit.base.cores import cores
from wholefit.base.errors import DataError, unknown
from wholefit.base.spool import Filed, Spool, check_room, most_held
from wholefit.data.images import cells, keeping
from wholefit.data.images.resizing import resize, resize_all

FITS = ("stretch", "letterbox", "crop")
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
_THREADS, _STRETCH, _AT_ONCE = 8, 4096, 1 << 25


def sizes(column: pl.Series) -> np.ndarray:
    """(channels, height, width) of each cell int64 (n, 3), 0 where it is missing."""
    found = np.zeros((len(column), 3), np.int64)
    found[column.is_not_null().to_numpy()] = cells.sizes(column)
    return found


def at_size(
    column: pl.Series, shape: tuple[int, int, int], fit: str = "stretch"
) -> np.ndarray | Filed:
    """Cells as uint8 (n, channels, height, width), 0 where missing.

    `fit`: "stretch" changes the shape of the picture where it must, "letterbox" keeps it and pads
    with the mean of its edge, "crop" keeps it and cuts what is left over at both ends. Resizing is
    bilinear; shrinking averages over the area a pixel covers. Where that is more than memory should
    hold it lies in a temporary file; DataError where the disk has no room for it.
    """
    if fit not in FITS:
        raise unknown("fit of pictures", fit, FITS)
    channels, high, wide = shape
    if channels not in (1, 3) or high < 1 or wide < 1:
        raise DataError(f"pictures are asked for with 1 or 3 channels and a size; got {shape}.")
    each = channels * high * wide
    step = _step(column, each)
    if len(column) * each > most_held():
        return _in_file(column, shape, fit, step)
    out = np.zeros((len(column), channels, high, wide), np.uint8)
    for start in range(0, len(column), step):  # a copy of all cells at once would be large
        _fill(out[start:start + step], column.slice(start, step), fit)
    return out


def _step(column: pl.Series, each: int) -> int:
    """Cells to bring to size at a time: few where they are large."""
    found = sizes(column).prod(axis=1)
    return int(np.clip(_AT_ONCE // max(each, int(found.max(initial=1))), 1, _STRETCH))


def _in_file(column: pl.Series, shape: tuple[int, int, int], fit: str, step: int) -> Filed:
    check_room(len(column) * math.prod(shape),
               f"{len(column):,} pictures of {shape[2]} x {shape[1]} pixels come",
               "ask for smaller ones (features={'image_size': 32}), or give fewer")
    spool = Spool()
    for start in range(0, len(column), step):
        part = column.slice(start, step)
        out = np.zeros((len(part), *shape), np.uint8)
        _fill(out, part, fit)
        spool.write(out)
    return Filed(spool, shape, len(column))


def _fill(out: np.ndarray, column: pl.Series, fit: str) -> None:
    """Put the pictures of a stretch of cells into `out` (n, channels, height, width)."""
    channels, high, wide = out.shape[1:]
    there = np.flatnonzero(column.is_not_null().to_numpy())
    listed = keeping.brought(column.drop_nulls().to_list())
    if not listed:
        return
    same = cells.alike(listed)
    if same is not None and (fit == "stretch" or same.shape[1:3] == (high, wide)):
        out[there] = resize_all(_coloured(same, channels).transpose(0, 3, 1, 2), high, wide)
        return
    put = _FITTED[fit]

    def one(at: int) -> None:
        pixels = _coloured(cells.unpack(listed[at])[None], channels)[0]
        out[there[at]] = put(pixels, high, wide).transpose(2, 0, 1)

    with ThreadPoolExecutor(min(cores(), _THREADS)) as pool:
        list(pool.map(one, range(len(listed))))


def grey(pixels: np.ndarray) -> np.ndarray:
    """Brightness uint8 (..., 1) of pixels (..., 3), by the weights of ITU-R BT.601."""
    return np.round(pixels.astype(np.float32) @ _GREY).astype(np.uint8)[..., None]


def _coloured(pixels: np.ndarray, channels: int) -> np.ndarray:
    if pixels.shape[-1] == channels:
        return pixels
    return grey(pixels) if channels == 1 else np.repeat(pixels, 3, axis=-1)


def _stretch(pixels: np.ndarray, high: int, wide: int) -> np.ndarray:
    return resize(pixels, high, wide)


def _letterbox(pixels: np.ndarray, high: int, wide: int) -> np.ndarray:
    ratio = min(high / pixels.shape[0], wide / pixels.shape[1])
    inner = resize(pixels, *(max(1, min(most, round(side * ratio))) for side, most in
                             zip(pixels.shape[:2], (high, wide), strict=True)))
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    out = np.empty((high, wide, pixels.shape[2]), np.uint8)
    out[:] = np.round(edge.mean(axis=0)).astype(np.uint8)
    top, left = (high - inner.shape[0]) // 2, (wide - inner.shape[1]) // 2
    out[top:top + inner.shape[0], left:left + inner.shape[1]] = inner
    return out


def _crop(pixels: np.ndarray, high: int, wide: int) -> np.ndarray:
    ratio = max(high / pixels.shape[0], wide / pixels.shape[1])
    inner = resize(pixels, *(max(least, round(side * ratio)) for side, least in
                             zip(pixels.shape[:2], (high, wide), strict=True)))
    top, left = (inner.shape[0] - high) // 2, (inner.shape[1] - wide) // 2
    return inner[top:top + high, left:left + wide]


_FITTED: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "stretch": _stretch, "letterbox": _letterbox, "crop": _crop}


def kinds(column: pl.Series) -> pl.Series:
    """What each picture is, in words: "28 x 28 grey" (width first); None where it is missing."""
    words = {1: "grey", 3: "colour"}
    return pl.Series("kind", [f"{wide} x {high} {words[channels]}" if high else None
                              for channels, high, wide in sizes(column).tolist()],
                     dtype=pl.String)


def usual_size(found: np.ndarray, most: int = 64) -> tuple[int, int]:
    """(height, width) to bring pictures to: the commonest size, else the median, at most `most`.

    `found` is (n, 3), as `sizes` gives it, of training rows. A size that at least half of them
    share is taken as it is, up to `most` a side.
    """
    known = found[found[:, 1] > 0][:, 1:]
    if not len(known):
        return most, most
    kinds, counts = np.unique(known, axis=0, return_counts=True)
    high, wide = kinds[counts.argmax()] if counts.max() * 2 >= len(known) else \
        np.median(known, axis=0)
    ratio = min(1.0, most / max(high, wide))
    return max(1, round(float(high) * ratio)), max(1, round(float(wide) * ratio))
