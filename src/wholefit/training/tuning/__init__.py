"""Tuning: search strategies over the settings of models and of what comes before them.

    dimensions.py   what one setting may be
    space.py        named dimensions over a whole pipeline
    _strategy.py    what a strategy is
    strategies/     one file each: the folder is the registry
"""

from __future__ import annotations

from wholefit.training.tuning._strategy import Setting, Strategy, Suggestion
from wholefit.training.tuning.dimensions import Choice, Dimension, Distribution, Real, Whole
from wholefit.training.tuning.space import Space

__all__ = ["Choice", "Dimension", "Distribution", "Real", "Setting", "Space", "Strategy",
           "Suggestion", "Whole"]
