"""`wholefit monitor`: a log of answers judged; `wholefit log`: answers written to a log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Force, Json, Seed, option
from wholefit.cli._places import check_free
from wholefit.cli._reading import READ, Reading

Name = Annotated[str | None, option(
    "What the model is called in the log; its file's name if left out.", "NAME")]
Key = Annotated[str | None, option(
    "Where the key of an encrypted log comes from: env:NAME, file:PATH or command:WORDS; else as "
    "WHOLEFIT_KEY says.", "SOURCE")]


@command("monitor")
def monitor(
    model: Annotated[Path, typer.Argument(help="A model file (.wf).", metavar="MODEL")],
    log: Annotated[str, option(
        "The log that answers were written to: a SQLite file, or a database's URL.", "LOG")],
    reference: Annotated[str | None, option(
        "Rows that it should be asked about and was not fitted on; with the target where known.",
        "SOURCE")] = None,
    name: Name = None,
    version: Annotated[str | None, option("Of the model; the newest if left out.", "N")] = None,
    window: Annotated[str, option(
        "What is judged at once: '500 rows', '1 day', '6h'.", "SIZE")] = "500 rows",
    since: Annotated[str | None, option(
        "Only windows that ended after: a time, or a stretch such as 24h.", "TIME")] = None,
    last: Annotated[int, option("Windows that are judged, the newest.", "N")] = 60,
    level: Annotated[float, option("Chance of a false alarm.", "SHARE")] = 0.05,
    control: Annotated[str, option(
        "What the level bounds: ever (any false alarm), window (the share of stable windows that "
        "alarm) or discovery (the share of false alarms).", "WORD")] = "ever",
    threshold: Annotated[float, option(
        "Smallest drift that matters, as a share of rows.", "SHARE")] = 0.1,
    loss: Annotated[float, option(
        "Smallest loss of the score that matters, as a share of it.", "SHARE")] = 0.05,
    metric: Annotated[str | None, option("Of true answers; that of the model.", "NAME")] = None,
    by: Annotated[list[str] | None, option(
        "A column whose parts are watched each by itself; may be repeated.", "COLUMN")] = None,
    protected: Annotated[list[str] | None, option(
        "A column of groups of people; may be repeated.", "COLUMN")] = None,
    unsure: Annotated[float, option(
        "Answers less sure than this count as low in confidence.", "SHARE")] = 0.6,
    latency: Annotated[float | None, option(
        "Seconds that at most 5 % of answers may take.", "SECONDS")] = None,
    together: Annotated[bool, typer.Option(
        "--together/--no-together", help="Teach a model to tell rows apart, and estimate the "
        "score.")] = True,
    anomalies: Annotated[bool, typer.Option(
        "--anomalies/--no-anomalies", help="Count strange rows.")] = True,
    rules: Annotated[Path | None, option(
        "Expectations of rows (`wholefit expect`), beside those of the model file.",
        "FILE")] = None,
    rolled: Annotated[Path | None, option("Folder of answers rolled out of the log.",
                                          "FOLDER")] = None,
    key: Key = None,
    hook: Annotated[str | None, option(
        "Command that is told each alarm once, as JSON on standard input.", "COMMAND")] = None,
    webhook: Annotated[str | None, option(
        "Address that each alarm is sent to once, as JSON; or $VARIABLE.", "URL")] = None,
    seed: Seed = 0,
    out: Annotated[Path | None, option("Also write one HTML page.", "FILE")] = None,
    prometheus: Annotated[Path | None, option(
        "Also write the newest window for Prometheus's text file collector.", "FILE")] = None,
    force: Force = False,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Judge the answers that a model gave: drift, quality, strange rows, scores, latency.

    Exit code 1 if any window that is told alarms.

    wholefit monitor churn.wf --log answers.db --reference held-out.csv --out watch.html
    """
    import wholefit as wf

    if out is not None:
        check_free([out], log, force)
    sealer = _sealer(key)
    found = wf.monitor(
        model, log, reference, name=name, version=version, since=since, rules=rules, rolled=rolled,
        unseal=sealer and sealer.open, command=hook, webhook=_secret(webhook), reading=reading,
        window=window, last=last, level=level, control=control, threshold=threshold, loss=loss,
        metric=metric, by=by or [], protected=protected or [], unsure=unsure, latency=latency,
        together=together, anomalies=anomalies, seed=seed)
    if out is not None:
        found.report(out, force=force)
    if prometheus is not None:
        from wholefit.report.writing import put

        put(found.to_prometheus, prometheus, force=True)
    if as_json:
        _show.as_json(found.to_json())
    else:
        for line in str(found).splitlines():
            _show.say(_show.wrapped(line))
        if out is not None:
            _show.say(f"written to {out}")
    if not found.ok:
        raise typer.Exit(1)


@command("log")
def log_answers(
    model: Annotated[Path, typer.Argument(help="A model file (.wf).", metavar="MODEL")],
    source: Annotated[str, typer.Argument(
        help="Rows to answer: a file, or - for standard input.", metavar="SOURCE")],
    to: Annotated[str, option("The log: a SQLite file, or a database's URL.", "LOG")],
    name: Name = None,
    version: Annotated[str, option("Of the model.", "N")] = "1",
    id_column: Annotated[str | None, typer.Option(
        "--id", help="Column that names each row.", metavar="COLUMN")] = None,
    truth: Annotated[str | None, option("Column of what turned out to be true.", "COLUMN")] = None,
    time: Annotated[str | None, option("Column of when each row was asked.", "COLUMN")] = None,
    keep_rows: Annotated[bool, typer.Option(
        "--rows/--no-rows", help="Keep the rows, or only count them.")] = True,
    key: Key = None,
    reading: Reading = READ,
) -> None:
    """Answer rows and write the answers to a log, as the server does, to be monitored.

    wholefit log churn.wf march.csv --to answers.db --id customer --time day --truth churn
    """
    import wholefit as wf

    sealer = _sealer(key) if key is not None else None
    written = wf.log_answers(model, source, to, name=name, version=version, id=id_column,
                             truth=truth, time=time, keep_rows=keep_rows,
                             seal=sealer and sealer.seal, **reading)
    _show.say(f"{written:,} answers written to {Path(to).name if '://' not in to else 'the log'}")


def _sealer(key: str | None) -> Any:
    """The sealer of a stated key, or of that which WHOLEFIT_KEY names; None without either."""
    from wholefit.base.sealing import VARIABLE, sealer

    return sealer(key) if key is not None or os.environ.get(VARIABLE) else None


def _secret(word: str | None) -> str | None:
    """A word, or where it begins with $ what that environment variable holds."""
    if word is None or not word.startswith("$"):
        return word
    return os.environ.get(word[1:], "")
