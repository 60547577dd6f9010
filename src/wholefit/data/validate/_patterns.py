"""Regular expressions found in values: "10115" and "E4 7QH" have a shape, prose has none.

Each value is written as its shape: runs of digits, small letters, capitals, spaces, and signs as
they are. A column of twenty different values or more in at most four shapes gets a pattern: a run
that is the same everywhere is kept as it is, others become a class with the fewest and most
letters seen. It has no nested repeats; the engine matches in linear time in any case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

_SAMPLE, _MOST_SHAPES, _MOST_RUNS, _LONGEST = 20_000, 4, 12, 60
_OFTEN, _FEWEST = 10, 20
_RUN = re.compile(r"([0-9]+|[A-Z]+|[a-z]+| +|[^0-9A-Za-z ])")


@dataclass(frozen=True)
class Pattern:
    """A pattern, and how many rows do not match it."""

    pattern: str
    unmatched: int


def pattern_of(cells: pl.Series) -> Pattern | None:
    """The pattern of the present texts of a column, or None where they have no common shape."""
    present = cells.drop_nulls().alias("column")
    if len(present) < 20 or (present.str.len_bytes() > _LONGEST).any():
        return None
    sample = present if len(present) <= _SAMPLE else present.gather(
        np.linspace(0, len(present) - 1, _SAMPLE).astype(np.int64))
    if sample.n_unique() < _FEWEST:
        return None
    shapes = _shapes(sample)
    counted = shapes.alias("shape").value_counts(name="rows", sort=True)
    often = counted.filter(counted["rows"] >= max(_OFTEN, len(sample) // 1000))
    if not 1 <= len(often) <= _MOST_SHAPES or often["rows"].sum() < 0.99 * len(sample):
        return None
    made = []
    for shape in often["shape"].to_list():
        one = _of_shape(sample.filter(shapes == shape).unique().sort().to_list())
        if one is None:
            return None
        made.append(one)
    pattern = "|".join(made) if len(made) < 2 else "|".join(f"(?:{one})" for one in made)
    unmatched = int((~present.str.contains(f"^(?:{pattern})$")).sum())
    return Pattern(pattern, unmatched)


def _shapes(cells: pl.Series) -> pl.Series:
    """Runs of one kind as one sign: "AB-123" is "A-9"."""
    for kind, sign in (("[0-9]+", "\x01"), ("[A-Z]+", "\x02"), ("[a-z]+", "\x03"),
                       (" +", "\x04")):
        cells = cells.str.replace_all(kind, sign)
    return cells


def _of_shape(values: Sequence[str]) -> str | None:
    """The pattern of values of one shape; None where it would say next to nothing."""
    runs = [_RUN.findall(value) for value in values]
    width = len(runs[0])
    if width > _MOST_RUNS or any(len(each) != width for each in runs):
        return None
    pieces = [_piece([each[at] for each in runs]) for at in range(width)]
    said = "".join(pieces)
    # A word of some letters is every word; a pattern needs digits, a sign, or a fixed length.
    telling = any(char.isdigit() for char in values[0]) or width > 1 or "{" not in said
    only_words = all(piece.startswith(("[a-z]", "[A-Z]", " ")) for piece in pieces)
    fixed = "," not in said and "+" not in said
    return said if telling and (fixed or not only_words) else None


def _piece(runs: Sequence[str]) -> str:
    first = runs[0]
    if len(set(runs)) == 1:
        return re.escape(first) if not first.isalnum() else first
    kind = "[0-9]" if first[0].isdigit() else "[A-Z]" if first[0].isupper() else \
        "[a-z]" if first[0].islower() else " "
    lengths = {len(run) for run in runs}
    low, high = min(lengths), max(lengths)
    if low == high:
        return kind if low == 1 else f"{kind}{{{low}}}"
    return f"{kind}{{{low},{high}}}"
