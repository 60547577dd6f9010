"""`wholefit counterfactual`, `nearest`: what would have to change, and which rows are alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Json, Seed
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading
from wholefit.cli.use import Model, check_order

Rows = Annotated[str, typer.Argument(
    help="Rows: a file, or - for standard input.", metavar="SOURCE")]
One = Annotated[int, typer.Option("--row", help="Which of the rows, counted from 1.", metavar="N",
                                  min=1)]
Row = Annotated[int | None, typer.Option(
    "--row", help="Which of the rows, counted from 1; all where left out.", metavar="N", min=1)]


@command("counterfactual")
def counterfactual(
    model: Model,
    source: Rows,
    row: One = 1,
    want: Annotated[str | None, typer.Option(
        help="The class wanted; of a number LOW..HIGH, with either end left out, or one number "
        "to reach. The other of two classes where left out.", metavar="WANTED")] = None,
    change: Annotated[list[str] | None, typer.Option(
        help="A column that may change; may be repeated. All where left out.",
        metavar="COLUMN")] = None,
    keep: Annotated[list[str] | None, typer.Option(
        help="A column that stays; may be repeated.", metavar="COLUMN")] = None,
    only_up: Annotated[list[str] | None, typer.Option(
        help="A number that may only grow; may be repeated.", metavar="COLUMN")] = None,
    only_down: Annotated[list[str] | None, typer.Option(
        help="A number that may only shrink; may be repeated.", metavar="COLUMN")] = None,
    among: Annotated[str | None, typer.Option(
        help="Rows among which the changed row must look real.", metavar="SOURCE")] = None,
    alternatives: Annotated[int, typer.Option(help="How many to give.", metavar="N")] = 3,
    most: Annotated[int, typer.Option(
        help="Columns changed at once, at most.", metavar="N")] = 4,
    least: Annotated[float, typer.Option(
        help="Probability that the wanted class must have.", metavar="SHARE")] = 0.0,
    seed: Seed = 0,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Say what would have to be otherwise in a row for the model to answer as wanted."""
    import wholefit as wf

    check_order(model, source)
    with told(quiet=True):
        result = _supervised(wf.load(model))
        found = result.counterfactuals(
            _picked(source, row, reading), want=_wanted(result, want), change=change,
            keep=keep or [], only_up=only_up or [], only_down=only_down or [],
            among=None if among is None else wf.read(among, **reading),
            alternatives=alternatives, most=most, least=least, seed=seed)
    if as_json:
        _show.as_json(found.to_json())
        return
    for line in found.lines():
        _show.say(_show.wrapped(line))


@command("nearest")
def nearest(
    model: Model,
    source: Rows,
    among: Annotated[str, typer.Option(
        help="Rows to choose from, such as those that the model was fitted on.",
        metavar="SOURCE")],
    row: Row = None,
    k: Annotated[int, typer.Option("--k", help="How many for each row.", metavar="N")] = 5,
    seed: Seed = 0,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """List the rows that the model treats most like each row, and what became of them."""
    import wholefit as wf

    check_order(model, source)
    with told(quiet=True):
        result = _supervised(wf.load(model))
        asked = wf.read(source, **reading) if row is None else _picked(source, row, reading)
        found = result.examples(asked, wf.read(among, **reading), k=k, seed=seed)
    if row is not None:
        found = replace(found, found=tuple(replace(one, row=row - 1) for one in found.found))
    if as_json:
        _show.as_json(found.to_json())
        return
    for one in found.found:
        _show.say(_show.wrapped(one.to_text(found.target)))
        names = [name for name in one.cells if name != found.target]
        _show.table(*_show.widest(lambda count, one=one, names=names: _board(  # type: ignore[misc]
            found.target, one, names[:count]), max(1, len(names))))
    for line in found.lines()[len(found.found):]:
        _show.say(_show.wrapped(line))


def _board(target: str, one: Any, names: list[str]) -> _show.Table:
    asked = ["asked", "", f"{_cell(one.prediction)} (predicted)",
             *(_cell(one.cells[name]) for name in names)]
    rows = [[f"row {each.row + 1}", f"{each.alike:.2f}", _cell(each.outcome),
             *(_cell(each.cells.get(name)) for name in names)] for each in one.examples]
    return ["", "alike", target, *names], [asked, *rows]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:40]


def _supervised(result: Any) -> Any:
    """The result, unless it is of a task without a target."""
    if not hasattr(result, "target"):
        raise WholefitError(f"this is a model of {result.task}, which predicts no target: there "
                            "is no answer to be otherwise.")
    return result


def _picked(source: str, row: int, words: dict[str, Any]) -> Any:
    """One row of a source, counted from 1, as a table."""
    from wholefit.data import read

    frame = read(source, **words).frame
    if row > frame.height:
        raise WholefitError(f"--row must be 1 to {frame.height:,}, the rows of {source}; got "
                            f"{row:,}.")
    return frame[row - 1:row]


def _wanted(result: Any, want: str | None) -> Any:
    """The word as a class, or as a number or range of them."""
    if want is None or result.classes is not None:
        return want
    low, dots, high = want.partition("..")
    try:
        if not dots:
            return float(want)
        return (float(low) if low.strip() else None, float(high) if high.strip() else None)
    except ValueError:
        raise typer.BadParameter(
            f"--want must be a number or LOW..HIGH for {result.target!r}; got {want!r}.") from None
