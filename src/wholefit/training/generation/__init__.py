"""Generation: new rows like those that were learnt from, and how far they can be trusted."""

from __future__ import annotations

from wholefit.training.generation._fit import Options, fit

__all__ = ["Options", "fit"]
