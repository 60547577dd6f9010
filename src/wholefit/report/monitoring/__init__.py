"""A watched model on a page: alarms, what moved and when, scores over time, latency.

The page is drawn from the record alone (`wholefit.monitoring.Monitored`), fetches nothing, and
holds no row of the data.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from wholefit._version import __version__
from wholefit.report import writing
from wholefit.report._html import Html, data, el
from wholefit.report._notebook import note
from wholefit.report.monitoring import _sections

__all__ = ["page", "snippet", "write"]


def page(found: Any) -> str:
    """One self-contained HTML page of what was found."""

    def top(nav: Html) -> Html:
        tiles = _sections.tiles(found)
        return el("header", el("h1", "Watching ", data(found.model, 120)),
                  el("p", f"{found.task}, version ", data(found.version, 60), ", logged in ",
                     data(found.log, 120), cls="kind"),
                  el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in tiles),
                     cls="tiles"),
                  el("p", data(found.said, 900), cls="lead"), nav)

    return writing.whole(f"Watching {found.model}", top, _sections.sections(found),
                         writing.foot({"wholefit": __version__}))


def write(found: Any, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the page to `path`; returns it. ArtifactError where it cannot be written."""
    return writing.put(lambda: page(found), path, force)


def snippet(found: Any) -> str:
    """The alarms for a notebook."""
    return note(_sections.alarms(found))
