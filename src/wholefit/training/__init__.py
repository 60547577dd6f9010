"""The recipes: fit, folds, the default set, the choice; returns plain records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wholefit.base.later import later

if TYPE_CHECKING:
    from wholefit.training.apart import begun
    from wholefit.training.fitted import Fitted
    from wholefit.training.fitting import DEFAULT_BUDGET, Options, fit
    from wholefit.training.found import Common, Found
    from wholefit.training.plain import fit_plain
    from wholefit.training.record import Entry, Run

__all__ = ["DEFAULT_BUDGET", "Common", "Entry", "Fitted", "Found", "Options", "Run", "begun",
           "fit", "fit_plain"]

# Who answers with a model needs none of what fits one.
__getattr__, __dir__ = later(__name__, {
    **dict.fromkeys(("DEFAULT_BUDGET", "Options", "fit"), "wholefit.training.fitting"),
    **dict.fromkeys(("Common", "Found"), "wholefit.training.found"),
    **dict.fromkeys(("Entry", "Run"), "wholefit.training.record"),
    "Fitted": "wholefit.training.fitted", "begun": "wholefit.training.apart",
    "fit_plain": "wholefit.training.plain"})
