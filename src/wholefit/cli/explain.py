"""`wholefit explain`: why rows get their answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, pairs
from wholefit.cli._options import Force, Json, Seed, option
from wholefit.cli._places import check_free
from wholefit.cli._reading import READ, Reading
from wholefit.cli.use import Model, Policy, check_order, noted


@command("explain")
def explain(
    model: Model,
    source: Annotated[str, typer.Argument(
        help="Rows to explain: a file, or - for standard input.", metavar="SOURCE")],
    row: Annotated[list[int] | None, option(
        "Explain this row alone, counted from 1; may be repeated.", "N")] = None,
    method: Annotated[str, option(
        "auto (exact where the model allows, else sampled), exact, sampling, or lime.",
        "NAME")] = "auto",
    background: Annotated[str | None, option(
        "Rows to compare with; without it, what the model file kept of its training columns.",
        "FILE")] = None,
    top: Annotated[int, option("Columns to name for a row.", "N")] = 5,
    compared: Annotated[int, option("Most background rows to compare with.", "N")] = 100,
    evaluations: Annotated[int | None, option(
        "Questions that the model may be asked about one row, where values are sampled.",
        "N")] = None,
    seed: Seed = 0,
    out: Annotated[Path | None, option("Write a page with pictures here.", "PAGE.html")] = None,
    force: Force = False,
    policy: Policy = None,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Say why rows get their answers: what each column adds, from a common start.

    wholefit explain churn.wf new.csv --row 3
    """
    import wholefit as wf

    if top < 1:
        raise typer.BadParameter("--top must be at least 1.")
    if row and min(row) < 1:
        raise typer.BadParameter("--row counts from 1.")
    if out is not None:
        check_free([out], source, force)
    check_order(model, source)
    options: dict[str, Any] = {
        **pairs(policy, "--policy", plain=False), "compared": compared, "seed": seed,
        **reading}
    if evaluations is not None:
        options["evaluations"] = evaluations
    if row:
        options["only"] = [each - 1 for each in row]
    with noted(quiet=as_json):
        result = wf.load(model)
        _check_task(result)
        found = _explained(result, source, row, method=method, background=background, **options)
    if out is not None:
        found.report(out, force=force)
    _tell(found, top, len(row or ()), as_json)
    if out is not None and not as_json:
        _show.say(f"saved {out}")


def _explained(result: Any, source: str, row: list[int] | None, **options: Any) -> Any:
    """The explanations; a row that is not there is told as it was asked for, counted from 1."""
    from wholefit.base.errors import ParameterError

    try:
        return result.explain(source, **options)
    except ParameterError as error:
        if not row or not str(error).startswith("only must be"):
            raise
        raise ParameterError(f"--row must be one of the rows of {source}, counted from 1; got "
                             f"{max(row):,}.") from None


def _check_task(result: Any) -> None:
    from wholefit.api.result import Result
    from wholefit.base.errors import WholefitError

    if not isinstance(result, Result):
        raise WholefitError("explain is for models that predict a target; `wholefit show` says "
                            "what this one is.")


def _tell(found: Any, top: int, asked: int, as_json: bool) -> None:
    if as_json:
        _show.as_json(found.to_json())
        return
    try:
        text = found.to_text(most=top, rows=max(5, asked))
    except TypeError:  # a record of another method, which has no such options
        text = found.to_text()
    for line in text.splitlines():
        _show.say(_show.wrapped(line))
