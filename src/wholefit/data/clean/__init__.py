"""Cleaning: steps, recipes of steps, and what they changed.

Each family of steps is one file; importing it registers its steps by name.
"""

from __future__ import annotations

from wholefit.data.clean import columns, duplicates, formats, imputers, missing, outliers, types
from wholefit.data.clean._changes import Change, Example
from wholefit.data.clean._step import STEPS, Step
from wholefit.data.clean.recipe import FittedRecipe, Ran, Recipe

__all__ = ["STEPS", "Change", "Example", "FittedRecipe", "Ran", "Recipe", "Step", "columns",
           "duplicates", "formats", "imputers", "missing", "outliers", "types"]
