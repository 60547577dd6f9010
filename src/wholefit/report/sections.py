"""The sections of the page, in order: what was asked, the answer, the evidence, the limits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from wholefit.data.schema import Column, Schema
from wholefit.report import _command, leaderboard, pictures, taught, words
from wholefit.report._facts import Reported
from wholefit.report._html import Html, bullets, code, data, details, el, join, table
from wholefit.report.findings import findings
from wholefit.report.understood import CHAPTERS, NOTHING, Understanding, advised, chapter, unasked

# Beyond these a table of columns is folded away, and beyond those it is cut.
_FEW_COLUMNS, _MOST_COLUMNS = 12, 200
_MOST_NOTES = 100
_MOST_LEVELS = 6


@dataclass(frozen=True)
class Section:
    """One section: the name in its address, its heading, and what draws it; None leaves it out."""

    name: str
    title: str
    draw: Callable[[Any], Html | None]


def asked(result: Reported) -> Html:
    """The question, in words."""
    lineage = result.lineage
    rows = f", {lineage['rows']:,} rows" if isinstance(lineage.get("rows"), int) else ""
    classes = result.classes
    named = f" Its {len(classes)} classes: {words.listed([str(c) for c in classes], 12)}." \
        if classes else ""
    return join([
        el("p", "Predict ", el("b", data(result.target)), " from ",
           f"{len(result.schema.features)} columns of ", el("b", data(lineage.get("source", "?"))),
           f"{rows}.", named),
        el("p", "The task is ", data(result.said, 400), "."),
    ])


def answer(result: Reported, known: Understanding = NOTHING) -> Html:
    """The paragraph to read if only one is read."""
    return el("p", " ".join(words.whole_answer(result, known.scores, known.rows)), cls="lead")


def columns(result: Reported) -> Html:
    """Every column with its role, why it has it, and what was in it."""
    return columns_of(result.schema, result.lineage.get("rows"))


def columns_of(schema: Schema, total: Any) -> Html:
    """Every column of a schema; `total` is the number of rows, where it is known."""
    every = schema.columns
    counts = Counter(column.role for column in every)
    said = words.listed([f"{n} {role}" for role, n in counts.most_common()], 12)
    rows = [_column(column, total) for column in every[:_MOST_COLUMNS]]
    more = len(every) - len(rows)
    shown = table(["column", "role", "why", "type", "missing", "different values", "values"], rows,
                  "Columns, their roles, and what was in them", numbers=(4, 5), cls="columns")
    rest = el("p", f"And {more:,} more columns.", cls="small") if more else None
    return join([
        el("p", f"{len(every)} columns: {said}."),
        details(f"Every column: its role, why it has it, and what was in it ({len(rows)})", shown,
                rest) if len(rows) > _FEW_COLUMNS else join([shown, rest]),
    ])


def _column(column: Column, total: Any) -> list[Any]:
    share = f" ({column.missing / total:.1%})" if isinstance(total, int) and total and \
        column.missing else ""
    return [data(column.name, 60), el("span", column.role, cls="badge"), data(column.reason, 160),
            column.dtype.split("(")[0], f"{column.missing:,}{share}", f"{column.distinct:,}",
            _values(column)]


def _values(column: Column) -> Any:
    if column.levels:
        shown = [data(level, 24) for level in column.levels[:_MOST_LEVELS]]
        more = len(column.levels) - len(shown)
        return join([join(shown, ", "), f" and {more:,} more" if more > 0 else None])
    if isinstance(column.low, (int, float)) and isinstance(column.high, (int, float)):
        return f"{_plainly(column.low)} to {_plainly(column.high)}"
    return "–"


def _plainly(number: float) -> str:
    """Thousands apart from five digits on: 2006 may be a year."""
    return f"{number:,.6g}" if abs(number) >= 10_000 else f"{number:.6g}"


def notes(result: Reported) -> Html:
    """What must be known before the result is trusted, then what reading found."""
    return notes_of(result.warnings, result.notes, bool(result.findings))


def notes_of(warnings: Sequence[str], notes: Sequence[Any], findings: bool = False) -> Html:
    """Warnings first, then what reading recognised or repaired."""
    loud = [*warnings, *(note.message for note in notes if note.severity == "warning")]
    quiet = [note.message for note in notes if note.severity != "warning"]
    pieces = [
        el("p", "Nothing in the data or the comparison calls for a warning."
           if not findings else "Reading and the comparison give no warning; what was "
           "found in the data stands below.") if not loud else
        bullets((data(said, 600) for said in loud[:_MOST_NOTES]), cls="warnings"),
        el("h3", "What reading recognised or repaired") if quiet else None,
        bullets(data(said, 600) for said in quiet[:_MOST_NOTES]) if quiet else None,
        _more(len(loud) - _MOST_NOTES), _more(len(quiet) - _MOST_NOTES),
    ]
    return join(pieces)


def _more(rest: int) -> Html | None:
    return el("p", f"And {rest:,} more.", cls="small") if rest > 0 else None


def split(result: Reported) -> Html:
    """How rows were parted for the scores."""
    said = result.split[:1].upper() + result.split[1:]
    return join([
        el("p", data(said, 600), "."),
        el("p", "Whatever learns from rows (filling gaps, scaling, coding categories, the model) "
           "learnt from the training rows of each part only; every score is of answers to rows "
           "that the answering model had not seen.") if "adopted" not in result.lineage else None,
    ])


def reproduce(result: Reported) -> Html:
    """The command that makes the result again, and what it was made with."""
    said_above = {"learning"} if taught.sentences(result.lineage) else set()
    return join([*_commands(result), lineage_table(
        {name: fact for name, fact in result.lineage.items() if name not in said_above})])


def _commands(result: Reported) -> list[Html]:
    shell, python = _command.shell(result), _command.python(result)
    if shell is None or python is None:
        why = ("The model was fitted elsewhere and brought in" if "adopted" in result.lineage else
               "The model learnt more rows after it was fitted, which one command does not repeat")
        return [el("p", f"{why}; below is what is known of it.")]
    found = [el("p", "On the command line:"), code(shell), el("p", "Or in Python:"), code(python)]
    strange = _command.foreign(result)
    if strange:
        found.append(el("p", f"{words.listed(strange)}: not of the catalog; give the same objects "
                        "or import paths again.", cls="small"))
    found.append(el("p", "The same rows are known by their data hash below. Options of reading, "
                    "where you gave any, must be given again.", cls="small"))
    return found


def lineage_table(lineage: dict[str, Any]) -> Html:
    """What a result was made with, fact by fact."""
    rows = [[name.replace("_", " "), _fact(value)] for name, value in lineage.items()
            if value not in ([], {}, None)]
    return table(["fact", "value"], rows, "What the result was made with", cls="facts")


def _fact(value: Any) -> Html:
    if isinstance(value, dict) and all(not isinstance(v, (dict, list)) for v in value.values()):
        return data(", ".join(f"{name} {inner}" for name, inner in value.items()), 1500)
    if isinstance(value, (dict, list)):
        return data(json.dumps(value, ensure_ascii=False, default=str), 1500)
    return data(value, 600)


def limits(result: Reported) -> Html:
    """What the result does not tell, or tells only in part."""
    return bullets(words.limits(result))


def following(result: Reported, known: Understanding = NOTHING) -> Html:
    """What to do next: what the evidence advises, and what always holds."""
    return join([*advised(known), bullets(words.steps(result)), *unasked(known)])


def sections(known: Understanding) -> tuple[Section, ...]:
    """The sections of a page, in order, with what is known beyond the fit."""
    chapters = tuple(Section(name, title, partial(_chapter, known, name))
                     for name, (title, _) in CHAPTERS.items())
    answered = Section("answer", "The answer", lambda result: answer(result, known))
    after = Section("next", "What to do next", lambda result: following(result, known))
    return (_ASKED, answered, *_EVIDENCE, *chapters, _LIMITS, _AGAIN, after)


def _chapter(known: Understanding, name: str, result: Reported) -> Html | None:
    return chapter(result, known, name)


_ASKED = Section("asked", "What was asked", asked)
_LIMITS = Section("limits", "What it does not tell", limits)
_AGAIN = Section("reproduce", "How to make it again", reproduce)
_EVIDENCE = (
    Section("data", "Data and columns", columns),
    Section("notes", "Notes and warnings", notes),
    Section("findings", "What was found in the data", findings),
    Section("split", "How it was split", split),
    Section("leaderboard", "Leaderboard", leaderboard.leaderboard),
    Section("taught", "How it learnt", taught.section),
    Section("metrics", "Metrics of the chosen model", leaderboard.scores),
    Section("mistakes", "Where it is right and wrong", pictures.mistakes),
    Section("calibration", "Can the probabilities be believed?", pictures.calibration),
)
SECTIONS = sections(NOTHING)
