"""Colours of points: one a level for few levels, five steps of one colour for numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

# Okabe and Ito (2008), told apart by most colour-blind eyes, without black and yellow, which
# vanish on a dark or a light page.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a5cc8", "#8c564b",
           "#17a2a2", "#b5477a")
STEPS = ("#3b4cc0", "#7b9ff9", "#c0a58a", "#f4875f", "#b40426")
NEUTRAL, MISSING = "#3f78c4", "#8a929b"
_OTHER = "#8a929b"


@dataclass(frozen=True)
class Colors:
    """The group of each point, and name and colour of every group."""

    group: tuple[int, ...]
    names: tuple[str, ...]
    colors: tuple[str, ...]


def colored(values: Sequence[Any] | None, count: int) -> Colors:
    """Groups of `count` points by their values; one group where there are none."""
    if values is None:
        return Colors((0,) * count, ("rows",), (NEUTRAL,))
    known = [value for value in values if value is not None]
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool)
                  for value in known)
    if numbers and len(set(known)) > len(PALETTE):
        return _stepped(values, known)
    return _leveled(values)


def _stepped(values: Sequence[Any], known: Sequence[float]) -> Colors:
    """Fifths of the numbers, lowest first."""
    cuts = [float(x) for x in np.quantile(np.asarray(known, float), [0.2, 0.4, 0.6, 0.8])]
    ends = [float(min(known)), *cuts, float(max(known))]
    names = [f"{a:.3g} to {b:.3g}" for a, b in pairwise(ends)]
    group = [5 if value is None else int(np.searchsorted(cuts, value, side="left"))
             for value in values]
    return _used(group, [*names, "(missing)"], [*STEPS, MISSING])


def _leveled(values: Sequence[Any]) -> Colors:
    """The most frequent levels, the rest as one."""
    said = [None if value is None else str(value) for value in values]
    counts = Counter(value for value in said if value is not None)
    top = [name for name, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]
    kept = top if len(top) <= len(PALETTE) else top[:len(PALETTE) - 1]
    kept = sorted(kept)
    place = {name: at for at, name in enumerate(kept)}
    other, missing = len(kept), len(kept) + 1
    group = [missing if value is None else place.get(value, other) for value in said]
    return _used(group, [*kept, "(others)", "(missing)"],
                 [*PALETTE[:len(kept)], _OTHER, MISSING])


def _used(group: Sequence[int], names: Sequence[str], colors: Sequence[str]) -> Colors:
    """Only the groups that have a point."""
    used = sorted(set(group))
    place = {at: new for new, at in enumerate(used)}
    return Colors(tuple(place[at] for at in group), tuple(names[at] for at in used),
                  tuple(colors[at] for at in used))
