"""`wholefit export`: a saved model written for another runtime, and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
        "--option", help="An option of the target, or with --distil of the teaching (leaves=16); "
        "may be repeated.", metavar="NAME=VALUE")] = None,
    distil: Annotated[str | None, option(
        "Export a small model that is taught what this one answers, on --rows with their target: "
        "tree, boosted or linear.", "STUDENT")] = None,
    held_out: Annotated[str | None, option(
        "With --distil: rows with the target that the model has not seen, to judge both by.",
        "FILE")] = None,
    force: Force = False,
    policy: Policy = None,
    reading: Reading = READ,
    listing: Annotated[bool, typer.Option("--list", help="List the targets.")] = False,
    as_json: Json = False,
) -> None:
    """Write a saved model for another runtime; a file that answers otherwise is not left behind.

    wholefit export m.wf --to onnx --rows rows.csv
    wholefit export m.wf --to c --distil tree --rows train.csv --held-out test.csv
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
    for source in (rows, held_out):
        if source is not None:
            check_order(model, source)
    with noted():
        found = exporting.exported(
            wf.load(model), path, target.NAME, rows, tolerance, force,
            {**pairs(having, "--option"), **pairs(policy, "--policy", plain=False), **reading,
             "distil": distil, "held_out": held_out})
    if as_json:
        _show.as_json(found.to_json())
        return
    _tell(found)


def _tell(found: Any) -> None:
    """A student beside its teacher first, where there is one; then the file and its parity."""
    from wholefit.artifact.exports import Exported

    small = getattr(found, "distilled", None)
    if small is not None:
        for sentence in small.said[:2]:  # what else it says was a warning
            _show.say(_show.wrapped(sentence))
        _show.say()
        _show.table(*small.table())
        _show.say()
    for sentence in Exported.to_text(found).splitlines():
        _show.say(_show.wrapped(sentence))


def _list(as_json: bool) -> None:
    from wholefit.api import exporting

    found = exporting.listed()
    if as_json:
        _show.as_json(found)
        return
    _show.table(["target", "ends in", "what it gives"],
                [[each["target"], each["ending"], each["says"]] for each in found])
