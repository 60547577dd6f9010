"""The picture of a search: the share of rows that changes of each size fool, and by chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wholefit.report._html import Html, el, join
from wholefit.report._svg import Frame

PLAIN = ("<style>.wf-stress svg{max-width:34rem;font:12px sans-serif}.wf-stress .tick,"
         ".wf-stress .axis-name,.wf-stress .name,.wf-stress .said{font-size:11px;"
         "fill:currentColor}.wf-stress .field{fill:none;stroke:#8884}"
         ".wf-stress .grid{stroke:#8883}.wf-stress .rule,.wf-stress .axis{stroke:#888}"
         ".wf-stress .bar{stroke:#1d5fbf;stroke-width:3}</style>")
_MADE, _ONE, _CHANCE = "var(--p1,#b84f07)", "var(--p3,#8a3ea8)", "var(--p6,#4d5b6b)"


class _Named(Frame):
    """Sizes stand side by side, evenly; their marks are the sizes themselves."""

    def __init__(self, sizes: Sequence[float]) -> None:
        super().__init__((0.0, float(max(len(sizes) - 1, 1))), (0.0, 1.0),
                         [(float(at), 0.0) for at in range(len(sizes))])
        self.sizes = sizes

    def _below(self) -> Any:
        floor = self.y(self.up[0])
        for at, size in enumerate(self.sizes):
            x = f"{self.x(at):.1f}"
            yield el("line", x1=x, x2=x, y1=f"{self.y(self.up[1]):.1f}", y2=f"{floor:.1f}",
                     cls="grid")
            yield el("text", f"{size:g}", x=x, y=f"{floor + 17:.1f}", cls="tick",
                     text_anchor="middle")


def reach(record: Any) -> Html:
    """Share of rows fooled by changes of each size: made to, of one number, by chance."""
    found = record.attack.reaches
    frame = _Named([each.eps for each in found])
    upper = [f"{frame.x(at):.1f} {frame.y(e.flipped.high):.1f}" for at, e in enumerate(found)]
    lower = [f"{frame.x(at):.1f} {frame.y(e.flipped.low):.1f}" for at, e in enumerate(found)]
    area = el("path", d="M" + "L".join(upper + lower[::-1]) + "z",
              style=f"fill:{_MADE};fill-opacity:.16")
    lines = [([e.flipped.value for e in found], _MADE, ""), ([e.one for e in found], _ONE, "6 4"),
             ([e.chance for e in found], _CHANCE, "2 3")]
    told = "; ".join(f"{e.eps:g} sd {e.flipped.value:.0%}" for e in found)
    what = "decided otherwise" if record.classes else "moved by a quarter of a standard deviation"
    title = f"Share of {record.attack.rows} rows {what} by changes made to fool the model: {told}"
    picture = frame.draw(title, "largest change of any number, in standard deviations",
                         "share of rows", area, *(_path(frame, *each) for each in lines))
    keys = (("made to fool it, all numbers", _MADE), ("one number alone", _ONE),
            ("random changes", _CHANCE))
    items = (el("li", el("span", style="display:inline-block;width:1.4em;height:.35em;"
                         f"vertical-align:.2em;margin-right:.4em;background:{colour}"), words)
             for words, colour in keys)
    return join([el("figure", picture),
                 el("ul", *items, cls="keys", style="list-style:none;padding:0;display:flex;"
                    "flex-wrap:wrap;gap:.1rem 1rem;font-size:.9rem")])


def _path(frame: Frame, values: Sequence[float], colour: str, dashes: str) -> Html:
    points = " ".join(f"{frame.x(at):.1f},{frame.y(value):.1f}" for at, value in enumerate(values))
    return el("polyline", points=points, style=f"fill:none;stroke:{colour};stroke-width:2"
              + (f";stroke-dasharray:{dashes}" if dashes else ""))
