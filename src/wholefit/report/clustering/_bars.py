"""Silhouettes as bars: one block a cluster, one bar a row, longest first."""

from __future__ import annotations

from collections.abc import Sequence

from wholefit.report._html import Html, el
from wholefit.report._svg import ticks, written
from wholefit.report.clustering._map import colour

_WIDE, _LEFT, _RIGHT, _FOOT = 440, 34, 10, 40
_BLOCK, _GAP, _MOST = 44, 8, 16


def silhouettes(shown: Sequence[tuple[int, Sequence[float]]], title: str) -> Html:
    """Blocks of (cluster, its sorted silhouettes), 16 at most, on one axis."""
    shown = [each for each in shown if each[1]][:_MOST]
    height = len(shown) * (_BLOCK + _GAP) + _FOOT
    low = min(0.0, *(min(values) for _, values in shown))
    high = max(0.2, *(max(values) for _, values in shown))

    def at(value: float) -> float:
        return _LEFT + (_WIDE - _LEFT - _RIGHT) * (value - low) / (high - low)

    floor = height - _FOOT
    marks = ticks(low, high, 5)
    grid = [el("line", x1=f"{at(t):.1f}", x2=f"{at(t):.1f}", y1=0, y2=floor, cls="grid")
            for t in marks]
    words = [el("text", written(t, marks), x=f"{at(t):.1f}", y=floor + 15, cls="tick",
                text_anchor="middle") for t in marks]
    blocks = [_block(code, values, row * (_BLOCK + _GAP), at(0.0), at)
              for row, (code, values) in enumerate(shown)]
    zero = el("line", x1=f"{at(0):.1f}", x2=f"{at(0):.1f}", y1=0, y2=floor, cls="rule")
    name = el("text", "silhouette", x=(_LEFT + _WIDE) / 2, y=height - 6, cls="axis-name",
              text_anchor="middle")
    return el("svg", el("title", title), *grid, *blocks, zero, *words, name,
              viewBox=f"0 0 {_WIDE} {height}", role="img", aria_label=title, cls="plane")


def _block(code: int, values: Sequence[float], top: float, zero: float, at: object) -> Html:
    place = at if callable(at) else float
    step = _BLOCK / len(values)
    d = "".join(
        f"M{zero:.1f} {top + i * step:.1f}H{place(value):.1f}v{step + 0.05:.2f}"
        f"H{zero:.1f}z" for i, value in enumerate(values))
    return el("g", el("text", str(code), x=_LEFT - 12, y=f"{top + _BLOCK / 2 + 5:.1f}",
                      cls="name", text_anchor="end"),
              el("path", d=d, style=f"fill:{colour(code)}"))
