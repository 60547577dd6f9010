"""The model card in Markdown: what a model is, what it is for, and what it is not.

What the evidence says is written; what only a person knows has its place, marked plainly. After
Mitchell and others (2019), "Model cards for model reporting".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from wholefit.data.schema import Schema
from wholefit.evaluation import Score
from wholefit.report import _bars, _command, _facts, taught
from wholefit.report import _markdown as md
from wholefit.report import words as said_of
from wholefit.report._facts import Reported
from wholefit.report.understood import (
    CHAPTERS,
    NEXT,
    NOTHING,
    Part,
    Understanding,
    kept_failures,
)
from wholefit.training.found import Found

_MOST_COLUMNS, _MOST_MODELS, _MOST_NOTES, _MOST_LINES = 60, 20, 20, 25
_USES = ("what decision it serves, who takes it, and what happens when it is wrong",
         "who answers for it, and how to reach them")
_PEOPLE = ("whether people are affected, which law or rule applies, and who agreed to the use "
           "of the data")


def card(result: Reported, known: Understanding = NOTHING) -> str:
    """The card of a result, with what is `known` beyond its fit."""
    return _joined([
        f"# Model card: predicting {md.words(result.target, 120)}",
        " ".join(map(md.words, said_of.whole_answer(result, known.scores, known.rows))),
        _made(result.model, result.lineage),
        "## Intended use", *_use(result),
        "## Data", *_data(result.schema, result.lineage, result.said),
        *_findings(result), "## Metrics", *_metrics(result, known),
        "## Models compared", *_board(result), *_taught(result),
        *_chapters(result, known),
        "## Limits", md.bullets(said_of.limits(result)),
        "## How to make it again", *_again(_command.shell(result), _command.python(result)),
        "## What to do next", *_next(result, known),
    ])


def found_card(found: Found, said: Sequence[str], command: str) -> str:
    """The card of a fit without a target; `said` are its plain sentences."""
    scores = found.chosen.scores
    return _joined([
        f"# Model card: {found.task.name}", md.words(f"{found.said.rstrip('.')}."),
        _made(str(found.model["name"]), found.lineage),
        "## What was found", md.bullets(said[:_MOST_LINES]),
        "## Intended use",
        "For rows that come from the same source as those learnt from. What it found holds for "
        "them, and is a description: it names no cause.", *_fill(_USES),
        "**Not for:** other populations, places or times, until it is fitted or checked there.",
        "## Data", *_data(found.schema, found.lineage, ""), *_noted(found.warnings),
        "## Metrics", _scores(scores) if scores else "There is no score of it.",
        md.words(found.split[:1].upper() + found.split[1:]) + ".",
        "## People", *_fill((_PEOPLE,)),
        "## How to make it again", *_again(command, None),
    ])


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _made(model: str, lineage: Mapping[str, Any]) -> str:
    rows = [("model", model), ("made", lineage.get("made")),
            ("wholefit", lineage.get("wholefit")), ("source", lineage.get("source")),
            ("rows", f"{lineage['rows']:,}" if isinstance(lineage.get("rows"), int) else None),
            ("data hash", str(lineage.get("data_hash", ""))[:16] or None),
            ("seed", lineage.get("seed"))]
    return md.table(["fact", "value"], [row for row in rows if row[1] is not None])


def _fill(things: Sequence[str]) -> Iterator[str]:
    """Places for what only a person knows."""
    yield "\n".join(f"> **To fill in:** {thing}.\n" for thing in things).rstrip()


def _use(result: Reported) -> Iterator[str]:
    columns = len(result.schema.features)
    how = "a probability for each class" if result.classes else "a number"
    yield (f"To answer {md.words(result.target, 120)} ({how}) for new rows that have the same "
           f"{columns} columns and come from the same source as those it learnt from.")
    yield from _fill(_USES)
    yield "**Not for:**"
    yield md.bullets(_not_for(result))


def _not_for(result: Reported) -> Iterator[str]:
    if _facts.baseline(result) is not None and not said_of.beaten(result):
        yield ("any decision on a single row: nothing here is better than the baseline beyond "
               "chance")
    yield "rows of another population, place or time, until it is scored on some of them"
    yield ("saying what would happen if a column were changed: it has learnt what goes together, "
           "not what causes what")
    if result.classes:
        yield ("deciding about people by itself, without a person who can see why and say "
               "otherwise")


def _data(schema: Schema, lineage: Mapping[str, Any], said: str) -> Iterator[str]:
    if said:
        yield f"The task is {md.words(said)}."
    rows = [[column.name, column.role, f"{column.missing:,}", f"{column.distinct:,}"]
            for column in schema.columns[:_MOST_COLUMNS]]
    yield md.table(["column", "role", "missing", "different values"], rows, (2, 3))
    more = len(schema.columns) - len(rows)
    if more > 0:
        yield f"And {more:,} more columns."
    yield from _fill(("where the rows come from, how they were sampled, and since when",))


def _findings(result: Reported) -> Iterator[str]:
    if result.findings:
        yield "### What was found in the data"
        yield md.bullets(f"{one.severity}: {one.evidence}. {one.why[:1].upper()}{one.why[1:]}"
                         for one in result.findings[:_MOST_NOTES])
    yield from _noted(result.warnings)


def _noted(warnings: Sequence[str]) -> Iterator[str]:
    if warnings:
        yield "### Warnings"
        yield md.bullets(warnings[:_MOST_NOTES])


def _metrics(result: Reported, known: Understanding) -> Iterator[str]:
    yield f"{md.words(result.split[:1].upper() + result.split[1:])}."
    yield _scores(result.scores)
    if known.scores and known.rows is not None:
        yield f"On the {known.rows:,} held-out rows of {md.words(known.source, 120)}:"
        yield _scores(known.scores)


def _scores(scores: Mapping[str, Score]) -> str:
    rows = [[said_of.pretty(name), said_of.value(score), said_of.span(score) or "–",
             score.how] for name, score in scores.items()]
    return md.table(["metric", "value", "interval", "how"], rows, (1, 2))


def _board(result: Reported) -> Iterator[str]:
    metric = result.leaderboard.metric
    rows = [[_command.spec(entry), _value(entry.scores.get(metric)), _mark(entry)]
            for entry in list(result.leaderboard)[:_MOST_MODELS]]
    yield md.table(["model", said_of.pretty(metric), ""], rows, (1,))
    more = len(result.leaderboard) - len(rows)
    if more > 0:
        yield f"And {more:,} more models."


def _taught(result: Reported) -> Iterator[str]:
    """What the training of a network tells; of other models nothing."""
    said = taught.sentences(result.lineage)
    if said:
        yield "## How it learnt"
        yield md.bullets(said)


def _value(score: Score | None) -> str:
    if score is None:
        return "–"
    interval = said_of.span(score)
    return f"{said_of.value(score)} ({interval})" if interval else said_of.value(score)


def _mark(entry: Any) -> str:
    if not entry.scores:
        return f"{entry.status}: {entry.reason}"
    marks = (("best", entry.best), ("tied with the best", entry.tied and not entry.best),
             ("recommended", entry.recommended))
    return ", ".join(mark for mark, true in marks if true)


def _chapters(result: Reported, known: Understanding) -> Iterator[str]:
    if known.rows is None:
        yield ("No held-out rows were given for this card: where the model fails, what each "
               "column is worth, whether it would hold and whether it is fair were not looked at "
               "(`wholefit report MODEL.wf --rows HELD.csv --out CARD.md`).")
    for name, (title, topics) in CHAPTERS.items():
        pieces = [piece for part in known.of(*topics) for piece in _part(part)]
        kept = kept_failures(result, known) if name == "fails" else None
        if kept is not None:
            pieces = [*_part(kept), *pieces]
        if name == "why" and all(part.why_not for part in known.of("importance")):
            pieces = [*_leans(result), *pieces]
        if name == "fairness":
            pieces = [*_fairness(known), *pieces, *_fill((_PEOPLE,))]
        if pieces:
            yield f"## {title}"
            yield from pieces


def _part(part: Part) -> Iterator[str]:
    lines = [line.strip() for line in part.said.splitlines() if line.strip()]
    yield md.bullets(lines[:_MOST_LINES])
    more = len(lines) - _MOST_LINES
    if more > 0:
        yield f"And {more:,} more lines, which the page has."


def _fairness(known: Understanding) -> Iterator[str]:
    if not known.protected:
        yield ("Not looked at: no columns were named that make groups of people (`wholefit report "
               "MODEL.wf --rows HELD.csv --protected COLUMN`).")


def _leans(result: Reported) -> Iterator[str]:
    kept = result.exhibits.get("reliance") or {}
    if kept.get("columns"):
        unit = "share of the probability" if result.classes else f"in units of {result.target}"
        yield (f"How far the answer moves when a row is given another row's value of the column "
               f"({md.words(unit)}), over {kept['rows']:,} rows that it learnt from:")
        yield md.table(["column", "mean move", "interval"], [
            [name, *_bars.cells(*three)] for name, *three in kept["columns"][:12]], (1, 2))


def _again(shell: str | None, python: str | None) -> Iterator[str]:
    if shell is None:
        yield "One command does not make it again: it was brought in, or has learnt more since."
        return
    yield md.code(shell, "sh")
    if python is not None:
        yield md.code(python, "python")


def _next(result: Reported, known: Understanding) -> Iterator[str]:
    for part in known.of(*NEXT):
        yield from _part(part)
    yield md.bullets(said_of.steps(result))
