"""Pictures of a diagnosis: lines in their bands, points with intervals, against what would be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from wholefit.report._html import Html, el
from wholefit.report._svg import Frame

Point = Sequence[float]


def banded(
    points: Sequence[Point], title: str, across: str, up: str, *,
    rule: Sequence[tuple[float, float]] = (), marks: Sequence[tuple[float, str]] = (),
    least: float | None = None, most: float | None = None,
) -> Html:
    """A line of (x, value, low, high) in its band; `rule` a dashed line, `marks` upright ones."""
    known = [p for p in points if all(map(math.isfinite, p[:4]))]
    if not known:
        return Html("")
    floor = min([p[2] for p in known] + [y for _, y in rule]) if least is None else least
    top = max([p[3] for p in known] + [y for _, y in rule]) if most is None else most
    frame = Frame((known[0][0], known[-1][0]), (floor, top))
    low = [f"{frame.x(p[0]):.1f} {frame.y(p[2]):.1f}" for p in known]
    high = [f"{frame.x(p[0]):.1f} {frame.y(p[3]):.1f}" for p in reversed(known)]
    line = " ".join(f"{frame.x(p[0]):.1f},{frame.y(p[1]):.1f}" for p in known)
    return frame.draw(
        title, across, up, _rule(frame, rule),
        el("path", d="M" + "L".join([*low, *high]) + "z", cls="wide"),
        el("polyline", points=line, cls="curve"), *_uprights(frame, marks))


def dotted(
    points: Sequence[Point], title: str, across: str, up: str, *,
    rule: Sequence[tuple[float, float]] = (), joined: bool = True,
) -> Html:
    """Points (x, value, low, high) with their intervals, and a dashed line to compare with."""
    known = [p for p in points if math.isfinite(p[1])]
    if not known:
        return Html("")
    ends = [end for p in known for end in (p[1], *p[2:4]) if math.isfinite(end)]
    ends += [y for _, y in rule]
    xs = [p[0] for p in known] + [x for x, _ in rule]
    frame = Frame((min(xs), max(xs)), (min(ends), max(ends)))
    bars = (el("line", x1=f"{frame.x(p[0]):.1f}", x2=f"{frame.x(p[0]):.1f}",
               y1=f"{frame.y(p[2]):.1f}", y2=f"{frame.y(p[3]):.1f}", cls="bar chosen")
            for p in known if math.isfinite(p[2]) and math.isfinite(p[3]))
    dots = (el("circle", cx=f"{frame.x(p[0]):.1f}", cy=f"{frame.y(p[1]):.1f}", r=4,
               cls="mark chosen") for p in known)
    line = " ".join(f"{frame.x(p[0]):.1f},{frame.y(p[1]):.1f}" for p in known)
    return frame.draw(title, across, up, _rule(frame, rule),
                      el("polyline", points=line, cls="joined") if joined else None,
                      *bars, *dots)


def _rule(frame: Frame, rule: Sequence[tuple[float, float]]) -> Html | None:
    if not rule:
        return None
    points = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in rule)
    return el("polyline", points=points, cls="rule", fill="none")


def _uprights(frame: Frame, marks: Sequence[tuple[float, str]]) -> Iterator[Html]:
    floor, top = frame.y(frame.up[0]), frame.y(frame.up[1])
    for at, (x, word) in enumerate(marks):
        if not frame.across[0] <= x <= frame.across[1]:
            continue
        place = frame.x(x)
        left = place > (frame.x(frame.across[0]) + frame.x(frame.across[1])) / 2
        yield el("line", x1=f"{place:.1f}", x2=f"{place:.1f}", y1=f"{floor:.1f}",
                 y2=f"{top:.1f}", cls="rule")
        yield el("text", word, x=f"{place + (-5 if left else 5):.1f}",
                 y=f"{top + 15 + 16 * at:.1f}", cls="tick",
                 text_anchor="end" if left else "start")
