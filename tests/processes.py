"""Which processes a test left behind."""

from __future__ import annotations

import psutil

# Python's own helpers, which other tests of the same run may have woken; they end with it.
_HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


def children() -> list[psutil.Process]:
    """Living children of this process, and theirs."""
    return [child for child in psutil.Process().children(recursive=True) if _counts(child)]


def _counts(child: psutil.Process) -> bool:
    try:
        words = " ".join(child.cmdline())
        return child.status() != psutil.STATUS_ZOMBIE and not any(
            helper in words for helper in _HELPERS)
    except psutil.NoSuchProcess:
        return False
