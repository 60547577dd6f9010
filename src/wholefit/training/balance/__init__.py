"""Balance: training rows of rare classes made to count more; never a row that is scored.

Everything here sees the encoded training rows of one fold, or of the final fit, and nothing
else. Whatever is done to the proportions of the classes is undone in the probabilities
(`weighting`), so that log loss and Brier score stay honest.
"""

from __future__ import annotations

from wholefit.training.balance._base import Drawn, Resampler
from wholefit.training.balance._layout import Layout
from wholefit.training.balance._words import KINDS, make, names, written
from wholefit.training.balance.treatment import Taught, Treatment

__all__ = ["KINDS", "Drawn", "Layout", "Resampler", "Taught", "Treatment", "make", "names",
           "written"]
