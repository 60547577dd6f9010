"""Advice: what to do next, from the evidence at hand and nothing else.

A rule speaks only where its evidence is there, and says what it saw. Each rests on an experiment
that was made first (`benchmarks/claims`), and was corrected where the experiment disagreed.
"""

from __future__ import annotations

from wholefit.training.advice._evidence import Evidence
from wholefit.training.advice.advise import advise
from wholefit.training.advice.records import Advice, Advised

__all__ = ["Advice", "Advised", "Evidence", "advise"]
