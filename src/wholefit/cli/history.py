"""`wholefit history`: what past fits tried, and what won."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Json, option


@command("history")
def history(
    file: Annotated[Path | None, typer.Argument(
        help="The file that fits were given with --history; that of the environment variable "
        "WHOLEFIT_HISTORY if left out.", metavar="[FILE]")] = None,
    task: Annotated[str | None, option("Only runs of this task.", "NAME")] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Delete every run in it.")] = False,
    as_json: Json = False,
) -> None:
    """List past fits that were noted on this machine: what was tried, what won, how long it took.

    wholefit fit churn.csv --target churn --history runs.db

    wholefit history runs.db
    """
    import wholefit as wf

    found = wf.history(file, task=task, forget=forget)
    if as_json:
        _show.as_json(found.to_json())
        return
    if not found.runs:
        _show.say(found.to_text())
        return
    _show.say(_show.wrapped(found.to_text().partition("\n")[0]))
    _show.table(*found.table())
