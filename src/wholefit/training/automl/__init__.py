"""The best model within a budget: a portfolio tried in worker processes, blended, told honestly.

    _fit.py     the recipe
    _scale.py   how much of the table and how many folds the budget carries
    _crew.py    the worker processes
    _race.py    trials, one after the other in each worker, until the time for them is over
    _blend.py   the ensemble of what they gave, and the fitted model that answers
    _whole.py   members learnt anew from all rows, which answer where the time carries it
    _outlook.py how much of the time is kept for that
    _expect.py  what these, or the mean of the folds' models, gain over one fold's model
"""

from __future__ import annotations

from wholefit.training.automl._blend import Blend
from wholefit.training.automl._fit import PRESETS, begun, fit, fits
from wholefit.training.automl._scale import judged_few

__all__ = ["PRESETS", "Blend", "begun", "fit", "fits", "judged_few"]
