"""The page of baskets and its plain sentences: what goes together, how surely, what it is worth."""

from __future__ import annotations

from wholefit.report.association._sections import lines, sections

__all__ = ["lines", "sections"]
