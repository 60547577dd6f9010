"""Effects drawn: curves with bands and where the data are, single rows, surfaces, pairs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from wholefit._version import __version__
from wholefit.explain._curves import Effect, Surface
from wholefit.explain._pairs import ADDING, Interactions
from wholefit.report import _notebook, writing
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report._svg import Bar, forest
from wholefit.report.effects import _pictures

__all__ = ["page", "section", "snippet", "write"]

_MOST = 15


def section(record: Any) -> Html | None:
    """The picture, its sentences, and the numbers as a table."""
    return join([el("h3", _title(record)), _picture(record), _said(record), _table(record)])


def snippet(record: Any) -> str:
    """For a notebook: the picture and its sentences, in letters and colours that fit it."""
    return _notebook.note(_picture(record), _said(record))


def page(record: Any) -> str:
    """One self-contained page."""
    def top(nav: Html) -> Html:
        return el("header", el("h1", _title(record)), el("p", _kind(record), cls="kind"), nav)

    return writing.whole(str(_plain(record)), top, [
        ("picture", "The picture", join([_picture(record), _said(record)])),
        ("table", "The numbers", _table(record)),
    ], writing.foot({"wholefit": __version__}))


def write(record: Any, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the page to `path`; returns it. ArtifactError where it cannot be written."""
    return writing.put(lambda: page(record), path, force)


def _plain(record: Any) -> str:
    if isinstance(record, Interactions):
        return "Which columns act together"
    names = record.columns if isinstance(record, Surface) else (record.column,)
    return "The effect of " + " and ".join(names)


def _title(record: Any) -> Html:
    if isinstance(record, Interactions):
        return el("span", "Which columns act together")
    names = record.columns if isinstance(record, Surface) else (record.column,)
    return el("span", "The effect of ", join((data(name, 60) for name in names), " and "))


def _kind(record: Any) -> str:
    return f"{record.rows:,} rows"


def _said(record: Any) -> Html:
    return bullets(data(line, 900) for line in record.sentences)


def _picture(record: Any) -> Html | None:
    if isinstance(record, Interactions):
        return _pairs(record)
    if isinstance(record, Surface):
        return join([el("figure", _pictures.surface(record)), _pictures.surface_key(record)])
    if record.axis == "category":
        return el("figure", _pictures.levels(record), cls="big")
    return join([el("figure", _pictures.curve(record)), _pictures.curve_key(record)])


def _pairs(record: Interactions) -> Html | None:
    bars = [Bar(pair.name, record.sized(pair), pair.size, pair.low, pair.high,
                "other" if pair.verdict == ADDING else
                "chosen" if pair in record.together else "tied")
            for pair in record.pairs[:_MOST]]
    if not bars:
        return None
    title = ("Size of the joint part of each pair of columns, with intervals, the largest first; "
             "the dashed line is none")
    kinds = [("chosen", "act together" if record.tested else "in the model")]
    if record.tested:
        kinds.append(("tied", "in the model, not borne out by these rows"))
    kinds.append(("other", "cannot be told from adding up"))
    key = el("ul", *(el("li", el("span", cls=f"key {kind}"), words) for kind, words in kinds),
             cls="legend")
    return join([el("figure", forest(bars, 0.0, title), cls="big"), key])


def _table(record: Effect | Surface | Interactions) -> Html:
    header, rows = record.table()
    numbers = (1, 2) if not isinstance(record, Surface) else tuple(range(1, len(header)))
    label = {"Interactions": "Pairs of columns"}.get(type(record).__name__, _plain(record))
    return table([data(name, 40) for name in header],
                 [[data(cell, 60) for cell in row] for row in rows], label, numbers=numbers)
