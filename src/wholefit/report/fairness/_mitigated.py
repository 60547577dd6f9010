"""Mitigation on a page: what each method changes, what it costs, and half measures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wholefit.report import _svg
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report._svg import Bar
from wholefit.report.fairness._audit import BESIDE
from wholefit.training.fairness import METHODS, Mitigated
from wholefit.training.fairness._by_group import GOALS
from wholefit.training.fairness.records import Way

# Colours that the usual kinds of colour blindness tell apart (Okabe and Ito 2008); dashes tell
# the methods apart where colours do not.
_LOOKS = {"blind": ("#56b4e9", "2 3"), "reweighing": ("#009e73", "7 4"),
          "thresholds": ("#d55e00", ""), "constrained": ("#0072b2", "10 3 2 3")}


def top(found: Mitigated) -> tuple[str, list[tuple[str, Html]]]:
    """What the page is about, and the numbers at its head."""
    gap = found.before.gaps[found.goal].before
    return "What fairness would cost: predicting", [
        ("model", data(found.model, 40)), ("groups by", data(" x ".join(found.by), 60)),
        (f"gap in {found.goal} now", join([str(gap)])),
        (f"{found.metric} now", join([str(found.before.scores[found.metric])]))]


def sections(found: Mitigated) -> list[tuple[str, str, Html]]:
    """Name, heading and content of each part of a page."""
    return [("price", "The price of each method", _price(found)),
            ("curve", "Half measures", _curves(found)),
            ("groups", "Each group, before and after", _rates(found)),
            ("said", "What must be known", _said(found))]


def section(found: Mitigated) -> Html:
    """All of it, under smaller headings."""
    return join([el("p", data(found.said, 600), cls="lead"),
                 *(join([el("h3", heading), inner]) for _, heading, inner in sections(found))])


def _done(found: Mitigated) -> list[Way]:
    return [way for way in found.ways if not way.reason]


def _price(found: Mitigated) -> Html:
    others = [name for name in found.before.gaps if name != found.goal]
    header = ["method", found.metric, "change", f"gap in {found.goal}", "change",
              *(f"gap in {name}" for name in others)]
    rows = [_line(found, way, others) for way in (found.before, *_done(found))]
    return join([
        el("p", f"Asked for: {GOALS[found.goal]}. Measured on {found.rows:,} rows that no model "
           "had seen; changes are paired, with 95% intervals."),
        table(header, rows, "Score and gaps of each method",
              numbers=tuple(range(1, len(header))), cls="board")])


def _line(found: Mitigated, way: Way, others: Sequence[str]) -> list[object]:
    gap, price = way.gaps[found.goal], way.price
    first = way is found.before
    change = "" if price is None else _span(price.value, price.low, price.high)
    moved = gap.difference
    return [way.method, str(way.scores[found.metric]), change, str(gap.after),
            "" if first else _span(moved.value, moved.low, moved.high),
            *(str(way.gaps[name].after) for name in others)]


def _span(value: float, low: float, high: float) -> Html:
    return join([f"{value:+.3f}", el("br"), el("span", f"{low:+.3f} to {high:+.3f}",
                                               cls="interval")])


def _curves(found: Mitigated) -> Html:
    done = [way for way in _done(found) if way.curve]
    points = [point for way in done for point in way.curve
              if math.isfinite(point[1]) and math.isfinite(point[2])]
    if not points:
        return el("p", "There are too few rows in all groups but one to draw this.")
    frame = _svg.Frame((0.0, max(point[2] for point in points)),
                       (min(point[1] for point in points), max(point[1] for point in points)))
    lines = [_line_of(frame, way) for way in done]
    start = points[0]
    mark = el("circle", cx=f"{frame.x(start[2]):.1f}", cy=f"{frame.y(start[1]):.1f}", r=6,
              cls="mark chosen")
    title = (f"{found.metric} against the gap in {found.goal}: "
             + "; ".join(f"{way.method} ends at {way.curve[-1][1]:.3f} with a gap of "
                         f"{way.curve[-1][2]:.3f}" for way in done))
    keys = (el("li", _key(way.method), f" {way.method}") for way in done)
    return join([
        el("p", "From the model as it is (the large dot) towards what each method makes of it, a "
           "tenth of the way at a time, on unseen rows. Further left is more equal, further up is "
           "better; where a line is flat, equality is free."),
        el("figure", frame.draw(title, f"gap in {found.goal}", found.metric, *lines, mark)),
        el("ul", *keys,
           style="list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1.2rem")])


def _line_of(frame: _svg.Frame, way: Way) -> Html:
    colour, dashes = _LOOKS[way.method]
    points = " ".join(f"{frame.x(gap):.1f},{frame.y(score):.1f}" for _, score, gap in way.curve)
    last = way.curve[-1]
    return join([
        el("polyline", points=points, fill="none", stroke=colour, stroke_width="2",
           stroke_dasharray=dashes or None),
        el("circle", cx=f"{frame.x(last[2]):.1f}", cy=f"{frame.y(last[1]):.1f}", r=4,
           fill=colour)])


def _key(method: str) -> Html:
    colour, dashes = _LOOKS[method]
    line = el("line", x1=0, x2=34, y1=5, y2=5, stroke=colour, stroke_width="2.5",
              stroke_dasharray=dashes or None)
    return el("svg", line, width=34, height=10, aria_hidden="true",
              style="display:inline-block;vertical-align:middle")


def _rates(found: Mitigated) -> Html:
    drawn = []
    for measure, said in (("selection_rate", "predicted to have the outcome"),
                          ("tpr", "found, of those who have it")):
        bars = [Bar(f"{group}, {way.method}", str(rates[measure]), rates[measure].value,
                    rates[measure].low, rates[measure].high,
                    "chosen" if way is found.before else "other")
                for group in list(found.before.rates)[:4]
                for way in (found.before, *_done(found))
                for rates in [way.rates.get(group, {})] if measure in rates]
        if bars:
            spoken = "; ".join(f"{bar.name} {bar.said}" for bar in bars)
            drawn.append(el("figure", el("h4", f"Share {said}"),
                            _svg.forest(bars, math.nan, f"Share {said}: {spoken}")))
    return el("div", *drawn, style=BESIDE)


def _said(found: Mitigated) -> Html:
    said = [f"{way.method} ({METHODS[way.method]}) was not done: {way.reason}."
            for way in found.ways if way.reason]
    said += [f"{way.method}: {METHODS[way.method]}." for way in _done(found)]
    said += [f"{way.method}: {sentence}" for way in _done(found)
             for sentence in (*way.said, *found.widened(way))]
    said.append("Labels are taken as the truth: where they carry old injustice, equal error rates "
                "repeat it. What is lawful depends on the use and the country.")
    return bullets(data(each, 600) for each in said)
