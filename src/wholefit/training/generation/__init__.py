"""Generation: new rows and texts like those that were learnt from, and how far to trust them."""

from __future__ import annotations

from wholefit.training.generation._fit import fit
from wholefit.training.generation._trials import Options

__all__ = ["Options", "fit"]
