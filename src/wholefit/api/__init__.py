"""The thin face that Python users hold: each name is one call to the room that does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wholefit.base.later import later

if TYPE_CHECKING:
    from wholefit.api.adopting import adopt
    from wholefit.api.comparing import compare
    from wholefit.api.fitting import fit
    from wholefit.api.profiling import profile
    from wholefit.api.result import Result, load
    from wholefit.data import read

__all__ = ["Result", "adopt", "compare", "fit", "load", "profile", "read"]

__getattr__, __dir__ = later(__name__, {
    "Result": "wholefit.api.result", "adopt": "wholefit.api.adopting",
    "compare": "wholefit.api.comparing", "fit": "wholefit.api.fitting",
    "load": "wholefit.api.result", "profile": "wholefit.api.profiling", "read": "wholefit.data"})
