"""Pictures with what they are and what a model takes them for: the surest mistakes first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from wholefit._version import __version__
from wholefit.report import writing
from wholefit.report._html import Html, data, el, join
from wholefit.report.images._png import tile


def page(found: Any) -> str:
    """The page of a `Pictured`: mistakes, then the right answers that are the least sure."""
    parts = [(name, title, _grid(chosen)) for name, title, chosen in (
        ("wrong", "Taken for something else, the surest first", found.wrong),
        ("right", "Right, the least sure first", found.right)) if chosen]
    foot = el("footer", el("p", "This page shows pictures of the data: share it like them."),
              el("p", f"wholefit {__version__}. Nothing on this page is fetched from elsewhere."))
    return writing.whole(f"Pictures: {found.target}", lambda nav: _top(found, nav), parts, foot)


def write(found: Any, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the page to `path`; ArtifactError where it cannot be written."""
    return writing.put(lambda: page(found), path, force)


def section(found: Any) -> Html:
    """The pictures as one section of a report."""
    return join([el("h3", "Pictures and what they are taken for"),
                 el("p", data(found.to_text(), 300)),
                 *(join([el("h4", title), _grid(chosen)]) for title, chosen in (
                     ("Taken for something else, the surest first", found.wrong),
                     ("Right, the least sure first", found.right)) if chosen)])


def _grid(chosen: Any) -> Html:
    boxes = (_box(each) for each in chosen)
    return el("div", *boxes, style="display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start")


def _box(each: Any) -> Html:
    said = f"{each.truth}, taken for {each.answer}" if each.truth != each.answer else each.truth
    return el("div", tile(each.picture, f"{each.name}: {said}"), el(
        "div", el("b", data(each.truth, 40)),
        None if each.truth == each.answer else el("span", " taken for ", data(each.answer, 40)),
        f", {each.sure:.0%} sure", el("br"), data(each.name, 40), cls="small"),
        style="width:8.5rem")


def _top(found: Any, nav: Html) -> Html:
    return el("header", el("h1", "Pictures of ", data(found.source, 120)),
              el("p", data(found.to_text(), 300), cls="kind"), nav)
