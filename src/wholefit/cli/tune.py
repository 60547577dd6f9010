"""`wholefit tune`: search the settings of a model and of its pipeline."""

from __future__ import annotations

from typing import Annotated

from wholefit.cli._app import command, pairs
from wholefit.cli._options import Force, Groups, Jobs, Json, Role, Seed, Time, Weights, option
from wholefit.cli._reading import READ, Reading
from wholefit.cli._searching import (
    Budget,
    Folds,
    Memory,
    Metric,
    Nested,
    Out,
    Page,
    Positive,
    Quiet,
    Source,
    Study,
    searched,
    space_of,
)


@command("tune")
def tune(
    source: Source,
    target: Annotated[str, option("Column to predict.", "COLUMN")],
    models: Annotated[str | None, option(
        "Models to tune, e.g. 'lightgbm, logistic'; a boosted ensemble if left out. Parameters "
        "that are given ('lightgbm(n_estimators=200)') stay as they are.", "MODELS")] = None,
    space: Annotated[list[str] | None, option(
        "What to search, e.g. learning_rate=0.01..0.3, max_depth=3,5,7, "
        "'alpha=1e-3..10 log', encoding.degree=1,2; may be repeated. The catalog's ranges if left "
        "out; '*' has those beside what else is said, NAME=none takes one out; features=FILE.toml "
        "has engineered features, each in or out.",
        "NAME=VALUES")] = None,
    strategy: Annotated[str, option(
        "random, grid, bayes, halving, asha or genetic, perhaps with options: 'halving(eta=4)'.",
        "NAME")] = "random",
    budget: Budget = "5min",
    nested: Nested = 0,
    study: Study = None,
    task: Annotated[str | None, option(
        "classification or regression; the target decides if left out.", "NAME")] = None,
    metric: Metric = None,
    folds: Folds = 5,
    repeats: Annotated[int, option("How often the folds are drawn anew.", "N")] = 1,
    memory: Memory = None,
    positive: Positive = None,
    balance: Annotated[str | None, option(
        "What is done to training rows of rare classes; see `fit`.", "HOW")] = None,
    threshold: Annotated[str | None, option(
        "From which probability on the positive class is predicted; see `fit`.", "RULE")] = None,
    feature: Annotated[list[str] | None, option(
        "How columns become features, kept as given, e.g. impute=mean; may be repeated.",
        "NAME=VALUE")] = None,
    groups: Groups = None,
    time: Time = None,
    weights: Weights = None,
    role: Role = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    reading: Reading = READ,
    out: Out = None,
    report: Page = None,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search the settings of a model and its pipeline, refit the best, and save it.

    The score is of rows that neither the model nor the choice of its settings saw; --nested also
    repeats the search itself. The same seed and number of trials give the same result. Ctrl-C
    keeps what is done.

    wholefit tune churn.csv --target churn --models lightgbm --budget '50 trials'
    """
    import wholefit as wf

    searched(lambda: wf.tune(
        source, target=target, models=models, space=space_of(space), strategy=strategy,
        budget=budget, nested=nested, study=study, task=task, metric=metric, folds=folds,
        repeats=repeats, memory=memory, positive=positive, balance=balance,
        threshold=threshold, features=pairs(feature, "--feature"), groups=groups, time=time,
        weights=weights, roles=pairs(role, "--role", plain=False) or None, jobs=jobs,
        seed=seed, **reading),
        source, out, report, ours=(metric, models), force=force, as_json=as_json, quiet=quiet)
