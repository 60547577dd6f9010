"""Pictures in memory: arrays, pairs of arrays and labels, lists of paths; .npy and .npz."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError
from wholefit.base.spool import MOST_HELD, check_room, most_held
from wholefit.data import _memory, series
from wholefit.data.images import cells, decode
from wholefit.data.images import notes as said
from wholefit.data.images.folder import FILE, IMAGE, LABEL
from wholefit.data.images.resizing import resize_all
from wholefit.data.images.workers import decode_all
from wholefit.data.notes import Note, info
from wholefit.data.table import Table

_SMALL = 8
_LONG = 4  # times that one side of a grey picture may be the other


def of_memory(
    source: Any, limit: int, cache: str | None = None, kind: str | None = None
) -> Table | None:
    """A table of pictures, if `source` is one of the ways of giving pictures; else None.

    An array (n, h, w), (n, h, w, 1, 3 or 4) or (n, 1 or 3, h, w); a pair (pictures, labels); a
    dict with such an array among its columns; a list of arrays, or of paths of picture files.
    `kind` "pictures" says that no array is one of series: see `_ask`.
    """
    _ask(source, kind)
    if isinstance(source, np.ndarray):
        return _of_array(source, limit) if source.ndim >= 3 else None
    if isinstance(source, Mapping):
        return _of_dict(source, limit)
    if not isinstance(source, (list, tuple)) or not len(source):
        return None
    if series.is_pair(source):
        return _pair(source[0], source[1], limit)
    if all(_is_path(each) for each in source):
        names = [str(each) for each in source]
        column, notes = said.settle(IMAGE, decode_all([Path(name).expanduser() for name in names],
                                                      limit, cache), names)
        return Table(pl.DataFrame([column, pl.Series(FILE, names)]), "memory (paths)", "polars",
                     notes, roles={IMAGE: "image", FILE: "identifier"})
    if all(isinstance(each, np.ndarray) and each.ndim in (2, 3) for each in source):
        parts = [column_of(IMAGE, each[None], limit)[0] for each in source]
        return Table(pl.DataFrame([pl.concat(parts)]), "memory (arrays)", "numpy",
                     roles={IMAGE: "image"})
    return None


def _ask(source: Any, kind: str | None) -> None:
    """DataError for an array that is as likely one of series, unless it was said to be pictures.

    An array (n, a, b) whose sides differ by more than four times is rather steps and channels,
    but for bytes (h, w, 3 or 4): those are one picture in colour.
    """
    if isinstance(source, Mapping):
        held = list(source.values())
    else:
        held = [source[0] if series.is_pair(source) else source]
    for each in held if kind is None else ():
        if not isinstance(each, np.ndarray) or each.ndim != 3:
            continue
        if each.dtype == np.uint8 and _one_in_colour(each):
            continue
        small, large = sorted(each.shape[1:])
        if large > _LONG * small:
            raise DataError(
                f"an array of shape {each.shape} may be pictures (n, height, width) or series (n, "
                "steps, channels): say arrays='pictures' or arrays='series' (--arrays).")


def column_of(name: str, pixels: np.ndarray, limit: int) -> tuple[pl.Series, list[Note]]:
    """Pictures (n, ...) of one size as a column of cells, shrunk where they are too large.

    They are looked at and written a stretch at a time: of an array in a file (`np.memmap`) no more
    than that is ever held, and beyond what memory should hold the cells lead to a file.
    """
    pixels = _laid_out(name, pixels)
    scale, missing, notes = _scale(name, pixels)
    high, wide = pixels.shape[1:3]
    ratio = min(1.0, limit / max(high, wide))
    size = (high, wide) if ratio == 1 else (max(1, round(high * ratio)),
                                            max(1, round(wide * ratio)))

    def parts() -> Iterator[np.ndarray]:
        for part in cells.stretches(pixels):
            small = resize_all(_bytes(part, scale).transpose(0, 3, 1, 2), *size)
            yield small.transpose(0, 2, 3, 1)

    found = cells.of_stretches(name, parts(), len(pixels))
    if missing.any():
        found = pl.Series(name, [None if gone else cell for cell, gone in
                                 zip(found.to_list(), missing, strict=True)], dtype=pl.Binary)
    return found, notes


def _of_array(pixels: np.ndarray, limit: int) -> Table:
    one = _one_in_colour(pixels)
    column, notes = column_of(IMAGE, pixels[None] if one else pixels, limit)
    return Table(pl.DataFrame([column]), "memory (numpy)", "numpy", notes,
                 roles={IMAGE: "image"})


def _one_in_colour(pixels: np.ndarray) -> bool:
    """True for (h, w, 3 or 4): as pictures in grey these would be very narrow."""
    return pixels.ndim == 3 and pixels.shape[2] in (3, 4) and min(pixels.shape[:2]) >= _SMALL


def _pair(pixels: np.ndarray, labels: Any, limit: int) -> Table:
    if len(pixels) != len(labels):
        raise DataError(f"a pair (pictures, labels) must have as many of both; got {len(pixels):,} "
                        f"and {len(labels):,}.")
    column, notes = column_of(IMAGE, pixels, limit)
    frame = pl.DataFrame([column, _memory.from_memory({LABEL: labels}, "dict").get_column(LABEL)])
    return Table(frame, "memory (numpy)", "numpy", notes, roles={IMAGE: "image"}, target=LABEL)


def _of_dict(source: Mapping[Any, Any], limit: int) -> Table | None:
    pictures = {str(name): value for name, value in source.items()
                if isinstance(value, np.ndarray) and value.ndim >= 3}
    if not pictures:
        return None
    rest = {str(name): value for name, value in source.items() if str(name) not in pictures}
    lengths = {name: len(value) for name, value in {**pictures, **rest}.items()
               if hasattr(value, "__len__") and not isinstance(value, (str, bytes))}
    if len(set(lengths.values())) > 1:
        raise DataError("the columns of a dict must have one length; got "
                        + ", ".join(f"{name!r} {length}" for name, length in lengths.items())
                        + ".")
    columns: dict[str, pl.Series] = {}
    notes: list[Note] = []
    for name, value in pictures.items():
        columns[name], more = column_of(name, value, limit)
        notes += more
    if rest:
        for column in _memory.from_memory(rest, "dict").get_columns():
            columns[column.name] = column
    frame = pl.DataFrame([columns[str(name)] for name in source])
    return Table(frame, "memory (dict)", "dict", notes, roles=dict.fromkeys(pictures, "image"))


def _is_path(each: Any) -> bool:
    return isinstance(each, (str, os.PathLike)) and \
        os.fspath(each).lower().endswith(decode.ENDINGS)


def _laid_out(name: str, pixels: np.ndarray) -> np.ndarray:
    """(n, h, w, channels), channels last."""
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    if pixels.ndim != 4:
        raise DataError(f"pictures {name!r} must be an array (n, height, width) or (n, height, "
                        f"width, channels); got shape {pixels.shape}.")
    if not len(pixels):
        raise DataError(f"pictures {name!r} must be at least one; got an array of shape "
                        f"{pixels.shape}.")
    if pixels.shape[3] not in (1, 3, 4) and pixels.shape[1] in (1, 3):
        pixels = pixels.transpose(0, 2, 3, 1)
    if pixels.shape[3] not in (1, 3, 4) or not all(
            1 <= side <= cells.LARGEST for side in pixels.shape[1:3]):
        raise DataError(f"pictures {name!r} must have 1, 3 or 4 channels and 1 to "
                        f"{cells.LARGEST:,} pixels a side; got shape {pixels.shape}.")
    return pixels


def _scale(name: str, pixels: np.ndarray) -> tuple[float, np.ndarray, list[Note]]:
    """What values are multiplied with, which pictures hold one that is no number, and a note."""
    missing, low, high = np.zeros(len(pixels), bool), 0.0, 0.0
    kind = pixels.dtype.kind
    if kind not in "biuf":
        raise DataError(f"pictures {name!r} must be numbers; got {pixels.dtype}.")
    if kind == "b" or pixels.dtype == np.uint8:
        return 255.0 if kind == "b" else 1.0, missing, []
    at = 0
    for part in cells.stretches(pixels):
        gone = missing[at:at + len(part)]
        if kind == "f":
            gone[:] = ~np.isfinite(part).reshape(len(part), -1).all(axis=1)
        sound = part if not gone.any() else part[~gone]
        low, high = min(low, float(sound.min(initial=0))), max(high, float(sound.max(initial=0)))
        at += len(part)
    _check_scale(name, low, 255 if pixels.dtype == np.uint16 and high > 255 else high)
    if kind == "f" and high <= 1.0:
        return 255.0, missing, [info("scale", f"pictures {name!r} run from 0 to 1: times 255.",
                                     column=name)]
    return 1.0 if high <= 255 else 1 / 257, missing, []


def _bytes(pixels: np.ndarray, scale: float) -> np.ndarray:
    """Pictures (n, h, w, channels) as uint8, what is transparent over white; no number is 0."""
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    elif pixels.dtype.kind == "f":
        sound = np.where(np.isfinite(pixels), pixels, 0)
        pixels = np.round(sound * scale if scale != 1 else sound).astype(np.uint8)
    else:
        pixels = (pixels // 257 if scale < 1 else pixels).astype(np.uint8, copy=False)
    if pixels.shape[3] == 4:
        alpha = pixels[..., 3:].astype(np.float32) / 255
        pixels = np.round(pixels[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return pixels


def _check_scale(name: str, low: float, high: float) -> None:
    if low < 0 or high > 255:
        raise DataError(f"pixels of {name!r} must run from 0 to 1 or from 0 to 255; got {low:g} to "
                        f"{high:g}: bring them to one of these first; or, if these are series "
                        "(n, steps, channels) and no pictures, say arrays='series' (--arrays).")


# Files of arrays ------------------------------------------------------------------------------

def read_file(path: Path, limit: int, kind: str | None = None) -> Table | None:
    """Pictures or series of a .npy or .npz file; None where it is a .npy that is a plain table.

    Arrays stay in their file while they are read; one packed in a .npz that memory should not hold
    is unpacked into a temporary one.
    """
    try:
        if path.name.lower().endswith(".npy"):
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
            found = None if mapped.ndim < 3 else _of_kind(path.name, mapped, None, limit, kind)
        else:
            found = _of_members(path, limit, kind)
    except (ValueError, OSError, EOFError, KeyError, MemoryError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path.name} is damaged, or holds no plain arrays: {error}.") from error
    return None if found is None else Table(found.frame, path.name, "file", found.notes,
                                            formats=found.formats, roles=found.roles,
                                            target=found.target)


def _member(archive: zipfile.ZipFile, held: Any, name: str, label: str) -> np.ndarray:
    """An array of the archive, in a temporary file where memory should not hold it."""
    packed = next((each for each in archive.infolist() if each.filename == f"{name}.npy"), None)
    if packed is None or packed.file_size <= most_held():
        return np.asarray(held[name])
    check_room(packed.file_size, f"{name} of {label} unpacks", "split it and give a part")
    with tempfile.TemporaryDirectory(prefix="wholefit-", ignore_cleanup_errors=True) as folder:
        place = Path(folder) / "array.npy"
        with archive.open(packed) as source, open(place, "wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        # The mapping keeps what it needs where a file that is in use can be removed.
        return np.asanyarray(np.load(place, mmap_mode="r", allow_pickle=False))


def _of_members(path: Path, limit: int, kind: str | None) -> Table:
    with zipfile.ZipFile(path) as archive, np.load(path, allow_pickle=False) as held:
        names = sorted(held.files, key=lambda name: ("test" in name.lower(), name))
        arrays = {name: _member(archive, held, name, path.name) for name in _first(names)}
    pictures = next((name for name, value in arrays.items() if value.ndim >= 3), None)
    if pictures is None:
        raise DataError(f"{path.name} must hold an array of pictures (n, height, width[, "
                        f"channels]); got {', '.join(names)}.")
    labels = next((name for name, value in arrays.items()
                   if value.ndim == 1 and len(value) == len(arrays[pictures])), None)
    found = _of_kind(path.name, arrays[pictures],
                     None if labels is None else arrays[labels], limit, kind)
    rest = [name for name in names if name not in (pictures, labels)]
    more = [] if not rest else [info("members", f"{path.name}: read {pictures}"
                                     + (f" and {labels}" if labels else "")
                                     + f"; left alone {', '.join(rest)}.")]
    return Table(found.frame, path.name, "file", [*found.notes, *more], formats=found.formats,
                 roles=found.roles, target=found.target)


def _of_kind(
    name: str, held: np.ndarray, labels: np.ndarray | None, limit: int, kind: str | None
) -> Table:
    """The table of a file's array, as series or as pictures."""
    if kind == "series":
        if held.nbytes > MOST_HELD:
            raise DataError(f"{name} holds {held.nbytes / 1e9:,.1f} GB of series, more than the "
                            f"{MOST_HELD / 1e9:g} that are held in memory: split it and give a "
                            "part.")
        return series.of_members(name, held, labels)
    _ask(held, kind)
    return _of_array(held, limit) if labels is None else _pair(held, labels, limit)


def _first(names: Sequence[str]) -> list[str]:
    """The members that are not a test part, if there are others."""
    kept = [name for name in names if "test" not in name.lower()]
    return kept or list(names)
