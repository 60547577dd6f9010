"""`wholefit augment`: look at what random changes make of pictures, before a network learns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, pairs
from wholefit.cli._options import Json, option
from wholefit.cli._places import check_free
from wholefit.cli._reading import READ, Reading


@command("augment")
def augment(
    source: Annotated[str, typer.Argument(
        help="Folder or file of pictures, or a table that names some.", metavar="SOURCE")],
    recipe: Annotated[str, option(
        "auto (what does no harm on these pictures, measured), or objects, signs, photos, keras, "
        "strong, none.", "NAME")] = "auto",
    change: Annotated[list[str] | None, typer.Option(
        "--set", help="A change, e.g. rotate=20 or flip=horizontal; may be repeated.",
        metavar="NAME=VALUE")] = None,
    target: Annotated[str | None, option("Column of classes.", "COLUMN")] = None,
    pictures: Annotated[int, option("Pictures shown.", "N")] = 6,
    versions: Annotated[int, option("Altered versions of each.", "N")] = 8,
    seed: Annotated[int, option("Every random choice follows from it.", "N")] = 0,
    reading: Reading = READ,
    out: Annotated[Path | None, option(
        "Write a page (.html) or one picture (.png) here.", "FILE")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    as_json: Json = False,
) -> None:
    """Alter pictures at random, as a network would see them, and show them beside the originals.

    wholefit augment photos/ --out preview.html
    """
    import wholefit as wf
    from wholefit.api.augmenting import words_of

    if out is not None:
        check_free([out], source, force)
    found = wf.preview_augmentation(
        source, words_of(recipe, pairs(change, "--set")), target=target, pictures=pictures,
        versions=versions, seed=seed, **reading)
    if out is not None:
        found.write(out, force=force)
    if as_json:
        _show.as_json({**found.to_json(), "saved": str(out) if out else None})
        return
    for line in found.to_text().splitlines():
        _show.say(_show.wrapped(line))
    if out is not None:
        _show.say(f"saved {out}")
