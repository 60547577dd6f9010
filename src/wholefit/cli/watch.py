"""`wholefit watch`: rows on standard input, alarms on standard output as they come."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.base.errors import DataError, WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._progress import told

_SAY_EVERY = 50


@command("watch")
def watch(
    model: Annotated[Path, typer.Argument(
        help="A model file (.wf) of a fit with --task anomaly.", metavar="MODEL")],
    source: Annotated[str, typer.Argument(
        help="- for standard input, or a file: CSV with a header, or one JSON object a line.",
        metavar="SOURCE")] = "-",
    batch: Annotated[int, typer.Option(
        min=1, help="Rows that are judged at once; 1 judges each as it comes.",
        metavar="N")] = 100,
    alerts: Annotated[str | None, typer.Option(
        help="Another alert budget than that of the fit, e.g. '20 per day'.",
        metavar="BUDGET")] = None,
    adapt: Annotated[bool, typer.Option(
        "--adapt", help="Let the threshold follow the alarms seen, so that the budget holds on "
        "data that drift; without, it stays as it was set.")] = False,
) -> None:
    """Judge rows as they come: each alarm is one line of JSON, with the row, its score and why.

    The detectors do not learn on. When the scores drift, a line on standard error says so.
    """
    from wholefit.api.anomaly import Alarms
    from wholefit.api.result import load

    found = load(model)
    if not isinstance(found, Alarms):
        raise WholefitError(f"{model} is of the task {found.task}, and watch needs one of anomaly: "
                            "fit with --task anomaly.")
    stream = (found if alerts is None else found.with_alerts(alerts)).stream(adapt=adapt)
    drifted = False
    for at, rows in enumerate(_batches(source, batch)):
        with told(quiet=True):
            alarms = stream.feed(rows)
        for alarm in alarms:
            _print(alarm.to_json())
        if not drifted and at % _SAY_EVERY == _SAY_EVERY - 1:
            drifted = _tell(stream.drift())
    if not drifted:
        _tell(stream.drift())
    _show.aside(f"{stream.rows:,} rows, {stream.alarmed:,} alarms")


def _print(alarm: dict[str, Any]) -> None:
    """One line, at once: the reader may be waiting for it."""
    sys.stdout.write(json.dumps(alarm, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _tell(said: str | None) -> bool:
    if said is not None:
        _show.aside(f"warning: {said}")
    return said is not None


def _batches(source: str, size: int) -> Iterator[Any]:
    """Tables of at most so many rows, from lines of CSV or of JSON."""
    with _opened(source) as lines:
        header = next(lines, "").lstrip("\ufeff")
        if not header.strip():
            raise DataError(f"{'standard input' if source == '-' else source} is empty: it must "
                            "be CSV with a header, or one JSON object a line.")
        as_json = header.lstrip().startswith("{")
        some = [header] if as_json else []
        for line in lines:
            if line.strip():
                some.append(line)
            if len(some) >= size:
                yield _table(header, some, as_json)
                some = []
        if some:
            yield _table(header, some, as_json)


def _opened(source: str) -> Any:
    if source == "-":
        return io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
    return open(source, encoding="utf-8", errors="replace")


def _table(header: str, lines: list[str], as_json: bool) -> Any:
    import polars as pl

    try:
        if as_json:
            return pl.DataFrame([json.loads(line) for line in lines], infer_schema_length=None)
        text = "".join([header, *(line if line.endswith("\n") else line + "\n" for line in lines)])
        return pl.read_csv(io.StringIO(text), infer_schema=False)
    except (ValueError, TypeError, pl.exceptions.PolarsError) as error:
        first = str(error).splitlines()[0][:200]
        raise DataError(f"rows near {lines[0].strip()[:80]!r} cannot be read ({first}): they must "
                        "be CSV with a header, or one JSON object a line.") from error
