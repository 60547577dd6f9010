"""Pictures of a watch: a line of squares for each comparison, and numbers through time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wholefit.base.wording import cut
from wholefit.report._charts import Named
from wholefit.report._html import Html, el, join

_NAME, _SIDE, _GAP, _HEAD, _FAR = 190, 14, 2, 20, 0.5
_LEAST_WIDE = 420


@dataclass(frozen=True)
class Line:
    """One window of a picture through time; NaN where a number is not known."""

    value: float
    low: float = math.nan
    high: float = math.nan
    before: float = math.nan
    alarm: bool = False


def squares(rows: Sequence[tuple[str, Sequence[tuple[float, bool]]]], when: Sequence[str]) -> Html:
    """A line of squares for each name: how far each window is, and whether that is an alarm.

    A square has the colour's whole strength from a distance of a half.
    """
    count = len(when)
    width = max(_NAME + count * (_SIDE + _GAP) + 60, _LEAST_WIDE)
    height = _HEAD + len(rows) * (_SIDE + _GAP) + 4
    said = "; ".join(f"{name}: at most {_most(cells):.2f}, {sum(a for _, a in cells)} alarms"
                     for name, cells in rows[:12])
    title = f"Distance of each window from the reference: {said}"
    drawn = [part for at, (name, cells) in enumerate(rows)
             for part in _row(name, cells, _HEAD + at * (_SIDE + _GAP), when)]
    marks = [el("text", when[at], x=_NAME + at * (_SIDE + _GAP), y=13, cls="tick",
                text_anchor="start" if at == 0 else "end")
             for at in sorted({0, count - 1} if count > 20 else {0})]
    return el("svg", el("title", title), *marks, *drawn, role="img", aria_label=title,
              viewBox=f"0 0 {width} {height}", width=width, height=height)


def _row(
    name: str, cells: Sequence[tuple[float, bool]], top: float, when: Sequence[str]
) -> list[Html]:
    drawn = [el("text", cut(name, 26), x=0, y=top + 11, cls="tick")]
    for at, (distance, alarm) in enumerate(cells):
        if math.isnan(distance):
            continue
        told = el("title", f"{name}, {when[at]}: {distance:.3f}{', alarm' if alarm else ''}")
        strength = min(distance / _FAR, 1.0)
        drawn.append(el(
            "rect", told, x=_NAME + at * (_SIDE + _GAP), y=top, width=_SIDE, height=_SIDE, rx=2,
            cls="heat", fill_opacity=f"{0.06 + 0.9 * strength:.2f}",
            style="stroke:var(--loud);stroke-width:2" if alarm else None))
    return drawn


def _most(cells: Sequence[tuple[float, bool]]) -> float:
    return max((distance for distance, _ in cells if not math.isnan(distance)), default=0.0)


def through_time(lines: Sequence[Line | None], when: Sequence[str], title: str) -> Html:
    """A number of each window with its interval, what it was before, and a ring at each alarm."""
    known = [line for line in lines if line is not None]
    every = [number for line in known for number in (line.value, line.low, line.high, line.before)
             if math.isfinite(number)]
    words = [(float(at), when[at]) for at in sorted({0, len(when) - 1})]
    low, high = min(every), max(every)
    edge = 0.08 * (high - low) or 0.05 * abs(high) or 0.05
    frame = Named((-0.5, max(len(lines) - 0.5, 0.5)), (low - edge, high + edge), words)
    drawn: list[Html] = []
    ups = [(f"{frame.x(at):.1f}", line) for at, line in enumerate(lines) if line is not None]
    for x, line in ups:
        if math.isfinite(line.low) and math.isfinite(line.high):
            drawn.append(el("line", x1=x, x2=x, y1=f"{frame.y(line.low):.1f}",
                            y2=f"{frame.y(line.high):.1f}", cls="whisker"))
    before = [f"{x},{frame.y(line.before):.1f}" for x, line in ups if math.isfinite(line.before)]
    if before:
        drawn.append(el("polyline", points=" ".join(before * (2 if len(before) == 1 else 1)),
                        cls="rule", style="fill:none"))
    values = [f"{x},{frame.y(line.value):.1f}" for x, line in ups]
    drawn.append(el("polyline", points=" ".join(values * (2 if len(values) == 1 else 1)),
                    cls="joined"))
    for x, line in ups:
        said = f"{line.value:.4g}" + (", alarm" if line.alarm else "")
        style = "stroke:var(--loud);stroke-width:3" if line.alarm else None
        drawn.append(el("circle", el("title", said), cx=x, cy=f"{frame.y(line.value):.1f}",
                        r=4 if line.alarm else 3, cls="mark chosen", style=style))
    newest = known[-1]
    whole = f"{title}; the newest is {newest.value:.4g}" + (
        f", before it was {newest.before:.4g} (dashed)" if math.isfinite(newest.before) else "")
    return frame.draw(whole, "", "", join(drawn))
