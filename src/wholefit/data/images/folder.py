"""Folders of pictures: one sub-folder a class, or pictures side by side.

Nothing outside the folder is read: links that lead out of it are left alone, and linked folders
are not entered.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from wholefit.base.errors import DataError
from wholefit.data.images import notes as said
from wholefit.data.images.decode import ENDINGS
from wholefit.data.images.workers import decode_all
from wholefit.data.notes import Note, info, some, warning
from wholefit.data.table import Table

IMAGE, LABEL, FILE = "image", "label", "file"
_MOST = 2_000_000
_DEEP = 16
_PARTS = frozenset({"train", "training", "test", "testing", "valid", "validation", "val"})
_TABLES = (".csv", ".tsv", ".parquet", ".jsonl", ".csv.gz")


@dataclass
class _Walk:
    """What was met: pictures (class, path), files that are none, links that lead out."""

    root: Path
    pictures: list[tuple[str | None, Path]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


def holds_pictures(folder: Path) -> bool:
    """True if the folder is one of pictures: there are some, and no table beside them."""
    try:
        names = [entry.name.lower() for entry in os.scandir(folder) if entry.is_file()]
    except OSError:
        return False
    if any(name.endswith(_TABLES) for name in names):
        return False
    if any(name.endswith(ENDINGS) for name in names):
        return True
    return any(path.name.lower().endswith(ENDINGS) for path in _few(folder))


def _few(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Files below, to a small depth, without following links."""
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir() and depth < 3:
            yield from _few(Path(entry.path), depth + 1)
        elif entry.is_file():
            yield Path(entry.path)


def read_folder(folder: Path, limit: int, cache: str | None = None) -> Table:
    """Columns image, label (the sub-folder's name, where there are any) and file.

    Pictures that cannot be used are missing cells, named in a note. DataError where the
    sub-folders are parts of a split, or there is no picture.
    """
    walk = _walked(folder)
    if not walk.pictures:
        raise DataError(f"the folder {folder.name!r} holds no picture ({', '.join(ENDINGS)}).")
    classes = sorted({name for name, _ in walk.pictures if name is not None})
    if classes and {name.lower() for name in classes} <= _PARTS:
        raise DataError(
            f"the sub-folders of {folder.name!r} are parts of a split ({', '.join(classes)}), not "
            f"classes: fit {str(folder / classes[0])!r}, say, and evaluate on another.")
    labelled = bool(classes)
    stray = [path for name, path in walk.pictures if name is None] if labelled else []
    chosen = [(name, path) for name, path in walk.pictures if not labelled or name is not None]
    named = [path.relative_to(folder).as_posix() for _, path in chosen]
    decoded = decode_all([path for _, path in chosen], limit, cache)
    column, found = said.settle(IMAGE, decoded, named)
    frame = pl.DataFrame([column, pl.Series(FILE, named, dtype=pl.String)])
    if labelled:
        labels = pl.Series(LABEL, [name for name, _ in chosen], dtype=pl.String)
        frame = frame.insert_column(1, labels)
        found += said.thin_classes(column, labels)
    found += _left_alone(walk, stray)
    return Table(frame, folder.name, "file", found, roles={IMAGE: "image", FILE: "identifier"},
                 target=LABEL if labelled else None)


def _walked(folder: Path) -> _Walk:
    walk = _Walk(folder.resolve())
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            _enter(walk, Path(entry.path), entry.name, 1)
        else:
            _meet(walk, entry, None)
    return walk


def _enter(walk: _Walk, folder: Path, label: str, depth: int) -> None:
    if depth > _DEEP:
        raise DataError(f"the folder {walk.root.name!r} is more than {_DEEP} folders deep.")
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            _enter(walk, Path(entry.path), label, depth + 1)
        else:
            _meet(walk, entry, label)


def _meet(walk: _Walk, entry: os.DirEntry[str], label: str | None) -> None:
    path = Path(entry.path)
    if entry.is_symlink() and (entry.is_dir() or not path.resolve().is_relative_to(walk.root)):
        walk.links.append(entry.name)
    elif not entry.is_file() or not entry.name.lower().endswith(ENDINGS):
        walk.others.append(entry.name)
    else:
        walk.pictures.append((label, path))
    if len(walk.pictures) > _MOST:
        raise DataError(f"the folder {walk.root.name!r} holds more than {_MOST:,} pictures.")


def _left_alone(walk: _Walk, stray: list[Path]) -> list[Note]:
    found = []
    if walk.others:
        found.append(info("other_files", f"{len(walk.others):,} files are not named like pictures: "
                          f"left alone ({some(walk.others)}).", count=len(walk.others)))
    if walk.links:
        found.append(warning("links", f"{len(walk.links):,} links lead out of the folder or to "
                             f"folders: not followed ({some(walk.links)}).",
                             count=len(walk.links)))
    if stray:
        found.append(warning("no_class", f"{len(stray):,} pictures lie beside the class folders: "
                             f"left out ({some([path.name for path in stray])}).",
                             count=len(stray)))
    return found
