"""The report of a reduction: what was kept, the map, its axes, what not to read into it."""

from __future__ import annotations

from wholefit.report.reduction._sections import lines, sections

__all__ = ["lines", "sections"]
