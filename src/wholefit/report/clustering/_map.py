"""The map of clusters: rows on two axes, each cluster with a colour, a shape and its number.

Colours are those of Okabe and Ito and of Tol, which people who see colours differently can
tell apart; shapes and numbers say the same without colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wholefit.report._html import Html, data, el, join
from wholefit.report._svg import Frame

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999933", "#AA4499")
# Outlines drawn from a point, about eight units wide.
_SHAPES = ("m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z", "m-2.7-2.7h5.4v5.4h-5.4z",
           "m0-3.6l3.4 6h-6.8z", "m0-3.9l3.4 3.9l-3.4 3.9l-3.4-3.9z", "m0 3.6l3.4-6h-6.8z",
           "m-1.2-3.4h2.4v2.2h2.2v2.4h-2.2v2.2h-2.4v-2.2h-2.2v-2.4h2.2z",
           "m-3.2-1.4l1.8-1.8h2.8l1.8 1.8v2.8l-1.8 1.8h-2.8l-1.8-1.8z")
_NOISE = "m-2 -2l4 4m0-4l-4 4"
_NAMED, _SHORT = 24, 60


def colour(code: int) -> str:
    """The colour of a cluster; of no cluster the page's grey."""
    return COLOURS[code % len(COLOURS)] if code >= 0 else "var(--other)"


def scatter(
    points: Sequence[Sequence[float]], centroids: Sequence[Sequence[float]],
    axes: tuple[str, str], title: str,
) -> Html:
    """Points (x, y, cluster) and centroids (cluster, x, y) on a plane."""
    xs = [p[0] for p in points] + [c[1] for c in centroids]
    ys = [p[1] for p in points] + [c[2] for c in centroids]
    frame = Frame(_roomy(xs), _roomy(ys), square=True)
    codes = sorted({int(p[2]) for p in points})
    groups = (_group(frame, code, [p for p in points if int(p[2]) == code]) for code in codes)
    middles = (_centroid(frame, int(c[0]), c[1], c[2]) for c in centroids)
    return frame.draw(title, *axes, *groups, *middles)


def _roomy(values: Sequence[float]) -> tuple[float, float]:
    """From the least to the most, with room for the marks."""
    low, high = min(values), max(values)
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _group(frame: Frame, code: int, points: Sequence[Sequence[float]]) -> Html:
    shape = _SHAPES[code % len(_SHAPES)] if code >= 0 else _NOISE
    d = "".join(f"M{frame.x(x):.0f} {frame.y(y):.0f}{shape}" for x, y, _ in points)
    if code < 0:
        return el("path", d=d, style="fill:none;stroke:var(--other);stroke-opacity:.7")
    return el("path", d=d, style=f"fill:{colour(code)};fill-opacity:.55;stroke:{colour(code)};"
                                 "stroke-width:.5")


def _centroid(frame: Frame, code: int, x: float, y: float) -> Html:
    at, up = f"{frame.x(x):.1f}", frame.y(y)
    return el("g", el("circle", cx=at, cy=f"{up:.1f}", r=10,
                      style=f"fill:var(--page);stroke:{colour(code)};stroke-width:3"),
              el("text", str(code), x=at, y=f"{up + 4.5:.1f}", text_anchor="middle", cls="name"))


def legend(clusters: Sequence[dict[str, Any]], noise: dict[str, Any] | None = None) -> Html:
    """The marks of the clusters, with their numbers, names and sizes."""
    items = [el("li", mark(int(c["code"])), f"{c['code']}: ", data(c["name"], _SHORT),
                f" ({c['size']:,} rows)") for c in clusters[:_NAMED]]
    if noise:
        items.append(el("li", mark(-1), f"in no cluster ({noise['size']:,} rows)"))
    more = len(clusters) - _NAMED
    return join([el("ul", *items, cls="legend"),
                 el("p", f"And {more:,} more clusters.", cls="small") if more > 0 else None])


def mark(code: int) -> Html:
    """The mark of a cluster as a small picture."""
    shape = _SHAPES[code % len(_SHAPES)] if code >= 0 else _NOISE
    style = f"fill:{colour(code)}" if code >= 0 else "fill:none;stroke:var(--other)"
    return el("svg", el("path", d=f"M5 5{shape}", style=style), viewBox="0 0 10 10", width=13,
              height=13, aria_hidden="true",
              style="display:inline-block;vertical-align:-.1em;margin-right:.35rem")
