"""The closed loop: labels come, triggers fire, a challenger is made, judged, tried out, promoted,
watched, and rolled back where it is worse.

`wholefit.api.loop` is its face; see docs/loop.md.
"""

from __future__ import annotations

from wholefit.monitoring.loop.engine import Engine, Told
from wholefit.monitoring.loop.gate import Check, Gate, Side, Verdict, judge
from wholefit.monitoring.loop.hands import Hands, Known
from wholefit.monitoring.loop.journal import Cycle
from wholefit.monitoring.loop.plan import Hold, Plan, Retrain, Trial, Triggers, Watch

__all__ = ["Check", "Cycle", "Engine", "Gate", "Hands", "Hold", "Known", "Plan", "Retrain", "Side",
           "Told", "Trial", "Triggers", "Verdict", "Watch", "judge"]
