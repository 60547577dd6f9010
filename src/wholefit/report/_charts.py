"""Pictures of a profile as inline SVG: histogram, violins, shares, lines, points, strips.

Every picture has a title that says in words what it shows. Paths are written short: a page may
hold a thousand of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from wholefit.base.wording import cut
from wholefit.data.profile import ByTarget, Group, Histogram, Scatter
from wholefit.report._html import Html, el, join
from wholefit.report._svg import Frame, ticks, written

# A small picture: its size, and the room for its two marks below.
_WIDE, _HIGH, _FOOT, _EDGE = 320, 120, 18, 4
_ROW, _SIDE, _SHAPE = 52, 8, 26
_POINTS = 32
_SHADES = 5
_FEW = 15


class Named(Frame):
    """A plane whose marks below are words: (place, word)."""

    def __init__(
        self, across: tuple[float, float], up: tuple[float, float],
        words: Sequence[tuple[float, str]],
    ) -> None:
        super().__init__(across, up)
        self.words = words

    def _below(self) -> Iterator[Html]:
        floor = self.y(self.up[0])
        for at, (place, word) in enumerate(self.words):
            anchor = "start" if at == 0 else "end" if at == len(self.words) - 1 else "middle"
            yield el("text", word, x=f"{self.x(place):.1f}", y=f"{floor + 17:.1f}", cls="tick",
                     text_anchor=anchor)


# ---- small ------------------------------------------------------------------------------


def histogram(shape: Histogram, title: str, with_curve: bool = True) -> Html:
    """Bars of a histogram, and its density curve."""
    ends = (shape.edges[0], shape.edges[-1])
    marks = marks_of(ends)
    span = ends[1] - ends[0] or 1.0
    named = [((tick - ends[0]) / span, written(tick, marks)) for tick in marks]
    curve = [((x - ends[0]) / span, y) for x, y in shape.density[:: _step(len(shape.density))]
             if with_curve]
    return bars(shape.counts, title, named, curve)


def marks_of(ends: tuple[float, float]) -> list[float]:
    """Round numbers within an axis, two at least where there is room for them."""
    for about in (4, 8):
        found = [tick for tick in ticks(*ends, about) if ends[0] <= tick <= ends[1]]
        if len(found) > 1:
            return found
    return list(ends)


def bars(
    counts: Sequence[float], title: str, marks: Sequence[tuple[float, str]],
    curve: Sequence[tuple[float, float]] = (), other: Sequence[float] = (),
) -> Html:
    """Bars side by side, with words below at shares of the width; a curve or outline over them."""
    most = max([*counts, *(y for _, y in curve), *other, 0]) or 1
    inside = [el("path", d=_bars(counts, most), cls="fill")]
    if other:
        inside.append(el("path", d=_outline(other, most), cls="over"))
    if curve:
        points = " ".join(f"{_x(x):.0f},{_y(y / most):.1f}" for x, y in curve)
        inside.append(el("polyline", points=points, cls="curve"))
    return el("svg", el("title", title), *inside, *_marks(marks), viewBox=f"0 0 {_WIDE} {_HIGH}",
              role="img", aria_label=title, cls="mini")


def _marks(marks: Sequence[tuple[float, str]]) -> Iterator[Html]:
    yield el("line", x1=0, x2=_WIDE, y1=_HIGH - _FOOT, y2=_HIGH - _FOOT, cls="axis")
    for place, word in marks:
        anchor = "start" if place < 0.06 else "end" if place > 0.94 else "middle"
        yield el("text", word, x=f"{_x(place):.0f}", y=_HIGH - 4, cls="tick", text_anchor=anchor)


def _bars(counts: Sequence[float], most: float) -> str:
    width = (_WIDE - 2 * _EDGE) / max(len(counts), 1)
    gap = min(1.0, width / 6)
    floor = _HIGH - _FOOT
    return "".join(
        f"M{_EDGE + at * width:.1f} {floor}V{min(_y(count / most), floor - 1):.1f}"
        f"h{width - gap:.1f}V{floor}z" for at, count in enumerate(counts) if count)


def _outline(shares: Sequence[float], most: float) -> str:
    """The upper edge of bars, as one line."""
    width = (_WIDE - 2 * _EDGE) / max(len(shares), 1)
    steps = "".join(f"V{_y(share / most):.1f}h{width:.1f}" for share in shares)
    return f"M{_EDGE} {_HIGH - _FOOT}{steps}V{_HIGH - _FOOT}"


def _x(share: float) -> float:
    return _EDGE + share * (_WIDE - 2 * _EDGE)


def _y(share: float) -> float:
    return (_HIGH - _FOOT) - share * (_HIGH - _FOOT - 4)


def _step(points: int) -> int:
    return max(1, points // _POINTS)


def strip(shares: Sequence[float], title: str) -> Html:
    """Blocks from left to right, darker where more is missing."""
    width = 100 / len(shares)
    groups: dict[int, list[str]] = {}
    for at, share in enumerate(shares):
        if share > 0:
            level = min(_SHADES - 1, int(share * _SHADES))
            groups.setdefault(level, []).append(f"M{at * width:.2f} 0h{width:.2f}v10h-{width:.2f}z")
    paths = (el("path", d="".join(parts), cls="hole", fill_opacity=f"{(level + 1) / _SHADES:.1f}")
             for level, parts in sorted(groups.items()))
    return el("svg", el("title", title), el("rect", width=100, height=10, cls="field"), *paths,
              viewBox="0 0 100 10", preserveAspectRatio="none", role="img", aria_label=title,
              cls="strip")


# ---- with axes --------------------------------------------------------------------------


def violins(groups: Sequence[Group], grid: Sequence[float], title: str, across: str) -> Html:
    """One row a group: its density on both sides of a line, and a box of its quartiles."""
    ends = _ends(groups, grid)
    span = ends[1] - ends[0] or 1.0

    def at(value: float) -> float:
        share = min(max((value - ends[0]) / span, 0.0), 1.0)
        return _SIDE + share * (440 - 2 * _SIDE)

    height = _ROW * len(groups) + 40
    marks = ticks(*ends, 5) if ends[1] > ends[0] else []
    foot = [el("text", written(tick, marks), x=f"{at(tick):.1f}", y=height - 22, cls="tick",
               text_anchor="middle") for tick in marks if ends[0] <= tick <= ends[1]]
    lines = [el("line", x1=f"{at(tick):.1f}", x2=f"{at(tick):.1f}", y1=4, y2=height - 36,
                cls="grid") for tick in marks if ends[0] <= tick <= ends[1]]
    rows = [_violin(group, grid, row, at) for row, group in enumerate(groups)]
    name = el("text", across, x=220, y=height - 4, cls="axis-name", text_anchor="middle")
    return el("svg", el("title", title), *lines, *rows, *foot, name, viewBox=f"0 0 440 {height}",
              role="img", aria_label=title, cls="plane")


def _ends(groups: Sequence[Group], grid: Sequence[float]) -> tuple[float, float]:
    if grid:
        return grid[0], grid[-1]
    return min(group.box[0] for group in groups), max(group.box[-1] for group in groups)


def _violin(group: Group, grid: Sequence[float], row: int, at: object) -> Html:
    place = at if callable(at) else float
    top, middle = _ROW * row, _ROW * row + 32
    low, left, half, right, high = (place(value) for value in group.box)
    shape = []
    if group.density:
        there = [f"{place(x):.1f} {middle - y * _SHAPE / 2:.1f}"
                 for x, y in zip(grid, group.density, strict=True)]
        back = [f"{place(x):.1f} {middle + y * _SHAPE / 2:.1f}"
                for x, y in zip(reversed(grid), reversed(group.density), strict=True)]
        shape = [el("path", d="M" + "L".join([*there, *back]) + "z", cls="wide")]
    name = cut(group.name, 34)
    return el(
        "g", el("text", name, x=0, y=top + 13, cls="name"),
        el("text", f"{group.rows:,} rows", x=440, y=top + 13, cls="said", text_anchor="end"),
        *shape, el("line", x1=f"{low:.1f}", x2=f"{high:.1f}", y1=middle, y2=middle, cls="whisker"),
        el("rect", x=f"{left:.1f}", width=f"{max(right - left, 1):.1f}", y=middle - 5, height=10,
           cls="narrow"),
        el("line", x1=f"{half:.1f}", x2=f"{half:.1f}", y1=middle - 9, y2=middle + 9,
           cls="middle"))


def curve(told: ByTarget, title: str, across: str, up: str) -> Html:
    """Medians of the target in bins of a column, in the band of its quartiles."""
    rows = told.table
    frame = Frame((rows[0][0], rows[-1][0]),
                  (min(row[2] for row in rows), max(row[4] for row in rows)))
    low = [f"{frame.x(row[0]):.1f} {frame.y(row[2]):.1f}" for row in rows]
    high = [f"{frame.x(row[0]):.1f} {frame.y(row[4]):.1f}" for row in reversed(rows)]
    line = " ".join(f"{frame.x(row[0]):.1f},{frame.y(row[3]):.1f}" for row in rows)
    dots = (el("circle", cx=f"{frame.x(row[0]):.1f}", cy=f"{frame.y(row[3]):.1f}", r=3,
               cls="mark chosen") for row in rows)
    return frame.draw(title, across, up, el("path", d="M" + "L".join([*low, *high]) + "z",
                                            cls="wide"),
                      el("polyline", points=line, cls="curve"), *dots)


def scatter(told: Scatter, title: str) -> Html:
    """Points, and the least-squares line."""
    xs, ys = [p[0] for p in told.points], [p[1] for p in told.points]
    points = list(zip(apart(xs), apart(ys, 0.7549), strict=True))
    frame = Frame((min(xs), max(xs)), (min(ys), max(ys)))
    dots = "".join(f"M{frame.x(x):.0f} {frame.y(y):.0f}h0" for x, y in points)
    ends = _within(frame, told)
    line = el("line", x1=f"{frame.x(ends[0][0]):.1f}", y1=f"{frame.y(ends[0][1]):.1f}",
              x2=f"{frame.x(ends[1][0]):.1f}", y2=f"{frame.y(ends[1][1]):.1f}", cls="fit")
    return frame.draw(title, cut(told.a, 30), cut(told.b, 30),
                      el("path", d=dots, cls="dots"), line)


def apart(values: Sequence[float], turn: float = 0.6180) -> list[float]:
    """The values; where they are few different ones, spread a little so that none hides another."""
    different = sorted(set(values))
    if not 1 < len(different) <= _FEW:
        return list(values)
    room = 0.5 * min(b - a for a, b in pairwise(different))
    return [value + room * ((at * turn) % 1 - 0.5) for at, value in enumerate(values)]


def _within(frame: Frame, told: Scatter) -> list[tuple[float, float]]:
    """The two ends of the line inside the frame."""
    low, high = frame.up
    found = []
    for x in frame.across:
        y = told.slope * x + told.intercept
        if told.slope and not low <= y <= high:
            y = min(max(y, low), high)
            x = (y - told.intercept) / told.slope
        found.append((x, y))
    return found


def line(values: Sequence[float], words: Sequence[str], title: str, up: str) -> Html:
    """Values from period to period; a period without a value is a gap."""
    known = [value for value in values if value == value]
    frame = Named((0.0, float(max(len(values) - 1, 1))), (min(known), max(known)),
                  _some(words))
    parts: list[list[str]] = [[]]
    for at, value in enumerate(values):
        if value == value:
            parts[-1].append(f"{frame.x(at):.1f},{frame.y(value):.1f}")
        elif parts[-1]:
            parts.append([])
    drawn = [el("polyline", points=" ".join(part if len(part) > 1 else part * 2), cls="curve")
             for part in parts if part]
    return frame.draw(title, "", up, join(drawn))


def _some(words: Sequence[str]) -> list[tuple[float, str]]:
    """The first, the middle and the last word with its place."""
    places = sorted({0, len(words) // 2, len(words) - 1})
    return [(float(place), words[place]) for place in places]

