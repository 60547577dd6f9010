"""A clustering's page and its plain sentences: are there clusters, which, and how sure."""

from __future__ import annotations

from wholefit.report.clustering._sections import lines, sections

__all__ = ["lines", "sections"]
