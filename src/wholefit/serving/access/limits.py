"""So many requests a second: a token bucket for each caller, in one number.

The generic cell rate algorithm (ATM Forum, 1996; Turner's leaky bucket, 1986): kept is the moment
at which the bucket will be full again. It admits exactly what a bucket does that holds `burst`
tokens and gains `rate` a second, and needs no clock of its own.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable


class Limiter:
    """Token buckets by caller; the memory of at most `most` of them is kept."""

    def __init__(self, *, most: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = max(2, most), clock
        self._full: dict[str, float] = {}
        self._one = threading.Lock()

    def take(self, who: str, rate: float, burst: float, cost: float = 1.0) -> float:
        """Take `cost` tokens: 0.0 if they were there, else seconds until they will be.

        What costs more than a whole bucket is admitted by a full one, and leaves a debt.
        """
        now = self._clock()
        with self._one:
            full = max(self._full.get(who, now), now)
            wait = full + min(cost, burst) / rate - now - burst / rate
            if wait > 1e-9:
                return wait
            self._full[who] = full + cost / rate
            if len(self._full) > self._most:
                self._forget(now)
            return 0.0

    def _forget(self, now: float) -> None:
        """Drop full buckets, which say nothing; where that is too few, those nearest to full."""
        kept = {who: full for who, full in self._full.items() if full > now}
        if len(kept) > self._most // 2:
            late = sorted(kept.items(), key=lambda each: -each[1])
            kept = dict(late[:self._most // 2])
        self._full = kept


def burst_of(rate: float) -> int:
    """The burst where none is stated: what comes in two seconds, at least one."""
    return max(1, math.ceil(2 * rate))
