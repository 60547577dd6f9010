"""Fairness on a page: how groups fare, and what it would cost to make them fare alike.

`section` is a part of a report, `page` and `write` a page of its own, `snippet` for a notebook.
They are drawn from the record alone: an Audit or a Mitigated.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from wholefit._version import __version__
from wholefit.evaluation.fairness import Audit
from wholefit.report import writing
from wholefit.report._html import Html, data, el
from wholefit.report._notebook import note
from wholefit.report.fairness import _audit, _mitigated
from wholefit.training.fairness import Mitigated

__all__ = ["page", "section", "snippet", "write"]


def section(record: Audit | Mitigated, small: bool = False) -> Html | None:
    """The part of a page about one record; None where it judged nothing.

    `small` also tells cells of fewer than five people.
    """
    if isinstance(record, Mitigated):
        return _mitigated.section(record)
    return _audit.section(record, small) if record.parts else None


def page(record: Audit | Mitigated, small: bool = False) -> str:
    """One self-contained HTML page of a record."""
    about, tiles = _mitigated.top(record) if isinstance(record, Mitigated) else _audit.top(record)
    drawn = (_mitigated.sections(record) if isinstance(record, Mitigated)
             else _audit.sections(record, small))

    def top(nav: Html) -> Html:
        return el("header", el("h1", about, " ", data(record.target, 120)),
                  el("p", data(record.said, 600), cls="lead"),
                  el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in tiles),
                     cls="tiles"), nav)

    return writing.whole(f"{about} {record.target}", top, drawn,
                         writing.foot({"wholefit": __version__}))


def write(
    record: Audit | Mitigated, path: str | os.PathLike[str], *, force: bool = False,
    small: bool = False,
) -> Path:
    """Write the page to `path`; returns it. ArtifactError where it cannot be written."""
    return writing.put(lambda: page(record, small), path, force)


def snippet(record: Any) -> str:
    """The same for a notebook."""
    drawn = section(record)
    return note(el("p", el("b", data(record.said, 600))), drawn)
