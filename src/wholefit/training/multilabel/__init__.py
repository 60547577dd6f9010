"""The recipe of `task="multilabel"`: which of several labels each row holds."""

from __future__ import annotations

from wholefit.training.multilabel._fit import Options, fit

__all__ = ["Options", "fit"]
