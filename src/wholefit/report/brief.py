"""The page in short: what it found, a line for each chapter, above everything else."""

from __future__ import annotations

from collections.abc import Iterator

from wholefit.report import words
from wholefit.report._facts import Reported
from wholefit.report._html import Html, data, el
from wholefit.report.understood import NEXT, Part, Understanding, kept_failures

_COLUMNS = 4


def brief(result: Reported, known: Understanding) -> Html:
    """What to know if nothing else is read; each line leads to the section that shows it."""
    lines = [(name, title, data(words.spelled(words.plain(said), metric), 500))
             for name, title, said, metric in _lines(result, known)]
    return el("ul", *(el("li", el("a", title, href=f"#{name}"), " ", said)
                      for name, title, said in lines), cls="brief")


def _lines(result: Reported, known: Understanding) -> Iterator[tuple[str, str, str, str]]:
    metric = result.leaderboard.metric
    yield "leaderboard", "Is it any good?", _better(result), metric
    for name, title, said in (
        ("fails", "Where does it fail?", _fails(result, known)),
        ("why", "What does it rest on?", _rests(result, known)),
        ("hold", "Would it hold?", _first(known, "stress")),
        ("fairness", "Is it fair?", _fair(known)),
        ("next", "What to do next?", _next(result, known)),
    ):
        if said:
            yield name, title, said, metric


def _better(result: Reported) -> str:
    if words.beaten(result):
        return "Better than the baseline, which ignores every column, beyond chance."
    return "Not shown to be better than the baseline, which ignores every column."


def _found(known: Understanding, *topics: str) -> list[Part]:
    return [part for part in known.of(*topics) if not part.why_not]


def _fails(result: Reported, known: Understanding) -> str:
    parts = _found(known, "failures")
    kept = kept_failures(result, known)
    if not parts and kept is None:
        return ""
    worst = (parts[0] if parts else kept).record.worst  # type: ignore[union-attr]
    if worst.skipped:
        return f"Not looked for: {worst.skipped}."
    if not worst.slices:
        return "No part of the rows is worse than the rest for certain."
    return f"Most of all where {worst.slices[0].said(worst.loss).split(';')[0]}."


def _rests(result: Reported, known: Understanding) -> str:
    parts = _found(known, "importance")
    if parts:
        matters = list(parts[0].record.matters)
        return f"{words.listed(matters, _COLUMNS)}, the most first." if matters else \
            "No column is worth anything beyond chance."
    columns = [str(row[0]) for row in result.exhibits.get("reliance", {}).get("columns", ())]
    return f"{words.listed(columns, _COLUMNS)}, the most first." if columns else ""


def _first(known: Understanding, topic: str) -> str:
    said = [str(line) for part in _found(known, topic) for line in part.record.said]
    return said[0].split(" (as it is: ")[0].rstrip(".").replace("`", "") + "." if said else ""


def _fair(known: Understanding) -> str:
    parts = _found(known, "fairness")
    if not parts:
        return ""
    audit = parts[0].record
    asked = sum(len(part.criteria) for part in audit.parts)
    if not audit.unequal:
        return f"No difference is shown by {asked} criteria, which is no proof."
    return f"Unequal beyond chance by {len(audit.unequal)} of {asked} criteria."


def _next(result: Reported, known: Understanding) -> str:
    for part in _found(known, *NEXT):
        for each in part.record.advice[:1]:
            return f"{each.do}, because {each.because}."
    steps = words.steps(result)
    return str(steps[0]) if steps else ""
