"""The page of several labels: how well each is known, what goes together, what tells them."""

from __future__ import annotations

from wholefit.report.multilabel._sections import lines, sections

__all__ = ["lines", "sections"]
