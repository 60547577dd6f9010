"""The pool: labelled rows that came since the model was first fitted, some held out for ever.

Each batch is one Parquet file, whole before the journal names it. Which side a row falls on hangs
on its identity alone, so that it is the same however often the work is begun again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from wholefit.base.errors import DataError, RegistryError, SchemaError, unknown
from wholefit.base.wording import first_line
from wholefit.monitoring.loop.journal import Batch, Journal

_HELD = "__held_out__"


class Pool:
    """Batches of labelled rows, and which of them may be learnt."""

    def __init__(self, journal: Journal, share: float, by: str | None) -> None:
        self._journal, self._share, self._by = journal, share, by
        self._folder = journal.folder / "rows"

    def put(
        self, frame: pl.DataFrame, target: str, source: str, records: Sequence[str] | None = None
    ) -> int:
        """Keep labelled rows; how many were new. The same rows given again are not kept twice.

        `records` are identities of the rows; where there are none, the batch as a whole has one.
        Rows without a target are left out. SchemaError where the target or `by` is absent.
        """
        if target not in frame.columns:
            raise SchemaError(f"labelled rows must have the target column {target!r}; these have "
                              f"{', '.join(frame.columns[:20])}.")
        known = frame.get_column(target).is_not_null()
        ids = list(records) if records is not None else [
            f"{mark}/{at}" for mark in [_of_frame(frame)] for at in range(frame.height)]
        kept = [id_ for id_, there in zip(ids, known, strict=True) if there]
        frame = frame.filter(known)
        if not frame.height:
            return 0
        batch = hashlib.sha256("\n".join(kept).encode()).hexdigest()[:32]
        held = [self._is_held(key) for key in self._keys(frame, kept)]
        self._write(frame.with_columns(pl.Series(_HELD, held, dtype=pl.Boolean)), batch)
        new = self._journal.collected(batch, frame.height, sum(held), source,
                                      kept if records else ())
        return frame.height if new else 0

    def rows(self, after: int = 0, upto: int | None = None, held: bool | None = None
             ) -> pl.DataFrame:
        """Rows of batches after one place up to another, the oldest first; of one side, or all."""
        parts = []
        for batch in self._journal.batches(after, upto):
            part = self._read(batch)
            if held is not None:
                part = part.filter(pl.col(_HELD) == held)
            parts.append(part.drop(_HELD))
        return together(parts)

    def held(self, upto: int, most: int) -> pl.DataFrame:
        """The latest `most` held-out rows of the batches up to a place."""
        places, found = [], 0
        for batch in reversed(self._journal.batches(upto=upto)):
            if found >= most:
                break
            places.append(batch.place)
            found += batch.held
        return self.rows(min(places, default=1) - 1, upto, held=True).tail(most)

    def held_count(self) -> int:
        """How many rows are held out."""
        return sum(batch.held for batch in self._journal.batches())

    def count(self, after: int = 0, upto: int | None = None) -> int:
        """How many rows those batches have."""
        return sum(batch.rows for batch in self._journal.batches(after, upto))

    def last(self) -> int:
        """The place of the newest batch; 0 where there is none."""
        found = self._journal.batches()
        return found[-1].place if found else 0

    def _keys(self, frame: pl.DataFrame, ids: list[str]) -> list[str]:
        """What decides the side of a row: itself, or the group that stays together."""
        if self._by is None:
            return ids
        if self._by not in frame.columns:
            raise unknown("column of the labelled rows", self._by, frame.columns)
        return [f"{self._by}={value}" for value in frame.get_column(self._by).to_list()]

    def _is_held(self, key: str) -> bool:
        drawn = int.from_bytes(hashlib.sha256(f"hold/{key}".encode()).digest()[:8], "big")
        return drawn < self._share * 2**64

    def _path(self, batch: str) -> Path:
        return self._folder / f"{batch}.parquet"

    def _write(self, frame: pl.DataFrame, batch: str) -> None:
        path = self._path(batch)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with open(draft, "wb") as file:
                frame.write_parquet(file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        except OSError as error:
            raise RegistryError(f"labelled rows cannot be kept in {str(self._folder)!r}: "
                                f"{error.strerror or error}.") from error
        finally:
            draft.unlink(missing_ok=True)

    def _read(self, batch: Batch) -> pl.DataFrame:
        path = self._path(batch.id) if batch.id.isalnum() else self._folder / "no such"
        try:
            frame = pl.read_parquet(path)
            if frame.schema.get(_HELD) != pl.Boolean or frame.height != batch.rows:
                raise DataError("it is not of the stated size")
            return frame
        except (pl.exceptions.PolarsError, OSError, DataError,
                pl.exceptions.PanicException) as error:
            raise RegistryError(f"labelled rows of the loop, {path.name}, are missing or damaged: "
                                f"{first_line(error)}.") from error


def together(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Frames one below the other; a column that one lacks is missing there."""
    parts = [part for part in parts if part.height]
    if not parts:
        return pl.DataFrame()
    try:
        return pl.concat(parts, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise DataError("batches of rows do not fit together: "
                        f"{first_line(error)}.") from error


def without(rows: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Rows that are not among those held out, as far as columns that both have can tell."""
    shared = [name for name, kind in rows.schema.items()
              if name in held.columns and not kind.is_nested()]
    if not held.height or not rows.height or not shared:
        return rows
    mine, theirs = (frame.select(pl.col(name).cast(pl.String, strict=False) for name in shared)
                    for frame in (rows, held))
    seen = mine.with_row_index("__at__").join(theirs.unique(), on=shared, how="semi",
                                             nulls_equal=True)
    return rows.with_row_index("__at__").join(seen.select("__at__"), on="__at__", how="anti"
                                              ).drop("__at__")


def _of_frame(frame: pl.DataFrame) -> str:
    """The identity of a table: its cells."""
    digest = hashlib.sha256("\n".join(frame.columns).encode())
    for row in frame.iter_rows():
        digest.update(repr(row).encode())
    return digest.hexdigest()[:32]
