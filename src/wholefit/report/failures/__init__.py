"""Where a model fails, drawn: as sections of a report, as a page of its own, in a notebook."""

from __future__ import annotations

import os
from pathlib import Path

from wholefit._version import __version__
from wholefit.evaluation.failures import Failures
from wholefit.report import writing
from wholefit.report._html import Html, data, el, join
from wholefit.report._notebook import note
from wholefit.report.failures._sections import pieces

__all__ = ["page", "section", "snippet", "write"]

# Pictures side by side where the page is wide enough.
STYLE = (".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22rem,100%),1fr));"
         "gap:0 1.5rem}")


def section(record: Failures) -> Html | None:
    """The diagnosis as one section of a report."""
    return join([el("style", Html(STYLE)), *(join([el("h3", heading), inner])
                                              for _, heading, inner in pieces(record))])


def page(record: Failures) -> str:
    """The diagnosis as a page of its own, self-contained."""
    shown = [(name, heading, join([el("style", Html(STYLE)), inner]) if not at else inner)
             for at, (name, heading, inner) in enumerate(pieces(record))]
    return writing.whole(f"Where it fails: {record.of}", lambda nav: _top(record, nav), shown,
                         _foot(record))


def write(record: Failures, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the page to `path`; returns it. An existing file is replaced only with `force`."""
    return writing.put(lambda: page(record), path, force)


def snippet(record: Failures) -> str:
    """The worst slices and what to do next, for a notebook."""
    return note(el("style", Html(STYLE)), el("p", el("b", f"{record.score.metric} {record.score}"),
                            f" on {record.rows:,} rows"),
                *(join([el("h3", heading), inner]) for _, heading, inner in pieces(record)))


def _top(record: Failures, nav: Html) -> Html:
    known = record.confidence
    tiles = [(record.score.metric, str(record.score)), ("rows", f"{record.rows:,}"),
             ("worse parts", f"{len(record.worst.slices)}")]
    if known is not None:
        tiles.append(("wrong answers", f"{known.wrong:.1%}"))
    return el("header", el("h1", "Where it fails, and how sure it is"),
              el("p", f"A {record.task} on ", data(record.of, 160), cls="kind"),
              el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in tiles),
                 cls="tiles"), nav)


def _foot(record: Failures) -> Html:
    shown = any(each.shown for cell in record.cells for each in cell.examples) or any(
        each.shown for each in record.misses)
    said = ("This page shows cells of single rows: share it like the data." if shown else
            "This page names ranges and levels of columns, and rows by their number; of single "
            "rows it shows no cell"
            + (", but true values and answers of the largest misses." if record.misses else "."))
    return el("footer", el("p", said), el("p", f"wholefit {__version__}. Nothing on this page is "
                                          "fetched from elsewhere."))
