"""`wholefit lesson`: what is told of neural networks, computed when it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Force, Json, Seed, option
from wholefit.cli._progress import told


@command("lesson")
def lesson(
    name: Annotated[str | None, typer.Argument(
        help="The lesson; all are listed where it is left out.", metavar="NAME")] = None,
    seed: Seed = 0,
    out: Annotated[Path | None, option(
        "Also write one HTML page with pictures.", "FILE")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Run an experiment about neural networks: does what is said of them hold, and by how much?

    wholefit lesson xor --out xor.html
    """
    from wholefit.api import lessons
    from wholefit.report import writing

    if name is None:
        _list(lessons.lessons(), as_json, out)
        return
    if out is not None:
        writing.check_place(out, force)
    with told(quiet=True):
        found = lessons.lesson(name, **_options(seed))
    page = None if out is None else str(found.report(out, force=force))
    if as_json:
        _show.as_json({**found.to_json(), "report": page})
        return
    for line in found.to_text().splitlines():
        _show.say(_show.wrapped(line))
    header, rows = found.table()
    if rows:
        _show.say()
        _show.table(header, rows)
    if page is not None:
        _show.say(f"saved {page}")


def _options(seed: int) -> dict[str, int]:
    """The seed, where the lesson draws anything and one was asked for."""
    return {"seed": seed} if seed else {}


def _list(found: dict[str, str], as_json: bool, out: Path | None) -> None:
    if out is not None:
        raise typer.BadParameter("--out needs the name of a lesson.")
    if as_json:
        _show.as_json(found)
        return
    _show.table(["lesson", "the question"], [[name, asked] for name, asked in found.items()])
