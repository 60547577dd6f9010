"""Pictures of made rows: sheets beside real ones, pairs of histograms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wholefit.base.wording import cut
from wholefit.report._html import Html, el, join

_PNG = re.compile(r"iVBORw0KGgo[A-Za-z0-9+/]*={0,2}\Z")
_REAL, _MADE = "var(--p0,#1d5fbf)", "var(--p1,#b84f07)"
_WIDE, _HIGH, _LEFT, _TOP, _FOOT = 300, 130, 8, 22, 20


def sheet(stored: Any, words: str) -> Html | None:
    """A sheet of pictures as an image within the page; None where it is none."""
    if not isinstance(stored, str) or not _PNG.match(stored):
        return None
    return el("figure", el("img", src=f"data:image/png;base64,{stored}", alt=words,
                           style="max-width:100%;image-rendering:pixelated"),
              el("figcaption", words, cls="small"), style="margin:.5rem 0")


def pair(each: Mapping[str, Any]) -> Html:
    """Shares of real and of made cells of one column, side by side."""
    real = [float(share) for share in each["real"]]
    made = [float(share) for share in each["made"]]
    names = [str(name) for name in each["bins"]]
    top = max([*real, *made, 1e-9])
    step = (_WIDE - 2 * _LEFT) / max(len(real), 1)
    floor = _HIGH - _FOOT
    bars = []
    for at, (a, b) in enumerate(zip(real, made, strict=True)):
        x = _LEFT + at * step
        said = f"{names[at]}: real {a:.1%}, made {b:.1%}"
        bars.append(el("g", el("title", said),
                       _bar(x + 0.08 * step, 0.42 * step, a / top, floor, _REAL),
                       _bar(x + 0.50 * step, 0.42 * step, b / top, floor, _MADE)))
    title = f"{each['name']}: shares of real and of made rows"
    ends = [(names[0], "start", _LEFT), (names[-1], "end", _WIDE - _LEFT)] if names else []
    words = [el("text", cut(name, 16), x=x, y=_HIGH - 6, cls="tick", text_anchor=anchor)
             for name, anchor, x in (ends if len(names) > 1 else ends[:1])]
    return el("svg", el("title", title),
              el("text", cut(str(each["name"]), 34), x=_LEFT, y=14, cls="name"), *bars, *words,
              viewBox=f"0 0 {_WIDE} {_HIGH}", role="img", aria_label=title, width=_WIDE,
              style="max-width:100%;margin:0 1rem .5rem 0")


def _bar(x: float, wide: float, share: float, floor: float, colour: str) -> Html:
    high = share * (floor - _TOP)
    return el("rect", x=f"{x:.1f}", y=f"{floor - high:.1f}", width=f"{wide:.1f}",
              height=f"{high:.1f}", style=f"fill:{colour}")


def key() -> Html:
    """What the two colours are."""
    return el("p", join([el("span", "■ ", style=f"color:{_REAL}"), "real rows, held out   ",
                         el("span", "■ ", style=f"color:{_MADE}"), "made rows"]), cls="small")
