"""`wholefit architecture-search`: find a network that is small enough and does best."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wholefit.base.events import listen
from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._options import Force, Groups, Jobs, Json, Role, Seed, Time, Weights, option
from wholefit.cli._places import beside, check_free, check_report
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading
from wholefit.cli.fit import facts
from wholefit.cli.tune import _following, _space, _tell, _write


@command("architecture-search")
def architecture_search(
    source: Annotated[str, typer.Argument(
        help="File, folder, database URL, or - for standard input.", metavar="SOURCE")],
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
    budget: Annotated[str, option(
        "A time, from start to end (60s, 5min), a number of trials ('50 trials'), or both.",
        "TIME")] = "5min",
    nested: Annotated[int, option(
        "Outer folds in which the whole search is repeated, for a score that counts it; 0 for "
        "none.", "N")] = 0,
    study: Annotated[Path | None, option(
        "SQLite file that keeps the search: it can go on later, and several processes can share "
        "it.", "FILE")] = None,
    metric: Annotated[str | None, option(
        "What is searched for: a name, or 'module:function' of your own.", "METRIC")] = None,
    folds: Annotated[int, option("Folds of the cross-validation.", "N")] = 5,
    memory: Annotated[str | None, option(
        "Memory that may be held: 500MB, 2GB; a trial that takes more fails.", "SIZE")] = None,
    positive: Annotated[str | None, option("The class called positive.", "CLASS")] = None,
    groups: Groups = None,
    time: Time = None,
    weights: Weights = None,
    role: Role = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    reading: Reading = READ,
    out: Annotated[Path | None, option(
        "Model file; SOURCE's name, in this folder, with .wf.", "FILE")] = None,
    report: Annotated[Path | None, option(
        "Write a page of the search here: how it went, what mattered.", "FILE")] = None,
    force: Force = False,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")] = False,
) -> None:
    """Search for the network that does best, within a limit of its size; refit and save it.

    A network is one cell, a small graph of layers, repeated. Many are trained briefly, the
    promising ones longer; new ones are bred from the best. Networks need the extra "deep".

    wholefit architecture-search churn.csv --target churn --parameters 20000 --budget 2min
    """
    import wholefit as wf

    saved = out or beside(source)
    check_free([saved, *([report] if report else [])], source, force)
    if report:
        check_report(report)
    importable(metric)
    quiet = quiet or as_json
    with told(quiet) as said, listen(_following(quiet)):
        result = wf.architecture_search(
            source, target=target, kind=kind, parameters=parameters, latency=latency, nodes=nodes,
            space=_space(space), strategy=strategy, budget=budget, nested=nested, study=study,
            metric=metric, folds=folds, memory=memory, positive=positive, groups=groups, time=time,
            weights=weights, roles=pairs(role, "--role", plain=False) or None, jobs=jobs,
            seed=seed, **reading)
        files, trouble = _write(result, saved, report, force)
    if as_json:
        _show.as_json({**facts(result, files), "study": result.study.to_json()})
    else:
        _tell(result, said, files, quiet)
    if trouble is not None:
        raise trouble
