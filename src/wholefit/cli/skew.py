"""`wholefit skew`: can a model tell two tables apart, and by which columns?"""

from __future__ import annotations

from typing import Annotated

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, pairs
from wholefit.cli._options import Json, Seed
from wholefit.cli._reading import READ, Reading


@command("skew")
def skew(
    old: Annotated[str, typer.Argument(
        help="File, folder or database URL of the rows that were learnt from.", metavar="OLD")],
    new: Annotated[str, typer.Argument(
        help="File, folder or database URL of the rows to compare.", metavar="NEW")],
    target: Annotated[str | None, typer.Option(
        help="Column to predict; compared where both have it.", metavar="COLUMN")] = None,
    role: Annotated[list[str] | None, typer.Option(
        help="What a column is, e.g. zip=categorical or day=ignored; may be repeated.",
        metavar="COLUMN=ROLE")] = None,
    seed: Seed = 0,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Teach a model to tell the rows of two tables apart, and say how well it can.

    An AUC of 0.5 means that nothing tells them; the columns that give them away are named, and
    those that are constant or absent in the new table.

    wholefit skew train.csv new.csv --target churn
    """
    import wholefit as wf

    found = wf.skew(old, new, target=target, roles=pairs(role, "--role", plain=False) or None,
                    seed=seed, **reading)
    if as_json:
        _show.as_json(found.to_json())
    else:
        for line in str(found).splitlines():
            _show.say(line)
