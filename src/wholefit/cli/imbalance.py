"""`wholefit treatments`: what to do about a rare class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._options import Force, Groups, Jobs, Json, Role, Seed, Time, Weights, option
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading


@command("treatments")
def treatments(
    source: Annotated[str, typer.Argument(
        help="File, folder, database URL, or - for standard input.", metavar="SOURCE")],
    target: Annotated[str, option("Column to predict.", "COLUMN")],
    models: Annotated[str | None, option(
        "Models to treat, e.g. 'logistic, lightgbm'; a linear, a boosted and a forest if left "
        "out.", "MODELS")] = None,
    treat: Annotated[str | None, option(
        "What to compare: words of fit --balance (weights, over, under, smote, near_miss, "
        "adasyn, ...), threshold, balanced_forest.", "WORDS")] = None,
    costs: Annotated[str | None, option(
        "What mistakes cost: a TOML file, or e.g. 'yes=50'; in inverse proportion to frequency "
        "if left out.", "FILE")] = None,
    precision: Annotated[float, option("The precision at which recall is read.", "P")] = 0.5,
    positive: Annotated[str | None, option(
        "The class called positive; the rarest if left out.", "CLASS")] = None,
    folds: Annotated[int, option("Folds of the cross-validation.", "N")] = 5,
    repeats: Annotated[int, option("How often the folds are drawn anew.", "N")] = 1,
    budget: Annotated[str, option("Time to spend: 60s, 5min, 1h.", "TIME")] = "5min",
    groups: Groups = None,
    time: Time = None,
    weights: Weights = None,
    role: Role = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    reading: Reading = READ,
    report: Annotated[Path | None, option(
        "Write a page with the table and precision-recall curves here.", "FILE")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Compare ways to treat a rare class, each against doing nothing, on the same folds.

    Class weights, resampling, a balanced forest, a moved threshold: what each does to the order
    of the rows, to the cost of decisions and to the honesty of probabilities, with intervals and
    paired tests. It says so where doing nothing is tied for best.

    wholefit treatments loans.csv --target Class --positive bad
    """
    import wholefit as wf

    if report is not None:
        check_free([report], source, force)
    importable(models)
    with told(as_json) as said:
        found = wf.treatments(
            source, target=target, models=models, treatments=treat, costs=costs,
            precision=precision, positive=positive, folds=folds, repeats=repeats, budget=budget,
            groups=groups, time=time, weights=weights, jobs=jobs, seed=seed,
            roles=pairs(role, "--role", plain=False) or None,
            **reading)
        page = None if report is None else str(found.report(report, force=force))
    if as_json:
        _show.as_json({**found.to_json(), "report": page})
        return
    for sentence in said:
        _show.say(sentence)
    _show.table(*_show.widest(found.table, len(found.metrics)))
    _show.say()
    for sentence in (*found.verdicts, "", *found.notes()):
        _show.say(sentence)
    if page is not None:
        _show.say(f"saved {page}")

