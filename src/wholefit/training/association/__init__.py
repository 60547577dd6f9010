"""The recipe of baskets: read, mined, weighed against chance, judged on baskets left out, told."""

from __future__ import annotations

from wholefit.training.association._fit import Options, fit

__all__ = ["Options", "fit"]
