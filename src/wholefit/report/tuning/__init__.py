"""The page of a search: what it comes to, how it went, what mattered, the best trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wholefit._version import __version__
from wholefit.report import writing
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report.tuning import _pictures
from wholefit.training.tuning._said import value_of

__all__ = ["page", "section", "snippet", "write"]

_MOST = 20


def section(record: Any) -> Html | None:
    """Sentences, how the search went, what mattered, the best trials."""
    return join([_follows(record), _pictures.history(record), _mattered(record), _table(record)])


def snippet(record: Any) -> str:
    """The same for a notebook, with the little style that the pictures need."""
    return str(el("div", Html(_pictures.PLAIN), section(record), cls="wf-tuning"))


def page(record: Any) -> str:
    """One self-contained page."""
    def top(nav: Html) -> Html:
        return el("header", el("h1", "Search: ", data(", ".join(record.space.models), 120)),
                  el("p", data(f"{record.strategy}, {len(record.trials)} trials, "
                               f"{record.seconds:,.0f} s", 160), cls="kind"), nav)

    shown = [("follows", "What follows", _follows(record)),
             ("history", "How the search went", _pictures.history(record) or Html(""))]
    if record.importance is not None:
        shown.append(("mattered", "What mattered", _mattered(record) or Html("")))
    shown.append(("best", "The best trials", _table(record)))
    if len({(trial.share, trial.folds) for trial in record.done}) > 1:
        shown.append(("rungs", "Rungs", _rungs(record)))
    if record.outer:
        shown.append(("outer", "Outer folds", _outer(record)))
    return writing.whole(f"Search: {', '.join(record.space.models)}", top, [
        *shown, ("space", "What was searched", _space(record)),
        ("how", "How it was measured", bullets(data(line, 600) for line in _how(record)))],
        writing.foot({"wholefit": __version__}))


def write(record: Any, path: str | Path, *, force: bool = False) -> Path:
    """Write the page to `path`; returns it. ArtifactError where it cannot be written."""
    return writing.put(lambda: page(record), path, force)


def _follows(record: Any) -> Html:
    return bullets(data(line, 900) for line in record.said)


def _mattered(record: Any) -> Html | None:
    if record.importance is None:
        return None
    return join([_pictures.shares(record), _pictures.effects(record)])


def _table(record: Any) -> Html:
    header, rows = record.best_table(_MOST)
    return table(header, [[data(cell, 60) for cell in row] for row in rows], "The best trials",
                 numbers=(1,))


def _rungs(record: Any) -> Html:
    """What was tried at each rung, the cheapest first."""
    kinds = sorted({(trial.folds or 10**6, trial.share) for trial in record.done})
    rows = []
    for folds, share in kinds:
        here = [trial for trial in record.done
                if (trial.folds or 10**6, trial.share) == (folds, share)]
        best = min(here, key=lambda trial: trial.loss)
        rows.append([f"{share:.0%} of rows, {'all' if folds == 10**6 else folds} folds",
                     str(len(here)), f"{record.value(best):.5g}",
                     f"{sum(trial.seconds for trial in here):,.1f}"])
    return table(["rung", "trials", f"best {record.metric}", "seconds"], rows,
                 "Trials at each rung", numbers=(1, 2, 3))


def _outer(record: Any) -> Html:
    """What each outer fold chose, and what that was worth on its rows."""
    sign = -1.0 if record.better == "higher" else 1.0
    rows = [[str(each["fold"]), str(each["trials"]), data(str(each["chosen"]), 60),
             f"{sign * each['inner']:.5g}", f"{sign * each['outer']:.5g}"]
            for each in record.outer]
    return table(["outer fold", "trials", "chosen", "inside", "on its own rows"], rows,
                 "Outer folds", numbers=(1, 3, 4))


def _space(record: Any) -> Html:
    chosen = {name: value_of(value) for name, value in record.values.items()}
    rows = [[data(name, 80), data(_range(dim.to_json()), 200), data(chosen.get(name, ""), 60)]
            for name, dim in record.space.dims.items()]
    return table(["setting", "values", "chosen"], rows, "What was searched")


def _range(dim: dict[str, Any]) -> str:
    if dim["kind"] == "choice":
        return ", ".join(map(str, dim["options"]))
    if dim["kind"] == "cells":
        return (f"{dim['count']:,} cells of at most {dim['nodes']} nodes: "
                + ", ".join(dim["operations"]))
    if dim["kind"] == "distribution":
        low, middle, high = dim["quantiles"]
        return f"{dim['law']}: 5% below {low:.3g}, median {middle:.3g}, 5% above {high:.3g}"
    scale = ", on a log scale" if dim["log"] else ""
    return f"{dim['low']:g} to {dim['high']:g}{scale}"


def _how(record: Any) -> list[str]:
    said = [f"Metric: {record.metric} ({record.better} is better), of the held-out rows of all "
            "folds together."]
    if record.importance is not None:
        said.append(
            "What mattered: functional analysis of variance of a random forest fitted to the "
            "trials (Hutter, Hoos and Leyton-Brown, 2014). It explains "
            f"{max(record.importance.explained, 0):.0%} of the differences between trials that a "
            "tree had not seen. Lines show the mean over all other settings; the band is the "
            "spread over the trees.")
    return said
