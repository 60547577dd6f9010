"""What a process holds in memory, and the limit that a fit may reach."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wholefit.base import optional
from wholefit.base.errors import ParameterError

# Pages that only this process holds: files mapped into memory can be dropped at any time.
_HELD = ("RssAnon:", "RssShmem:")


# Of the machine's memory so little left is next to none: a little later, processes are killed.
_SCARCE = 0.03


def can_watch() -> bool:
    """True if this system tells what a process holds: Linux, or anywhere with psutil."""
    return Path("/proc/self/status").exists() or optional.available("psutil")


def held(pid: int) -> int:
    """Bytes of memory that a process holds, mapped files apart; 0 once it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return _by_psutil(pid)
    lines = [line.split() for line in text.splitlines() if line.startswith(_HELD)]
    return sum(int(words[1]) * 1024 for words in lines)


def _by_psutil(pid: int) -> int:
    if Path("/proc/self/status").exists() or not optional.available("psutil"):
        return 0
    psutil: Any = optional.need("psutil", extra="all", user="memory=")
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def scarce() -> bool:
    """True if the whole machine has next to no memory left; False where that cannot be told."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii", errors="replace").splitlines()
        known = {name: int(rest.split()[0]) for name, _, rest in
                 (line.partition(":") for line in lines[:4])}
        return known["MemAvailable"] < _SCARCE * known["MemTotal"]
    except (OSError, KeyError, ValueError, IndexError):
        return False


@dataclass
class Limit:
    """How much a run may hold above what this process held at its start; None is no limit.

    Another process counts above what it held when it was ready to work.
    """

    bytes: int | None = None
    start: int = field(default_factory=lambda: held(os.getpid()))

    def __post_init__(self) -> None:
        if self.bytes is not None and not can_watch():
            raise ParameterError(
                "memory= needs a system that tells what a process holds: on this one, "
                "pip install psutil; or leave memory= out.")

    def own(self) -> int:
        """Bytes that this process holds above its start."""
        return max(held(os.getpid()) - self.start, 0)

    def broken(self, used: int) -> bool:
        """True if `used` bytes are more than allowed."""
        return self.bytes is not None and used > self.bytes
