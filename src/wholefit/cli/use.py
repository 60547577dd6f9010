"""`wholefit predict`, `evaluate`, `compare`, `report`: what a saved model is for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._progress import told

Model = Annotated[Path, typer.Argument(help="A model file (.wf).")]
Json = Annotated[bool, typer.Option("--json", help="JSON, for machines.")]
Policy = Annotated[list[str] | None, typer.Option(
    help="What to do where new data does not fit, e.g. missing_column=impute; repeatable.")]


@command("predict")
def predict(
    model: Model,
    source: Annotated[str, typer.Argument(help="Rows to answer: a file, or - for stdin.")],
    out: Annotated[str, typer.Option(help="CSV, Parquet, JSON, Excel ...; - is stdout.")] = "-",
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    policy: Policy = None,
    as_json: Json = False,
) -> None:
    """Answer each row of SOURCE: identifiers, the prediction, and probabilities of classes."""
    import wholefit as wf
    from wholefit.data import read
    from wholefit.data.write import write

    with told(quiet=True) as said:
        result = wf.load(model)
        frame = result.answers(read(source).frame, **pairs(policy, "--policy"))
    for sentence in dict.fromkeys(said):
        typer.echo(sentence, err=True)
    if as_json:
        _show.as_json(frame.to_dicts())
    elif out == "-":
        sys.stdout.write(frame.write_csv())
    else:
        write(frame, out, force=force)
        _show.say(f"{len(frame):,} rows written to {out}")


@command("evaluate")
def evaluate(
    model: Model,
    source: Annotated[str, typer.Argument(help="Rows with the target, not used for fitting.")],
    metric: Annotated[str | None, typer.Option(help="A metric of your own, too.")] = None,
    policy: Policy = None,
    as_json: Json = False,
) -> None:
    """Score a model on held-out rows: every metric with its interval."""
    import wholefit as wf

    importable(metric)
    with told(quiet=True) as said:
        result = wf.load(model)
        scores = result.evaluate(source, metric=metric, **pairs(policy, "--policy"))
    for sentence in dict.fromkeys(said):
        typer.echo(sentence, err=True)
    if as_json:
        _show.as_json({name: score.to_json() for name, score in scores.items()})
        return
    rows = [[name, str(score), score.how] for name, score in scores.items()]
    _show.table(["metric", "value [95 % interval]", "how"], rows)


@command("compare")
def compare(
    a: Model,
    b: Annotated[Path, typer.Argument(help="Another model of the same target.")],
    source: Annotated[str, typer.Argument(help="Rows with the target, new to both.")],
    metric: Annotated[str | None, typer.Option(help="What to compare by.")] = None,
    as_json: Json = False,
) -> None:
    """Is A better than B? A paired test on the same held-out rows."""
    import dataclasses

    import wholefit as wf

    importable(metric)
    with told(quiet=True):
        found = wf.compare(wf.load(a), wf.load(b), source, metric=metric)
    if as_json:
        _show.as_json(dataclasses.asdict(found))
        return
    words = {"a": f"{a} is better than {b}", "b": f"{b} is better than {a}",
             "tied": f"{a} and {b} are statistically tied"}
    _show.say(f"{words[found.better]}: {found.metric} differs by {found.value:+.4g} "
              f"[{found.low:+.4g}, {found.high:+.4g}], p = {found.p:.2g} ({found.how}).")


@command("report")
def report(
    model: Model,
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write one self-contained HTML page about a saved model."""
    import wholefit as wf

    _show.say(f"saved {wf.load(model).report(out, force=force)}")
