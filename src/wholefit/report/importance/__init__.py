"""Importance drawn: bars with intervals, verdicts, and which columns stand in for each other."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from wholefit._version import __version__
from wholefit.explain._worth import MATTERS, MISLEADS, UNUSED, Importance, Worth, said
from wholefit.report import _notebook, writing
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report._svg import Bar, forest

__all__ = ["page", "section", "snippet", "write"]

_MOST = 20


def section(record: Importance) -> Html | None:
    """Sentences, the bars, and the whole as a table."""
    return join([_said(record), _bars(record), _key(record), _table(record)])


def snippet(record: Importance) -> str:
    """For a notebook: the bars and the sentences, in letters and colours that fit it."""
    return _notebook.note(_bars(record), _key(record), _said(record))


def page(record: Importance) -> str:
    """One self-contained page."""
    def top(nav: Html) -> Html:
        return el("header", el("h1", "What each column is worth"),
                  el("p", f"{record.metric} {record.score} on {record.rows:,} rows", cls="kind"),
                  nav)

    return writing.whole("What each column is worth", top, [
        ("found", "What was found", _said(record)),
        ("bars", "Column by column", join([_bars(record), _key(record)])),
        ("table", "All of them", _table(record)),
    ], writing.foot({"wholefit": __version__}))


def write(record: Importance, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the page to `path`; returns it. ArtifactError where it cannot be written."""
    return writing.put(lambda: page(record), path, force)


def _said(record: Importance) -> Html:
    return bullets(data(line, 900) for line in record.sentences)


def _bars(record: Importance) -> Html | None:
    bars = list(_marks(record))
    if not bars:
        return None
    title = (f"How far {record.metric} {record.worse} when a column is shuffled, with intervals, "
             "the most first; the dashed line is no change")
    return el("figure", forest(bars, 0.0, title), cls="big")


def _marks(record: Importance) -> Iterator[Bar]:
    shown = [each for each in record.columns if each.verdict != UNUSED][:_MOST]
    for each in (*shown, *record.together):
        if math.isfinite(each.value):
            yield Bar(each.short, said(each), each.value, each.low, each.high, _kind(each))


def _kind(each: Worth) -> str:
    if len(each.columns) > 1:
        return "tied"
    return "chosen" if each.verdict in (MATTERS, MISLEADS) else "other"


def _key(record: Importance) -> Html:
    kinds = [("chosen", "more than chance would do"), ("other", "cannot be told from nothing")]
    if record.together:
        kinds.append(("tied", "several columns shuffled together"))
    return el("ul", *(el("li", el("span", cls=f"key {kind}"), words) for kind, words in kinds),
              el("li", el("span", cls="key rule"), "no change"), cls="legend")


def _table(record: Importance) -> Html:
    rows = [[data(each.name, 200), said(each),
             "" if math.isnan(each.p_adjusted) else f"{each.p_adjusted:.2g}", each.verdict]
            for each in (*record.columns, *record.together)]
    return table(["column", f"{record.metric} {record.worse} by", "p, corrected", "verdict"], rows,
                 "What each column is worth", numbers=(1, 2))
