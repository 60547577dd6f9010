"""Budgets: what may be spent, as the user writes it, and the clock that counts it.

>>> Budget.parse("90s").seconds
90.0
>>> Budget.parse("2GB").bytes
2000000000
>>> Budget.parse("5min 100 trials").trials
100
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from wholefit.base.errors import ParameterError

_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "m": 60.0, "min": 60.0,
            "minute": 60.0, "minutes": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0}
_BYTES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
          "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_COUNTS = {"trial": "trials", "trials": "trials", "step": "steps", "steps": "steps"}
_PART = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*([a-z]+)\s*,?")


@dataclass(frozen=True)
class Budget:
    """Limits on a run; None means no limit of that kind."""

    seconds: float | None = None
    bytes: int | None = None
    trials: int | None = None
    steps: int | None = None

    @classmethod
    def parse(cls, text: str | float | Budget) -> Budget:
        """Read "60s", "5min", "2GB", "100 trials", or several together; a number is seconds."""
        if isinstance(text, Budget):
            return text
        if isinstance(text, (int, float)) and not isinstance(text, bool):
            return cls(seconds=_positive(float(text), text))
        limits: dict[str, float] = {}
        rest = str(text).strip().lower()
        while rest or not limits:
            match = _PART.match(rest)
            kind = _kind(match.group(2)) if match else None
            if match is None or kind is None:
                raise ParameterError(
                    f"budget must be a time, a size or a count, such as '60s', '5min', '2GB' "
                    f"or '100 trials'; got {text!r}."
                )
            name, unit = kind
            limits[name] = _positive(float(match.group(1)) * unit, text)
            rest = rest[match.end():]
        whole = {name: int(value) for name, value in limits.items() if name != "seconds"}
        return cls(seconds=limits.get("seconds"), **whole)

    def __str__(self) -> str:
        parts = []
        if self.seconds is not None:
            parts.append(f"{self.seconds:g}s")
        if self.bytes is not None:
            parts.append(f"{self.bytes / 1e9:g}GB")
        if self.trials is not None:
            parts.append(f"{self.trials} trials")
        if self.steps is not None:
            parts.append(f"{self.steps} steps")
        return " ".join(parts) or "no limit"


class Clock:
    """Seconds since a start, and how many a budget leaves."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._start = time.perf_counter()

    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start

    def left(self) -> float:
        """Seconds left; infinity when the budget has no time limit."""
        if self.budget.seconds is None:
            return float("inf")
        return self.budget.seconds - self.spent()


def _kind(unit: str) -> tuple[str, float] | None:
    if unit in _SECONDS:
        return "seconds", _SECONDS[unit]
    if unit in _BYTES:
        return "bytes", _BYTES[unit]
    if unit in _COUNTS:
        return _COUNTS[unit], 1.0
    return None


def _positive(value: float, text: object) -> float:
    if not value > 0:
        raise ParameterError(f"budget must be positive; got {text!r}.")
    return value
