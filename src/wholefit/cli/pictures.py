"""`wholefit pictures`: what a model takes pictures for, the surest mistakes first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import option
from wholefit.cli._places import check_free
from wholefit.cli._reading import READ, Reading


@command("pictures")
def pictures(
    model: Annotated[Path, typer.Argument(help="A model file (.wf).", metavar="MODEL")],
    source: Annotated[str, typer.Argument(
        help="Pictures with their classes, not learnt from.", metavar="SOURCE")],
    most: Annotated[int, option("Mistakes shown, and as many right answers.", "N")] = 24,
    reading: Reading = READ,
    out: Annotated[Path | None, option("Write a page (.html) of them here.", "FILE")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Show pictures with what they are and what a model takes them for.

    wholefit pictures photos.wf held-out/ --out mistakes.html
    """
    import wholefit as wf

    if out is not None:
        check_free([out], source, force)
    result = wf.load(model)
    if not hasattr(result, "pictures"):
        raise WholefitError(f"pictures are shown of models with a target; {model} is a model of "
                            f"{result.task}.")
    found = result.pictures(source, most=most, **reading)
    _show.say(_show.wrapped(found.to_text()))
    for each in found.wrong[:most]:
        _show.say(f"  {each.name}: {each.truth} taken for {each.answer} ({each.sure:.0%})")
    if out is not None:
        _show.say(f"saved {found.write(out, force=force)}")
