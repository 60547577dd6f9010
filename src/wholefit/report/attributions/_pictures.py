"""Pictures of explanations: waterfall, bars, beeswarm, as plain SVG with a title in words.

Words are above what they name, so that a long name never narrows the picture, and places are
shares of the width, so that letters keep their size on a narrow page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from wholefit.base.wording import cut
from wholefit.explain import _told
from wholefit.explain.explanations import Explanations, Part
from wholefit.report._html import Html, el, plain
from wholefit.report._svg import ticks, written

_STEP, _BAR, _SWARM = 40, 38, 60
_LINE = 34  # how high a line of dots is
_MOST_DOTS = 1500
_NAME = 52
_BINS = 120
_UP, _DOWN = "fill:rgb(var(--pos))", "fill:rgb(var(--neg))"


def waterfall(found: Explanations, row: int, kept: Sequence[Part], rest: Sequence[Part]) -> Html:
    """From the start to the answer, a step for each column; what is left is one step."""
    output = int(found.chosen[row])
    start, end = float(found.base[output]), float(found.answers[row, output])
    steps = [(_told.named(part), part.adds, part.error) for part in kept]
    if rest:
        steps.append((f"{len(rest)} other columns" if len(rest) > 1 else "1 other column",
                      sum(part.adds for part in rest), 0.0))
    ends = start + np.cumsum([0.0, *(adds for _, adds, _ in steps)])
    place = _placed([*ends.tolist(), end])
    height = _STEP * (len(steps) + 2) + 26
    title = _waterfall_title(found, row, steps, start, end)
    drawn = [_mark("the common start", start, 0, place)]
    for at, (name, adds, error) in enumerate(steps):
        drawn.append(_stair(name, float(ends[at]), adds, error, _STEP * (at + 1), place))
    drawn.append(_mark("the answer", end, _STEP * (len(steps) + 1), place))
    zero = _axis(place, height - 26, [*ends.tolist(), end])
    return _svg(title, height, zero, *drawn)


def bars(found: Explanations, most: int) -> Html | None:
    """Mean absolute contributions, the largest first; None where all are 0."""
    pairs = [(name, size) for name, size in found.importance()[:most] if size > 0]
    if not pairs:
        return None
    largest = pairs[0][1]
    title = "Mean size of contributions in " + found.unit + ": " + ", ".join(
        f"{name} {_told.number(size)}" for name, size in pairs[:5])
    drawn = []
    for at, (name, size) in enumerate(pairs):
        top = _BAR * at
        drawn.append(el(
            "g", el("text", _cut(name), x=0, y=top + 13, cls="name"),
            el("text", _told.number(size), x="100%", y=top + 13, cls="said", text_anchor="end"),
            el("rect", x=0, y=top + 18, width=f"{max(100 * size / largest, 0.2):.2f}%", height=9,
               style="fill:var(--accent)")))
    return _svg(title, _BAR * len(pairs) + 4, *drawn)


def swarm(found: Explanations, output: int, most: int) -> Html:
    """Contributions of every row, a line of dots for each column; above 1,500 rows, some."""
    order = [name for name, size in found.importance(output)[:most] if size > 0]
    rows = np.arange(len(found))
    if len(rows) > _MOST_DOTS:  # evenly spread over the rows as they stand
        rows = rows[np.linspace(0, len(rows) - 1, _MOST_DOTS).astype(np.intp)]
    places = [found.columns.index(name) for name in order]
    values = found.values[rows][:, places, output]
    place = _placed([0.0, *values.ravel().tolist()])
    height = _SWARM * len(order) + 26
    sample = f", {len(rows):,} of {len(found):,} rows" if len(rows) < len(found) else ""
    title = (f"Contributions to {found.outputs[output]} of each row, in {found.unit}{sample}; "
             + ", ".join(f"{name} from {_told.number(values[:, at].min())} to "
                         f"{_told.number(values[:, at].max())}"
                         for at, name in enumerate(order[:4])))
    zero = el("line", x1=_at(place(0)), x2=_at(place(0)), y1=16, y2=height - 26, cls="rule")
    drawn = [zero]
    for at, name in enumerate(order):
        dots = _dots(values[:, at], found.ranks[rows, places[at]], place)
        drawn += [el("text", _cut(name), x=0, y=_SWARM * at + 13, cls="name"),
                  el("svg", *dots, x=0, y=_SWARM * at + 20, width="100%", height=_LINE,
                     viewBox=f"0 0 {_BINS * 5} {_LINE}", preserveAspectRatio="none")]
    axis = _axis(place, height - 26, values.ravel().tolist() or [0.0])
    return _svg(title, height, axis, *drawn)


def _dots(
    values: np.ndarray, ranks: np.ndarray, place: Callable[[float], float]
) -> list[Html]:
    """Dots of one column, heaped where they are many; five shades by the row's own value."""
    across = np.array([place(value) for value in values.tolist()]) / 100
    at = np.round(across * _BINS).astype(np.intp)
    count, heap = np.bincount(at, minlength=_BINS + 2), np.zeros(len(values))
    order = np.lexsort((ranks, at))
    first = np.cumsum(count) - count
    heap[order] = np.arange(len(order)) - first[at[order]] - (count[at[order]] - 1) / 2
    room = min(3.2, _LINE / max(int(count.max(initial=1)), 1))
    shade = np.where(np.isnan(ranks), -1, np.minimum(np.nan_to_num(ranks) * 5, 4)).astype(np.intp)
    drawn = []
    for each in range(-1, 5):
        mine = np.flatnonzero(shade == each)
        if len(mine):
            path = "".join(f"M{across[one] * _BINS * 5:.0f} {_LINE / 2 + heap[one] * room:.1f}h0"
                           for one in mine.tolist())
            color = "var(--other)" if each < 0 else f"rgb(var(--pos)/{0.18 + 0.2 * each:.2f})"
            drawn.append(el("path", d=path, style=f"fill:none;stroke:{color};stroke-width:4.2;"
                            "stroke-linecap:round;vector-effect:non-scaling-stroke"))
    return drawn


def _stair(
    name: str, start: float, adds: float, error: float, top: float, place: Callable[[float], float]
) -> Html:
    left, right = sorted((place(start), place(start + adds)))
    said = _told.signed(adds) + (f" ± {_told.number(1.96 * error)}" if error else "")
    return el(
        "g", el("text", _cut(name), x=0, y=top + 14, cls="name"),
        el("text", said, x="100%", y=top + 14, cls="said", text_anchor="end"),
        el("line", x1="0%", x2="100%", y1=top + 26, y2=top + 26, cls="grid"),
        el("rect", x=_at(left), width=_at(max(right - left, 0.3)), y=top + 20, height=13,
           style=_UP if adds >= 0 else _DOWN))


def _mark(name: str, value: float, top: float, place: Callable[[float], float]) -> Html:
    return el(
        "g", el("text", name, x=0, y=top + 14, cls="name"),
        el("text", _told.number(value), x="100%", y=top + 14, cls="said", text_anchor="end"),
        el("line", x1="0%", x2="100%", y1=top + 26, y2=top + 26, cls="grid"),
        el("circle", cx=_at(place(value)), cy=top + 26, r=5.5, style="fill:var(--ink)"))


def _axis(place: Callable[[float], float], top: float, values: Sequence[float]) -> Html:
    low, high = min(values), max(values)
    marks = ticks(low, high, 5) if high - low > 1e-9 * max(abs(low), abs(high), 1e-300) else [low]
    words = (el("text", written(mark, marks), x=_at(place(mark)), y=top + 20, cls="tick",
                text_anchor="middle") for mark in marks)
    lines = (el("line", x1=_at(place(mark)), x2=_at(place(mark)), y1=top, y2=top + 5,
                cls="axis") for mark in marks)
    return el("g", *lines, *words)


def _placed(values: Sequence[float]) -> Callable[[float], float]:
    """From numbers to shares of the width, in percent, with room at both ends."""
    low, high = min(values), max(values)
    if not high - low > 1e-9 * max(abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    return lambda value: 4 + 92 * (value - low) / (high - low)


def _at(share: float) -> str:
    return f"{share:.2f}%"


def _waterfall_title(
    found: Explanations, row: int, steps: Sequence[tuple[str, float, float]], start: float,
    end: float,
) -> str:
    said = ", ".join(f"{name} {_told.signed(adds)}" for name, adds, _ in steps)
    return (f"Row {found.numbers[row] + 1}, in {found.unit}: from the common start "
            f"{_told.number(start)} to the answer {_told.number(end)}: {said}")


def _svg(title: str, height: float, *inner: Html) -> Html:
    return el("svg", el("title", plain(title)), *inner, role="img", aria_label=plain(title),
              width="100%", height=f"{height:.0f}", style="max-width:46rem;overflow:hidden")


def _cut(name: str) -> str:
    line = plain(" ".join(name.split())) or '""'
    return cut(line, _NAME)
