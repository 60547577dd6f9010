"""`wholefit sample`: new rows or texts of a saved generator, or a sheet of its pictures."""

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

# How texts are written where nothing is said: as `TextGenerator.sample` does.
_WRITING = {"prompt": "", "length": 300, "temperature": 1.0, "top_k": None, "top_p": None}


@command("sample")
def sample(
    model: Model,
    rows: Annotated[int, typer.Option(
        "-n", "--rows", help="Rows to make; of a sheet, pictures, or lines of --walk.",
        metavar="N", min=1)] = 100,
    label: Annotated[str | None, option(
        "Make rows of this label only, where the fit was told --label.", "LABEL")] = None,
    prompt: Annotated[str, option("Of texts: how each begins.", "TEXT")] = "",
    length: Annotated[int, typer.Option(
        help="Of texts: most tokens that are written.", metavar="N", min=1)] = 300,
    temperature: Annotated[float, typer.Option(
        help="Of texts: below 1 what is likely, above 1 what is rare, 0 always the likeliest.",
        metavar="T", min=0)] = 1.0,
    top_k: Annotated[int | None, typer.Option(
        "--top-k", help="Of texts: draw among this many likeliest tokens.", metavar="K",
        min=1)] = None,
    top_p: Annotated[float | None, typer.Option(
        "--top-p", help="Of texts: draw among the likeliest tokens that hold this share of the "
        "probability.", metavar="P")] = None,
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
    """Make new rows, pictures or texts like those that a generator learnt from.

    wholefit sample customers.wf --rows 500 --out made.csv

    wholefit sample novel.wf --rows 3 --prompt "She " --temperature 0.7
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
    words = {"prompt": prompt, "length": length, "temperature": temperature, "top_k": top_k,
             "top_p": top_p}
    said = {name: value for name, value in words.items() if value != _WRITING[name]}
    if sheet:
        found.picture(out, rows, seed=seed, label=label, walk=walk, force=force)
        _show.say(f"a sheet of {rows:,} {'walks' if walk else 'pictures'} written to {out}")
        return
    if said and not found.writes:
        raise WholefitError(f"{model} makes rows, not texts: --prompt, --length, --temperature, "
                            "--top-k and --top-p are for texts; leave them out.")
    frame = found.sample(rows, seed=seed, label=label, **said)
    _show.rows(frame, out, for_machines=as_json, force=force)
