"""Saliency drawn: highlighted words, maps over pictures, attention; as a section and a snippet."""

from __future__ import annotations

from wholefit.explain.salient import Picture, Saliency
from wholefit.report._html import Html, el, join
from wholefit.report.saliency._maps import picture
from wholefit.report.saliency._networks import attention, attribution, tiles
from wholefit.report.saliency._words import highlighted

__all__ = ["attention", "attribution", "section", "snippet", "tiles"]

_MOST = 24


def section(record: Saliency) -> Html | None:
    """The topic's section of a page; None where nothing was asked."""
    if not record.found:
        return None
    drawn = [picture(each) if isinstance(each, Picture) else highlighted(each)
             for each in record.found[:_MOST]]
    more = len(record.found) - _MOST
    return join([*drawn, el("p", record.how, cls="small"),
                 el("p", f"and {more:,} more rows", cls="small") if more > 0 else None])


def snippet(record: Saliency) -> str:
    """The same for a notebook; the styles are its own."""
    return str(el("div", section(record)))
