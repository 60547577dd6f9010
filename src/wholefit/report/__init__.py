"""Report: a result -> one self-contained HTML page that says what the numbers mean.

The page fetches nothing and runs no script; whatever comes from the data is escaped.
"""

from __future__ import annotations

from wholefit.report.writing import page, snippet, write

__all__ = ["page", "snippet", "write"]
