"""`wholefit sample`: new rows of a saved generator, as a table, a file or a sheet of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Force, Json, option
from wholefit.cli._places import check_free

Model = Annotated[Path, typer.Argument(help="A generator (.wf).", metavar="MODEL")]


@command("sample")
def sample(
    model: Model,
    rows: Annotated[int, typer.Option(
        "-n", "--rows", help="Rows to make; of a sheet, pictures, or lines of --walk.",
        metavar="N", min=1)] = 100,
    label: Annotated[str | None, option(
        "Make rows of this label only, where the fit was told --label.", "LABEL")] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same rows.", metavar="N",
                                      min=0)] = 0,
    walk: Annotated[bool, typer.Option(
        "--walk", help="A sheet (.png) whose lines go from one picture to another.")] = False,
    out: Annotated[str, option(
        "File to write, of the kind that its ending names: .csv, .parquet, .json ..., or .png "
        "for a sheet of pictures; - is CSV on standard output.", "FILE")] = "-",
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Make new rows like those that a generator learnt from.

    wholefit sample customers.wf --rows 500 --out made.csv
    """
    import wholefit as wf

    if as_json and out != "-":
        raise typer.BadParameter("--json prints and --out writes: say one of them.")
    sheet = out.lower().endswith(".png")
    if walk and not sheet:
        raise typer.BadParameter("--walk draws a sheet of pictures: name a .png with --out.")
    if out != "-":
        check_free([Path(out)], str(model), force)
    found = wf.load(model)
    if found.task != "generation":
        raise WholefitError(f"{model} is a model of {found.task}, which makes no rows; fit with "
                            "--task generation.")
    if sheet:
        found.picture(out, rows, seed=seed, label=label, walk=walk, force=force)
        _show.say(f"a sheet of {rows:,} {'walks' if walk else 'pictures'} written to {out}")
        return
    frame = found.sample(rows, seed=seed, label=label)
    _show.rows(frame, out, for_machines=as_json, force=force)
