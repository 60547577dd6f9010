"""The page of a lesson: what was found, the pictures, the table, every number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wholefit._version import __version__
from wholefit.report import writing
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report.lessons import _pictures

__all__ = ["page", "section", "snippet", "write"]


def section(record: Any) -> Html | None:
    """Sentences, pictures and the table of a lesson."""
    return join([bullets(data(line, 900) for line in record.said),
                 *(_pictures.picture(each) for each in record.pictures), _table(record)])


def snippet(record: Any) -> str:
    """The same for a notebook, with the little style that the pictures need."""
    return str(el("div", Html(_pictures.PLAIN), section(record), cls="wf-lesson"))


def page(record: Any) -> str:
    """One self-contained page."""
    def top(nav: Html) -> Html:
        return el("header", el("h1", data(record.question, 200)),
                  el("p", "The lesson ", data(record.name, 60), ", computed for this page.",
                     cls="kind"), nav)

    numbers = table(["number", "value"],
                    [[data(name, 60), f"{value:.6g}"] for name, value in record.numbers.items()],
                    "Every number that the sentences rest on", numbers=(1,))
    shown = [("found", "What was found", bullets(data(line, 900) for line in record.said))]
    if record.pictures:
        shown.append(("pictures", "Pictures", join([Html(_pictures.STYLE), *(
            _pictures.picture(each) for each in record.pictures)])))
    if record.rows:
        shown.append(("table", "The table", _table(record)))
    shown.append(("numbers", "The numbers", numbers))
    return writing.whole(record.question, top, shown, writing.foot({"wholefit": __version__}))


def write(record: Any, path: str | Path, *, force: bool = False) -> Path:
    """Write the page to `path`; returns it. ArtifactError where it cannot be written."""
    return writing.put(lambda: page(record), path, force)


def _table(record: Any) -> Html:
    header, rows = record.table()
    if not rows:
        return join([])
    return table(header, [[data(cell, 80) for cell in row] for row in rows], "What was computed")
