"""Old answers in Parquet files: the same lines as in the log, sealed where they were."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from wholefit.base.errors import DataError
from wholefit.data.predictions._wide import LINE

_KINDS: dict[str, Any] = {
    "made": pl.Float64, "shadow": pl.Int64, "confidence": pl.Float64, "seconds": pl.Float64,
    "told": pl.Float64}
_START = "predictions-"


def write(lines: Sequence[Sequence[Any]], folder: Path) -> Path:
    """One file of these lines, whole on the disk when this returns."""
    frame = pl.DataFrame({name: pl.Series(name, [line[at] for line in lines],
                                          dtype=_KINDS.get(name, pl.String))
                          for at, name in enumerate(LINE)})
    ids = hashlib.sha256("\n".join(map(str, frame["id"])).encode()).hexdigest()[:12]
    name = f"{_START}{_day(lines[0][3])}-{_day(lines[-1][3])}-{ids}.parquet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{name}.tmp"
        with open(draft, "wb") as file:
            frame.write_parquet(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, folder / name)
    except OSError as error:
        raise DataError(f"answers cannot be rolled into {str(folder)!r}: "
                        f"{error.strerror or error}.") from error
    return folder / name


def joined(
    lines: Sequence[tuple[Any, ...]], folder: str | Path, truths: Mapping[str, Any],
    model: str | None, version: str | None, between: Mapping[str, Any], shadow: bool | None,
    rows: bool,
) -> list[tuple[Any, ...]]:
    """These lines and those of the folder's files, each answer once; truths that came later too."""
    found = {(line[0], line[1], line[2]): line for line in _lines(Path(folder))
             if (model is None or line[1] == model) and (version is None or line[2] == version)
             and between.get("since", float("-inf")) <= line[3] < between.get(
                 "until", float("inf")) and (shadow is None or bool(line[4]) == shadow)}
    known = [(*line[:7], line[7] if rows else None, line[8], truths.get(line[0], line[9]), line[10])
             for line in found.values()]
    whole = {(line[0], line[1], line[2]): line for line in [*known, *lines]}
    return list(whole.values())


def _lines(folder: Path) -> list[tuple[Any, ...]]:
    if not folder.is_dir():
        raise DataError(f"there is no folder {str(folder)!r} of rolled answers.")
    found: list[tuple[Any, ...]] = []
    for path in sorted(folder.glob(f"{_START}*.parquet")):
        try:
            frame = pl.read_parquet(path)
            frame = frame.select(pl.col(name).cast(_KINDS.get(name, pl.String)) for name in LINE)
        except (pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException) as error:
            first = (str(error).splitlines() or ["no reason given"])[0][:200]
            raise DataError(f"{path.name} cannot be read as rolled answers: {first}.") from error
        if frame["made"].null_count() or not frame["made"].is_finite().all():
            raise DataError(f"{path.name} holds answers without a time: it was altered.")
        found += frame.iter_rows()
    return found


def _day(made: Any) -> str:
    try:
        return datetime.fromtimestamp(float(made), UTC).strftime("%Y%m%dT%H%M%S")
    except (OverflowError, OSError, ValueError):
        return "unknown"
