"""Ensembles: members' out-of-fold answers weighted greedily, calibrated, limited, stacked."""

from __future__ import annotations

from wholefit.training.ensembling._blend import Blended, blend, greedy
from wholefit.training.ensembling._layer import Second, layer
from wholefit.training.ensembling._pool import Pool, mixed
from wholefit.training.ensembling._spare import dear, without
from wholefit.training.ensembling._stack import stacked

__all__ = ["Blended", "Pool", "Second", "blend", "dear", "greedy", "layer", "mixed", "stacked",
           "without"]
