"""Pictures as inline SVG: intervals of scores, counts in squares, spreads, calibration.

Every picture has a title that says in words what it shows. The forest is drawn in shares of
the width, so that its letters keep their size on a narrow page; the others scale as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wholefit.base.wording import cut
from wholefit.report._html import Html, el, join

_WIDTH, _HEIGHT = 440, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 14, 12, 46
_ROW, _AXIS = 42, 34
# Length of the shaft of an arrow to an interval that is nowhere in the picture, of its width.
_STUB = 0.04
# Pixels between squares.
_GAP = 0.7


@dataclass(frozen=True)
class Bar:
    """One row of a forest: a name, what is written of it, its value and its interval.

    `kind` is "chosen", "tied" or "other", and sets the mark.
    """

    name: str
    said: str
    value: float
    low: float
    high: float
    kind: str


# ---- intervals --------------------------------------------------------------------------


def forest(bars: Sequence[Bar], best: float, title: str, limit: float | None = None) -> Html:
    """One line a model: a mark at the value, a bar over the interval, a rule at the best.

    What lies farther from `best` than `limit` is beyond the edge: a bar that reaches there is
    drawn up to the edge, with an arrow at its end. Models without a value have words only.
    """
    span = _span(bars, best, limit)
    height = _ROW * len(bars) + _AXIS
    at = _percent(*span)
    rules = (el("line", x1=at(best), x2=at(best), y1=_ROW * number + 22, y2=_ROW * number + 38,
                cls="rule") for number in range(len(bars)) if math.isfinite(best))
    rows = (_forest_row(bar, _ROW * number, span, at) for number, bar in enumerate(bars))
    return el("svg", el("title", title), *rules, *rows, _forest_axis(span, at, height), role="img",
              aria_label=title, width="100%", height=height, cls="forest")


def _forest_row(
    bar: Bar, top: float, span: tuple[float, float], at: Callable[[float], str]
) -> Html:
    middle = top + 28
    words = [el("text", cut(bar.name, 26), x=0, y=top + 15, cls="name"),
             el("text", bar.said, x="100%", y=top + 15, cls="said", text_anchor="end")]
    if math.isnan(bar.value):
        return el("g", *words)
    inside = span[0] <= bar.value <= span[1]
    mark = el("circle", cx=at(bar.value), cy=middle, r=6 if bar.kind == "chosen" else 4.5,
              cls=f"mark {bar.kind}") if inside else None
    said = el("title", f"{bar.name[:200]}: {bar.said}")
    return el("g", said, *words, *_interval(bar, middle, span, at), mark)


def _interval(
    bar: Bar, middle: float, span: tuple[float, float], at: Callable[[float], str]
) -> Iterator[Html]:
    """The bar within the picture, and an arrow at each end that lies beyond it."""
    low, high = span
    known = not (math.isnan(bar.low) or math.isnan(bar.high))
    ends = (bar.low, bar.high) if known else (bar.value, bar.value)
    left, right = (min(max(end, low), high) for end in ends)
    stub = _STUB * (high - low)
    if ends[0] > high or ends[1] < low:  # nothing of it is inside: an arrow needs a shaft
        left, right = (high - stub, high) if ends[0] > high else (low, low + stub)
    if right > left:
        start = "1.5%" if ends[0] < low else at(left)
        end = "98.5%" if ends[1] > high else at(right)
        yield el("line", x1=start, x2=end, y1=middle, y2=middle, cls=f"bar {bar.kind}")
    for beyond, arrow, x, anchor in ((ends[0] < low, "◂", "0%", "start"),
                                     (ends[1] > high, "▸", "100%", "end")):
        if beyond:
            yield el("text", arrow, x=x, y=middle + 6, cls=f"beyond {bar.kind}",
                     text_anchor=anchor)


def _forest_axis(span: tuple[float, float], at: Callable[[float], str], height: float) -> Html:
    base = height - _AXIS + 4
    marks = ticks(*span, 4)
    lines = (el("line", x1=at(tick), x2=at(tick), y1=base, y2=base + 5, cls="axis")
             for tick in marks)
    words = (el("text", written(tick, marks), x=at(tick), y=base + 19, cls="tick",
                text_anchor="middle") for tick in marks)
    return el("g", el("line", x1="0%", x2="100%", y1=base, y2=base, cls="axis"), *lines, *words)


def _span(bars: Sequence[Bar], best: float, limit: float | None) -> tuple[float, float]:
    """Lowest and highest number on the axis."""
    near = [bar for bar in bars if math.isfinite(bar.value)
            and (limit is None or not abs(bar.value - best) > limit)]
    found = [x for bar in near for x in (bar.value, bar.low, bar.high) if math.isfinite(x)]
    found += [best] if near and math.isfinite(best) else []
    if limit is not None:
        found = [min(max(x, best - limit), best + limit) for x in found]
    return _widened(min(found), max(found)) if found else (0.0, 1.0)


def _percent(low: float, high: float) -> Callable[[float], str]:
    return lambda x: f"{3 + 94 * (x - low) / (high - low):.2f}%"


# ---- a frame with two axes --------------------------------------------------------------


class Frame:
    """A plane with axes; numbers beyond it are drawn at its edge.

    `named` are (place, number) of the marks below, where they are not the places themselves; a
    `square` frame is as high as it is wide.
    """

    def __init__(
        self, across: tuple[float, float], up: tuple[float, float],
        named: Sequence[tuple[float, float]] = (), square: bool = False,
    ) -> None:
        self.height = _WIDTH - _LEFT - _RIGHT + _TOP + _BOTTOM if square else _HEIGHT
        self.across, self.up = _widened(*across, 0), _widened(*up, 0)
        self.named = named or [(tick, tick) for tick in ticks(*self.across, 4)]

    def x(self, value: float) -> float:
        """Pixels from the left."""
        return _LEFT + _share(value, self.across) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return self.height - _BOTTOM - _share(value, self.up) * (self.height - _TOP - _BOTTOM)

    def draw(self, title: str, across: str, up: str, *inside: Html | None) -> Html:
        """The picture: axes with their names, and what is inside."""
        return el("svg", el("title", title), self._grid(), *inside, self._names(across, up),
                  viewBox=f"0 0 {_WIDTH} {self.height}", role="img", aria_label=title, cls="plane")

    def _grid(self) -> Html:
        field = el("rect", x=_LEFT, y=_TOP, width=_WIDTH - _RIGHT - _LEFT,
                   height=self.height - _BOTTOM - _TOP, cls="field")
        return join([field, *self._below(), *self._beside()])

    def _below(self) -> Iterator[Html]:
        floor, numbers = self.height - _BOTTOM, [number for _, number in self.named]
        for place, number in self.named:
            at = f"{self.x(place):.1f}"
            yield el("line", x1=at, x2=at, y1=_TOP, y2=floor, cls="grid")
            yield el("text", written(number, numbers), x=at, y=floor + 17, cls="tick",
                     text_anchor="middle")

    def _beside(self) -> Iterator[Html]:
        numbers = ticks(*self.up, 5)
        for number in numbers:
            at = self.y(number)
            yield el("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=f"{at:.1f}", y2=f"{at:.1f}",
                     cls="grid")
            yield el("text", written(number, numbers), x=_LEFT - 7, y=f"{at + 4:.1f}", cls="tick",
                     text_anchor="end")

    def _names(self, across: str, up: str) -> Html:
        middle, half = (_LEFT + _WIDTH - _RIGHT) / 2, (_TOP + self.height - _BOTTOM) / 2
        return join([
            el("text", across, x=middle, y=self.height - 8, cls="axis-name", text_anchor="middle"),
            el("text", up, x=13, y=half, cls="axis-name", text_anchor="middle",
               transform=f"rotate(-90 13 {half})"),
        ])


def heat(
    edges: Sequence[float], counts: Sequence[Sequence[int]], levels: Sequence[tuple[int, int]],
    title: str, across: str, up: str,
) -> Html:
    """Squares of a grid, darker where more rows lie, with the diagonal: answer equals truth.

    `counts[i][j]` rows lie in edge i across and j up; `levels` are the fewest and the most rows
    of each shade, palest first.
    """
    frame = Frame((edges[0], edges[-1]), (edges[0], edges[-1]), square=True)
    side = f"{frame.x(edges[1]) - frame.x(edges[0]) - _GAP:.1f}"

    def squares(least: int, most: int) -> str:
        return "".join(
            f"M{frame.x(edges[i]):.1f} {frame.y(edges[j]):.1f}v-{side}h{side}v{side}z"
            for i, row in enumerate(counts) for j, count in enumerate(row)
            if least <= count <= most)

    shades = (el("path", d=squares(*level), cls="heat", fill_opacity=shade(at, len(levels)))
              for at, level in enumerate(levels))
    return frame.draw(title, across, up, *shades, _diagonal(frame))


def shade(level: int, of: int) -> str:
    """How opaque the squares of a level are."""
    return f"{0.2 + 0.8 * level / (of - 1):.2f}" if of > 1 else "0.6"


def spreads(rows: Sequence[Sequence[float]], title: str, across: str, up: str) -> Html:
    """Boxes of (name, 5%, 25%, 50%, 75%, 95%), side by side, with a rule at zero."""
    numbers = [x for row in rows for x in row[1:]]
    frame = Frame((0.0, float(len(rows))), (min([0.0, *numbers]), max([0.0, *numbers])),
                  [(at + 0.5, row[0]) for at, row in enumerate(rows)])
    zero = el("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=f"{frame.y(0):.1f}",
              y2=f"{frame.y(0):.1f}", cls="rule")
    boxes = (_box(frame, at, row) for at, row in enumerate(rows))
    return frame.draw(title, across, up, zero, *boxes)


def _box(frame: Frame, at: int, row: Sequence[float]) -> Html:
    left, right = frame.x(at) + 3, frame.x(at + 1) - 3
    start, width = f"{left:.1f}", f"{right - left:.1f}"
    far, near = (frame.y(row[5]), frame.y(row[1])), (frame.y(row[4]), frame.y(row[2]))
    rects = [el("rect", x=start, width=width, y=f"{top:.1f}",
                height=f"{max(floor - top, 0.5):.1f}", cls=cls)
             for (top, floor), cls in ((far, "wide"), (near, "narrow"))]
    level = f"{frame.y(row[3]):.1f}"
    place, least, low, half, high, most = map(_said, row)
    said = (f"at {place}: median {half}, half of the rows {low} to {high}, nine in ten {least} to "
            f"{most}")
    return el("g", el("title", said), *rects,
              el("line", x1=start, x2=f"{right:.1f}", y1=level, y2=level, cls="middle"))


def calibration(points: Sequence[Sequence[float]], title: str, across: str, up: str) -> Html:
    """Points of (said, happened, low, high, rows) with their intervals, and the diagonal."""
    frame = Frame((0.0, 1.0), (0.0, 1.0))
    line = " ".join(f"{frame.x(p[0]):.1f},{frame.y(p[1]):.1f}" for p in points)
    bars = (el("line", x1=f"{frame.x(p[0]):.1f}", x2=f"{frame.x(p[0]):.1f}",
               y1=f"{frame.y(p[2]):.1f}", y2=f"{frame.y(p[3]):.1f}", cls="bar chosen")
            for p in points)
    dots = (el("circle", el("title", _point(p)), cx=f"{frame.x(p[0]):.1f}",
               cy=f"{frame.y(p[1]):.1f}", r=4.5, cls="mark chosen") for p in points)
    return frame.draw(title, across, up, _diagonal(frame),
                      el("polyline", points=line, cls="joined"), *bars, *dots)


def _point(point: Sequence[float]) -> str:
    """A point of calibration in words."""
    return (f"said {point[0]:.1%}, happened {point[1]:.1%} ({point[2]:.1%} to {point[3]:.1%}) of "
            f"{int(point[4]):,} rows")


def _diagonal(frame: Frame) -> Html:
    low, high = frame.across
    return el("line", x1=f"{frame.x(low):.1f}", x2=f"{frame.x(high):.1f}",
              y1=f"{frame.y(low):.1f}", y2=f"{frame.y(high):.1f}", cls="rule")


# ---- numbers on axes --------------------------------------------------------------------


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers within an axis: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * unit for unit in (1, 2, 5, 10) if power * unit >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def written(tick: float, all_ticks: Sequence[float]) -> str:
    """A tick with the digits that tell it from its neighbours; large ones with k, M, G."""
    steps = [b - a for a, b in pairwise(sorted(all_ticks)) if b > a]
    largest = max(map(abs, all_ticks))
    step = max(min(steps, default=largest or 1.0), largest / 1000)
    if not (largest < 1e12 and step >= 1e-4):
        return f"{tick:.3g}"
    for least, size, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if largest >= least:
            return f"{tick / size:.{_digits(step / size)}f}{letter}" if tick else "0"
    return f"{tick:.{_digits(step)}f}"


def _digits(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _said(number: float) -> str:
    """A number in words of a picture: large ones in full."""
    return f"{number:,.0f}" if 1000 <= abs(number) < 1e12 else f"{number:.4g}"


def _widened(low: float, high: float, margin: float = 0.06) -> tuple[float, float]:
    """An axis that is never of no length nor backwards, with some room at its ends."""
    low, high = min(low, high), max(low, high)
    if not high - low > 1e-9 * max(abs(low), abs(high)):
        reach = abs(low) * 0.1 or 0.5
        return low - reach, high + reach
    room = (high - low) * margin
    return low - room, high + room


def _share(value: float, span: tuple[float, float]) -> float:
    return min(max((value - span[0]) / (span[1] - span[0]), 0.0), 1.0)
