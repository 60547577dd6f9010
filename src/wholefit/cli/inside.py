"""`wholefit inside`, `glassbox`: what a model is made of, and what a readable one would cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._options import Force, Groups, Jobs, Json, Role, Seed, Time, Weights, option
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading

Page = Annotated[Path | None, option("Also write one HTML page with pictures.", "FILE")]


@command("inside")
def inside(
    model: Annotated[Path, typer.Argument(help="A model file (.wf).", metavar="MODEL")],
    rows: Annotated[str | None, option(
        "Rows with the target, to give coefficients standard errors from.", "SOURCE")] = None,
    bootstrap: Annotated[int, option(
        "Errors from this many fits on rows drawn with replacement, in place of a formula.",
        "N")] = 0,
    seed: Seed = 0,
    out: Page = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Say what a saved model is made of: coefficients, a tree, curves, rules, shares of columns.

    wholefit inside churn.wf --out inside.html
    """
    import wholefit as wf

    if out is not None:
        check_free([out], str(model), force)
    result = wf.load(model)
    if not hasattr(result, "inside"):
        raise WholefitError(f"{model} is a {result.task} model: wholefit show {model} tells what "
                            "it holds.")
    found = result.inside(rows, bootstrap=bootstrap, seed=seed)
    if as_json:
        _show.as_json(found.to_json())
    else:
        for line in found.to_text().splitlines():
            _show.say(_show.wrapped(line) if "  " not in line.strip() else _show.clipped(line))
    if out is not None:
        page = found.report(out, force=force)
        (_show.aside if as_json else _show.say)(f"saved {page}")


@command("glassbox")
def glassbox(
    source: Annotated[str, typer.Argument(
        help="File, folder, database URL, or - for standard input.", metavar="SOURCE")],
    target: Annotated[str, option("Column to predict.", "COLUMN")],
    models: Annotated[str | None, option(
        "The models that can be read, parted by commas; four if left out.", "NAMES")] = None,
    against: Annotated[str | None, option(
        "The black boxes, parted by commas; boosted trees and a forest if left out.",
        "NAMES")] = None,
    metric: Annotated[str | None, option("What to score by; the task's first.", "METRIC")] = None,
    folds: Annotated[int, option("Folds of the cross-validation.", "N")] = 5,
    budget: Annotated[str, option("Time to spend: 60s, 5min, 1h.", "TIME")] = "5min",
    groups: Groups = None,
    time: Time = None,
    weights: Weights = None,
    role: Role = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    save: Annotated[Path | None, option(
        "Also save the recommended glass box as a model file.", "MODEL")] = None,
    reading: Reading = READ,
    out: Page = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Score models that can be read beside the best that cannot: the price of reading.

    wholefit glassbox churn.csv --target churn --out glass.html
    """
    import wholefit as wf

    importable(metric)
    for place in (out, save):
        if place is not None:
            check_free([place], source, force)
    with told(as_json) as said:
        found = wf.glass_boxes(
            source, target=target, models=models, against=against, metric=metric, folds=folds,
            budget=budget, groups=groups, time=time, weights=weights, jobs=jobs, seed=seed,
            roles=pairs(role, "--role", plain=False) or None,
            **reading)
    if as_json:
        _show.as_json(found.to_json())
    else:
        _tell(found, said)
    if out is not None:
        page = found.report(out, force=force)
        (_show.aside if as_json else _show.say)(f"saved {page}")
    if save is not None:
        chosen = found.recommended if found.recommended in found.models else found.models[-1]
        kept = found[chosen].save(save, force=force)
        (_show.aside if as_json else _show.say)(f"saved {kept}: {chosen}")


def _tell(found: object, said: list[str]) -> None:
    for sentence in said:
        _show.say(_show.wrapped(sentence))
    for sentence in found.said:  # type: ignore[attr-defined]
        _show.say(_show.wrapped(sentence))
    _show.table(*found.table())  # type: ignore[attr-defined]
    for name, why in found.left_out.items():  # type: ignore[attr-defined]
        _show.say(_show.wrapped(f"{name} was left out: {why}"))
