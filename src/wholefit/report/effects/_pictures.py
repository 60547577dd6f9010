"""Pictures of effects: a curve in its band, with the data below; single rows; a surface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wholefit.base.wording import cut
from wholefit.explain._curves import Effect, Surface
from wholefit.report._charts import Named
from wholefit.report._html import Html, el
from wholefit.report._svg import Bar, Frame, forest

_SHADES = 6
_WIDE, _LEFT, _TOP, _CELL_FOOT, _SIDE = 440, 96, 8, 58, 300


def curve(record: Effect) -> Html:
    """The mean curve in its band, single rows behind it, marks where rows are."""
    shape = record.curve
    span = (shape.places[0], shape.places[-1])
    numbers = [*shape.low, *shape.high, 0.0]
    lines = [_shifted(record, line) for line in record.lines]
    if lines:
        flat = sorted(value for line in lines for value in line)
        numbers += [flat[len(flat) // 50], flat[-1 - len(flat) // 50]]
    up = (min(numbers), max(numbers))
    frame = _frame(record, span, up)
    low = [_xy(frame, x, y) for x, y in zip(shape.places, shape.low, strict=True)]
    high = [_xy(frame, x, y) for x, y in zip(shape.places, shape.high, strict=True)]
    band = el("path", d="M" + "L".join([*low, *reversed(high)]) + "z", cls="wide")
    zero = el("line", x1=f"{frame.x(span[0]):.1f}", x2=f"{frame.x(span[1]):.1f}",
              y1=f"{frame.y(0):.1f}", y2=f"{frame.y(0):.1f}", cls="rule")
    rows = [el("polyline", points=" ".join(_at(frame, shape.places, line)), fill="none",
               style="stroke:var(--other);stroke-width:1;stroke-opacity:.35") for line in lines]
    mean = el("polyline", points=" ".join(_at(frame, shape.places, shape.values)), fill="none",
              style="stroke:var(--accent);stroke-width:2.2;stroke-linejoin:round")
    title = f"{record.sentences[0]} The band is {record.level:.0%} at each point"
    return frame.draw(title, cut(record.column, 36), cut(f"change in {record.told}", 44), *rows,
                      band, zero, mean, _rug(frame, record))


def curve_key(record: Effect) -> Html:
    """What the marks mean."""
    items = [("background:var(--accent)", "mean over rows, distance from the average answer"),
             ("background:var(--accent);opacity:.3", f"{record.level:.0%} band")]
    if record.lines:
        items.append(("background:var(--other);opacity:.5", "single rows"))
    swatch = "display:inline-block;width:1.1rem;height:.4rem;margin-right:.4rem;"
    return el("ul", *(el("li", el("span", style=swatch + style), words) for style, words in items),
              el("li", "small marks below: where rows are"), cls="legend")


def _frame(record: Effect, span: tuple[float, float], up: tuple[float, float]) -> Frame:
    if record.axis != "date":
        return Frame(span, up)
    names, places = record.curve.names, record.curve.places
    picked = sorted({0, len(names) // 2, len(names) - 1})
    return Named(span, up, [(places[at], names[at][:10]) for at in picked])


def _shifted(record: Effect, line: Sequence[float]) -> list[float]:
    """A row's curve from where the mean starts."""
    return [value + record.curve.values[0] for value in line]


def _rug(frame: Frame, record: Effect) -> Html:
    floor = frame.y(frame.up[0])
    marks = "".join(f"M{frame.x(value):.1f} {floor:.1f}v-7" for value in record.rug)
    return el("path", d=marks, style="stroke:var(--ink);stroke-width:1;stroke-opacity:.45")


def levels(record: Effect) -> Html:
    """One line a level: its distance from the average answer, with its band."""
    shape = record.curve
    bars = [Bar(name, f"{value:+.3g}, {share:.0%} of rows", value, low, high, "chosen")
            for name, value, low, high, share in zip(
                shape.names, shape.values, shape.low, shape.high, shape.shares, strict=True)]
    title = f"{record.sentences[0]} The dashed line is the average answer"
    return forest(bars, 0.0, title)


def surface(record: Surface) -> Html:
    """Squares of a grid, shaded by value; combinations without rows are left empty."""
    first, second = record.names
    wide = (_WIDE - _LEFT - 10) / len(first)
    high = _SIDE / len(second)
    low, middle, top = _scale(record)
    squares = []
    for i, row in enumerate(record.values):
        for j, value in enumerate(row):
            if record.counts[i][j]:
                squares.append(_square(_LEFT + i * wide, _TOP + _SIDE - (j + 1) * high, wide, high,
                                       _shade(value, low, middle, top)))
    title = record.sentences[0]
    frame = el("rect", x=_LEFT, y=_TOP, width=f"{wide * len(first):.1f}", height=_SIDE, cls="field")
    height = _TOP + _SIDE + _CELL_FOOT
    return el("svg", el("title", title), frame, *squares, *_below(first, wide, record),
              *_beside(second, high, record), viewBox=f"0 0 {_WIDE} {height}", role="img",
              aria_label=title, cls="plane")


def surface_key(record: Surface) -> Html:
    """The shades and what they stand for."""
    low, middle, top = _scale(record)
    marks = [low, (low + middle) / 2, middle, (middle + top) / 2, top]
    what = ("beyond what each does alone" if record.kind == "ale" else "mean answer")
    return el("ul", el("li", f"{what}:"), *(el("li", el("span", style=(
        "display:inline-block;width:.9rem;height:.9rem;margin-right:.35rem;"
        f"{_shade(value, low, middle, top).replace('fill:', 'background:')}")), f"{value:.3g}")
        for value in marks), el("li", "empty: no such rows"), cls="legend")


def _scale(record: Surface) -> tuple[float, float, float]:
    """Lowest, middle and highest value that is shown: the middle is zero, or the average."""
    shown = [value for row, counts in zip(record.values, record.counts, strict=True)
             for value, count in zip(row, counts, strict=True) if count] or [0.0]
    middle = 0.0 if record.kind == "ale" else record.average
    reach = max(abs(value - middle) for value in shown) or 1.0
    return middle - reach, middle, middle + reach


def _shade(value: float, low: float, middle: float, top: float) -> str:
    side, most = ("pos", top - middle) if value >= middle else ("neg", middle - low)
    depth = round(abs(value - middle) / most * _SHADES) / _SHADES
    return f"fill:rgb(var(--{side})/{0.06 + 0.84 * depth:.2f})"


def _square(x: float, y: float, wide: float, high: float, style: str) -> Html:
    return el("rect", x=f"{x:.1f}", y=f"{y:.1f}", width=f"{wide - 0.8:.1f}",
              height=f"{high - 0.8:.1f}", style=style)


def _below(names: Sequence[str], wide: float, record: Surface) -> Iterator[Html]:
    floor = _TOP + _SIDE
    for at in _some(len(names), 5 if max(map(len, names)) <= 8 else 3):
        yield el("text", names[at][:12], x=f"{_LEFT + (at + 0.5) * wide:.1f}", y=floor + 16,
                 cls="tick", text_anchor="middle")
    yield el("text", cut(record.columns[0], 36), x=(_LEFT + _WIDE) / 2, y=floor + 40,
             cls="axis-name",
             text_anchor="middle")


def _beside(names: Sequence[str], high: float, record: Surface) -> Iterator[Html]:
    for at in _some(len(names), 7):
        yield el("text", names[at][:11], x=_LEFT - 6,
                 y=f"{_TOP + _SIDE - (at + 0.5) * high + 4:.1f}", cls="tick", text_anchor="end")
    middle = _TOP + _SIDE / 2
    yield el("text", cut(record.columns[1], 36), x=12, y=middle, cls="axis-name",
             text_anchor="middle", transform=f"rotate(-90 12 {middle})")


def _some(count: int, most: int) -> list[int]:
    """Places of at most so many of `count`, first and last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(at * (count - 1) / (most - 1)) for at in range(most)})


def _at(frame: Frame, places: Sequence[float], values: Sequence[float]) -> Iterator[str]:
    return (f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in zip(places, values, strict=True))


def _xy(frame: Frame, x: float, y: float) -> str:
    return f"{frame.x(x):.1f} {frame.y(y):.1f}"

