"""A Table: what reading gives, before columns have roles."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from wholefit.data.images import keeping
from wholefit.data.notes import Note


@dataclass
class Table:
    """What was read: rows, where they came from, which kind of frame the user gave, notes.

    `source` is a file name without its folder, or "memory (pandas)"; never a credential.
    `guest` is "file" or the kind of in-memory table. `formats` says how text dates were read
    (column to strptime format), so that later data can be read the same way with `dtypes=`.
    `roles` are those that the source itself settles (a folder's pictures), `target` its own.
    """

    frame: pl.DataFrame
    source: str
    guest: str
    notes: list[Note] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    target: str | None = None
    held: tuple[object, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.held = keeping.stores_of(self.frame)  # files of pixels live as long as this does
