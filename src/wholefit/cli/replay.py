"""`wholefit replay`: a run done again by count, and whether it is bit-equal; runs as text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, importable
from wholefit.cli._options import Force, Json, option
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading


@command("replay")
def replay(
    run: Annotated[Path, typer.Argument(
        help="A model file (.wf) or a run file (.toml).", metavar="MODEL")],
    source: Annotated[str | None, typer.Argument(
        help="The rows it learnt from; the file it names, here or beside MODEL, if left out.",
        metavar="[SOURCE]")] = None,
    write: Annotated[Path | None, option(
        "Write the run as text (.toml), for `diff` and for a later replay; run nothing.",
        "FILE")] = None,
    out: Annotated[Path | None, option("Save the model that is made again.", "FILE")] = None,
    metric: Annotated[str | None, option(
        "The metric of your own that the run was compared by, as 'module:function'.",
        "METRIC")] = None,
    jobs: Annotated[int | None, option("Threads; as many as the run had.", "N")] = None,
    anyway: Annotated[bool, typer.Option(
        "--anyway", help="Run it too where the rows are not those of the run.")] = False,
    force: Force = False,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Do a run again, by count and without a clock, and say whether it is bit-equal.

    Rows, answers to unseen rows, scores and every part of the model are compared; the first that
    differs is named, with what may be the cause. Exit code 1 if anything differs.
    """
    import wholefit as wf
    from wholefit.api.replaying import write_run_file

    if write is not None:
        check_free([write], str(run), force)
        path = write_run_file(run, write, force=force)
        _show.as_json({"written": str(path)}) if as_json else _show.say(f"written to {path}")
        return
    if out is not None:
        check_free([out], str(run), force)
    importable(metric)
    with told(as_json) as said:
        found = wf.replay(run, source, anyway=anyway, metric=metric, jobs=jobs, **reading)
    if out is not None and found.result is not None:
        found.result.save(out, force=force)
    if as_json:
        _show.as_json(found.to_json())
    else:
        for sentence in said:
            _show.say(sentence)
        _show.table(*found.table())
        _show.say()
        for sentence in (found.verdict(), *found.causes()):
            _show.say(_show.wrapped(sentence))
        if out is not None and found.result is not None:
            _show.say(f"saved {out}")
    if not found.equal:
        raise typer.Exit(1)
