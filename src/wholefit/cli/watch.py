"""`wholefit watch`: rows on standard input, alarms on standard output as they come."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.base.errors import DataError, WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._progress import told

_SAY_EVERY = 50
# The time that a table of nested values takes grows with the cube of their depth.
_DEEPEST = 32
# Characters of one record of CSV that runs over several lines.
_LONGEST = 1 << 16


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

    The detectors do not learn on. When the scores drift, a line on standard error says so. A row
    that cannot be read or judged is left out, said and counted, and the watch goes on.
    """
    from wholefit.api.anomaly import Alarms
    from wholefit.api.result import load

    found = load(model)
    if not isinstance(found, Alarms):
        raise WholefitError(f"{model} is of the task {found.task}, and watch needs one of anomaly: "
                            "fit with --task anomaly.")
    stream = (found if alerts is None else found.with_alerts(alerts)).stream(adapt=adapt)
    drifted, left_out = False, 0
    for at, lines in enumerate(_batches(source, batch)):
        left_out = _judged(stream, lines, left_out)
        if not drifted and at % _SAY_EVERY == _SAY_EVERY - 1:
            drifted = _tell(stream.drift())
    if not drifted:
        _tell(stream.drift())
    _show.aside(f"{stream.rows:,} rows, {stream.alarmed:,} alarms"
                + (f", {left_out:,} rows left out" if left_out else ""))


def _judged(stream: Any, lines: _Lines, left_out: int) -> int:
    """Judge the rows of these lines and print their alarms; gives how many are left out by now.

    Where they fail together they are taken one by one. Raises what a row raises where none has
    been judged before: then it is not that row which is wrong.
    """
    try:
        with told(quiet=True):
            alarms = stream.feed(_table(lines))
    except WholefitError as error:
        if len(lines.rows) > 1:
            for row in lines.rows:
                left_out = _judged(stream, replace(lines, rows=[row]), left_out)
            return left_out
        if not stream.rows:
            raise
        _show.aside(f"warning: row {stream.rows + left_out:,} is left out: {error}")
        return left_out + 1
    for alarm in alarms:
        _print({**alarm.to_json(), "row": alarm.row + left_out})
    return left_out


@dataclass(frozen=True)
class _Lines:
    """Rows as they were written: of JSON, or of CSV with its header."""

    header: str
    rows: list[str]
    as_json: bool


def _print(alarm: dict[str, Any]) -> None:
    """One line, at once: the reader may be waiting for it."""
    sys.stdout.write(json.dumps(alarm, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _tell(said: str | None) -> bool:
    if said is not None:
        _show.aside(f"warning: {said}")
    return said is not None


def _batches(source: str, size: int) -> Iterator[_Lines]:
    """At most so many rows at once, from lines of CSV or of JSON."""
    with _opened(source) as lines:
        header = next(lines, "").lstrip("\ufeff")
        if not header.strip():
            raise DataError(f"{'standard input' if source == '-' else source} is empty: it must "
                            "be CSV with a header, or one JSON object a line.")
        as_json = header.lstrip().startswith("{")
        some = [header] if as_json else []
        for line in lines if as_json else _records(lines):
            if line.strip():
                some.append(line)
            if len(some) >= size:
                yield _Lines(header, some, as_json)
                some = []
        if some:
            yield _Lines(header, some, as_json)


def _records(lines: Iterator[str]) -> Iterator[str]:
    """Lines of CSV, those that a quoted value runs over put together.

    A quote that is never closed must not keep the rows after it for ever.
    """
    whole, quotes = "", 0
    for line in lines:
        whole, quotes = whole + line, quotes + line.count('"')
        if quotes % 2 == 0 or len(whole) > _LONGEST:
            yield whole
            whole, quotes = "", 0
    if whole:
        yield whole


def _opened(source: str) -> Any:
    if source == "-":
        return io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
    return open(source, encoding="utf-8", errors="replace")


def _table(given: _Lines) -> Any:
    import polars as pl

    header, lines = given.header, given.rows
    try:
        if given.as_json:
            rows = [json.loads(line) for line in lines]
            if _deeper(rows, _DEEPEST):
                raise ValueError(f"values are nested more than {_DEEPEST} deep")
            return pl.DataFrame(rows, infer_schema_length=None)
        text = "".join([header, *(line if line.endswith("\n") else line + "\n" for line in lines)])
        return pl.read_csv(io.StringIO(text), infer_schema=False)
    except (ValueError, TypeError, OverflowError, RecursionError,
            pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        first = (str(error).splitlines() or ["no more is known"])[0][:200]
        raise DataError(f"rows near {lines[0].strip()[:80]!r} cannot be read ({first}): they must "
                        "be CSV with a header, or one JSON object a line.") from error


def _deeper(value: Any, most: int) -> bool:
    """Whether lists and objects lie within each other more than `most` deep."""
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return most <= 0 or any(_deeper(each, most - 1) for each in inner)
