"""A page of its own for explanations, in one file that fetches nothing."""

from __future__ import annotations

import os
from pathlib import Path

from wholefit._version import __version__
from wholefit.base.wording import counted
from wholefit.explain.explanations import Explanations
from wholefit.explain.local_explanations import LocalExplanations
from wholefit.report import writing
from wholefit.report._html import Html, data, el
from wholefit.report.attributions import _sections

_ROWS = 12


def page(found: Explanations | LocalExplanations) -> str:
    """The page: all rows together where there are many, then each of the first rows."""
    parts: list[tuple[str, str, Html]] = []
    if len(found) > 1 and isinstance(found, Explanations):
        parts.append(("all", f"All {counted(len(found), 'row')} together",
                      _sections.together(found)))
    rows = min(len(found), _ROWS)
    for at in range(rows):
        parts.append((f"row{found.numbers[at] + 1}", f"Row {found.numbers[at] + 1:,}",
                      _sections.one(found, at)))
    parts.append(("how", "How to read this", _sections.reading(found)))
    foot = el("footer", el("p", "This page shows values of the rows: share it like them."),
              el("p", f"wholefit {__version__}. Nothing on this page is fetched from elsewhere."))
    return writing.whole(f"Why: {found.target}", lambda nav: _top(found, nav), parts, foot)


def write(
    found: Explanations | LocalExplanations, path: str | os.PathLike[str], *, force: bool = False
) -> Path:
    """Write the page to `path`; returns it.

    An existing file is replaced only with `force`, and only once the new page is complete.
    Raises ArtifactError where the file cannot be written.
    """
    return writing.put(lambda: page(found), path, force)


def _top(found: Explanations | LocalExplanations, nav: Html) -> Html:
    what = "Why each row gets its answer" if len(found) > 1 else "Why the row gets its answer"
    how = "local surrogates" if isinstance(found, LocalExplanations) else \
        f"contributions in {found.unit}, {'exact' if found.exact else 'sampled'}"
    return el("header", el("h1", what, ": ", data(found.target, 120)),
              el("p", data(f"{counted(len(found), 'row')}, "
                           f"{counted(len(found.columns), 'column')}; {how}", 300), cls="kind"),
              nav)
