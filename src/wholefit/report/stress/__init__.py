"""The page of a stress test: what follows, what each change costs, and how little fools it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wholefit._version import __version__
from wholefit.report import writing
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report._svg import Bar, forest
from wholefit.report.stress import _pictures

__all__ = ["page", "section", "snippet", "write"]

_MOST = 14
_GROUPS = (("lost", "A column missing in all rows"),
           ("noise", "Noise"), ("typos", "Typos"), ("cells", "Cells missing at random"),
           ("shift", "Numbers shifted"), ("units", "Slips of units"), ("swapped", "Swapped"))


def section(record: Any) -> Html | None:
    """Sentences, what the costliest changes cost, how little fools it, and the whole table."""
    return join([bullets(data(line, 900) for line in record.said), _costs(record),
                 _fooled(record), _table(record)])


def snippet(record: Any) -> str:
    """The same for a notebook, with the little style that the pictures need."""
    return str(el("div", Html(_pictures.PLAIN), bullets(data(line, 900) for line in record.said),
                  _costs(record), _fooled(record), cls="wf-stress"))


def page(record: Any) -> str:
    """One self-contained page."""
    def top(nav: Html) -> Html:
        return el("header", el("h1", "Would it hold? Predicting ", data(record.target, 120)),
                  el("p", f"{record.metric} {record.score} on {record.rows:,} rows of ",
                     data(record.source, 160), cls="kind"), nav)

    how = [f"Costs are paired differences on the same rows, in {record.metric}; positive is worse.",
           f"Intervals are at {record.level:.0%}; 'sure' after Holm's correction over "
           f"{len(record.trials)} trials.",
           "Standard deviations are those of the rows given; of their middle four fifths, where "
           "tails are heavy."]
    return writing.whole(f"Stress of {record.target}", top, [
        ("follows", "What follows", bullets(data(line, 900) for line in record.said)),
        ("costs", "What changes cost", _costs(record)),
        ("fooled", "How little fools it", _fooled(record)),
        ("table", "Every change", _table(record)),
        ("how", "How it was measured", bullets(how))], writing.foot({"wholefit": __version__}))


def write(record: Any, path: str | Path, *, force: bool = False) -> Path:
    """Write the page to `path`; returns it. ArtifactError where it cannot be written."""
    return writing.put(lambda: page(record), path, force)


def _costs(record: Any) -> Html:
    bars = list(_bars(record))
    if not bars:
        return el("p", "No change could be scored.")
    title = f"What the costliest changes cost in {record.metric}, with intervals, worst first"
    return el("figure", forest(bars, 0.0, title), cls="big")


def _bars(record: Any) -> Iterator[Bar]:
    """The costliest changes: of each column and kind one alone."""
    seen: set[tuple[str, str, str]] = set()
    ordered = sorted((each for each in record.trials if math.isfinite(each.cost)),
                     key=lambda each: -each.cost)
    for each in ordered:
        key = (each.group, each.column, each.words if not each.column else "")
        if key in seen:
            continue
        seen.add(key)
        yield Bar(_brief(each), each.span, each.cost, each.low, each.high,
                  "chosen" if each.sure else "other")
        if len(seen) == _MOST:
            return


def _brief(trial: Any) -> str:
    """What was changed, short enough for a picture."""
    short = {"noise": f"all numbers, noise {trial.amount:g} sd",
             "typos": f"typos, {trial.amount:.0%} of rows",
             "cells": f"{trial.amount:.0%} of cells missing"}
    return trial.words.replace("`", "") if trial.column else short[trial.group]


def _fooled(record: Any) -> Html:
    if record.attack is None or not record.attack.reaches:
        return el("p", "There are no numbers that could be moved a little.")
    return _pictures.reach(record)


def _table(record: Any) -> Html:
    moved = "decided otherwise" if record.classes else "moved much"
    rows: list[Sequence[Any]] = []
    for name, title in _GROUPS:
        rows += [[data(each.words.replace("`", ""), 60), title, each.span,
                  "sure" if each.sure else "", f"{each.flipped:.1%}"]
                 for each in record.group(name)]
    return table(["change", "kind", f"cost in {record.metric}", "", moved], rows,
                 "What every change costs", numbers=(4,))
