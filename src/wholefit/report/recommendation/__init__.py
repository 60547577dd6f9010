"""The page of a recommender: who gets what and why, how good that is, for whom, and the limits."""

from __future__ import annotations

from wholefit.report.recommendation._sections import lines, sections

__all__ = ["lines", "sections"]
