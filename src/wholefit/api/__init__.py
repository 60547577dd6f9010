"""The thin face that Python users hold: each name is one call to the room that does the work."""

from __future__ import annotations

from wholefit.api.adopting import adopt
from wholefit.api.comparing import compare
from wholefit.api.fitting import fit
from wholefit.api.profiling import profile
from wholefit.api.result import Result, load
from wholefit.data import read

__all__ = ["Result", "adopt", "compare", "fit", "load", "profile", "read"]
