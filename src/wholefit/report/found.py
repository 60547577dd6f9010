"""The page of a task without a target: the frame that is the same for all, around its own sections.

Each task has a file of its name in this folder: `sections(found)` draws, `lines(found)` tells the
same in plain sentences.
"""

from __future__ import annotations

import importlib
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wholefit.evaluation import Score
from wholefit.report import leaderboard, notebook, words
from wholefit.report._html import Html, code, data, el, join, table
from wholefit.report.as_json import found_facts, written
from wholefit.report.card import found_card
from wholefit.report.sections import Section, columns_of, lineage_table, notes_of
from wholefit.report.writing import ending, foot, put, whole
from wholefit.training.found import Found, trusting
from wholefit.training.record import Entry

_WORDS = {"target": "target", "label": "label", "user": "user", "item": "item", "rating": "rating",
          "basket": "basket", "amount": "amount", "time": "time", "group": "groups",
          "weight": "weights"}
# Words of a task that the command line has an option of its own for.
_OWN_WORDS = ("threshold", "folds")
_MOST_LINES = 12


def found_page(found: Found) -> str:
    """The report of a fit without a target, as one self-contained HTML page."""
    with trusting(found, "the page of the model file cannot be drawn"):
        return _page(found)


def _page(found: Found) -> str:
    drawn = [(each.name, each.title, each.draw(found)) for each in (*_own(found), *_COMMON)]
    shown = [(name, title, inner) for name, title, inner in drawn if inner is not None]
    source = str(found.lineage.get("source", "?"))
    return whole(f"{found.task.name.capitalize()} of {source}: {found.model['name']}",
                 lambda nav: _top(found, nav), shown, foot(found.lineage))


def write_found(found: Found, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the page (.html), the model card (.md) or all facts (.json) to `path`; returns it.

    Raises ArtifactError where it cannot be written, ParameterError for another ending.
    """
    kind = ending(path)
    if kind == ".md":
        return put(lambda: found_card(found, found_lines(found), command(found)), path, force)
    if kind == ".json":
        return put(lambda: written(found_facts(found, found_lines(found), command(found))), path,
                   force)
    return put(lambda: found_page(found), path, force)


def found_lines(found: Found) -> list[str]:
    """What was found, in plain sentences."""
    with trusting(found, "what the model file holds cannot be told"):
        return ["".join([line]) for line in _room(found).lines(found)]


def found_snippet(found: Found) -> str:
    """A heading, the first sentences and the map if there is one, for a notebook."""
    said = found_lines(found)
    more = len(said) - _MOST_LINES
    return notebook.found(found.model["name"], found.task.name, said[:_MOST_LINES], more,
                          _picture(found))


def _picture(found: Found) -> Html | None:
    """The first of the task's sections that is a map, where it has one."""
    with trusting(found, "the page of the model file cannot be drawn"):
        return next((section.draw(found) for section in _own(found) if section.name == "map"), None)


def _room(found: Found) -> Any:
    return importlib.import_module(f"wholefit.report.{found.task.name}")


def _own(found: Found) -> tuple[Section, ...]:
    return tuple(_room(found).sections(found))


def _title(found: Found) -> str:
    return f"{found.task.name.capitalize()}: {found.task.summary}"


def _top(found: Found, nav: Html) -> Html:
    tiles: list[tuple[str, Any]] = [("model", data(found.model["name"], 40))]
    if found.score is not None:
        tiles.append((found.metric, leaderboard.score_cell(found.score)))
    if isinstance(found.lineage.get("rows"), int):
        tiles.append(("rows", f"{found.lineage['rows']:,}"))
    return el("header", el("h1", _title(found)),
              el("p", data(found.said.rstrip("."), 400), ". From ",
                 data(found.lineage.get("source", "?")), ".", cls="kind"),
              el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in tiles),
                 cls="tiles"), nav)


def _board(found: Found) -> Html:
    """All models tried, as a table."""
    names = list(dict.fromkeys(name for e in found.leaderboard for name in e.scores))
    rows = [[data(entry.model, 60), *(_score(entry.scores.get(name)) for name in names),
             _mark(entry)] for entry in found.leaderboard]
    return join([
        el("p", data(found.split[:1].upper() + found.split[1:], 800), "."),
        table(["model", *map(words.pretty, names), ""], rows, "Models tried, best first",
              numbers=range(1, len(names) + 1), cls="board"),
    ])


def _score(score: Score | None) -> Any:
    return "–" if score is None else leaderboard.score_cell(score)


def _mark(entry: Entry) -> Any:
    words = [word for word, true in (("best", entry.best), ("tied", entry.tied and not entry.best),
                                     ("recommended", entry.recommended)) if true]
    if entry.reason:
        words.append(entry.reason if entry.scores else f"{entry.status}: {entry.reason}")
    return data(", ".join(words), 300)


def _notes(found: Found) -> Html:
    return notes_of(found.warnings, found.notes)


def _columns(found: Found) -> Html:
    return columns_of(found.schema, found.lineage.get("rows"))


def _again(found: Found) -> Html:
    return join([el("p", "On the command line:"), code(command(found)),
                 el("p", "Options of reading, where you gave any, must be given again.",
                    cls="small"), lineage_table(found.lineage)])


def command(found: Found) -> str:
    """The command line that makes the result again."""
    lineage = found.lineage
    source = str(lineage.get("source", "SOURCE"))
    if source.startswith(("memory", "a stream", "standard input")):
        source = "SOURCE"
    words = ["wholefit", "fit", source, "--task", found.task.name]
    labels = found.schema.having("labels")
    together = bool(labels) and not any("," in name for name in labels)
    words += ["--target", ",".join(labels)] if together else []
    for column in found.schema.columns:
        if column.role == "labels" and together:
            continue
        if column.role in _WORDS and column.reason == "set by the user":
            words += [f"--{_WORDS[column.role]}", column.name]
        elif column.reason == "set by the user":
            words += ["--role", f"{column.name}={column.role}"]
    for name, value in _said(lineage.get("reading", {})):
        words += [f"--{name}", str(value)]
    for name, value in _said(lineage.get("options", {})):
        if name in _OWN_WORDS:
            words += [f"--{name}", str(value)]
        elif name != "checks":
            words += ["--set", f"{name}={value}"]
        elif not value:
            words.append("--no-checks")
    if lineage.get("seed"):
        words += ["--seed", str(lineage["seed"])]
    return shlex.join(words)


def _said(options: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    return [(name, value) for name, value in options.items()
            if value is not None and not isinstance(value, (dict, list))]


_COMMON = (
    Section("leaderboard", "Models tried", _board),
    Section("data", "Data and columns", _columns),
    Section("notes", "Notes and warnings", _notes),
    Section("reproduce", "How to make it again", _again),
)
