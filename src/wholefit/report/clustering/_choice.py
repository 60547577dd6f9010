"""How the number of clusters, or the reach of a density, was chosen, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wholefit.report._html import Html, el
from wholefit.report._svg import Frame

GRID = "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));gap:1rem"


@dataclass(frozen=True)
class Curve:
    """One figure for each number of clusters: `points` are (k, value, low, high)."""

    name: str
    said: str
    points: tuple[tuple[int, float, float | None, float | None], ...]


def curves(shown: Sequence[Curve], chosen: int) -> Html:
    """A picture for each figure, side by side where there is room."""
    return el("div", *(_figure(each, chosen) for each in shown), style=GRID)


def _figure(curve: Curve, chosen: int) -> Html:
    best = next((p[1] for p in curve.points if p[0] == chosen), None)
    at = f"{best:.3g} at the {chosen} chosen" if best is not None else f"{chosen} chosen"
    title = (f"{curve.name} for {curve.points[0][0]} to {curve.points[-1][0]} clusters: {at}")
    return el("figure", el("h3", curve.name), _draw(curve, chosen, title),
              el("figcaption", curve.said, cls="small"), style="max-width:31rem")


def _draw(curve: Curve, chosen: int, title: str) -> Html:
    points = sorted(curve.points)
    ends = [x for p in points for x in p[1:] if x is not None]
    ks = [p[0] for p in points]
    step = max(1, len(ks) // 8)
    frame = Frame((min(ks), max(ks)), (min(ends), max(ends)),
                  [(float(k), float(k)) for k in ks[::step]])
    line = " ".join(f"{frame.x(p[0]):.1f},{frame.y(p[1]):.1f}" for p in points)
    dots = (el("circle", cx=f"{frame.x(p[0]):.1f}", cy=f"{frame.y(p[1]):.1f}",
               r=6 if p[0] == chosen else 3.5, cls="mark chosen" if p[0] == chosen else "mark")
            for p in points)
    return frame.draw(title, "clusters", "", _band(frame, points), _upright(frame, chosen),
                      el("polyline", points=line, cls="joined"), *dots)


def _band(
    frame: Frame, points: Sequence[tuple[int, float, float | None, float | None]]
) -> Html | None:
    known = [(k, low, high) for k, _, low, high in points if low is not None and high is not None]
    if len(known) < 2:
        return None
    over = [f"{frame.x(k):.1f} {frame.y(high):.1f}" for k, _, high in known]
    under = [f"{frame.x(k):.1f} {frame.y(low):.1f}" for k, low, _ in reversed(known)]
    return el("path", d="M" + "L".join([*over, *under]) + "z", cls="wide")


def _upright(frame: Frame, place: float) -> Html:
    at = f"{frame.x(place):.1f}"
    return el("line", x1=at, x2=at, y1=f"{frame.y(frame.up[0]):.1f}",
              y2=f"{frame.y(frame.up[1]):.1f}", cls="rule")


def distances(
    curve: Sequence[tuple[float, float]], eps: float | None, title: str, up: str
) -> Html:
    """Points (share of rows, distance) of the k-distance curve, with a rule at eps."""
    values = [y for _, y in curve] + ([eps] if eps is not None else [])
    frame = Frame((0.0, 1.0), (min(values), max(values)),
                  [(share, 100 * share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)])
    line = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in curve)
    inside: list[Html] = [el("polyline", points=line, cls="joined", style="stroke-width:2.5")]
    if eps is not None:
        at = f"{frame.y(eps):.1f}"
        inside += [el("line", x1=f"{frame.x(frame.across[0]):.1f}",
                      x2=f"{frame.x(frame.across[1]):.1f}", y1=at, y2=at, cls="rule"),
                   el("text", f"eps {eps:.3g}", x=f"{frame.x(0.02):.1f}",
                      y=f"{frame.y(eps) - 7:.1f}", cls="name")]
    return frame.draw(title, "rows, in % (nearest first)", up, *inside)


def strip(values: Sequence[float], seen: float, title: str, across: str) -> Html:
    """Where a figure of the data stands among those of data without clusters."""
    height, wide = 96, 440
    low, high = min([*values, seen]), max([*values, seen])
    span = (high - low) or 1.0

    def at(x: float) -> str:
        return f"{16 + (wide - 32) * (x - low) / span:.1f}"

    ticks = "".join(f"M{at(x)} 40v22" for x in values)
    anchor = "end" if seen > low + span / 2 else "start"
    return el(
        "svg", el("title", title), el("line", x1=0, x2=wide, y1=66, y2=66, cls="axis"),
        el("path", d=ticks, style="stroke:var(--other);stroke-opacity:.6;stroke-width:1.5"),
        el("line", x1=at(seen), x2=at(seen), y1=24, y2=66,
           style="stroke:var(--accent);stroke-width:3"),
        el("text", f"this data: {seen:.3g}", x=at(seen), y=16, cls="name", text_anchor=anchor),
        el("text", f"{low:.3g}", x=0, y=84, cls="tick"),
        el("text", f"{high:.3g}", x=wide, y=84, cls="tick", text_anchor="end"),
        el("text", across, x=wide / 2, y=84, cls="axis-name", text_anchor="middle"),
        viewBox=f"0 0 {wide} {height}", role="img", aria_label=title, cls="plane")
