"""Dataset -> arrays, learnt on training rows only."""

from __future__ import annotations

from wholefit.features.encoding import Encoding

__all__ = ["Encoding"]
