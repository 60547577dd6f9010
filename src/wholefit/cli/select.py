"""`wholefit select`: which columns matter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._options import Groups, Jobs, Json, Role, Seed, Time, Weights, option
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading


@command("select")
def select(
    source: Annotated[str, typer.Argument(
        help="File, folder, database URL, or - for standard input.", metavar="SOURCE")],
    target: Annotated[str | None, option("Column to predict.", "COLUMN")] = None,
    task: Annotated[str | None, option(
        "classification or regression; the target decides.", "NAME")] = None,
    model: Annotated[str | None, option(
        "The one whose loss is measured with each column shuffled; boosted trees if left out.",
        "MODEL")] = None,
    folds: Annotated[int, option("Folds of that measurement.", "N")] = 5,
    rounds: Annotated[int, option("Pairs of half-samples drawn.", "N")] = 50,
    groups: Groups = None,
    time: Time = None,
    weights: Weights = None,
    role: Role = None,
    roles: Annotated[Path | None, option("TOML file of such lines.", "FILE")] = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    reading: Reading = READ,
    as_json: Json = False,
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
            seed=seed, **reading,
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
