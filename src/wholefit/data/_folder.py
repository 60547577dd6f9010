"""A folder of tables with the same columns is one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from wholefit.base.errors import DataError
from wholefit.data import _formats
from wholefit.data.notes import Note, info, some, warning
from wholefit.data.table import Table

_MOST = 10_000


def read_folder(folder: Path, read_file: Callable[[Path], Table]) -> Table:
    """Every table in `folder` (not below it), one under the other in order of name.

    Columns that some files lack are missing there, with a warning; files that share no column
    are refused.
    """
    paths = tables_in(folder)
    tables = [read_file(path) for path in paths]
    if len(tables) == 1:
        return replace(tables[0], source=folder.name)
    notes = [replace(n, message=f"{p.name}: {n.message}")
             for p, t in zip(paths, tables, strict=True) for n in t.notes]
    frames = [t.frame for t in tables]
    names = list(dict.fromkeys(name for frame in frames for name in frame.columns))
    _check(folder, paths, frames, names, notes)
    columns = [_stacked(name, frames, notes) for name in names]
    notes.insert(0, info("folder", f"{len(paths)} files of {folder.name} were put one under the "
                         f"other, in order of name: {some([p.name for p in paths])}."))
    formats: dict[str, str] = {}
    for table in tables:
        formats.update(table.formats)
    first = tables[0]
    return replace(first, frame=pl.DataFrame(columns), source=folder.name, notes=notes,
                   formats=formats)


def tables_in(folder: Path) -> list[Path]:
    """The files of a folder that are named like tables; hidden files are left alone."""
    seen = (p for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "_")))
    found = sorted(p for p in seen if _formats.by_name(p.name) not in (None, "sqlite"))
    if not found:
        raise DataError(f"the folder {folder.name!r} holds no file named like a table (.csv, "
                        ".parquet, .jsonl, ...), and no picture (.png, .jpg, ...).")
    if len(found) > _MOST:
        raise DataError(f"the folder {folder.name!r} holds {len(found)} tables; at most {_MOST} "
                        "are read at once.")
    return found


def _check(
    folder: Path, paths: list[Path], frames: list[pl.DataFrame], names: list[str],
    notes: list[Note],
) -> None:
    shared = set.intersection(*(set(frame.columns) for frame in frames))
    if not shared:
        raise DataError(f"the files of {folder.name!r} share no column: they are not parts of one "
                        "table. Give one file.")
    for path, frame in zip(paths, frames, strict=True):
        lacks = [n for n in names if n not in frame.columns]
        if lacks:
            notes.append(warning(
                "missing_columns", f"{path.name} lacks {some([repr(n) for n in lacks])}: missing "
                f"in its {frame.height} rows.", count=frame.height))


def _stacked(name: str, frames: list[pl.DataFrame], notes: list[Note]) -> pl.Series:
    """One column over all files; where types differ, numbers widen, the rest becomes text."""
    kinds = list(dict.fromkeys(f.schema[name] for f in frames if name in f.columns
                               and f[name].null_count() < f.height))
    kind: Any = kinds[0] if kinds else pl.String
    if len(kinds) > 1:
        numeric = all(k.is_numeric() for k in kinds)
        times = all(k.is_temporal() for k in kinds)
        kind = pl.Float64 if numeric else pl.Datetime("us") if times else pl.String
        if not numeric:
            notes.append(warning("mixed_types", f"column {name!r} has different types in different "
                                 f"files ({some([str(k) for k in kinds])}): read as "
                                 f"{'datetimes' if times else 'text'}.", column=name))
    parts = [f[name].cast(kind) if name in f.columns and f[name].null_count() < f.height
             else pl.Series(name, [None] * f.height, dtype=kind) for f in frames]
    return pl.concat(parts, rechunk=False)
