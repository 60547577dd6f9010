"""Would a model hold: noise, missing columns, shifted inputs, and inputs made to fool it."""

from __future__ import annotations

from wholefit.explain.stress._attack import SIZES, Attack, Reach, attack
from wholefit.explain.stress._stress import Stress, stress
from wholefit.explain.stress._trials import Judge, Trial

__all__ = ["SIZES", "Attack", "Judge", "Reach", "Stress", "Trial", "attack", "stress"]
