"""Translation: from each text to another, learnt from pairs, judged on pairs set apart."""

from __future__ import annotations

from wholefit.training.translation._fit import fit
from wholefit.training.translation._pairs import Options, as_read

__all__ = ["Options", "as_read", "fit"]
