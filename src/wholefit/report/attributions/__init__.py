"""Why rows get their answers, drawn: a waterfall of one row, bars and a beeswarm of many."""

from __future__ import annotations

from wholefit.report.attributions._page import page, write
from wholefit.report.attributions._sections import section, snippet

__all__ = ["page", "section", "snippet", "write"]
