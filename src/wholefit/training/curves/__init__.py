"""Is it over- or underfitted, and would more data help: curves, verdict, bias and variance."""

from __future__ import annotations

from wholefit.training.curves._bench import Bench, Options
from wholefit.training.curves._decompose import Decomposition, Parts, decompose
from wholefit.training.curves._extrapolate import Forecast, Law, extrapolate
from wholefit.training.curves._learning import LearningCurve, learning_curve
from wholefit.training.curves._measure import DRAWS, Measured, Point, measure, sizes_of
from wholefit.training.curves._validation import Setting, ValidationCurve, validation_curve
from wholefit.training.curves._verdict import Probe, Verdict, attempt, verdict
from wholefit.training.curves._where import Part, Where

__all__ = ["DRAWS", "Bench", "Decomposition", "Forecast", "Law", "LearningCurve", "Measured",
           "Options", "Part", "Parts", "Point", "Probe", "Setting", "ValidationCurve", "Verdict",
           "Where", "attempt", "decompose", "extrapolate", "learning_curve", "measure",
           "sizes_of", "validation_curve", "verdict"]
