"""`wholefit architecture-search`: find a network that is small enough and does best."""

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


@command("architecture-search")
def architecture_search(
    source: Source,
    target: Annotated[str, option("Column to predict.", "COLUMN")],
    kind: Annotated[str | None, option(
        "rows or pictures; pictures where the table has a column of them.", "KIND")] = None,
    parameters: Annotated[int | None, option(
        "The most numbers that a network may learn.", "N")] = None,
    latency: Annotated[float | None, option(
        "The most seconds in which it may answer 1,000 rows on this machine.", "SECONDS")] = None,
    nodes: Annotated[int, option("Operations in a cell, at most 3.", "N")] = 3,
    space: Annotated[list[str] | None, option(
        "Changes of what is searched, e.g. width=16..64 or dropout=0.1; may be repeated.",
        "NAME=VALUES")] = None,
    strategy: Annotated[str, option(
        "architecture, or any of `wholefit tune`: random, genetic, ...", "NAME")] = "architecture",
    budget: Budget = "5min",
    nested: Nested = 0,
    study: Study = None,
    metric: Metric = None,
    folds: Folds = 5,
    memory: Memory = None,
    positive: Positive = None,
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
    """Search for the network that does best, within a limit of its size; refit and save it.

    A network is one cell, a small graph of layers, repeated. Many are trained briefly, the
    promising ones longer; new ones are bred from the best. Networks need the extra "deep".

    wholefit architecture-search churn.csv --target churn --parameters 20000 --budget 2min
    """
    import wholefit as wf

    searched(lambda: wf.architecture_search(
        source, target=target, kind=kind, parameters=parameters, latency=latency, nodes=nodes,
        space=space_of(space), strategy=strategy, budget=budget, nested=nested, study=study,
        metric=metric, folds=folds, memory=memory, positive=positive, groups=groups, time=time,
        weights=weights, roles=pairs(role, "--role", plain=False) or None, jobs=jobs,
        seed=seed, **reading),
        source, out, report, ours=(metric,), force=force, as_json=as_json, quiet=quiet)
