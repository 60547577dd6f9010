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

from wholefit.data.images import arrays, cells, folder, idx, tables
from wholefit.data.images.decode import ENDINGS, LIMIT, decode
from wholefit.data.images.workers import check_limit, decode_all
from wholefit.data.table import Table

__all__ = ["ENDINGS", "LIMIT", "arrays", "cells", "decode", "decode_all", "folder", "idx",
           "of_memory", "of_path", "tables"]


def of_path(path: Path, limit: int, cache: str | None = None) -> Table | None:
    """The table of a folder or file of pictures; None where the path is none of these."""
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
        found = arrays.of_memory([str(path)], limit, cache)
        return None if found is None else Table(found.frame, path.name, "file", found.notes,
                                                roles=found.roles)
    return arrays.read_file(path, limit) if name.endswith((".npy", ".npz")) else None


def of_memory(source: Any, limit: int, cache: str | None = None) -> Table | None:
    """The table of pictures given in memory; None where `source` is none of these."""
    check_limit(limit)
    return arrays.of_memory(source, limit, cache)
