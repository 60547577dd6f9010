"""The thin face that Python users hold: each name is one call to the room that does the work."""

from __future__ import annotations

from wholefit.api.adopt import adopt
from wholefit.api.compare import compare
from wholefit.api.fit import fit
from wholefit.api.result import Result, load
from wholefit.data import profile, read

__all__ = ["Result", "adopt", "compare", "fit", "load", "profile", "read"]
