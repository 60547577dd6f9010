"""`wholefit advise`: what to do next, from the evidence at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Json, option
from wholefit.cli._reading import READ, Reading


@command("advise")
def advise(
    model: Annotated[Path, typer.Argument(help="A model file (.wf).", metavar="MODEL")],
    seen: Annotated[str | None, option(
        "The rows it learnt from: how much better it is on them, and what goes together.",
        "SOURCE")] = None,
    held_out: Annotated[str | None, option(
        "Rows that it did not learn from, to judge groups of people by.", "SOURCE")] = None,
    by: Annotated[list[str] | None, option(
        "A column of them that tells groups of people; may be repeated.", "COLUMN")] = None,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """What to do next: a short list, each with its evidence and the experiment it rests on.

    A rule speaks only where its evidence is there.
    """
    import wholefit as wf

    if (held_out is None) != (not by):
        raise typer.BadParameter("--held-out and --by go together: rows, and the columns that "
                                 "tell groups of people in them.")
    result = wf.load(model)
    if not hasattr(result, "advice"):
        raise WholefitError(f"advice is about models with a target; {model} is a model of "
                            f"{result.task}, which `wholefit show` tells about.")
    known = [result.audit(held_out, by, proxies=False, **reading)] if by else []
    found = result.advice(seen=seen, known=known, **(reading if seen is not None else {}))
    if as_json:
        _show.as_json(found.to_json())
        return
    for line in found.to_text().splitlines():
        _show.say(_show.wrapped(line))
