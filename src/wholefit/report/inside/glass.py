"""The page of glass boxes: what reading costs, and each box opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wholefit._version import __version__
from wholefit.explain.inside import Inside
from wholefit.report import writing
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report._svg import Bar, forest
from wholefit.report.inside import section as opened
from wholefit.training.glass import GlassBoxes


def section(record: GlassBoxes) -> Html | None:
    """Sentences, a picture of the prices, the table."""
    header, rows = record.table()
    bars = [Bar(each.model, each.said, each.price, each.low, each.high,
                "chosen" if each.model == record.recommended else
                "tied" if each.tied else "other")
            for each in record.rows
            if each.price is not None and each.low is not None and each.high is not None]
    said = "; ".join(f"{bar.name} {bar.said}" for bar in bars)
    picture = forest(bars, 0.0, f"How much worse than {record.best}, in {record.metric}, with 95% "
                                f"intervals: {said}") if bars else None
    return join([bullets(data(line, 600) for line in record.said), picture,
                 table(header, [[data(cell) for cell in row] for row in rows],
                       "Glass boxes beside black boxes", numbers=(4,))])


def snippet(record: GlassBoxes) -> str:
    """The sentences and the table, for a notebook."""
    header, rows = record.table()
    return str(el("div", bullets(data(line, 600) for line in record.said),
                  table(header, [[data(cell) for cell in row] for row in rows],
                        "Glass boxes beside black boxes")))


def page(record: GlassBoxes, inside: Mapping[str, Inside]) -> str:
    """One self-contained page."""
    def top(nav: Html) -> Html:
        return el("header", el("h1", "Glass boxes for ", data(record.target, 120)),
                  el("p", data(f"{record.task}, judged by {record.split}", 300), cls="kind"), nav)

    parts = [(f"box-{at}", f"Inside {name}", opened(each) or Html(""))
             for at, (name, each) in enumerate(inside.items())]
    return writing.whole(f"Glass boxes for {record.target}", top,
                         [("price", "What reading costs", section(record) or Html("")), *parts],
                         writing.foot({"wholefit": __version__}))


def write(
    record: GlassBoxes, inside: Mapping[str, Inside], path: str | Path, *, force: bool = False
) -> Path:
    """Write the page to `path`; returns it. ArtifactError where it cannot be written."""
    return writing.put(lambda: page(record, inside), path, force)
