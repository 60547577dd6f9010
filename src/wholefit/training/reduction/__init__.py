"""Reduction: a few numbers a row, which method to make them by, and what they keep."""

from __future__ import annotations

from wholefit.training.reduction._fit import Options, fit

__all__ = ["Options", "fit"]
