"""Validation: what a table should be like, inferred, edited by hand, and held against new rows."""

from __future__ import annotations

from wholefit.data.validate.check import check
from wholefit.data.validate.expectations import ColumnRule, Expectations, Rule
from wholefit.data.validate.infer import infer
from wholefit.data.validate.sketch import Sketch, sketch_of
from wholefit.data.validate.validation import Validation, Violation

__all__ = ["ColumnRule", "Expectations", "Rule", "Sketch", "Validation", "Violation", "check",
           "infer", "sketch_of"]
