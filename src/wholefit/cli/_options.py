"""Options that mean the same wherever they stand, shared by the commands."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def option(meaning: str, metavar: str) -> Any:
    """An option with its line of help and the word that stands for its value."""
    return typer.Option(help=meaning, metavar=metavar)


Json = Annotated[bool, typer.Option("--json", help="JSON, for machines.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]
Groups = Annotated[str | None, option(
    "Column of groups, which are never split between training and test.", "COLUMN")]
Time = Annotated[str | None, option("Column of time: only past rows are learnt from.", "COLUMN")]
Weights = Annotated[str | None, option("Column of the rows' weights.", "COLUMN")]
Role = Annotated[list[str] | None, option(
    "What a column is, e.g. zip=categorical; may be repeated.", "COLUMN=ROLE")]
Jobs = Annotated[int | None, option("Threads; as many as there are cores.", "N")]
Seed = Annotated[int, option("Every random choice follows from it.", "N")]
