"""Pictures as a kind of data: folders, tables of paths, idx files, bytes, arrays.

    wf.fit("photos/")                       # one sub-folder a class
    wf.fit("photos/labels.csv", target="kind")
    wf.fit("mnist/")                        # idx files
    wf.fit((pixels, labels))                # numpy

Whatever they come as, they become a column of role "image": one cell a picture (see `cells`),
its longer side at most `image_limit` pixels (128).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from wholefit.base.errors import DataError
from wholefit.data.images import arrays, cells, folder, idx, tables
from wholefit.data.images.decode import ENDINGS, LIMIT, decode
from wholefit.data.images.workers import check_limit, decode_all
from wholefit.data.table import Table

__all__ = ["ENDINGS", "LIMIT", "arrays", "cells", "decode", "decode_all", "folder", "idx",
           "of_memory", "of_path", "tables"]


def of_path(
    path: Path, limit: int, cache: str | None = None, kind: str | None = None
) -> Table | None:
    """The table of a folder or file of pictures; None where the path is none of these.

    `kind` says what arrays of three axes are: "pictures", "series", or None where nothing was said.
    """
    check_limit(limit)
    if path.is_dir():
        if idx.in_folder(path):
            return idx.read_folder(path)
        return folder.read_folder(path, limit, cache) if folder.holds_pictures(path) else None
    name = path.name.lower()
    if not path.is_file():
        return None
    if idx.named_idx(name):
        return idx.read(path)
    if name.endswith(ENDINGS):
        return _one(path, limit, cache)
    return arrays.read_file(path, limit, kind) if name.endswith((".npy", ".npz")) else None


def _one(path: Path, limit: int, cache: str | None) -> Table:
    """A single picture; DataError where it cannot be used, for there is nothing beside it."""
    found = decode_all([path], limit, cache)[0]
    if not isinstance(found, bytes):
        kind = path.suffix.lstrip(".").upper()
        raise DataError(f"{path.name} is no {kind} image that can be used: {found}.")
    frame = pl.DataFrame([cells.column(folder.IMAGE, [found]),
                          pl.Series(folder.FILE, [path.name])])
    return Table(frame, path.name, "file",
                 roles={folder.IMAGE: "image", folder.FILE: "identifier"})


def of_memory(
    source: Any, limit: int, cache: str | None = None, kind: str | None = None
) -> Table | None:
    """The table of pictures given in memory; None where `source` is none of these."""
    check_limit(limit)
    return arrays.of_memory(source, limit, cache, kind)
