"""Pictures of lessons: lines, answers over a square, and small pictures side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wholefit.report._html import Html, data, el, join
from wholefit.report._svg import Frame, ticks

_COLOURS = tuple(f"var(--p{at},{colour})" for at, colour in enumerate(
    ("#1d5fbf", "#b84f07", "#0b7a6b", "#8a3ea8", "#a8123c", "#6b6212", "#4d5b6b")))
_DASHES = ("", "6 4", "2 3", "9 3 2 3", "1 3", "12 4")
_SHADES, _CELL = 12, 110
STYLE = ("<style>.tiles-of-lesson{display:flex;flex-wrap:wrap;gap:.7rem;margin:.5rem 0}"
         ".tiles-of-lesson div{text-align:center;font-size:.8rem}"
         ".keys-of-lesson{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;"
         "font-size:.9rem}.keys-of-lesson li{display:flex;align-items:center}"
         ".keys-of-lesson svg{width:2.2em;height:.7em;margin-right:.35em}"
         ".lesson{margin:0 0 1.6rem}</style>")
PLAIN = STYLE + ("<style>.wf-lesson svg.plane{max-width:34rem;font:12px sans-serif}"
                 ".wf-lesson .tick,.wf-lesson .axis-name{font-size:11px;fill:currentColor}"
                 ".wf-lesson .field{fill:none;stroke:#8884}.wf-lesson .grid{stroke:#8883}"
                 ".wf-lesson .rule,.wf-lesson .axis{stroke:#888}</style>")


def picture(each: Any) -> Html:
    """A chart, a plane or tiles, told apart by what they hold."""
    if hasattr(each, "lines"):
        return _chart(each)
    return _plane(each) if hasattr(each, "shades") else _tiles(each)


class _Scaled(Frame):
    """A plane whose marks are words at places, on both axes."""

    def __init__(self, across: Sequence[tuple[float, str]], up: Sequence[tuple[float, str]],
                 ends: tuple[tuple[float, float], tuple[float, float]]) -> None:
        super().__init__(*ends)
        self.marks, self.heights = across, up

    def _below(self) -> Any:
        floor = self.y(self.up[0])
        for place, word in self.marks:
            at = f"{self.x(place):.1f}"
            yield el("line", x1=at, x2=at, y1=f"{self.y(self.up[1]):.1f}", y2=f"{floor:.1f}",
                     cls="grid")
            yield el("text", word, x=at, y=f"{floor + 17:.1f}", cls="tick", text_anchor="middle")

    def _beside(self) -> Any:
        left, right = self.x(self.across[0]), self.x(self.across[1])
        for place, word in self.heights:
            at = self.y(place)
            yield el("line", x1=f"{left:.1f}", x2=f"{right:.1f}", y1=f"{at:.1f}", y2=f"{at:.1f}",
                     cls="grid")
            yield el("text", word, x=f"{left - 7:.1f}", y=f"{at + 4:.1f}", cls="tick",
                     text_anchor="end")


def _chart(chart: Any) -> Html:
    across, up = _scale(chart.log_across), _scale(chart.log_up)
    lines = [(name, [(across(x), up(y)) for x, y in zip(xs, ys, strict=True)
                     if math.isfinite(across(x)) and math.isfinite(up(y))])
             for name, xs, ys in chart.lines]
    ends = tuple(_ends([point[axis] for _, points in lines for point in points])
                 for axis in (0, 1))
    frame = _Scaled(_marks(ends[0], chart.log_across), _marks(ends[1], chart.log_up),
                    (ends[0], ends[1]))
    drawn = [_line(frame, points, at) for at, (_, points) in enumerate(lines) if points]
    title = f"{chart.title}: {chart.up or 'values'} by {chart.across}"
    return el("figure", el("figcaption", el("b", data(chart.title, 160))),
              frame.draw(title, chart.across, chart.up, *drawn),
              _keys([name for name, _ in lines]), cls="lesson")


def _scale(logged: bool) -> Callable[[float], float]:
    if not logged:
        return float
    return lambda value: math.log10(value) if value > 0 else math.nan


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return (min(values), max(values)) if values else (0.0, 1.0)


def _marks(ends: tuple[float, float], logged: bool) -> list[tuple[float, str]]:
    """Places and words of an axis; powers of ten, or of two where there are few, on a log axis."""
    low, high = ends if ends[1] > ends[0] else (ends[0] - 0.5, ends[0] + 0.5)
    if not logged:
        found = [mark for mark in ticks(low, high, 5) if low - 1e-9 <= mark <= high + 1e-9]
        return [(mark, f"{mark:,.10g}") for mark in found]
    powers = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    if len(powers) >= 3:
        step = -(-len(powers) // 7)
        return [(float(at), _power(at)) for at in powers if (at - powers[-1]) % step == 0]
    twos = range(math.ceil(low / math.log10(2) - 1e-9), math.floor(high / math.log10(2) + 1e-9) + 1)
    step = max(1, -(-len(twos) // 7))
    return [(at * math.log10(2), f"{2.0 ** at:,.4g}") for at in twos if at % step == 0]


def _power(at: int) -> str:
    return f"{10.0 ** at:,.10g}" if -4 <= at <= 6 else f"1e{at}"


def _line(frame: Frame, points: Sequence[tuple[float, float]], at: int) -> Html:
    path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
    dots = [] if len(points) > 15 else [
        el("circle", cx=f"{frame.x(x):.1f}", cy=f"{frame.y(y):.1f}", r=3,
           style=f"fill:{_COLOURS[at % 7]}") for x, y in points]
    return el("g", el("polyline", points=path, style=_stroke(at)), *dots)


def _stroke(at: int) -> str:
    dashes = _DASHES[at % len(_DASHES)]
    return (f"fill:none;stroke:{_COLOURS[at % 7]};stroke-width:2"
            + (f";stroke-dasharray:{dashes}" if dashes else ""))


def _keys(names: Sequence[str]) -> Html:
    items = (el("li", el("svg", el("line", x1=0, x2=36, y1=6, y2=6, style=_stroke(at)),
                         viewBox="0 0 36 12", aria_hidden="true"), data(name, 60))
             for at, name in enumerate(names))
    return el("ul", *items, cls="keys-of-lesson")


def _plane(plane: Any) -> Html:
    """Answers over a square: orange below a half, blue above; points by their class."""
    frame = Frame((plane.low, plane.high), (plane.low, plane.high), square=True)
    values = np.array(plane.shades)
    side = (plane.high - plane.low) / (len(values) - 1)
    start = plane.low - side / 2
    wide = (frame.x(plane.high) - frame.x(plane.low)) / (len(values) - 1)
    level = np.round((values - 0.5) * 2 * _SHADES).astype(int)
    squares = []
    for shade in range(-_SHADES, _SHADES + 1):
        where = np.argwhere(level == shade)
        if shade and len(where):
            path = "".join(
                f"M{max(frame.x(start + at * side), frame.x(plane.low)):.1f} "
                f"{frame.y(start + (row + 1) * side):.1f}h{wide:.2f}v{wide:.2f}h-{wide:.2f}z"
                for row, at in where)
            colour = "29,95,191" if shade > 0 else "184,79,7"
            opaque = abs(shade) / _SHADES * 0.6
            squares.append(el("path", d=path, fill=f"rgba({colour},{opaque:.3f})"))
    dots = (el("g", el("circle", cx=f"{frame.x(x):.1f}", cy=f"{frame.y(y):.1f}", r=8,
                       style=f"fill:{_COLOURS[1 - kind]};stroke:#fff;stroke-width:2"),
               el("text", kind, x=f"{frame.x(x):.1f}", y=f"{frame.y(y) + 4:.1f}",
                  text_anchor="middle", style="fill:#fff;font-size:11px"))
            for x, y, kind in plane.points)
    return el("figure", el("figcaption", el("b", data(plane.title, 160))),
              frame.draw(plane.title, "first input", "second input", *squares, *dots),
              cls="lesson")


def _tiles(tiles: Any) -> Html:
    most = max((abs(v) for _, rows in tiles.pictures for row in rows for v in row), default=1.0)
    cells = (el("div", _tile(np.array(rows), words, tiles.signed, most), el("br"),
                data(words, 30)) for words, rows in tiles.pictures)
    return el("figure", el("figcaption", el("b", data(tiles.title, 160))),
              el("div", *cells, cls="tiles-of-lesson"), cls="lesson")


def _tile(values: np.ndarray, words: str, signed: bool, most: float) -> Html:
    """One small picture: greys from its lowest to its highest, or blue and orange around 0."""
    high, wide = values.shape
    if signed:
        level = np.round(values / (np.abs(values).max() or most or 1.0) * _SHADES).astype(int)
    else:
        low, top = values.min(), values.max()
        level = np.round((values - low) / ((top - low) or 1.0) * _SHADES).astype(int)
    paths = []
    for shade in np.unique(level):
        if shade == 0:
            continue
        colour = "20,25,30" if not signed else "29,95,191" if shade > 0 else "184,79,7"
        d = "".join(f"M{x} {y}h1v1h-1z" for y, x in np.argwhere(level == shade))
        paths.append(el("path", d=d, fill=f"rgba({colour},{abs(int(shade)) / _SHADES:.3f})"))
    return el("svg", el("title", words), el("rect", width=wide, height=high, fill="#fff"),
              join(paths), viewBox=f"0 0 {wide} {high}", width=_CELL,
              height=round(_CELL * high / wide), role="img", aria_label=words,
              shape_rendering="crispEdges", style="border:1px solid #8886")
