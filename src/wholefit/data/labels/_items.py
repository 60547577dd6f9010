"""Items: what is asked about, each with a key that stays the same from day to day.

The key is a hash of what a person is shown, so labels survive rows that are added, dropped or
put in another order, and a row whose text was edited is asked again. Rows that show the same
are one item and share its label. Where a column of identifiers is named, the key is the
identifier and the hash together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, unknown
from wholefit.data import _cells
from wholefit.data.notes import Note, info, some, warning

KINDS = ("text", "row", "image")
# Pictures that a browser shows and that hold no script (an SVG may).
PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
            ".gif": "image/gif", ".webp": "image/webp", ".bmp": "image/bmp"}


@dataclass(frozen=True, eq=False)
class Items:
    """Distinct items of a source, in order of first appearance.

    `columns` are what is shown; `kind` "text", "row" or "image". `rows` (items,) is the 0-based
    source row of each item's first appearance; `of_row` (source rows,) each row's item, -1 where
    it has nothing to show. `digest` is a hash of all keys. `folder` holds the pictures.
    """

    frame: pl.DataFrame
    source: str
    columns: tuple[str, ...]
    kind: str
    keys: tuple[str, ...]
    rows: np.ndarray
    of_row: np.ndarray
    digest: str
    notes: tuple[Note, ...] = ()
    folder: Path | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def places(self) -> dict[str, int]:
        """Key to item number."""
        return {key: at for at, key in enumerate(self.keys)}

    def shown(self, item: int) -> list[tuple[str, str]]:
        """(column, cell as text) of what a person is shown of an item."""
        row = int(self.rows[item])
        return [(name, _text(self.frame, name, row)) for name in self.columns]

    def distinct(self) -> pl.DataFrame:
        """The shown columns, one row an item."""
        return pl.DataFrame([self.frame.get_column(name)[self.rows] for name in self.columns])

    def picture(self, item: int) -> Path | None:
        """The file of an item's picture; None if it may not be shown (see `safe_picture`)."""
        if self.kind != "image" or self.folder is None:
            return None
        return safe_picture(self.folder, self.shown(item)[0][1])


def items_of(
    frame: pl.DataFrame, columns: Sequence[str], *, source: str = "memory", id: str | None = None,
    images: bool = False, folder: Path | None = None,
) -> Items:
    """The items of a frame; `images` says that the one column holds paths of pictures.

    Raises UnknownNameError for a column that is not there, DataError for identifiers that are
    missing or name two different things, and for a source with nothing to show.
    """
    columns = tuple(dict.fromkeys(columns))
    for name in (*columns, *([id] if id is not None else [])):
        if name not in frame.columns:
            raise unknown("column", name, frame.columns)
    if not columns:
        raise DataError("say which columns to show: --column text.")
    if images and len(columns) > 1:
        raise DataError(f"pictures are one column of paths; got {len(columns)} columns.")
    kind = "image" if images else "text" if len(columns) == 1 else "row"
    hashes, empty = _hashes(frame, columns)
    names = hashes if id is None else _identified(frame, id, hashes)
    keys, rows, of_row = _distinct(names, empty)
    if not keys:
        raise DataError(f"{source} has nothing to label: {_listed(columns)} is empty in all of "
                        f"its {frame.height:,} rows.")
    notes = _said(of_row, len(keys), columns)
    digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()
    return Items(frame, source, columns, kind, keys, rows, of_row, digest, notes, folder)


def safe_picture(folder: Path, name: str) -> Path | None:
    """The picture `name` of `folder`; None if it leads out of it, is no picture, or is absent.

    Links are followed before the place is judged.
    """
    try:
        root = folder.resolve(strict=True)
        path = (root / name).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    inside = path.is_relative_to(root)
    return path if inside and path.is_file() and path.suffix.lower() in PICTURES else None


def _hashes(frame: pl.DataFrame, columns: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """A hash of each row's shown cells, and which rows have nothing in them."""
    cells = [_labels(frame.get_column(name).alias("column")).to_list() for name in columns]
    empty = np.ones(frame.height, dtype=bool)
    for column in cells:
        empty &= np.fromiter((not cell or not cell.strip() for cell in column), bool, len(column))
    named = len(columns) > 1
    found = []
    for row in zip(*cells, strict=True):
        text = json.dumps(row, ensure_ascii=True) if named else row[0] or ""
        found.append(hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:20])
    return found, empty


def _identified(frame: pl.DataFrame, id: str, hashes: list[str]) -> list[str]:
    labels = _labels(frame.get_column(id).alias("column")).to_list()
    lacking = [at + 1 for at, label in enumerate(labels) if not label]
    if lacking:
        raise DataError(f"identifiers {id!r} must be there in every row; {len(lacking):,} are "
                        f"missing (rows {some(lacking)}).")
    meant: dict[str, str] = {}
    for label, mark in zip(labels, hashes, strict=True):
        if meant.setdefault(label, mark) != mark:
            raise DataError(f"identifier {label!r} of {id!r} names two different items; give a "
                            "column that does not repeat, or leave --id out.")
    return [f"{label}@{mark}" for label, mark in zip(labels, hashes, strict=True)]


def _distinct(
    names: list[str], empty: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    place: dict[str, int] = {}
    rows: list[int] = []
    of_row = np.full(len(names), -1, dtype=np.int64)
    for at, name in enumerate(names):
        if empty[at]:
            continue
        if name not in place:
            place[name] = len(rows)
            rows.append(at)
        of_row[at] = place[name]
    return tuple(place), np.array(rows, dtype=np.int64), of_row


def _said(of_row: np.ndarray, items: int, columns: Sequence[str]) -> tuple[Note, ...]:
    notes = []
    bare = np.flatnonzero(of_row < 0)
    if len(bare):
        notes.append(warning(
            "empty_items", f"{len(bare):,} rows have nothing in {_listed(columns)} and are not "
            f"asked about (rows {some((bare[:6] + 1).tolist())}).", rows=bare + 1,
            count=len(bare)))
    repeats = int((of_row >= 0).sum()) - items
    if repeats:
        notes.append(info("repeated_items", f"{repeats:,} rows show the same as another row: "
                          "each is asked once, and its label is theirs too.", count=repeats))
    return tuple(notes)


def _labels(column: pl.Series) -> pl.Series:
    """Cells as people are shown them; lists and records as JSON."""
    if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary):
        from wholefit.data.write import flat

        return flat(pl.DataFrame([column])).get_column("column")
    return _cells.to_labels(column)


def _text(frame: pl.DataFrame, name: str, row: int) -> str:
    return _labels(frame.get_column(name).slice(row, 1).alias("column"))[0] or ""


def _listed(columns: Sequence[str]) -> str:
    return some([repr(name) for name in columns])
