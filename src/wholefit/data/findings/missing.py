"""Missing cells: columns and rows that are mostly empty, gaps that say something of the target."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wholefit.base.wording import counted
from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look, share
from wholefit.data.findings._tests import association, mean_shift

_MOSTLY = 0.5
_EMPTY_ROW = 0.5
_EMPTY_ROW_CELLS = 4
_FEWEST = 20
# How much a gap must say of the target, on a scale of 0 .. 1, beside being beyond chance.
_TELLS = 0.1
_CHANCE = 1e-4


def find(look: Look) -> Iterator[Finding]:
    """Missing cells by column, by row, and with the target."""
    gaps = {c.name: c.missing for c in look.looked_at if c.missing and c.name != look.target}
    for name, count in gaps.items():
        if _MOSTLY * look.n <= count < look.n:
            yield _mostly(look, name, count)
    yield from _rows(look, list(gaps))
    yield from _together(look, gaps)
    yield from _telling(look, gaps)


def _mostly(look: Look, name: str, count: int) -> Finding:
    return Finding(
        "mostly_missing", "info", (name,),
        f"column {name!r} is missing in {counted(count, 'row')} of {look.n:,} "
        f"({share(count, look.n)})",
        "little is left to learn from it; whether it is there may still say something",
        *_remedy.ignore(name), count=count, rows=look.rows(look.missing(name)),
        strength=count / look.n)


def _rows(look: Look, names: list[str]) -> Iterator[Finding]:
    """Rows in which most of the columns are missing."""
    cells = len([c for c in look.looked_at if c.name != look.target])
    if cells < _EMPTY_ROW_CELLS or len(names) < _EMPTY_ROW * cells:
        return
    missing = np.zeros(look.n, dtype=np.int32)
    for name in names:
        missing += look.missing(name)
    empty = missing >= _EMPTY_ROW * cells
    count = int(empty.sum())
    if 0 < count < 0.5 * look.n:
        yield Finding(
            "empty_rows", "warning", (), f"{counted(count, 'row')} of {look.n:,} "
            f"{'lacks' if count == 1 else 'lack'} at least half of the {cells} columns",
            "what a model says of such rows is what it says of nobody in particular",
            *_remedy.none(), count=count, rows=look.rows(empty), strength=count / look.n)


def _together(look: Look, gaps: dict[str, int]) -> Iterator[Finding]:
    """Columns that are missing in just the same rows: they come from one source that failed."""
    by_count: dict[int, list[str]] = {}
    for name, count in gaps.items():
        if _FEWEST <= count < look.n:
            by_count.setdefault(count, []).append(name)
    for count, names in by_count.items():
        if len(names) < 2:
            continue
        alike: dict[bytes, list[str]] = {}
        for name in names:
            alike.setdefault(np.packbits(look.missing(name)).tobytes(), []).append(name)
        for same in alike.values():
            if len(same) > 1:
                listed = ", ".join(repr(name) for name in same[:4])
                more = f" and {len(same) - 4} more" if len(same) > 4 else ""
                yield Finding(
                    "missing_together", "info", tuple(same),
                    f"columns {listed}{more} are missing in just the same "
                    f"{counted(count, 'row')}",
                    "they come from one source that was absent; one indicator says it all",
                    *_remedy.none(), count=count, rows=look.rows(look.missing(same[0])),
                    strength=count / look.n)


def _telling(look: Look, gaps: dict[str, int]) -> Iterator[Finding]:
    """Columns whose gaps go with the target, beyond chance and by an amount that matters."""
    if look.y is None:
        return
    tried = max(len(gaps), 1)
    y = look.y[look.sample]
    for name, count in gaps.items():
        if not _FEWEST <= count <= look.n - _FEWEST:
            continue
        gap = look.missing(name)[look.sample]
        chance, effect = (association(gap.astype(np.int64), y) if look.classes
                          else mean_shift(gap, y))
        if chance * tried < _CHANCE and effect >= _TELLS:
            yield Finding(
                "telling_gaps", "info", (name,),
                f"whether column {name!r} is missing ({counted(count, 'row')}) goes with the "
                f"target (strength {effect:.2f} of 1, chance {chance:.1g})",
                "the gap is information: filled in without an indicator it is lost; and if the "
                "column is filled in after the target is known, it is a leak",
                *_remedy.feature(indicator=True), count=count, strength=effect)
