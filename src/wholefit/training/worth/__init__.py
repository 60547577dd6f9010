"""Which columns are worth what they cost: the score that less and less money buys."""

from __future__ import annotations

from wholefit.training.worth._parts import Part, Parts, parts_of
from wholefit.training.worth._record import Paid, Step, Worth
from wholefit.training.worth._worth import worth

__all__ = ["Paid", "Part", "Parts", "Step", "Worth", "parts_of", "worth"]
