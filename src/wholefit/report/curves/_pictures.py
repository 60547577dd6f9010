"""Pictures of curves: scores over rows or a hyper-parameter with their bands, gains as bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from wholefit.evaluation import Score
from wholefit.report._html import Html, data, el, join
from wholefit.report._svg import Bar, Frame, forest

_OWN, _OTHERS, _AHEAD = "var(--p1,#b84f07)", "var(--p0,#1d5fbf)", "var(--p2,#0b7a6b)"
Line = Sequence[tuple[float, Score]]


class Logged(Frame):
    """A plane whose marks below are thinned so that no two words touch."""

    def __init__(
        self, across: tuple[float, float], up: tuple[float, float],
        words: Sequence[tuple[float, str]],
    ) -> None:
        super().__init__(across, up, [(place, 0.0) for place, _ in words])
        self.words = words

    def _below(self) -> Any:
        floor, last = self.y(self.up[0]), -1e9
        for place, word in self.words:
            at = self.x(place)
            yield el("line", x1=f"{at:.1f}", x2=f"{at:.1f}", y1=self.y(self.up[1]), y2=floor,
                     cls="grid")
            if at - last > 7 * len(word) + 8:
                yield el("text", word, x=f"{at:.1f}", y=f"{floor + 17:.1f}", cls="tick",
                         text_anchor="middle")
                last = at + 3.5 * len(word) - 4


def learning(record: Any) -> Html:
    """Scores over rows on a log scale, the baseline, and where the law leads."""
    points = record.points
    rows = [math.log10(p.rows) for p in points]
    ahead = [each for each in record.law.band if each[0] >= points[-1].rows]
    own = [(x, p.train) for x, p in zip(rows, points, strict=True)]
    others = [(x, p.valid) for x, p in zip(rows, points, strict=True)]
    ends = [math.log10(each[0]) for each in ahead]
    frame = Logged((rows[0], max([rows[-1], *ends])),
                   _range([*own, *others], [record.baseline, *(e for b in ahead for e in b[1:])]),
                   [*zip(rows, (f"{p.rows:,}" for p in points), strict=True),
                    *((x, f"{each[0]:,.0f}") for x, each in zip(ends[-1:], ahead[-1:],
                                                                strict=True))])
    rule = _rule(frame, record.baseline)
    law = [] if not ahead else [
        _area(frame, [(math.log10(n), lo, hi) for n, lo, _, hi in ahead], _AHEAD),
        _path(frame, [(math.log10(n), mid) for n, _, mid, _ in ahead], _AHEAD, "6 4")]
    last = points[-1]
    title = (f"{record.metric} by rows learnt from: {last.valid} on others and {last.train} on "
             f"its own with {last.rows:,} rows")
    keys = _keys([("rows learnt from", _OWN), ("other rows", _OTHERS),
                  *[("where the curve leads", _AHEAD)] * bool(ahead)])
    picture = frame.draw(title, "rows learnt from (log scale)", record.metric, rule, *law,
                         *_line(frame, own, _OWN), *_line(frame, others, _OTHERS))
    return join([el("figure", picture), keys])


def validation(record: Any) -> Html:
    """Scores over the values of a hyper-parameter, those tied with the best marked."""
    places = list(range(len(record.settings)))
    own = [(float(x), each.train) for x, each in zip(places, record.settings, strict=True)]
    others = [(float(x), each.valid) for x, each in zip(places, record.settings, strict=True)]
    frame = Logged((0.0, float(max(places[-1], 1))), _range([*own, *others], []),
                   [(float(x), _brief(each.value))
                    for x, each in zip(places, record.settings, strict=True)])
    low, high = frame.y(frame.up[0]), frame.y(frame.up[1])
    half = (frame.x(1) - frame.x(0)) / 2
    tied = [el("rect", x=f"{frame.x(x) - half:.1f}", width=f"{2 * half:.1f}", y=f"{high:.1f}",
               height=f"{low - high:.1f}", style=f"fill:{_AHEAD};fill-opacity:.1")
            for x, each in zip(places, record.settings, strict=True) if each.tied or each.best]
    title = (f"{record.metric} by {record.param}: best at {record.best.value}, "
             f"{record.best.valid}; {len(record.tied)} values tied")
    picture = frame.draw(title, record.param, record.metric, *tied, *_line(frame, own, _OWN),
                         *_line(frame, others, _OTHERS))
    return join([el("figure", picture), _keys([
        ("rows learnt from", _OWN), ("other rows", _OTHERS), ("tied with the best", _AHEAD)])])


def parts(record: Any) -> Html:
    """Error of each model as bias with noise, and variance, stacked."""
    most = max(each.error.value for each in record.models) or 1.0
    rows = []
    for at, each in enumerate(record.models):
        top = 46 * at
        bias, spread = max(each.bias.value, 0.0), max(each.variance.value, 0.0)
        rows += [
            el("text", each.model[:60], x=0, y=top + 14, cls="name"),
            el("text", f"{each.error}", x="100%", y=top + 14, cls="said", text_anchor="end"),
            _block(0, bias / most, top, _OTHERS), _block(bias / most, spread / most, top, _OWN)]
    told = "; ".join(f"{each.model} {each.bias} + {each.variance}" for each in record.models)
    title = f"{record.measure} as bias (with noise) + variance: {told}"
    svg = el("svg", el("title", title), *rows, role="img", aria_label=title, width="100%",
             height=46 * len(record.models) + 6, cls="forest")
    return join([el("figure", svg), _keys([("bias and noise", _OTHERS), ("variance", _OWN)])])


def gains(record: Any) -> Html:
    """What every cure gained, with its interval, and a rule at nothing."""
    bars = [Bar(f"{each.words}", each.span if not each.reason else each.reason[:40], each.gain,
                each.low, each.high,
                "chosen" if each.helped else "other" if each.harmed else "tied")
            for each in record.cures]
    known = [bar for bar in bars if math.isfinite(bar.value)]
    if not known:
        return el("p", "No cure could be measured.")
    title = (f"What each of {len(known)} cures gained in {record.metric} against the model as it "
             "is, with corrected intervals")
    return el("figure", forest(known, 0.0, title), cls="big")


def _block(start: float, width: float, top: float, colour: str) -> Html:
    return el("rect", x=f"{96 * start:.2f}%", width=f"{96 * width:.2f}%", y=top + 22, height=14,
              style=f"fill:{colour}")


def _line(frame: Frame, points: Line, colour: str) -> list[Html]:
    known = [(x, score) for x, score in points if math.isfinite(score.value)]
    edges = [(x, s.low if math.isfinite(s.low) else s.value,
              s.high if math.isfinite(s.high) else s.value) for x, s in known]
    dots = [el("circle", el("title", str(score)), cx=f"{frame.x(x):.1f}",
               cy=f"{frame.y(score.value):.1f}", r=3.5, style=f"fill:{colour}")
            for x, score in known]
    return [_area(frame, edges, colour), _path(frame, [(x, s.value) for x, s in known], colour),
            *dots]


def _area(frame: Frame, edges: Sequence[tuple[float, float, float]], colour: str) -> Html:
    there = [f"{frame.x(x):.1f} {frame.y(high):.1f}" for x, _, high in edges]
    back = [f"{frame.x(x):.1f} {frame.y(low):.1f}" for x, low, _ in reversed(edges)]
    return el("path", d="M" + "L".join(there + back) + "z",
              style=f"fill:{colour};fill-opacity:.16")


def _path(
    frame: Frame, points: Sequence[tuple[float, float]], colour: str, dashes: str = ""
) -> Html:
    return el("polyline", points=" ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points),
              style=f"fill:none;stroke:{colour};stroke-width:2"
                    + (f";stroke-dasharray:{dashes}" if dashes else ""))


def _rule(frame: Frame, value: float) -> Html | None:
    if not math.isfinite(value):
        return None
    left, right = frame.x(frame.across[0]), frame.x(frame.across[1])
    at = frame.y(value)
    return join([el("line", x1=f"{left:.1f}", x2=f"{right:.1f}", y1=f"{at:.1f}", y2=f"{at:.1f}",
                    cls="rule", style="stroke:currentColor;stroke-dasharray:4 4;opacity:.6"),
                 el("text", "knowing the target alone", x=f"{right - 4:.1f}",
                    y=f"{at - 5 if at > 40 else at + 15:.1f}", cls="tick", text_anchor="end")])


def _range(lines: Sequence[Any], others: Sequence[float]) -> tuple[float, float]:
    scores = [score for line in lines for score in (line if isinstance(line, list) else [line])]
    found = [x for _, s in scores for x in (s.value, s.low, s.high) if math.isfinite(x)]
    found += [x for x in others if math.isfinite(x)]
    return (min(found), max(found)) if found else (0.0, 1.0)


def _keys(keys: Sequence[tuple[str, str]]) -> Html:
    items = (el("li", el("span", style=f"display:inline-block;width:1.4em;height:.35em;"
                         f"vertical-align:.2em;margin-right:.4em;background:{colour}"), data(words))
             for words, colour in keys)
    return el("ul", *items, cls="keys", style="list-style:none;padding:0;display:flex;"
              "flex-wrap:wrap;gap:.1rem 1rem;font-size:.9rem")


def _brief(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
