"""`wholefit report`: a page, a model card or all the facts about a saved model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.base.errors import ParameterError
from wholefit.cli import _show
from wholefit.cli._app import command, pairs
from wholefit.cli._options import Force
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading


@command("report")
def report(
    model: Annotated[Path, typer.Argument(help="A model file (.wf).", metavar="MODEL")],
    out: Annotated[Path | None, typer.Option(
        help="What to write: a page (.html), a model card (.md) or all facts (.json); MODEL's "
             "name, in this folder, with .html.", metavar="FILE")] = None,
    rows: Annotated[str | None, typer.Option(
        help="Rows with the target, not used for fitting: adds where it fails, what each column "
             "is worth, and whether it would hold.", metavar="SOURCE")] = None,
    protected: Annotated[list[str] | None, typer.Option(
        help="A column of --rows that makes groups of people: adds whether they are treated "
             "alike; may be repeated.", metavar="COLUMN")] = None,
    values: Annotated[bool, typer.Option(
        "--values", help="Explain a few single rows of --rows too: they may be personal data."
    )] = False,
    force: Force = False,
    policy: Annotated[list[str] | None, typer.Option(
        help="What to do where --rows do not fit, e.g. missing_column=impute; may be repeated.",
        metavar="NAME=VALUE")] = None,
    reading: Reading = READ,
) -> None:
    """Write one page about a saved model: how good, why, where it fails, what to do next.

    wholefit report churn.wf --rows held-out.csv --protected senior_citizen
    """
    import wholefit as wf

    page = out or Path(f"{model.stem}.html")
    for source in (rows, str(model)):
        if source is not None:
            check_free([page], source, force)
    options: dict[str, Any] = {
        **pairs(policy, "--policy", plain=False),
        **reading}
    with told(quiet=False) as said:
        result = wf.load(model)
        if not hasattr(result, "target"):
            _check_none(result.task, rows, protected, values, options)
            written = result.report(page, force=force)
        else:
            written = result.report(page, rows, protected=protected or (), values=values,
                                    force=force, **options)
    for sentence in said:
        if sentence.startswith("warning"):
            _show.aside(sentence)
    _show.say(f"saved {written}")


def _check_none(
    task: str, rows: str | None, protected: list[str] | None, values: bool,
    options: dict[str, Any],
) -> None:
    """A task without a target has no known answers to judge a model by."""
    given = [name for name, value in (("--rows", rows), ("--protected", protected),
                                      ("--values", values)) if value]
    given += [f"--{name.replace('_', '-')}" for name in options]
    if given:
        raise ParameterError(f"{given[0]} is of models that predict a target, and {task} has "
                             "none: leave it out.")
