"""`wholefit audit-packages`, `sbom`: what a model is answered with, and what is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Force, Json, option
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli.use import Model


@command("audit-packages")
def audit_packages(
    model: Annotated[Path | None, typer.Argument(
        help="A model file (.wf): the packages that answer it; all that wholefit needs here if "
        "left out.", metavar="[MODEL]")] = None,
    database: Annotated[Path | None, option(
        "Vulnerabilities in OSV format: a zip or folder of JSON files, or one file.",
        "FILE")] = None,
    fetch: Annotated[bool, typer.Option(
        "--fetch", help="Download the database of PyPI's vulnerabilities from osv.dev, unless "
        "one of today is there.")] = False,
    ask: Annotated[bool, typer.Option(
        "--ask/--offline", help="Ask the registry for newer versions, or ask nobody.")] = True,
    strict: Annotated[bool, typer.Option(
        "--strict", help="Exit code 1 also for packages out of date, and where something could "
        "not be known.")] = False,
    as_json: Json = False,
) -> None:
    """Which packages are out of date, and which are known to be vulnerable; what is not known.

    Exit code 1 where a version is known to be vulnerable.
    """
    from wholefit.api import packaging
    from wholefit.artifact.dependencies import fetching

    if fetch and database is not None:
        raise typer.BadParameter("--fetch downloads a database and --database names one: say one "
                                 "of them.")
    aside = ""
    if fetch:
        try:
            database = fetching.database()
        except WholefitError as error:
            # It is told and not fatal: what else is known is still worth saying.
            aside = str(error)
    with told(as_json):
        found = packaging.audit_packages(model, database=database, ask=ask)
    if as_json:
        _show.as_json({**found.to_json(), "not_fetched": aside or None})
    else:
        _tell(found, aside)
    if found.vulnerable or (strict and (found.outdated or found.unknown)):
        raise typer.Exit(1)


@command("sbom")
def sbom(
    model: Model,
    out: Annotated[Path | None, option(
        "Write it here (.json); standard output if left out.", "FILE")] = None,
    force: Force = False,
) -> None:
    """The packages that answer a model, as a bill of materials: CycloneDX, JSON."""
    import json

    from wholefit.api import packaging

    if out is not None:
        check_free([out], str(model), force)
    found = packaging.bill_of_materials(model)
    if out is None:
        _show.as_json(found)
        return
    out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _show.say(f"{len(found['components'])} packages written to {out}")


def _tell(found: Any, aside: str) -> None:
    header, rows = found.table()
    if rows:
        _show.table(header, rows)
        _show.say()
    if aside:
        _show.say(_show.wrapped(aside))
    for sentence in found.said:
        _show.say(_show.wrapped(sentence))
