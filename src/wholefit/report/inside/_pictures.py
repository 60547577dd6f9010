"""Pictures of what is inside a model: curves with bands, tables of pairs, trees, coefficients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wholefit.base.wording import cut
from wholefit.explain.inside import Coefficients, Curve, Node, Table, Tree
from wholefit.explain.inside._numbers import brief
from wholefit.report._html import Html, el, scrolling
from wholefit.report._svg import Bar, Frame, forest

# Student's 97.5% quantile with six degrees of freedom: errors come from seven fits.
_T = 2.447
_MOST_BARS, _MOST_LEVELS, _DEEP = 24, 24, 4
_STEP, _ROW, _CELL, _SIDE = 215, 40, 34, 130


# ---- curves -----------------------------------------------------------------------------


def curve(one: Curve) -> Html:
    """A curve over an ordered column, or a bar for each level of a category."""
    if one.edges:
        return _steps(one)
    return _levels(one)


def _title(one: Curve | Table, column: str) -> str:
    of = f" to {one.of}" if one.of else ""
    return f"What {column} adds{of}, with 95% bands"


def _steps(one: Curve) -> Html:
    """A step a bin, as wide as its rows are many; the first bin, of missing values, apart."""
    values, errors = one.values[1:], (one.errors or tuple(0.0 for _ in one.values))[1:]
    rows = one.rows[1:]
    total = sum(rows) or 1.0
    ends = [0.0]
    for each in rows:
        ends.append(ends[-1] + each / total)
    low = [v - _T * e for v, e in zip(values, errors, strict=True)]
    high = [v + _T * e for v, e in zip(values, errors, strict=True)]
    shown = [at for at, each in enumerate(rows) if each > 0]
    frame = Frame((0.0, 1.0), (min([0.0, *(low[at] for at in shown)]),
                               max([0.0, *(high[at] for at in shown)])), _marks(one, ends))
    said = (f"{_title(one, one.column)}: from {brief(values[shown[0]])} at {one.labels[1]} to "
            f"{brief(values[shown[-1]])} at {one.labels[len(values)]}") if shown else one.column
    band = "".join(
        f"M{frame.x(ends[at]):.1f} {frame.y(high[at]):.1f}H{frame.x(ends[at + 1]):.1f}"
        f"V{frame.y(low[at]):.1f}H{frame.x(ends[at]):.1f}z" for at in shown)
    line = "M" + "L".join(
        f"{frame.x(ends[at]):.1f} {frame.y(values[at]):.1f}"
        f"H{frame.x(ends[at + 1]):.1f}" for at in shown)
    zero = f"{frame.y(0.0):.1f}"
    return frame.draw(
        said, one.column[:40], "adds", el("path", d=band, cls="wide"),
        el("line", x1=frame.x(0.0), x2=frame.x(1.0), y1=zero, y2=zero, cls="rule"),
        el("path", d=line, cls="curve"))


def _marks(one: Curve, ends: Sequence[float]) -> list[tuple[float, float]]:
    """A few edges with their places, no two closer than their words are wide."""
    found: list[tuple[float, float]] = []
    for at, edge in enumerate(one.edges):
        place = ends[at + 1]
        if 0.02 < place < 0.98 and (not found or place - found[-1][0] > 0.17):
            found.append((place, float(f"{edge:.4g}")))
    return found or [(0.5, float(f"{one.edges[0]:.4g}"))]


def _levels(one: Curve) -> Html:
    order = sorted((at for at, rows in enumerate(one.rows) if rows > 0),
                   key=lambda at: -one.values[at])
    if len(order) > _MOST_LEVELS:
        half = _MOST_LEVELS // 2
        order = [*order[:half], *order[-half:]]
    errors = one.errors or tuple(0.0 for _ in one.values)
    bars = [_bar(one.labels[at], one.values[at], _T * errors[at]) for at in order]
    said = "; ".join(f"{bar.name} {bar.said}" for bar in bars[:6])
    return forest(bars, 0.0, f"{_title(one, one.column)}: {said}")


def _bar(name: str, value: float, half: float) -> Bar:
    said = f"{brief(value)} ± {brief(half)}" if half else brief(value)
    return Bar(name, said, value, value - half, value + half,
               "chosen" if abs(value) > half else "other")


# ---- coefficients -----------------------------------------------------------------------


def coefficients(found: Coefficients, of: str) -> Html:
    """The largest of a class, each by a step of one standard deviation, levels as they are."""
    bars = []
    for one in [one for one in found.ordered() if one.of == of][:_MOST_BARS]:
        step = 1.0 if one.spread is None else one.spread
        value = one.value * step
        low, high = (value, value) if one.low is None or one.high is None else (
            one.low * step, one.high * step)
        step_said = one.unit.split(" against ")[0].rstrip(",")
        level = one.spread is None and " against " in one.unit
        name = f"{one.column}: {step_said}" if level else one.column
        said = brief(value) + ("" if low == high else f" [{brief(low)}, {brief(high)}]")
        sure = one.low is None or low > 0 or high < 0
        bars.append(Bar(name, said, value, low, high, "chosen" if sure else "other"))
    said = "; ".join(f"{bar.name} {bar.said}" for bar in bars[:6])
    return forest(bars, 0.0, f"Coefficients for a step of one standard deviation, or of a level, "
                             f"with 95% intervals: {said}")


# ---- pairs ------------------------------------------------------------------------------


def table(one: Table) -> Html:
    """A square for each two bins: blue where they add, orange where they take, paler for less."""
    most = max((abs(v) for row in one.values for v in row), default=0.0) or 1.0
    # The first bin of each is of missing values: left out where it says nothing.
    rows = [at for at, row in enumerate(one.values) if at or any(row)]
    across = [at for at in range(len(one.across)) if at or any(row[0] for row in one.values)]
    width, top = _SIDE + _CELL * len(across) + 8, 24
    height = top + _CELL * len(rows) + 116
    title = (f"What {one.columns[0]} (down) and {one.columns[1]} (across) add together"
             f"{' to ' + one.of if one.of else ''}, beyond what each adds alone; at most "
             f"{brief(most)}")
    squares = [_square(one, i, j, (_SIDE + _CELL * x, top + _CELL * y), most)
               for y, i in enumerate(rows) for x, j in enumerate(across)]
    down = [el("text", cut(one.rows[i], 17), x=_SIDE - 6, y=top + _CELL * y + 22, cls="tick",
               text_anchor="end") for y, i in enumerate(rows)]
    foot = top + _CELL * len(rows) + 12
    below = [el("text", cut(one.across[j], 17), x=_SIDE + _CELL * x + 20, y=foot, cls="tick",
                text_anchor="end", transform=f"rotate(-45 {_SIDE + _CELL * x + 20} {foot})")
             for x, j in enumerate(across)]
    names = [el("text", cut(one.columns[0], 24), x=4, y=14, cls="name"),
             el("text", cut(one.columns[1], 24), x=width - 8, y=height - 6, cls="name",
                text_anchor="end")]
    drawn = el("svg", el("title", title), *squares, *down, *below, *names, role="img",
               aria_label=title, width=width, height=height, style="max-width:none")
    return scrolling(title, drawn)


def _square(
    one: Table, i: int, j: int, place: tuple[float, float], most: float
) -> Html:
    value = one.values[i][j]
    said = (f"{one.rows[i]}, {one.across[j]}: {brief(value)} "
            f"± {brief(_T * one.errors[i][j])}")
    return el("rect", el("title", said), x=place[0], y=place[1], width=_CELL - 1, height=_CELL - 1,
              fill="var(--pos,#1d5fbf)" if value >= 0 else "var(--neg,#c4570a)",
              fill_opacity=f"{0.04 + 0.96 * abs(value) / most:.2f}")


# ---- trees ------------------------------------------------------------------------------


def tree(one: Tree) -> Html:
    """From left to right: the question on each branch, rows and answer at each node.

    What lies deeper than four questions is counted, not drawn.
    """
    places: dict[int, float] = {}
    count = _place(one, 0, places, 0)
    whole = max((node.rows or 0.0 for node in one.nodes), default=0.0)
    deepest = max(one.nodes[at].depth for at in places)
    width, height = _STEP * (deepest + 1) + 30, _ROW * count + 16
    title = f"A tree of {one.leaves:,} leaves: " + "; ".join(
        line.strip() for line in one.lines(8))
    lines, boxes = [], []
    for at, y in places.items():
        node = one.nodes[at]
        for child in node.children:
            if child in places:
                lines.append(_branch(node, y, one.nodes[child], places[child]))
        boxes.append(_box(one, at, y, whole, hidden=_hidden(one, at, places)))
    drawn = el("svg", el("title", title), *lines, *boxes, role="img", aria_label=title,
               width=width, height=height, style="max-width:none")
    return scrolling(title, drawn)


def _place(one: Tree, at: int, places: dict[int, float], used: int) -> int:
    """Where each node stands, leaves in rows and others between their children; rows used."""
    node = one.nodes[at]
    if not node.children or node.depth >= _DEEP:
        places[at] = 20 + _ROW * used
        return used + 1
    for child in node.children:
        used = _place(one, child, places, used)
    places[at] = sum(places[child] for child in node.children) / len(node.children)
    return used


def _hidden(one: Tree, at: int, places: dict[int, float]) -> int:
    """Leaves below a node that are not drawn."""
    if not one.nodes[at].children or one.nodes[at].children[0] in places:
        return 0
    return sum(1 for _ in _leaves(one, at))


def _leaves(one: Tree, at: int) -> Iterator[Node]:
    if not one.nodes[at].children:
        yield one.nodes[at]
    for child in one.nodes[at].children:
        yield from _leaves(one, child)


def _branch(node: Node, y: float, child: Node, to: float) -> Html:
    x, end = _STEP * node.depth + 8, _STEP * child.depth + 8
    middle = x + 26
    return el("g", el("title", child.said),
              el("path", d=f"M{x} {y:.1f}H{middle}V{to:.1f}H{end}", fill="none",
                 stroke="var(--line,#aab)", stroke_width=1.5),
              el("text", cut(child.said, 28), x=middle + 4, y=f"{to - 5:.1f}", cls="tick"),
              el("text", "" if child.rows is None else f"n = {child.rows:,.0f}", x=middle + 4,
                 y=f"{to + 13:.1f}", cls="said"))


def _box(one: Tree, at: int, y: float, whole: float, hidden: int) -> Html:
    node = one.nodes[at]
    x = _STEP * node.depth + 8
    share = 0.35 if node.rows is None or not whole else node.rows / whole
    rows = "" if node.rows is None else f"n = {node.rows:,.0f}"
    more = f", {hidden} leaves below" if hidden else ""
    said = f"{one.answer(node)} ({rows}{more})" if rows or more else one.answer(node)
    shown = not node.children or hidden
    words = el("text", one.answer(node) + more, x=x + 13, y=f"{y + 4:.1f}",
               cls="said" if hidden else "name") if shown else None
    return el("g", el("title", said), el("circle", cx=x, cy=f"{y:.1f}",
                                         r=f"{3 + 6 * share**0.5:.1f}", cls="mark chosen"), words)

