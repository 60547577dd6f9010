"""`wholefit importance`, `effect`, `interactions`: what matters over all rows, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.base.errors import ParameterError
from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._options import Force, Json, Seed, option
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading
from wholefit.cli.use import Held, Model, Policy, check_order

_SHOWN = 25
Rows = Annotated[str, typer.Argument(
    help="Rows to ask the model about: a file, or - for standard input.", metavar="SOURCE")]
Out = Annotated[Path | None, option("Also write one HTML page with pictures.", "FILE")]
Level = Annotated[float, option("Of intervals and verdicts.", "SHARE")]
Most = Annotated[int | None, option("Most rows asked.", "N")]


@command("importance")
def importance(
    model: Model,
    source: Held,
    metric: Annotated[str | None, option(
        "What falls: a name, or 'module:function' of your own; what the model was chosen by if "
        "left out.", "METRIC")] = None,
    repeats: Annotated[int, option("Shuffles of each column.", "N")] = 5,
    together: Annotated[list[str] | None, option(
        "Columns to shuffle together too, e.g. age,income; may be repeated. Those that stand in "
        "for each other if left out.", "COLUMNS")] = None,
    within: Annotated[list[str] | None, option(
        "Shuffle only among rows that are alike in this column; may be repeated.",
        "COLUMN")] = None,
    level: Level = 0.95,
    most: Most = None,
    seed: Seed = 0,
    policy: Policy = None,
    reading: Reading = READ,
    out: Out = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Say what each column is worth on held-out rows: how far the score falls without it.

    A column is shuffled among the rows; the fall has an interval, and a verdict that is corrected
    for the number of columns.

    wholefit importance churn.wf held-out.csv
    """
    importable(metric)
    own = {"metric": metric, "repeats": repeats, "level": level, "seed": seed,
           **_given(within=within, most=most)}
    if together:
        own["together"] = [[name.strip() for name in group.split(",")] for group in together]
    _tell(model, source, out, force, as_json, lambda result: result.importance(
        source, **own, **pairs(policy, "--policy", plain=False), **reading))


@command("effect")
def effect(
    model: Model,
    source: Rows,
    columns: Annotated[list[str], typer.Argument(
        help="The column, or two of them.", metavar="COLUMN...")],
    kind: Annotated[str, option(
        "ale (asks only near where rows are), pdp (every value for every row) or ice (the same, "
        "with single rows).", "KIND")] = "ale",
    of: Annotated[str | None, option(
        "The class whose probability is told.", "CLASS")] = None,
    points: Annotated[int | None, option("Values of the column asked about.", "N")] = None,
    most: Most = None,
    seed: Seed = 0,
    policy: Policy = None,
    reading: Reading = READ,
    out: Out = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Say how the answer moves with a column, or with two, over all rows.

    wholefit effect churn.wf rows.csv tenure
    """
    if len(columns) > 2:
        raise ParameterError(f"an effect is of one column or of two; got {len(columns)}.")
    own = {"kind": kind, "seed": seed, **_given(of=of, points=points, most=most)}
    _tell(model, source, out, force, as_json, lambda result: result.effect(
        columns[0] if len(columns) == 1 else columns, source, **own,
        **pairs(policy, "--policy", plain=False), **reading))


@command("interactions")
def interactions(
    model: Model,
    source: Rows,
    top: Annotated[int, option("Columns looked at, those that move the answer most.", "N")] = 8,
    level: Level = 0.95,
    most: Most = None,
    seed: Seed = 0,
    policy: Policy = None,
    reading: Reading = READ,
    out: Out = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Say which pairs of columns act together beyond what each does alone.

    Where SOURCE has the target, each pair is tested on it; else only what the model does is told.

    wholefit interactions churn.wf held-out.csv
    """
    own = {"top": top, "level": level, "seed": seed, **_given(most=most)}
    _tell(model, source, out, force, as_json, lambda result: result.interactions(
        source, **own, **pairs(policy, "--policy", plain=False), **reading))


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _tell(model: Path, source: str, out: Path | None, force: bool, as_json: bool, ask: Any) -> None:
    """Ask the loaded model, and show the record: sentences, a table, a page, or JSON."""
    import wholefit as wf

    if out is not None:
        check_free([out], source, force)
    check_order(model, source)
    with told(quiet=True) as said:
        found = ask(wf.load(model))
    page = None if out is None else str(found.report(out, force=force))
    if as_json:
        _show.as_json({**found.to_json(), "report": page})
        return
    for sentence in said:
        if sentence.startswith("warning"):
            _show.aside(sentence)
    for sentence in found.sentences:
        _show.say(_show.wrapped(sentence))
    _show.say()
    header, rows = found.table()
    _show.table(header, rows[:_SHOWN])
    if len(rows) > _SHOWN:
        _show.say(f"... and {len(rows) - _SHOWN} more (--json and --out have all)")
    if page is not None:
        _show.say(f"saved {page}")
