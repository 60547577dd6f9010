"""`wholefit curve`, `cures`: is it over- or underfitted, would more data help, and what does?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, importable, literal, pairs
from wholefit.cli._options import Force, Groups, Jobs, Json, Role, Seed, Time, Weights, option
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading

Source = Annotated[str, typer.Argument(
    help="File, folder, database URL, or - for standard input.", metavar="SOURCE")]
Target = Annotated[str, option("Column to predict.", "COLUMN")]
Model = Annotated[str | None, option(
    "The model, e.g. 'decision_tree(max_depth=5)'; a boosted ensemble if left out.", "MODEL")]
Metric = Annotated[str | None, option("What to score by; the task's first.", "METRIC")]
Folds = Annotated[int, option("Folds of the cross-validation.", "N")]
Spend = Annotated[str, option("Time to spend: 60s, 5min, 1h.", "TIME")]
Page = Annotated[Path | None, option("Also write one HTML page with pictures.", "FILE")]


@command("curve")
def curve(
    source: Source,
    target: Target,
    model: Model = None,
    param: Annotated[str | None, option(
        "A hyper-parameter: a validation curve over its values, instead of a learning curve.",
        "NAME")] = None,
    values: Annotated[str | None, option(
        "Values of --param to try, parted by commas; the range of the search if left out.",
        "VALUES")] = None,
    sizes: Annotated[str | None, option(
        "Rows to learn from, parted by commas: counts, or shares up to 1.0; halvings if left "
        "out.", "SIZES")] = None,
    by: Annotated[str | None, option(
        "Also tell for which parts of this column more rows would help.", "COLUMN")] = None,
    metric: Metric = None,
    folds: Folds = 5,
    budget: Spend = "5min",
    groups: Groups = None,
    time: Time = None,
    weights: Weights = None,
    role: Role = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    reading: Reading = READ,
    out: Page = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Score a model at growing numbers of rows: is it over- or underfitted, would more help?

    Scores on rows learnt from and on others, with intervals; simpler and more flexible forms of
    the model on the same folds; what twice the rows would gain. With --param, the scores over a
    hyper-parameter.

    wholefit curve churn.csv --target churn --model 'decision_tree'
    """
    import wholefit as wf

    _check(out, source, force, [model], param, values, sizes, by)
    words: Any = {
        "target": target, "model": model, "metric": metric, "folds": folds, "budget": budget,
        "groups": groups, "time": time, "weights": weights, "jobs": jobs, "seed": seed,
        "roles": pairs(role, "--role", plain=False) or None,
        **reading}
    importable(metric)
    with told(as_json) as said:
        found: Any = (
            wf.learning_curve(source, sizes=_numbers(sizes), by=by, **words) if param is None
            else wf.validation_curve(source, param=param, values=_literals(values), **words))
    _tell(found, said, out, force, as_json)


@command("cures")
def cures(
    source: Source,
    target: Target,
    model: Model = None,
    metric: Metric = None,
    folds: Folds = 5,
    budget: Spend = "5min",
    groups: Groups = None,
    time: Time = None,
    weights: Weights = None,
    role: Role = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    reading: Reading = READ,
    out: Page = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Try the cures of over- or underfitting on the same folds, and say which helped.

    Stronger or weaker regularisation, fewer features, averaging, early stopping, products of
    columns, other families, more rows: each against the model as it is, corrected for how many
    were tried.

    wholefit cures churn.csv --target churn --model decision_tree
    """
    import wholefit as wf

    _check(out, source, force, [model])
    importable(metric)
    with told(as_json) as said:
        found = wf.cures(
            source, target=target, model=model, metric=metric, folds=folds, budget=budget,
            groups=groups, time=time, weights=weights, jobs=jobs, seed=seed,
            roles=pairs(role, "--role", plain=False) or None,
            **reading)
    _tell(found, said, out, force, as_json)


def _check(
    out: Path | None, source: str, force: bool, models: list[str | None],
    param: str | None = None, values: str | None = None, sizes: str | None = None,
    by: str | None = None,
) -> None:
    if out is not None:
        check_free([out], source, force)
    for model in models:
        importable(model)
    if param is None and values is not None:
        raise typer.BadParameter("--values are of --param: say which.")
    if param is not None and (sizes is not None or by is not None):
        raise typer.BadParameter("--sizes and --by are of a learning curve, --param makes a "
                                 "validation curve: say one of them.")


def _numbers(text: str | None) -> list[float] | None:
    """Counts as whole numbers, shares with a point in them: 1.0 is all, 1 one row."""
    if text is None:
        return None
    try:
        return [float(part) if "." in part else int(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"--sizes must be numbers parted by commas; got {text!r}."
                                 ) from None


def _literals(text: str | None) -> list[Any] | None:
    """Numbers, true, false and none as such; anything else as a word."""
    if text is None:
        return None
    parts = (part.strip() for part in text.split(","))
    return [None if part.lower() == "none" else literal(part) for part in parts]


def _tell(found: Any, said: list[str], out: Path | None, force: bool, as_json: bool) -> None:
    page = None if out is None else str(found.report(out, force=force))
    if as_json:
        _show.as_json({**found.to_json(), "report": page})
        return
    for sentence in said:
        _show.say(sentence)
    _show.table(*found.table())
    _show.say()
    for sentence in found.to_text().splitlines():
        _show.say(_show.wrapped(sentence))
    if page is not None:
        _show.say(f"saved {page}")
