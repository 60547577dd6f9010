"""Many windows, one after the other: how strict each must be for the level to hold.

A test at level 0.05 in each of 500 stable windows cries wolf 25 times. Three ways to state what
is allowed, each of which gives every window its own level, known before it is looked at:

- "window": every window has the level itself: so large a share of stable ones may alarm.
- "ever": window t has level * g(t), where the g add up to 1: the chance of any false alarm, in
  however many windows, is at most the level (Bonferroni, whatever hangs together).
- "discovery": levels grow back with each alarm, so that the share of false ones among the alarms
  stays below the level: LORD++ (Javanmard and Montanari 2018; Ramdas, Yang, Wainwright and Jordan
  2017). It holds where windows do not hang together.

g(t) is the sequence of Javanmard and Montanari, proportional to log(t) / (t exp(sqrt(log t))):
it falls little faster than 1/t, so that late windows keep most of their power.
"""

from __future__ import annotations

import math

# With it the shares add up to 0.98: the rest is beyond what can be summed.
_SCALE = 0.07720838
_START = 0.5  # share of the level that LORD++ may spend before its first alarm


def share(t: int) -> float:
    """g(t), t = 1, 2, ...: the part of the level that window t has; they add up to 1 at most."""
    return _SCALE * math.log(max(t, 2)) / (t * math.exp(math.sqrt(math.log(t))))


class Levels:
    """The level of each window in turn; `alarm` is told after each what came of it."""

    def __init__(self, control: str, level: float) -> None:
        self._control, self._level = control, level
        self._t = 0
        self._alarms: list[int] = []

    def next(self) -> float:
        """The level of the next window."""
        self._t += 1
        if self._control == "window":
            return self._level
        if self._control == "ever":
            return self._level * share(self._t)
        return self._discovery()

    def skip(self, windows: int) -> None:
        """Pass over windows that were judged before."""
        self._t += windows

    def alarm(self) -> None:
        """The window of the last level alarmed."""
        self._alarms.append(self._t)

    def _discovery(self) -> float:
        wealth = _START * self._level * share(self._t)
        for order, when in enumerate(self._alarms):
            gain = self._level * (1 - _START) if order == 0 else self._level
            wealth += gain * share(self._t - when)
        return min(wealth, self._level)
