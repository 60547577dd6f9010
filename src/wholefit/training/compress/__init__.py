"""Compression: a fitted model in fewer bits, weights, units or trees, and what that costs.

    found = compress(fitted, given, Options(to="all"))
    found.row("int8").fitted          # a Fitted like any other
    found.to_text()                   # score, paired difference, speed, size, side by side

What comes of each way is State like any other's: arrays of fewer bits, or fewer of them, and a
scorer that answers from these. `wholefit.training.distil` teaches a small model instead.
"""

from __future__ import annotations

from wholefit.training.compress.options import Options
from wholefit.training.compress.record import Comparison, Smaller
from wholefit.training.compress.run import compress, words
from wholefit.training.compress.ways import WAYS

__all__ = ["WAYS", "Comparison", "Options", "Smaller", "compress", "words"]
