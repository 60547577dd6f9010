"""The recipes: fit, folds, the default set, the choice; returns plain records."""

from __future__ import annotations

from wholefit.training.apart import begun
from wholefit.training.fit import DEFAULT_BUDGET, Options, fit
from wholefit.training.fitted import Fitted
from wholefit.training.found import Common, Found
from wholefit.training.plain import fit_plain
from wholefit.training.record import Entry, Run

__all__ = ["DEFAULT_BUDGET", "Common", "Entry", "Fitted", "Found", "Options", "Run", "begun",
           "fit", "fit_plain"]
