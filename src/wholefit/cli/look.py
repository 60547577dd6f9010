"""`wholefit models`, `profile`: what there is to use, and what is in the data."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Force, Json
from wholefit.cli._places import check_free
from wholefit.cli._reading import READ, Reading

# Columns of a profile that a terminal shows.
_MOST_LINES = 100


@command("models")
def models(
    name: Annotated[str | None, typer.Argument(
        help="One model, with its parameters.", metavar="[NAME]")] = None,
    task: Annotated[str | None, typer.Option(
        help="Only models of this task: classification or regression.", metavar="NAME")] = None,
    as_json: Json = False,
) -> None:
    """List the catalog: what each model is for, and whether it is installed."""
    from wholefit import models as catalog
    from wholefit.base import tasks

    if task is not None:
        tasks.get(task)
    if name is not None:
        catalog.get(name)
    rows = [row for row in catalog.describe(None if name else task) if name in (None, row["name"])]
    if as_json:
        _show.as_json(rows)
    elif name is not None:
        _one(rows[0])
    else:
        _list(rows)
        _show.say()
        _show.say("wholefit models NAME shows a model's parameters; "
                  "fit --models 'NAME(parameter=value), ...' uses them.")


@command("profile")
def profile(
    source: Annotated[str, typer.Argument(
        help="File, folder, database URL, or - for standard input.", metavar="SOURCE")],
    target: Annotated[str | None, typer.Option(
        help="Column to predict.", metavar="COLUMN")] = None,
    against: Annotated[str | None, typer.Option(
        help="Other data to lay beside it, such as new data beside training data.",
        metavar="SOURCE")] = None,
    sample: Annotated[int | None, typer.Option(
        help="Figures of columns from at most so many random rows; a million if left out.",
        metavar="ROWS", min=1)] = None,
    out: Annotated[Path | None, typer.Option(
        "--out", "--report", help="Also write one self-contained HTML page, with pictures.",
        metavar="FILE")] = None,
    force: Force = False,
    no_values: Annotated[bool, typer.Option(
        "--no-values", help="Show no cell of the data: no samples, levels, extremes.")] = False,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """What is in a table: each column, how columns go together, what is wrong and its remedy."""
    import wholefit as wf

    if out is not None:
        check_free([out], source, force)
    options = reading if sample is None else {**reading, "most": sample}
    found = wf.profile(source, target=target, against=against, **options)
    if out is not None:
        found.report(out, force=force, values=not no_values)
    shown = found.without_values() if no_values else found
    shown = replace(shown, next=tuple(
        step.replace(shlex.quote(found.source), shlex.quote(source), 1) for step in found.next))
    if as_json:
        _show.as_json(shown.to_json())
        return
    for is_table, line in shown.lines(_MOST_LINES if _show.in_terminal() else None):
        _show.say(_show.clipped(line) if is_table else _show.wrapped(line))
    if out is not None:
        _show.say(f"saved {out}")


def _list(rows: list[dict[str, Any]]) -> None:
    header = ["model", "family", "tasks", "when to use it"]
    cells = [[row["name"], row["family"], _short(row["tasks"]), _note(row)] for row in rows]
    kept = (0, 3) if _show.narrow() else (0, 1, 2, 3)
    _show.table([header[at] for at in kept], [[row[at] for at in kept] for row in cells])


def _one(row: dict[str, Any]) -> None:
    _show.say(f"{row['name']} ({row['family']}; {', '.join(row['tasks'])})")
    _show.say(_note(row))
    if not row["params"]:
        _show.say("It has no parameters.")
        return
    _show.say()
    header = ["parameter", "default", "rule", "searched", "meaning"]
    cells = [[p["name"], repr(p["default"]), _rule(p["rule"]), _search(p["search"]), p["doc"]]
             for p in row["params"]]
    kept = (0, 1, 2, 4) if _show.narrow() else (0, 1, 2, 3, 4)
    _show.table([header[at] for at in kept], [[line[at] for at in kept] for line in cells])


def _rule(rule: str) -> str:
    return rule.removeprefix("must be ").replace("of type bool", "True or False")


def _note(row: dict[str, Any]) -> str:
    missing = "" if row["installed"] else f" [needs: pip install 'wholefit[{row['extra']}]']"
    return row["summary"] + missing


def _short(tasks: list[str]) -> str:
    return tasks[0] if len(tasks) == 1 else "both"


def _search(search: dict[str, Any] | None) -> str:
    if search is None:
        return ""
    if search["choices"] is not None:
        return ", ".join(str(choice) for choice in search["choices"])
    return f"{search['low']:g} .. {search['high']:g}" + (" (log)" if search["log"] else "")
