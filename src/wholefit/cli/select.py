"""`wholefit select`: which columns matter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._progress import told
from wholefit.cli._reading import (
    Delimiter,
    Encoding,
    NaValues,
    Query,
    Sheet,
    Table,
    reading,
)


def _option(meaning: str, metavar: str) -> Any:
    return typer.Option(help=meaning, metavar=metavar)


@command("select")
def select(
    source: Annotated[str, typer.Argument(
        help="File, folder, database URL, or - for standard input.", metavar="SOURCE")],
    target: Annotated[str | None, _option("Column to predict.", "COLUMN")] = None,
    task: Annotated[str | None, _option(
        "classification or regression; the target decides.", "NAME")] = None,
    model: Annotated[str | None, _option(
        "The one whose loss is measured with each column shuffled; boosted trees if left out.",
        "MODEL")] = None,
    folds: Annotated[int, _option("Folds of that measurement.", "N")] = 5,
    rounds: Annotated[int, _option("Pairs of half-samples drawn.", "N")] = 50,
    groups: Annotated[str | None, _option(
        "Column of groups, which are never split between training and test.", "COLUMN")] = None,
    time: Annotated[str | None, _option(
        "Column of time: only past rows are learnt from.", "COLUMN")] = None,
    weights: Annotated[str | None, _option("Column of the rows' weights.", "COLUMN")] = None,
    role: Annotated[list[str] | None, _option(
        "What a column is, e.g. zip=categorical; may be repeated.", "COLUMN=ROLE")] = None,
    roles: Annotated[Path | None, _option("TOML file of such lines.", "FILE")] = None,
    jobs: Annotated[int | None, _option("Threads; as many as there are cores.", "N")] = None,
    seed: Annotated[int, _option("Every random choice follows from it.", "N")] = 0,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    na_values: NaValues = None,
    sheet: Sheet = None,
    table: Table = None,
    query: Query = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for machines.")] = False,
) -> None:
    """Which columns matter, by several methods side by side.

    Each column alone (a test, mutual information), together with the others (trees, an L1
    penalty, recursive elimination, agreement of half-samples), and by what a model loses on
    unseen rows when it is shuffled, with an interval. Columns that repeat another are named.

    wholefit select churn.csv --target churn
    """
    import wholefit as wf

    importable(model)
    with told(as_json) as said:
        found = wf.select(
            source, target=target, task=task, model=model, folds=folds, rounds=rounds,
            groups=groups, time=time, weights=weights, roles=_roles(roles, role), jobs=jobs,
            seed=seed, **reading(delimiter, encoding, na_values, sheet, table, query),
        )
    if as_json:
        _show.as_json(found.to_json())
        return
    for sentence in said:
        _show.say(sentence)
    _show.table(*_show.widest(found.table, len(found.table()[0])))
    _show.say()
    for sentence in found.notes():
        _show.say(sentence)


def _roles(file: Path | None, lines: list[str] | None) -> Any:
    from wholefit.data import load_roles

    found = dict(load_roles(file)) if file else {}
    return {**found, **pairs(lines, "--role", plain=False)} or None
