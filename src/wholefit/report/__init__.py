"""Report: a result -> one self-contained page that says what the numbers mean.

The page fetches nothing, and is whole without its one script; whatever comes from the data is
escaped. The same facts are there as a model card in Markdown and as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wholefit.base.later import later

if TYPE_CHECKING:
    from wholefit.report.found import found_lines, found_page, found_snippet, write_found
    from wholefit.report.notebook import snippet
    from wholefit.report.reduction._page import write_map
    from wholefit.report.writing import page, write

__all__ = ["found_lines", "found_page", "found_snippet", "page", "snippet", "write", "write_found",
           "write_map"]

__getattr__, __dir__ = later(__name__, {
    **dict.fromkeys(("found_lines", "found_page", "found_snippet", "write_found"),
                    "wholefit.report.found"),
    "snippet": "wholefit.report.notebook", "write_map": "wholefit.report.reduction._page",
    **dict.fromkeys(("page", "write"), "wholefit.report.writing")})
