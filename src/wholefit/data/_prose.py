"""Running text as a table: a paragraph a row, for models that learn to write like it."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from wholefit.base.errors import DataError
from wholefit.data import _dialect
from wholefit.data.notes import Note, info

COLUMN = "text"
_BLANK = re.compile(r"\n[ \t]*\n\s*")


def read_paragraphs(path: Path, encoding: str | None, name: str, notes: list[Note]) -> pl.DataFrame:
    """The paragraphs of a text file, which blank lines part, as the column `text`.

    The lines of a paragraph are joined by spaces; where there is no blank line, each line is a
    paragraph. DataError for a file that holds no text.
    """
    text = _dialect.text_of(path.read_bytes(), name, encoding, notes)
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    parts = _BLANK.split(text)
    if len(parts) == 1 and "\n" in text:
        parts = text.split("\n")
        notes.append(info("paragraphs", f"{name} has no blank lines: each line is a row."))
    rows = [joined for part in parts if (joined := " ".join(part.split()))]
    if not rows:
        raise DataError(f"{name} is empty: there is no text in it.")
    return pl.DataFrame({COLUMN: rows})
