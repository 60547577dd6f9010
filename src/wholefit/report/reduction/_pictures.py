"""The map and the scree as plain SVG: a point a row with its name on hover, no script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from wholefit.report._html import Html, data, el, join
from wholefit.report._svg import Frame
from wholefit.report.reduction._colors import colored

_GOLDEN = 0.6180339887


def scatter(points: Mapping[str, Any], axes: Sequence[Mapping[str, Any]], title: str) -> Html:
    """Rows at their places on the first two axes, coloured by their label, named on hover.

    With one axis, the height only keeps points from hiding one another.
    """
    places, values = points["places"], points["values"]
    xs = [place[0] for place in places]
    flat = len(axes) < 2
    ys = [(at * _GOLDEN) % 1 for at in range(len(xs))] if flat else [p[1] for p in places]
    frame = Frame(_roomy(xs), _roomy(ys), square=not flat)
    colors = colored(values, len(places))
    radius = 2.2 if len(xs) > 600 else 3
    dots = [_dot(frame, at, xs, ys, points, colors.colors[colors.group[at]], radius)
            for at in range(len(xs))]
    up = "(height by chance)" if flat else axis_label(axes[1])
    picture = frame.draw(title, axis_label(axes[0]), up, *dots)
    return el("figure", el("p", el("b", title)), picture, _legend(points["label"], colors))


def _roomy(values: Sequence[float]) -> tuple[float, float]:
    """The range, with room for the points at its ends."""
    room = 0.03 * (max(values) - min(values))
    return min(values) - room, max(values) + room


def _dot(frame: Frame, at: int, xs: Sequence[float], ys: Sequence[float],
         points: Mapping[str, Any], color: str, radius: float) -> Html:
    said = f"row {points['rows'][at]:,}"
    if points["values"] is not None and points["values"][at] is not None:
        said += f": {points['values'][at]}"
    return el("circle", el("title", said[:200]), cx=f"{frame.x(xs[at]):.1f}",
              cy=f"{frame.y(ys[at]):.1f}", r=radius, fill=color, fill_opacity="0.72")


def _legend(label: str | None, colors: Any) -> Html | None:
    if label is None:
        return None
    keys = [el("li", el("span", cls="key", style=f"background:{color};border-color:{color}"),
               data(name, 60)) for name, color in zip(colors.names, colors.colors, strict=True)]
    return el("figcaption", "Coloured by ", el("b", data(label, 60)), " (not learnt from):",
              el("ul", *keys, style="list-style:none;padding:0;display:flex;flex-wrap:wrap;"
                                    "gap:.1rem 1rem"))


def axis_label(axis: Mapping[str, Any]) -> str:
    """ "principal component 1 (41% of the variance)"."""
    share = axis["share"]
    held = "" if share is None else f" ({percent(share)} of the variance)"
    label = str(axis["label"])
    first = label[:1] if label.startswith("t-SNE") else label[:1].upper()
    return f"{first}{label[1:]}{held}"


def percent(share: float) -> str:
    """ "41%", and with a digit more below 10."""
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"


def scree(noise: Mapping[str, Any]) -> Html | None:
    """Shares of variance axis by axis, with what shuffled columns reach."""
    share, limit = noise["share"], noise["limit"]
    if not share or noise["above"] is None:
        return None
    count = min(len(share), max(8, noise["above"] + 4), 30)
    frame = Frame((0.5, count + 0.5), (0.0, max(share[0], limit[0])),
                  [(at, at) for at in _ticks(count)])
    width = 0.6
    bars = [el("rect", x=f"{frame.x(at + 1 - width / 2):.1f}", y=f"{frame.y(share[at]):.1f}",
               width=f"{frame.x(1 + width) - frame.x(1):.1f}",
               height=f"{max(frame.y(0) - frame.y(share[at]), 0.5):.1f}",
               fill="#0072b2" if at < noise["above"] else "#8a929b") for at in range(count)]
    line = " ".join(f"{frame.x(at + 1):.1f},{frame.y(limit[at]):.1f}" for at in range(count))
    path = el("polyline", points=line, fill="none", stroke="#d55e00", stroke_width="2",
              stroke_dasharray="5 3")
    title = (f"{noise['above']} of the axes hold more variance than shuffled columns"
             if noise["above"] else "No axis holds more variance than shuffled columns")
    return el("figure", frame.draw(title, "Principal axis", "Share of the variance", *bars, path),
              el("figcaption", join([
                  "Bars: what each axis holds (blue: above noise). Dashed: what 95% of ",
                  f"{noise['draws']} shuffled tables stay below."])))


def _ticks(count: int) -> list[int]:
    step = max(1, math.ceil(count / 10))
    return list(range(1, count + 1, step))
