"""Slices of an evaluation in the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from wholefit.cli import _show

if TYPE_CHECKING:
    from wholefit.evaluation.slices import Slices


def show(found: Slices, as_json: bool) -> None:
    """The outcome in a sentence, then a line for each part, the worst first."""
    if as_json:
        _show.as_json(found.to_json())
        return
    _show.say(found.said)
    _show.say()
    header = ["part", "rows", f"{found.metric} [{found.level:.0%} interval]",
              "minus the rest", "p, corrected", "verdict"]
    rows = [[each.name, f"{each.n:,}", str(each.scores[found.metric]),
             _number(each.difference, "+.3g"), _number(each.p_adjusted, ".2g"), each.verdict]
            for each in found]
    kept = (0, 1, 2, 5) if _show.narrow() else range(6)
    _show.table([header[at] for at in kept], [[row[at] for at in kept] for row in rows])


def _number(value: float, form: str) -> str:
    return "" if math.isnan(value) else format(value, form)
