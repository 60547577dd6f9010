"""Report: a result -> one self-contained HTML page that says what the numbers mean.

The page fetches nothing and runs no script; whatever comes from the data is escaped.
"""

from __future__ import annotations

from wholefit.report.found import found_lines, found_page, found_snippet, write_found
from wholefit.report.reduction._page import write_map
from wholefit.report.writing import page, snippet, write

__all__ = ["found_lines", "found_page", "found_snippet", "page", "snippet", "write", "write_found",
           "write_map"]
