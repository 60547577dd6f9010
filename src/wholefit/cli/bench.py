"""`wholefit bench`: what an answer costs in every runtime that is installed here."""

from __future__ import annotations

from typing import Annotated

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, pairs
from wholefit.cli._options import Json, option
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading
from wholefit.cli.use import Model, Policy, check_order


@command("bench")
def bench(
    model: Model,
    source: Annotated[str, typer.Argument(
        help="Real rows to ask; their target may be there.", metavar="SOURCE")],
    to: Annotated[str | None, option(
        "Runtimes, between commas: wholefit, quick, and targets of `export`; all if left out.",
        "RUNTIMES")] = None,
    also: Annotated[list[str] | None, option(
        "Another model file or an exported one to stand beside; may be repeated.", "FILE")] = None,
    seconds: Annotated[float, option(
        "Seconds of single rows, and as many of batches, for each runtime.", "SECONDS")] = 1.0,
    batch: Annotated[int, option("Rows of a batch.", "N")] = 1000,
    instructions: Annotated[bool, typer.Option(
        "--instructions", help="Count the instructions of a row too, where perf is installed.",
    )] = False,
    jobs: Annotated[int, option("Threads of each runtime.", "N")] = 1,
    policy: Policy = None,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Measure a saved model in every runtime: time of a row, rows a second, memory, size.

    wholefit bench m.wf rows.csv --also small.wf
    """
    import wholefit as wf

    check_order(model, source)
    words = None if to is None else [word.strip() for word in to.split(",") if word.strip()]
    with told(as_json) as said:
        found = wf.bench(model, source, runtimes=words, also=also or (), seconds=seconds,
                         batch=batch, instructions=instructions, jobs=jobs,
                         **pairs(policy, "--policy", plain=False), **reading)
    if as_json:
        _show.as_json(found.to_json())
        return
    for sentence in dict.fromkeys((*said, *found.notes)):
        _show.say(_show.wrapped(sentence))
    _show.say()
    _show.table(*found.table())
    for row in found.rows:
        if row.why:
            _show.say(_show.wrapped(f"{row.runtime} is not here: {row.why}"))
