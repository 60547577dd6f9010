"""idx files, the format of MNIST: a header, then one byte a pixel or a label.

The format: two zero bytes, 8 for unsigned bytes, the number of axes, each axis as a big-endian
32-bit number, the values (http://yann.lecun.com/exdb/mnist, section "FILE FORMATS").
"""

from __future__ import annotations

import gzip
import re
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError
from wholefit.base.spool import check_room, most_held
from wholefit.data.images import cells
from wholefit.data.images.folder import IMAGE, LABEL
from wholefit.data.notes import Note, info
from wholefit.data.table import Table

_NAMED = re.compile(r"(^|[.\-_])idx[13]([.\-_]|$)", re.IGNORECASE)
_BLOCK = 1 << 24


def named_idx(name: str) -> bool:
    """True if the file's name promises idx: "train-images-idx3-ubyte.gz", "digits.idx3"."""
    return bool(_NAMED.search(name))


def load(path: Path) -> np.ndarray:
    """The array uint8 of an idx file, packed or not; DataError where it is damaged.

    One that memory should not hold is mapped: the file itself, or what is unpacked of it.
    """
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else open(path, "rb") as file:
            head = file.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] != 8 or not 1 <= head[3] <= 4:
                raise DataError(f"{path.name} is no idx file of unsigned bytes.")
            axes = struct.unpack(f">{head[3]}I", file.read(4 * head[3]))
            count = int(np.prod([int(axis) for axis in axes], dtype=object))
            if count > most_held():
                return _mapped(path, file, packed, 4 + 4 * head[3], count).reshape(axes)
            return _values(file, count, path.name).reshape(axes)
    except (struct.error, EOFError, zlib.error, OSError) as error:
        raise DataError(f"{path.name} is damaged: {error}.") from error


def _mapped(path: Path, file: Any, packed: bool, start: int, count: int) -> np.ndarray:
    """The values in their file, or in a temporary one that goes when they do."""
    if not packed:
        there = path.stat().st_size - start
        if there < count:
            raise _truncated(path.name, count, max(there, 0))
        return np.memmap(path, np.uint8, "r", offset=start, shape=(count,))
    check_room(count, f"{path.name} unpacks", "give a part of it")
    with tempfile.TemporaryFile(prefix="wholefit-") as sink:
        for block in _blocks(file, count, path.name):
            sink.write(block)
        sink.flush()
        return np.memmap(sink, np.uint8, "r", shape=(count,))


def _values(file: Any, count: int, name: str) -> np.ndarray:
    """The values, block by block: a header that lies never makes a large allocation."""
    found = bytearray()
    for block in _blocks(file, count, name):
        found += block
    return np.frombuffer(found, np.uint8)


def _blocks(file: Any, count: int, name: str) -> Iterator[bytes]:
    left = count
    while left:
        block = file.read(min(left, _BLOCK))
        if not block:
            raise _truncated(name, count, count - left)
        yield block
        left -= len(block)


def _truncated(name: str, count: int, there: int) -> DataError:
    return DataError(f"{name} is truncated: {count:,} bytes were promised, {there:,} are there.")


def in_folder(folder: Path) -> list[Path]:
    """The idx files of pictures in a folder, the one named train first."""
    found = [path for path in sorted(folder.iterdir())
             if path.is_file() and named_idx(path.name) and "label" not in path.name.lower()]
    return sorted(found, key=lambda path: ("train" not in path.name.lower(), path.name))


def read_folder(folder: Path) -> Table:
    """A folder in the form of MNIST: pictures and labels of the training pair, or the only one."""
    paths = in_folder(folder)
    table = read(paths[0])
    notes = list(table.notes)
    if len(paths) > 1:
        rest = ", ".join(path.name for path in paths[1:])
        notes.append(info("split", f"{folder.name} also holds {rest}: not read; give its path to "
                          "evaluate."))
    return Table(table.frame, folder.name, "file", notes, roles=table.roles, target=table.target)


def read(path: Path) -> Table:
    """A file of pictures with the labels beside it, where they are; or labels by themselves."""
    values = load(path)
    notes: list[Note] = []
    if values.ndim == 1:
        return Table(pl.DataFrame({LABEL: values}), path.name, "file")
    if values.ndim < 3 or not all(1 <= side <= cells.LARGEST for side in values.shape[1:3]):
        raise DataError(f"{path.name} must hold pictures (n, height, width); got "
                        f"{values.shape}.")
    columns = [cells.of_pixels(IMAGE, values)]
    beside = _labels_of(path)
    if beside is not None:
        labels = load(beside)
        if len(labels) != len(values):
            raise DataError(f"{beside.name} holds {len(labels):,} labels for the {len(values):,} "
                            f"pictures of {path.name}.")
        columns.append(pl.Series(LABEL, labels))
        notes.append(info("labels", f"labels were read from {beside.name}."))
    return Table(pl.DataFrame(columns), path.name, "file", notes, roles={IMAGE: "image"},
                 target=None if beside is None else LABEL)


def _labels_of(path: Path) -> Path | None:
    """The file of labels that goes with a file of pictures, by name."""
    name = path.name.replace("images", "labels").replace("idx3", "idx1")
    for found in (path.with_name(name), path.with_name(name.removesuffix(".gz")),
                  path.with_name(name + ".gz")):
        if found != path and found.is_file():
            return found
    return None
