"""Columns by a length each, the longest first, with its interval: what a model leans on."""

from __future__ import annotations

from collections.abc import Sequence

from wholefit.base.wording import cut
from wholefit.evaluation import Score
from wholefit.report import words
from wholefit.report._html import Html, el

_ROW, _MOST = 40, 20


def ranked(rows: Sequence[tuple[str, float, float, float]], title: str) -> Html:
    """One bar from zero a row of (name, value, low, high), none below 0, with a whisker.

    Drawn in shares of the width, so that its letters keep their size on a narrow page.
    """
    shown = rows[:_MOST]
    most = max((max(value, high) for _, value, _, high in shown), default=0) or 1.0
    said = "; ".join(f"{name} {told(value, low, high)}" for name, value, low, high in shown[:12])
    whole = f"{title}: {said}"
    drawn = (_row(row, _ROW * at, most) for at, row in enumerate(shown))
    return el("svg", el("title", whole), *drawn, role="img", aria_label=whole, width="100%",
              height=_ROW * len(shown) + 4, cls="forest")


def _row(row: tuple[str, float, float, float], top: float, most: float) -> Html:
    name, value, low, high = row
    said = told(value, low, high)
    return el(
        "g", el("title", f"{name[:200]}: {said}"),
        el("text", cut(name, 34), x=0, y=top + 14, cls="name"),
        el("text", said, x="100%", y=top + 14, cls="said", text_anchor="end"),
        el("rect", x="0", y=top + 20, width=_percent(value / most), height=9, cls="fill"),
        el("line", x1=_percent(low / most), x2=_percent(high / most), y1=top + 24.5,
           y2=top + 24.5, cls="whisker-ink"))


def told(value: float, low: float, high: float) -> str:
    """The value and its interval, with the digits that the interval deserves."""
    score = Score("", value, low, high, 0.95, "", 1)
    return f"{words.value(score)} ({words.span(score)})"


def cells(value: float, low: float, high: float) -> list[str]:
    """The same in two cells of a table."""
    score = Score("", value, low, high, 0.95, "", 1)
    return [words.value(score), words.span(score)]


def _percent(share: float) -> str:
    return f"{min(max(share, 0.0), 1.0) * 100:.2f}%"
