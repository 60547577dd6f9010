"""Tables that hold pictures: bytes in a column, or paths beside the table."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit.data.images import cells
from wholefit.data.images import notes as said
from wholefit.data.images.decode import ENDINGS, LIMIT, Bad, looks_like
from wholefit.data.images.workers import Found, decode_all
from wholefit.data.notes import Note, info
from wholefit.data.table import Table

_PATH = re.compile(r"\.(" + "|".join(end.lstrip(".") for end in ENDINGS) + r")\s*$", re.IGNORECASE)
_LOOKED_AT = 20


def with_pictures(
    table: Table, base: Path | None = None, limit: int = LIMIT, cache: str | None = None
) -> Table:
    """The table with every column of encoded pictures, or of paths of some, decoded.

    Bytes keep the column's name; Hugging Face's struct of bytes and path, which reading takes apart
    ("photo.bytes", "photo.path"), becomes one column again. Paths are looked for
    in `base` (None: not at all), never outside it; the pictures become a column "image" and the
    paths stay, as what names a row.
    """
    frame, roles, notes = table.frame, dict(table.roles), list(table.notes)
    for column in table.frame.get_columns():
        if roles.get(column.name) == "image" or cells.are_cells(column):
            roles[column.name] = "image"
            continue
        if column.dtype == pl.Binary:
            frame, more = _of_bytes(frame, column, roles, limit, cache)
        elif column.dtype == pl.String and base is not None and "image" not in table.roles.values():
            frame, more = _of_paths(frame, column, roles, base, limit, cache)
        else:
            continue
        notes += more
    if roles == table.roles:
        return table
    return replace(table, frame=frame, roles=roles, notes=notes)


def to_cells(column: pl.Series, limit: int = LIMIT) -> pl.Series:
    """New data's column as cells: cells as they are, encoded bytes and base64 text decoded.

    Text is never taken for a path here: what a request says must not open files.
    """
    if column.dtype == pl.String:
        column = pl.Series(column.name, [_of_base64(text) for text in column.to_list()],
                           dtype=pl.Binary)
    if column.dtype != pl.Binary:
        return pl.Series(column.name, [None] * len(column), dtype=pl.Binary)
    if cells.are_cells(column):
        return column
    found = decode_all(column.to_list(), limit)
    return cells.column(column.name, [each if isinstance(each, bytes) else None for each in found])


def unanswerable(dataset: Any) -> np.ndarray | None:
    """Rows of which nothing is known: pictures are all that is learnt from, and none is there."""
    schema = dataset.schema
    names = schema.having("image")
    if not names or set(schema.features) != set(names):
        return None
    lost = np.all([dataset.image_sizes(name)[:, 1] == 0 for name in names], axis=0)
    return lost if lost.any() else None


def _of_bytes(
    frame: pl.DataFrame, column: pl.Series, roles: dict[str, str], limit: int, cache: str | None
) -> tuple[pl.DataFrame, list[Note]]:
    some = column.alias("column").drop_nulls().head(_LOOKED_AT).to_list()
    if not some or sum(looks_like(each) or cells.is_cell(each) for each in some) * 2 < len(some):
        return frame, []
    named = [f"row {at + 1}" for at in range(len(column))]
    found, notes = said.settle(column.name, decode_all(column.to_list(), limit, cache), named)
    frame = _put(frame, found)
    stem = column.name.removesuffix(".bytes")
    if stem != column.name and stem not in frame.columns:
        frame = frame.rename({column.name: stem})
        beside = f"{stem}.path"
        if beside in frame.columns and frame[beside].null_count() == frame.height:
            frame = frame.drop(beside)
        elif beside in frame.columns:
            roles[beside] = "identifier"
    else:
        stem = column.name
    roles[stem] = "image"
    return frame, notes


def _of_paths(
    frame: pl.DataFrame, column: pl.Series, roles: dict[str, str], base: Path, limit: int,
    cache: str | None,
) -> tuple[pl.DataFrame, list[Note]]:
    some = column.alias("column").drop_nulls().head(_LOOKED_AT).to_list()
    if not some or not all(_PATH.search(each) for each in some):
        return frame, []
    places = _Places(base)
    sources: list[Path | Bad | None] = [None if text is None else places.find(text.strip())
                                        for text in column.to_list()]
    if not any(isinstance(source, Path) for source in sources):
        return frame, []
    found: list[Found] = list(decode_all(
        [source if isinstance(source, Path) else None for source in sources], limit, cache))
    found = [source if isinstance(source, Bad) else each
             for source, each in zip(sources, found, strict=True)]
    name = "image" if "image" not in frame.columns else f"{column.name}_image"
    cells_of, notes = said.settle(name, found, [str(text) for text in column.to_list()])
    roles.update({name: "image", column.name: "identifier"})
    notes.insert(0, info("pictures", f"column {column.name!r} names pictures: read as column "
                         f"{name!r}.", column=name, count=len(column)))
    return frame.with_columns(cells_of), notes


class _Places:
    """Finds files by the paths a table names: in its folder or one just below, never outside."""

    def __init__(self, base: Path) -> None:
        self.root = base.resolve()
        self.folders = [self.root, *sorted(p for p in self.root.iterdir() if p.is_dir())][:100]

    def find(self, text: str) -> Path | Bad:
        """The file, or why there is none."""
        if "\0" in text:
            return Bad("no such file")
        try:
            for folder in self.folders:
                path = (folder / text).resolve()
                if not path.is_relative_to(self.root):
                    return Bad("outside the folder of the table")
                if path.is_file():
                    return path
        except OSError:
            return Bad("no such file")
        return Bad("no such file")


def _put(frame: pl.DataFrame, column: pl.Series) -> pl.DataFrame:
    return frame.clone().replace_column(frame.columns.index(column.name), column)


def _of_base64(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return base64.b64decode(text.partition("base64,")[2] or text, validate=True)
    except (binascii.Error, ValueError):
        return None
