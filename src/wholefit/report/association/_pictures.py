"""Pictures of rules as plain SVG: where they lie, what hangs together, how they went on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from wholefit.report._charts import Named
from wholefit.report._html import Html, data, el, join
from wholefit.report._svg import Frame

# From little above chance to far above it.
_SHADES = ((1.5, "#9fb8d8"), (3.0, "#5b93cf"), (6.0, "#1d5fbf"), (12.0, "#7a3db8"),
           (math.inf, "#b01657"))
_EDGES, _WIDE, _RING, _DOT = 45, 440, 26, 15


# ---- support and confidence -------------------------------------------------------------


def scatter(points: Sequence[Sequence[Any]]) -> Html | None:
    """A dot a rule at its support (on a log scale) and confidence, darker the stronger."""
    shown = [point for point in points if point[0] > 0]
    if len(shown) < 2:
        return None
    xs = [math.log10(point[0]) for point in shown]
    frame = _Support((min(xs) - 0.05, max(xs) + 0.05),
                     (0.0, max(point[1] for point in shown) * 1.04),
                     _decades(min(xs), max(xs)))
    dots = [_dot(frame, x, point) for x, point in sorted(
        zip(xs, shown, strict=True), key=lambda pair: pair[1][2] or math.inf)]
    title = f"{len(shown):,} rules by support and confidence, coloured by strength"
    picture = frame.draw(title, "Support, % of baskets (log scale)", "Confidence", *dots)
    return el("figure", picture, _legend(), style="max-width:44rem")


class _Support(Frame):
    """A plane whose lower marks are per cents at places on a log scale."""

    def __init__(self, across: tuple[float, float], up: tuple[float, float],
                 shares: Sequence[float]) -> None:
        super().__init__(across, up, [(math.log10(share), share * 100) for share in shares])

    def _below(self) -> Any:
        floor = self.y(self.up[0])
        for place, number in self.named:
            at = f"{self.x(place):.1f}"
            yield el("line", x1=at, x2=at, y1=f"{self.y(self.up[1]):.1f}", y2=f"{floor:.1f}",
                     cls="grid")
            yield el("text", f"{number:g}", x=at, y=f"{floor + 17:.1f}", cls="tick",
                     text_anchor="middle")


def _decades(low: float, high: float) -> list[float]:
    """Round shares within a log scale: 1, 2 and 5 times a power of ten."""
    inside: list[float] = []
    for units in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        inside = [share for power in range(math.floor(low), math.ceil(high) + 1)
                  for share in (unit * 10.0**power for unit in units)
                  if low <= math.log10(share) <= high]
        if len(inside) >= 4:
            break
    return inside[:: math.ceil(len(inside) / 8)] if inside else []


def _dot(frame: Frame, x: float, point: Sequence[Any]) -> Html:
    strength = math.inf if point[2] is None else float(point[2])
    said = (f"{str(point[3])[:300]}: support {point[0] * 100:.3g}%, confidence "
            f"{point[1] * 100:.0f}%, {strength:.1f} times")
    return el("circle", el("title", said), cx=f"{frame.x(x):.1f}", cy=f"{frame.y(point[1]):.1f}",
              r="3.2", fill=_shade(strength), fill_opacity="0.75")


def _shade(strength: float) -> str:
    return next(color for most, color in _SHADES if strength <= most)


def _legend() -> Html:
    before, keys = 1.0, []
    for most, color in _SHADES:
        said = f"over {before:g} times" if math.isinf(most) else f"{before:g} to {most:g} times"
        keys.append(el("li", el("span", cls="key", style=f"background:{color};"
                                                         f"border-color:{color}"), said))
        before = most
    return el("ul", *keys, cls="legend")


# ---- what hangs together ----------------------------------------------------------------


def families(rules: Sequence[Mapping[str, Any]]) -> Html | None:
    """Items that rules tie together, group by group: numbered dots, and their names below."""
    edges: dict[tuple[str, str], float] = {}
    for rule in rules:
        for x in rule["antecedent"]:
            for y in rule["consequent"]:
                key = (min(x, y), max(x, y))
                if key not in edges and len(edges) >= _EDGES:
                    continue
                edges[key] = max(edges.get(key, 0.0), float(rule["strength"] or 0))
    groups = _groups(edges)
    if not groups:
        return None
    number = {name: at + 1 for at, name in enumerate(n for group in groups for n in group)}
    places, height = _places(groups)
    lines = [el("line", x1=f"{places[a][0]:.1f}", y1=f"{places[a][1]:.1f}",
                x2=f"{places[b][0]:.1f}", y2=f"{places[b][1]:.1f}", stroke=_shade(strength),
                stroke_width="2.5", stroke_opacity="0.7") for (a, b), strength in edges.items()]
    dots = [_node(name, number[name], *places[name]) for name in number]
    title = f"{len(number)} items that rules tie together, in {len(groups)} groups"
    picture = el("svg", el("title", title), *lines, *dots, viewBox=f"0 0 {_WIDE} {height:.0f}",
                 role="img", aria_label=title, style="width:100%")
    lists = [el("li", join((_named(number[name], name) for name in group), ", "))
             for group in groups]
    return join([el("figure", picture, _legend(), style="max-width:34rem"), el("ul", *lists)])


def _named(number: int, name: str) -> Html:
    return join([el("b", str(number)), " ", data(name, 60)])


def _node(name: str, number: int, x: float, y: float) -> Html:
    return el("g", el("title", name[:200]),
              el("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=str(_DOT), cls="mark",
                 style="stroke-width:1.5"),
              el("text", str(number), x=f"{x:.1f}", y=f"{y + 5:.1f}", text_anchor="middle"))


def _groups(edges: Mapping[tuple[str, str], float]) -> list[list[str]]:
    """Items that hang together by any way, the largest group first."""
    above: dict[str, str] = {}

    def root(name: str) -> str:
        while above.setdefault(name, name) != name:
            name = above[name]
        return name

    for a, b in edges:
        above[root(a)] = root(b)
    groups: dict[str, list[str]] = {}
    for name in above:
        groups.setdefault(root(name), []).append(name)
    return sorted((sorted(group) for group in groups.values()), key=lambda g: (-len(g), g))


def _places(groups: Sequence[Sequence[str]]) -> tuple[dict[str, tuple[float, float]], float]:
    """Each group on a ring of its own, rings side by side in rows; and the height of all."""
    places: dict[str, tuple[float, float]] = {}
    left = top = row = 0.0
    for group in groups:
        radius = max(_RING, 1.25 * _DOT * 2 * len(group) / (2 * math.pi)) if len(group) > 1 else 0
        side = 2 * (radius + _DOT + 7)
        high = 2 * (_DOT + 7) if len(group) == 2 else side
        if left + side > _WIDE:
            left, top, row = 0.0, top + row, 0.0
        for at, name in enumerate(group):
            turn = 2 * math.pi * at / len(group) - (math.pi if len(group) == 2 else math.pi / 2)
            places[name] = (left + side / 2 + radius * math.cos(turn),
                            top + high / 2 + radius * math.sin(turn))
        left, row = left + side, max(row, high)
    return places, top + row


# ---- through the calendar ---------------------------------------------------------------


def _course(values: Sequence[float], names: Sequence[str], title: str) -> Html:
    """Confidence from stretch to stretch; a stretch without a value is a gap."""
    known = [value for value in values if value == value]
    last = len(names) - 1
    frame = Named((0.0, float(max(last, 1))), (0.0, min(1.0, 1.1 * max(known))),
                  [(0.0, names[0]), (last / 2, names[last // 2]), (float(last), names[-1])])
    runs: list[list[str]] = [[]]
    for at, value in enumerate(values):
        if value == value:
            runs[-1].append(f"{frame.x(at):.1f},{frame.y(value):.1f}")
        elif runs[-1]:
            runs.append([])
    lines = [el("polyline", points=" ".join(run), cls="joined") for run in runs if len(run) > 1]
    dots = [el("circle", el("title", f"{names[at]}: {value * 100:.0f}%"), cx=f"{frame.x(at):.1f}",
               cy=f"{frame.y(value):.1f}", r="3", cls="heat")
            for at, value in enumerate(values) if value == value]
    return frame.draw(title, "", "confidence", *lines, *dots)


def courses(course: Mapping[str, Any]) -> Html | None:
    """The confidence of the first rules, stretch by stretch."""
    names = [str(name) for name in course["names"]]
    drawn = []
    for rule in course["rules"]:
        values = [math.nan if value is None else float(value) for value in rule["values"]]
        if sum(value == value for value in values) < 3 or len(values) != len(names):
            continue
        title = f"Confidence of {rule['rule'][:200]} from {names[0]} to {names[-1]}"
        drawn.append(el("figure", el("p", data(rule["rule"], 120), cls="small"),
                        _course(values, names, title)))
    return el("div", *drawn, style="display:grid;gap:.5rem 1.5rem;grid-template-columns:"
              "repeat(auto-fit,minmax(min(100%,19rem),1fr))") if drawn else None
