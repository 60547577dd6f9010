"""The report of a generator: how far made rows can be trusted, beside real ones."""

from __future__ import annotations

from wholefit.report.generation._sections import lines, sections

__all__ = ["lines", "sections"]
