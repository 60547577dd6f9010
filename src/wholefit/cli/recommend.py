"""`wholefit recommend`, `similar`: lists of a saved recommender, for one user or for all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.base.errors import WholefitError
from wholefit.base.wording import counted
from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Force, Json, option
from wholefit.cli._places import check_free
from wholefit.cli._progress import told

Model = Annotated[Path, typer.Argument(help="A recommender (.wf).", metavar="MODEL")]
Length = Annotated[int | None, typer.Option(
    "-k", "--length", help="Items of a list; as the fit was told if left out.", metavar="N", min=1)]


@command("recommend")
def recommend(
    model: Model,
    user: Annotated[list[str] | None, option("A user; may be repeated.", "NAME")] = None,
    users: Annotated[str | None, option(
        "A file with the column of users: a list for each.", "FILE")] = None,
    like: Annotated[list[str] | None, option(
        "An item that a new user likes; may be repeated.", "ITEM")] = None,
    everyone: Annotated[bool, typer.Option(
        "--all", help="Lists of all users, into the file of --out.")] = False,
    length: Length = None,
    only: Annotated[list[str] | None, option(
        "An item that may be offered, and no other; may be repeated.", "ITEM")] = None,
    seen: Annotated[bool, typer.Option(
        "--seen", help="Offer also what users have already.")] = False,
    out: Annotated[Path | None, option(
        "File to write: .csv, .tsv, .jsonl (these for --all), .parquet, .json ...", "FILE")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """List the best items for users: those of a model, or a new one who likes some items.

    wholefit recommend films.wf --user 17 -k 10
    """
    import wholefit as wf

    _check(user, users, like, everyone, out, as_json)
    if out is not None:
        check_free([out], users or "-", force)
    found = wf.load(model)
    if found.task != "recommendation":
        raise WholefitError(f"{model} is a model of {found.task}, which recommends nothing.")
    options: dict[str, Any] = {"exclude_seen": False if seen else None, "filter": only or None}
    if everyone:
        with told(False) as said:
            rows = found.recommend_all(out, length, force=force, **options)
        _tell(said)
        _show.say(f"{rows:,} rows written to {out}")
        return
    with told(as_json) as said:
        frame = found.recommend(users if users is None else Path(users), length, **options) \
            if users is not None else found.recommend(
                None if like else user, length, likes=like or None, **options)
    _give(frame, out, force, as_json, said)


@command("similar")
def similar(
    model: Model,
    item: Annotated[str, option("The item, by its id or by what it is called.", "ITEM")],
    length: Length = 10,
    out: Annotated[Path | None, option("File to write.", "FILE")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """List the items most like one, as a recommender has learnt them."""
    import wholefit as wf

    if out is not None:
        check_free([out], "-", force)
    found = wf.load(model)
    if found.task != "recommendation":
        raise WholefitError(f"{model} is a model of {found.task}, and knows no items.")
    with told(as_json) as said:
        frame = found.similar(item, length or 10)
    _give(frame, out, force, as_json, said)


def _check(
    user: list[str] | None, users: str | None, like: list[str] | None, everyone: bool,
    out: Path | None, as_json: bool,
) -> None:
    ways = [bool(user), users is not None, bool(like), everyone]
    if sum(ways) != 1:
        raise typer.BadParameter("say for whom: one of --user, --users, --like and --all.")
    if everyone and out is None:
        raise typer.BadParameter("--all writes a file: name it with --out.")
    if as_json and out is not None:
        raise typer.BadParameter("--json prints and --out writes: say one of them.")


def _give(frame: Any, out: Path | None, force: bool, as_json: bool, said: list[str]) -> None:
    """Show the frame, or write it."""
    import polars as pl

    from wholefit.data.write import write

    if not isinstance(frame, pl.DataFrame):
        frame = pl.DataFrame(frame if isinstance(frame, dict) else frame.to_dict("list"))
    _tell(said)
    if as_json:
        _show.as_json(frame.to_dicts())
    elif out is not None:
        write(frame, out, force=force)
        _show.say(f"{counted(len(frame), 'row')} written to {out}")
    else:
        _show.table(frame.columns, [[_cell(value) for value in row] for row in frame.iter_rows()])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) and value != int(value) else (
        f"{value:g}" if isinstance(value, float) else str(value))


def _tell(said: list[str]) -> None:
    for sentence in said:
        _show.aside(sentence)
