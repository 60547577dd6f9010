"""What the machine tells of this process: memory, joules, and the times of calls in short."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def resident() -> int | None:
    """Bytes of memory held now; None where the system does not say."""
    return _status("VmRSS:")


def peak() -> int | None:
    """Most bytes of memory held so far; None where the system does not say."""
    found = _status("VmHWM:")
    if found is not None or sys.platform == "win32":
        return found
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most if sys.platform == "darwin" else most * 1024)


def energy() -> float | None:
    """Joules that the processor has used, by its own counter (RAPL); None where it is not told."""
    total, found = 0.0, False
    folder = "/sys/class/powercap"
    try:
        for name in os.listdir(folder):
            if name.count(":") == 1 and name.startswith("intel-rapl"):
                with open(f"{folder}/{name}/energy_uj") as file:
                    total, found = total + int(file.read()) / 1e6, True
    except (OSError, ValueError):
        return None
    return total if found else None


def _status(word: str) -> int | None:
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith(word):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None


def quantiles(taken: Sequence[float]) -> list[float]:
    """Median, 95 and 99 per cent."""
    import numpy as np

    return [float(each) for each in np.quantile(taken, [0.5, 0.95, 0.99])]
