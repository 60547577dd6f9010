"""How columns say that they are series: their names, and a format that holds steps and channels."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FORMAT = re.compile(r"series (\d+)x(\d+)")


def format_of(steps: int, channels: int) -> str:
    """The format of the columns of series: "series 128x9"."""
    return f"series {steps}x{channels}"


def shape_of(formats: Iterable[str | None]) -> tuple[int, int] | None:
    """(steps, channels) where a column's format says that it is of a series; else None."""
    for form in formats:
        if form is not None and (found := _FORMAT.fullmatch(form)):
            return int(found[1]), int(found[2])
    return None


def names(steps: int, channels: int) -> list[str]:
    """What the columns are called, in the order of time: "t0_c0", "t0_c1", ..."""
    return [f"t{step}_c{channel}" for step in range(steps) for channel in range(channels)]
