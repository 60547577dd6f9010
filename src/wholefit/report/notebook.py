"""What a notebook shows of results and of what is asked of them, each with its picture inline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wholefit.data.findings import Finding
from wholefit.evaluation import Difference, Score
from wholefit.evaluation.slices import Slices
from wholefit.report import _svg, leaderboard, words
from wholefit.report import findings as pages
from wholefit.report._facts import Reported
from wholefit.report._html import Html, data, el, join, table
from wholefit.report._notebook import note
from wholefit.training import Entry

_ROWS = 20


def snippet(shown: Reported) -> str:
    """A heading, a picture of all models' intervals, and the leaderboard."""
    metric = shown.leaderboard.metric
    scored = [entry for entry in shown.leaderboard if entry.scores][:_ROWS]
    return note(
        el("p", el("b", data(shown.model)), " predicts ", el("b", data(shown.target)),
           f" ({shown.task}): {words.pretty(metric)} {shown.score} on unseen rows"),
        leaderboard.forest(shown, scored), board_table(list(shown.leaderboard), metric),
        el("p", "Next: ", el("code", "result.report('page.html', rows=held_out)"),
           " tells why it answers, where it fails, and what to do.", cls="small"))


def board(entries: Sequence[Entry], metric: str) -> str:
    """A leaderboard: the intervals of all models, and a table."""
    scores = [(entry, entry.scores[metric]) for entry in entries if metric in entry.scores][:_ROWS]
    bars = [_bar(entry.model, score, "chosen" if entry.recommended else
                 "tied" if entry.tied or entry.best else "other") for entry, score in scores]
    best = next((score.value for entry, score in scores if entry.best), math.nan)
    title = f"{words.pretty(metric)} of each model with its interval"
    return note(_svg.forest(bars, best, title) if bars else None, board_table(entries, metric))


def board_table(entries: Sequence[Entry], metric: str) -> Html:
    """One line a model: its score with the interval, and what became of it."""
    rows = [_line(entry, metric) for entry in entries[:_ROWS]]
    more = len(entries) - len(rows)
    return join([table(["model", words.pretty(metric), ""], rows, "Models, best first"),
                 el("p", f"and {more} more", cls="small") if more > 0 else None])


def _line(entry: Entry, metric: str) -> list[Any]:
    score = entry.scores.get(metric)
    marks = [mark for mark, true in (("best", entry.best), ("tied", entry.tied and not entry.best),
                                     ("recommended", entry.recommended)) if true]
    if score is None:
        return [data(entry.model), "–", data(f"{entry.status}: {entry.reason}")]
    return [data(entry.model), str(score), ", ".join(marks)]


def scores(shown: Mapping[str, Score]) -> str:
    """Every metric with its interval and how it was come by."""
    rows = [[words.pretty(name), leaderboard.score_cell(score), data(score.how, 200)]
            for name, score in shown.items()]
    return note(table(["metric", "value", "how"], rows, "Scores with their intervals",
                      numbers=(1,)))


def findings(shown: Sequence[Finding]) -> str:
    """What was found in the data, the gravest first."""
    return note(pages.listed(shown) if shown else
                el("p", "Nothing was found in the data that calls for a word."))


def difference(shown: Difference) -> str:
    """Which of two is better, in a sentence, and the interval of the difference beside nothing."""
    verdict = {"a": "The first is better", "b": "The second is better",
               "tied": "The two are statistically tied"}[shown.better]
    bar = _svg.Bar("first minus second",
                   f"{shown.value:+.4g} ({shown.low:+.4g} to {shown.high:+.4g})", shown.value,
                   shown.low, shown.high, "other" if shown.better == "tied" else "chosen")
    title = f"{words.pretty(shown.metric)}, {bar.name}: {bar.said}; the rule is at no difference"
    known = math.isfinite(shown.value)
    return note(
        el("p", el("b", verdict), f": {words.pretty(shown.metric)} differs by {bar.said}, "
           f"p = {shown.p:.2g}."),
        _svg.forest([bar], 0.0, title) if known else None,
        el("p", data(shown.how, 300), cls="small"))


def slices(shown: Slices) -> str:
    """The score of each part of the rows beside that of all of them, the worst first."""
    whole = shown.whole[shown.metric]
    kinds = {"worse": "other", "better": "tied"}
    parts = shown.slices[:_ROWS]
    bars = [_bar(part.name, part.scores[shown.metric], kinds.get(part.verdict, "chosen"))
            for part in parts]
    rows = [[data(part.name, 80), f"{part.n:,}", leaderboard.score_cell(part.scores[shown.metric]),
             part.verdict] for part in parts]
    more = len(shown.slices) - len(parts)
    title = f"{words.pretty(shown.metric)} of each part, beside all rows' {whole}"
    return note(
        el("p", data(shown.said, 800)), _svg.forest(bars, whole.value, title) if bars else None,
        table(["part", "rows", words.pretty(shown.metric), "verdict"], rows,
              "Parts of the rows, the worst first", numbers=(1, 2)),
        el("p", f"and {more} more", cls="small") if more > 0 else None)


def found(name: str, task: str, said: Iterable[str], more: int, picture: Html | None) -> str:
    """A fit without a target: its first sentences, and its map where it has one."""
    return note(
        el("p", el("b", data(name)), f" ({task})"), el("ul", *(el("li", data(line, 600))
                                                            for line in said)),
        el("p", f"and {more} more lines: to_text() has them all", cls="small") if more > 0
        else None, picture)


def _bar(name: str, score: Score, kind: str) -> _svg.Bar:
    interval = words.span(score)
    said = f"{words.value(score)} ({interval})" if interval else words.value(score)
    return _svg.Bar(name, said, score.value, score.low, score.high, kind)
