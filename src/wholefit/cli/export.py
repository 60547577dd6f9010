"""`wholefit export`: a saved model written for another runtime, and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, pairs
from wholefit.cli._options import Force, Json, option
from wholefit.cli._places import check_free, named_after
from wholefit.cli._reading import READ, Reading
from wholefit.cli.use import Policy, check_order, noted


@command("export")
def export(
    model: Annotated[Path | None, typer.Argument(
        help="A model file (.wf).", metavar="MODEL")] = None,
    to: Annotated[str | None, option(
        "The target, such as onnx; what --out ends in tells if left out.", "TARGET")] = None,
    rows: Annotated[str | None, option(
        "Rows that both the model and the export answer, to be compared; rows made up from what "
        "the model remembers of its columns if left out.", "FILE")] = None,
    out: Annotated[Path | None, option(
        "File or folder to write; beside the model under its name if left out.", "PATH")] = None,
    tolerance: Annotated[float | None, option(
        "Largest difference of answers allowed; each target has its own.", "NUMBER")] = None,
    having: Annotated[list[str] | None, typer.Option(
        "--option", help="An option of the target; may be repeated.",
        metavar="NAME=VALUE")] = None,
    force: Force = False,
    policy: Policy = None,
    reading: Reading = READ,
    listing: Annotated[bool, typer.Option("--list", help="List the targets.")] = False,
    as_json: Json = False,
) -> None:
    """Write a saved model for another runtime; a file that answers otherwise is not left behind.

    wholefit export m.wf --to onnx --rows rows.csv
    """
    from wholefit.api import exporting

    if listing:
        _list(as_json)
        return
    if model is None or (to is None and out is None):
        raise typer.BadParameter("say which MODEL and --to what (or --out FILE); --list tells the "
                                 "targets.")
    import wholefit as wf
    from wholefit.artifact import exports

    target = exports.named(out or model, to)
    path = out or named_after(model, target.EXTENSION or f"-{target.NAME}")
    if target.EXTENSION:
        check_free([path], str(model), force)
    if rows is not None:
        check_order(model, rows)
    with noted():
        found = exporting.exported(
            wf.load(model), path, target.NAME, rows, tolerance, force,
            {**pairs(having, "--option"), **pairs(policy, "--policy", plain=False), **reading})
    if as_json:
        _show.as_json(found.to_json())
        return
    for sentence in found.to_text().splitlines():
        _show.say(_show.wrapped(sentence))


def _list(as_json: bool) -> None:
    from wholefit.api import exporting

    found = exporting.listed()
    if as_json:
        _show.as_json(found)
        return
    _show.table(["target", "ends in", "what it gives"],
                [[each["target"], each["ending"], each["says"]] for each in found])
