"""How many cores this process may use."""

from __future__ import annotations

import os


def cores() -> int:
    """Cores that this process may run on, which may be fewer than the machine has.

    A container or a batch system may pin a process to some of them; more threads than these wait
    for one another.
    """
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return len(allowed(0)) if allowed else os.cpu_count() or 1
