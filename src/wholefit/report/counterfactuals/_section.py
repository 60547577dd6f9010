"""What would have to be otherwise: the alternatives beside the row, and how far each one is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wholefit.explain.counterfactuals import Counterfactual, Counterfactuals, answered
from wholefit.report._html import Html, data, el, join, table

_WIDE, _ROW, _LEFT = 440, 26, 30
_COLORS = ("#1d5fbf", "#0b7a6b", "#a15c00", "#8a3ffc", "#69737e", "#b3261e", "#3d6b00", "#005f73")


def section(record: Counterfactuals) -> Html | None:
    """The topic's section of a page; None where there is nothing to tell."""
    lines = record.lines()
    return join([el("p", lines[0]), board(record), picture(record),
                 *(el("p", line, cls="small") for line in lines[1:])])


def board(record: Counterfactuals) -> Html | None:
    """One row a changed column: its value now, and in each alternative; the answers last."""
    if not record.alternatives:
        return None
    every = record.alternatives
    now = {c.column: c.said_before for each in every for c in each.changes}
    rows: list[list[Any]] = [
        [data(name, 60), data(before, 60), *(_after(each, name) for each in every)]
        for name, before in now.items()]
    rows.append([el("i", "prediction"), answered(record.prediction, record.probability),
                 *(answered(each.prediction, each.probability) for each in every)])
    header = ["column", "now", *(f"alternative {at}" for at in range(1, len(every) + 1))]
    return table(header, rows, f"What would have to change for {record.wanted}")


def _after(each: Counterfactual, name: str) -> Html:
    found = next((change for change in each.changes if change.column == name), None)
    return el("span", "same") if found is None else el("b", data(found.said_after, 60))


def picture(record: Counterfactuals) -> Html | None:
    """How far each alternative lies from the row: a bar of parts, one a changed column."""
    every = record.alternatives
    if not every:
        return None
    most = max(max(each.distance for each in every), 1e-9)
    names = list(dict.fromkeys(c.column for each in every for c in each.changes))
    title = "How far each alternative lies from the row, in shares of the rows: " + "; ".join(
        f"{at}: {each.distance:.2f}" for at, each in enumerate(every, 1))
    bars = (part for at, each in enumerate(every) for part in _bar(at, each, names, most))
    height = _ROW * len(every) + 4
    drawn = el("svg", el("title", title), *bars, viewBox=f"0 0 {_WIDE} {height}", role="img",
               aria_label=title, width="100%", style=f"max-width:{_WIDE}px")
    keys = (el("li", el("span", "■ ", style=f"color:{_COLORS[at % len(_COLORS)]}"),
               data(name, 60)) for at, name in enumerate(names))
    return el("figure", drawn, el("figcaption", "Distance from the row, as the share of rows "
                                  "between the two values; a change of level counts one third.",
                                  el("ul", *keys, cls="legend")))


def _bar(at: int, each: Counterfactual, names: list[str], most: float) -> Iterator[Html]:
    room, x = _WIDE - _LEFT - 56, float(_LEFT)
    top = _ROW * at + 4
    yield el("text", str(at + 1), x=4, y=top + 14, fill="currentColor", font_size=13)
    for change in each.changes:
        wide = max(room * change.distance / most, 1.5)
        color = _COLORS[names.index(change.column) % len(_COLORS)]
        yield el("rect", x=f"{x:.1f}", y=top, width=f"{max(wide - 1, 1):.1f}", height=_ROW - 8,
                 fill=color)
        x += wide
    yield el("text", f"{each.distance:.2f}", x=f"{x + 6:.1f}", y=top + 14, fill="currentColor",
             font_size=13)
