"""Numbers and names as people write them in a line of text."""

from __future__ import annotations

import math

WIDE = 60


def short(value: float) -> str:
    """A number in a few characters; whole ones below a million in full."""
    whole = value == int(value) and abs(value) < 1e6 if math.isfinite(value) else False
    return f"{int(value)}" if whole else f"{value:.4g}"


def share(count: int, rows: int) -> str:
    """A count and its share of the rows; a dash for none."""
    return "-" if not count else f"{count:,} ({percent(count / rows)})"


def percent(part: float) -> str:
    """A share as a percentage that is 0 or 100 only where it is so."""
    if 0 < part < 0.0005:
        return "<0.1%"
    if 0.9995 <= part < 1:
        return ">99.9%"
    return f"{part:.1%}"


def clipped(text: str, width: int = WIDE) -> str:
    """One line of at most `width` characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 3] + "..."


def size(count: int) -> str:
    """Bytes in the fitting unit."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} B"


def listed(names: list[str] | tuple[str, ...], most: int = 5) -> str:
    """The first few names in a sentence, and how many more there are."""
    said = ", ".join(clipped(repr(name), 40) for name in names[:most])
    return said + (f" and {len(names) - most:,} more" if len(names) > most else "")
