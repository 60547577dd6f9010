"""The order of the rows: sorted, in blocks, or in time, and what shuffling them would hide."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look
from wholefit.data.findings._tests import autocorrelation

_FEWEST = 100
_ROWS = 20_000
_BEYOND = 6.0
# Neighbours so alike are a sequence, not a pile.
_ALIKE = 0.2
_SORTED = 0.999


def find(look: Look) -> Iterator[Finding]:
    """Rows sorted by the target, or neighbours whose targets are alike."""
    if look.y is None or look.target is None or look.n < _FEWEST:
        return
    y = look.y
    if _is_sorted(y):
        yield Finding(
            "sorted_rows", "info", (look.target,), f"the rows are sorted by {look.target!r}",
            "a split that does not shuffle would train on one part of the answers and be judged "
            "on another (fit shuffles); row numbers and identifiers give the answer away",
            *_remedy.none(), count=look.n, strength=1.0)
        return
    if look.schema.having("time") or look.schema.having("group"):
        return
    for column in look.dated:
        times = look.dataset.times(column.name)
        order = np.argsort(times, kind="stable")
        alike, z = autocorrelation(_window(y[order]))
        if column.distinct > _FEWEST and z > _BEYOND and alike >= _ALIKE:
            yield _time_travel(look, column.name, alike)
            return
    alike, z = autocorrelation(_window(y))
    if z > _BEYOND and alike >= _ALIKE:
        yield Finding(
            "ordered_rows", "info", (look.target,),
            f"rows that follow each other have alike {look.target!r} (agreement {alike:.2f} "
            "beyond chance, on a scale of 0 to 1)",
            "they come in blocks, by place or in time: shuffled, the test rows lie between rows "
            "that were learnt from, and scores are better than on rows from elsewhere or later",
            *_remedy.none(), count=look.n, strength=alike)


def _time_travel(look: Look, column: str, alike: float) -> Finding:
    return Finding(
        "time_travel", "warning", (column,),
        f"rows next to each other in time ({column!r}) have alike {look.target!r} (agreement "
        f"{alike:.2f} beyond chance), and a shuffled split learns from rows before and after "
        "each one that it tests",
        "to fill in a gap in the past is easier than to foresee: scores will not hold in the "
        "future, if that is what the model is for",
        *_remedy.column_of("time", column), count=look.n, strength=alike)


def _is_sorted(y: np.ndarray) -> bool:
    if len(np.unique(y[:1000])) == len(y):
        return False
    steps = np.diff(y.astype(np.float64))
    if not steps.any():
        return False
    return bool(((steps >= 0).mean() >= _SORTED and (steps >= 0).all()) or (steps <= 0).all())


def _window(y: np.ndarray) -> np.ndarray:
    """So many rows in their order, from the middle."""
    start = max(0, (len(y) - _ROWS) // 2)
    return y[start:start + _ROWS]
