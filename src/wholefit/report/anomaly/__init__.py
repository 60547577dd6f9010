"""The page of a fit of anomalies: the budget, the scores, the strangest rows, the limits."""

from __future__ import annotations

from wholefit.report.anomaly._sections import lines, sections

__all__ = ["lines", "sections"]
