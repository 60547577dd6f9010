"""Pictures of alarms as inline SVG: scores with the threshold, alarms over time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from wholefit.report._charts import Named
from wholefit.report._html import Html, el, join
from wholefit.report._svg import Frame

_GAP = 0.4


def scores(edges: Sequence[float], counts: Sequence[int], threshold: float, units: str) -> Html:
    """Bars of how many rows have which score, on a log scale, those that alarm set apart."""
    most = max(*counts, 1)
    frame = _Logged((edges[0], edges[-1]), (0.0, math.log10(most + 1)))
    paths = {False: "", True: ""}
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        if count:
            for alarms, start, end in _parts(low, high, threshold):
                paths[alarms] += _bar(frame, start, end, math.log10(count + 1))
    at = f"{frame.x(threshold):.1f}"
    rule = el("line", x1=at, x2=at, y1=frame.y(frame.up[1]), y2=frame.y(0), cls="rule")
    title = f"How strange the {units} are; the dashed line is the threshold, alarms right of it"
    return frame.draw(title, "score, the higher the stranger", f"{units}, log scale",
                      el("path", d=paths[False], cls="narrow"),
                      el("path", d=paths[True], cls="alarm"), rule)


class _Logged(Frame):
    """A plane whose height is log10(1 + count), marked with the counts."""

    def _beside(self) -> Iterator[Html]:
        for power in range(int(self.up[1]) + 1):
            count = 10**power
            at = f"{self.y(math.log10(count + 1)):.1f}"
            yield el("line", x1=self.x(self.across[0]), x2=self.x(self.across[1]), y1=at, y2=at,
                     cls="grid")
            yield el("text", f"{count:,}", x=self.x(self.across[0]) - 7,
                     y=f"{float(at) + 4:.1f}", cls="tick", text_anchor="end")


def _parts(low: float, high: float, threshold: float) -> list[tuple[bool, float, float]]:
    """A bar on one side of the threshold, or cut by it."""
    if high <= threshold:
        return [(False, low, high)]
    if low >= threshold:
        return [(True, low, high)]
    return [(False, low, threshold), (True, threshold, high)]


def _bar(frame: Frame, low: float, high: float, height: float) -> str:
    left, right = frame.x(low), max(frame.x(high) - _GAP, frame.x(low) + 0.3)
    top, floor = frame.y(height), frame.y(0)
    return f"M{left:.1f} {floor:.1f}V{top:.1f}H{right:.1f}V{floor:.1f}z"


def over_time(
    marks: Sequence[str], rows: Sequence[int], alarms: Sequence[int], share: float, up: str
) -> Html:
    """Bars of alarms in each stretch of time, and a rule at what the budget would have there."""
    marks = [mark.replace("T", " ") for mark in marks]
    due = [share * count for count in rows]
    high = max([*map(float, alarms), *due, 1.0])
    last = len(alarms) - 1
    words = [(0.0, marks[0]), (len(alarms) / 2, marks[len(alarms) // 2]),
             (float(len(alarms)), marks[-1])]
    frame = Named((0.0, float(last + 1)), (0.0, high), words)
    bars = "".join(_bar(frame, at, at + 1, count) for at, count in enumerate(alarms) if count)
    line = " ".join(f"{frame.x(at):.1f},{frame.y(value):.1f} {frame.x(at + 1):.1f},"
                    f"{frame.y(value):.1f}" for at, value in enumerate(due))
    rule = "; the dashed line is what the budget would give" if share else ""
    title = f"Alarms over time{rule}"
    return frame.draw(title, "time", up, el("path", d=bars, cls="alarm"),
                      el("polyline", points=line, cls="rule", fill="none") if share else None)


def legend() -> Html:
    """What the colours mean."""
    return el("ul", el("li", el("span", cls="key square", style="--s:.5"), "do not alarm"),
              el("li", el("span", cls="key square", style="background:rgb(var(--miss));--s:1"),
                 "alarm"),
              el("li", el("span", cls="key rule"), "the threshold"), cls="legend")


def style() -> Html:
    """What the page's own sheet has no word for."""
    return join([el("style", Html(
        "svg .alarm{fill:rgb(var(--miss))}.alarms td:nth-child(2){min-width:18rem}"
        ".alarms ul{margin:0;padding-left:1rem}.alarms li{margin:.1rem 0}"
        "@media (max-width:40rem){.alarms,.alarms tbody,.alarms tr,.alarms td,.alarms th{"
        "display:block}.alarms thead{display:none}.alarms td{border:0;padding:.1rem .1rem}"
        ".alarms td:nth-child(n+3){display:inline-block;margin-right:1rem}"
        ".alarms tr{border-bottom:1px solid var(--line);padding:.5rem 0}"
        ".alarms tbody th{border:0;padding:.1rem}.alarms td:nth-child(2){min-width:0}}"))])
