"""Trials in a process of their own, which can be stopped: for budgets that must hold.

A model inside a library's own code hears no clock and no interrupt, and one that takes all the
memory takes its process with it. So where the budget may bind, models are fitted in a second
process: this one reads the data, watches time and memory, and stops the other when a limit is
reached; what that one had finished is here already.

    limits.py   what a process holds in memory
    worker.py   the other process, as seen from here
    child.py    what runs in it
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from wholefit.base.budget import Budget
from wholefit.base.errors import BudgetError
from wholefit.training.apart.cargo import sendable
from wholefit.training.apart.limits import Limit, can_watch, held
from wholefit.training.apart.worker import Apart, Stopped, Unsendable

__all__ = ["Apart", "Limit", "Stopped", "Unsendable", "begun", "can_watch", "held",
           "sendable"]


@contextmanager
def begun(budget: Budget) -> Iterator[Apart | None]:
    """The process to fit in, begun before the data is read where memory is limited; else None.

    What this process holds now is the start from which memory counts.
    """
    if budget.bytes is None:
        yield None
        return
    try:
        apart = Apart(Limit(budget.bytes), time.perf_counter() + (budget.seconds or math.inf))
    except OSError as error:
        raise BudgetError(f"memory= fits in a second process, which could not be begun ({error}): "
                          "free room in the folder for temporary files (TMPDIR), or leave memory= "
                          "out.") from error
    try:
        yield apart
    finally:
        apart.close()
