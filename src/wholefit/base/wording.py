"""How counts, tables and numbers are put into lines of text and JSON, the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

# Letters of a cell in a table of text, at most.
_WIDEST = 200


def counted(number: int, noun: str) -> str:
    """ "1 row", "2,000 rows"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def figures(number: float, digits: int = 4) -> str:
    """Figures that count, never as a power of ten: "0.01234", "179900"."""
    said = f"{number:.{digits}g}"
    return f"{float(said):.0f}" if "e+" in said and abs(number) < 1e15 else said


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table as lines: columns side by side, each as wide as its widest cell.

    A cell stands on one line, and is cut where one name would push all others off the screen.
    """
    lines = [[cut(cell.replace("\n", " "), _WIDEST) for cell in line] for line in (header, *rows)]
    wide = [max(len(line[at]) for line in lines) for at in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, wide, strict=True)).rstrip()
            for line in lines]


def plain(value: Any) -> Any:
    """As JSON values: what is not a finite number is null."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def cut(words: str, most: int) -> str:
    """Words of at most so many letters, the last an ellipsis where some were cut."""
    return words if len(words) <= most else words[:most - 1] + "…"


def first_line(error: BaseException, most: int = 200) -> str:
    """The first line of what an error says, which may be nothing or pages."""
    return (str(error).strip() or "no more is known").splitlines()[0][:most]


def capital(words: str) -> str:
    """Words as the start of a sentence."""
    return words[:1].upper() + words[1:]


def percent(share: float, unknown: str = "unknown") -> str:
    """ "12%", with a digit where it is small ("4.2%"); `unknown` for NaN."""
    if math.isnan(share):
        return unknown
    return f"{100 * share:.{1 if 0 < abs(share) < 0.0995 else 0}f}%"
