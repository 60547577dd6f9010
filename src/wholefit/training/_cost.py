"""What a fit will cost: a pilot on a few rows, and how the family's time grows with rows."""

from __future__ import annotations

import time
from collections.abc import Callable

_PILOT_ROWS = 1500
_EXPONENTS = {"linear": 1.0, "quadratic": 2.0, "cubic": 3.0}
# A matrix below this many cells is fitted at once: a pilot would cost as much as it saves.
_SMALL_CELLS = 400_000


def worth_a_pilot(rows: int, columns: int, growth: str) -> bool:
    """True if fitting all rows may take long enough that a pilot is cheap beside it."""
    if rows <= 3 * _PILOT_ROWS:
        return False
    return rows * max(columns, 1) > _SMALL_CELLS or growth != "linear"


def pilot(fit_rows: Callable[[int], None], rows: int, growth: str) -> float:
    """Seconds that fitting `rows` rows should take.

    `fit_rows(m)` fits on m rows. Two sizes are timed, so that the fixed cost (imports, thread
    pools) is not scaled up with the rows.
    """
    small, large = _PILOT_ROWS // 2, _PILOT_ROWS
    fit_rows(small)  # imports and first-call costs are paid here, not measured
    first = _seconds(fit_rows, small)
    second = _seconds(fit_rows, large)
    exponent = _EXPONENTS[growth]
    slope = max(second - first, second / 10) / (large**exponent - small**exponent)
    return second + slope * (rows**exponent - large**exponent)


def _seconds(fit_rows: Callable[[int], None], rows: int) -> float:
    start = time.perf_counter()
    fit_rows(rows)
    return time.perf_counter() - start
