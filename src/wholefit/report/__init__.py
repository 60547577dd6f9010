"""Report: a result -> one self-contained page that says what the numbers mean.

The page fetches nothing, and is whole without its one script; whatever comes from the data is
escaped. The same facts are there as a model card in Markdown and as JSON.
"""

from __future__ import annotations

from wholefit.report.found import found_lines, found_page, found_snippet, write_found
from wholefit.report.notebook import result as snippet
from wholefit.report.reduction._page import write_map
from wholefit.report.writing import page, write

__all__ = ["found_lines", "found_page", "found_snippet", "page", "snippet", "write", "write_found",
           "write_map"]
