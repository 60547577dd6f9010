"""`wholefit models`, `profile`: what there is to use, and what is in the data."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._reading import (
    Delimiter,
    Encoding,
    NaValues,
    Query,
    Sheet,
    Table,
    reading,
)

Json = Annotated[bool, typer.Option("--json", help="JSON, for machines.")]


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
        _show.table(["model", "family", "tasks", "when to use it"],
                    [[row["name"], row["family"], _short(row["tasks"]), _note(row)]
                     for row in rows])
        _show.say()
        _show.say("wholefit models NAME shows a model's parameters; "
                  "fit --models 'NAME(parameter=value), ...' uses them.")


@command("profile")
def profile(
    source: Annotated[str, typer.Argument(
        help="File, folder, database URL, or - for standard input.", metavar="SOURCE")],
    target: Annotated[str | None, typer.Option(
        help="Column to predict.", metavar="COLUMN")] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    na_values: NaValues = None,
    sheet: Sheet = None,
    table: Table = None,
    query: Query = None,
    as_json: Json = False,
) -> None:
    """What is in a table: role, missing, distinct and typical values of each column."""
    import wholefit as wf

    found = wf.profile(source, target=target,
                       **reading(delimiter, encoding, na_values, sheet, table, query))
    if as_json:
        _show.as_json(found.to_json())
    else:
        _show.say(found.to_text())


def _one(row: dict[str, Any]) -> None:
    _show.say(f"{row['name']} ({row['family']}; {', '.join(row['tasks'])})")
    _show.say(_note(row))
    if not row["params"]:
        _show.say("It has no parameters.")
        return
    _show.say()
    _show.table(["parameter", "default", "rule", "searched", "meaning"],
                [[p["name"], repr(p["default"]), p["rule"].removeprefix("must be "),
                  _search(p["search"]), p["doc"]] for p in row["params"]])


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
