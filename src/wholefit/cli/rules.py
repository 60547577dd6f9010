"""`wholefit rules`: the rules of a saved model, chosen, as sentences, a table or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Force, Json, option
from wholefit.cli._places import check_free
from wholefit.cli._progress import told

Model = Annotated[Path, typer.Argument(help="A model of baskets (.wf).", metavar="MODEL")]
_SHOWN = ("antecedent", "consequent", "both", "confidence", "strength", "lift", "support",
          "p_adjusted")


@command("rules")
def rules(
    model: Model,
    about: Annotated[list[str] | None, option(
        "An item that stands on either side; may be repeated.", "ITEM")] = None,
    antecedent: Annotated[list[str] | None, option(
        "An item of the left side; may be repeated.", "ITEM")] = None,
    consequent: Annotated[list[str] | None, option(
        "An item of the right side; may be repeated.", "ITEM")] = None,
    least: Annotated[list[str] | None, typer.Option(
        "--min", help="Least value of a measure, e.g. lift=2, confidence=0.5, support=0.01; may "
        "be repeated.", metavar="NAME=VALUE")] = None,
    min_lift: Annotated[float | None, option("Least lift.", "N")] = None,
    min_confidence: Annotated[float | None, option("Least confidence.", "N")] = None,
    head: Annotated[int, typer.Option("-n", "--head", help="Rules shown.", metavar="N",
                                      min=1)] = 20,
    out: Annotated[Path | None, option(
        "File to write all of them to: .csv, .parquet, .json ...", "FILE")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """List the rules of a model of baskets: those about an item, or above some measure.

    wholefit rules baskets.wf --about "BREAD" --min lift=2 --out rules.csv
    """
    import wholefit as wf

    if as_json and out is not None:
        raise typer.BadParameter("--json prints and --out writes: say one of them.")
    if out is not None:
        check_free([out], "-", force)
    bounds = _bounds(least, min_lift, min_confidence)
    with told(as_json) as said:
        found = wf.load(model)
        if found.task != "association":
            raise WholefitError(f"{model} is a model of {found.task}, which has no rules.")
        frame = found.filter(about=about, antecedent=antecedent, consequent=consequent, **bounds)
    for sentence in said:
        _show.aside(sentence)
    _give(_plain(frame), head, out, force, as_json)


def _bounds(least: list[str] | None, lift: float | None,
            confidence: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in least or ():
        name, _, value = word.partition("=")
        try:
            found[f"min_{name.strip()}"] = float(value)
        except ValueError:
            raise typer.BadParameter(f"--min takes NAME=VALUE, such as lift=2; got {word!r}.") \
                from None
    for name, number in (("min_lift", lift), ("min_confidence", confidence)):
        if number is not None:
            found[name] = number
    return found


def _plain(frame: Any) -> Any:
    import polars as pl

    if isinstance(frame, pl.DataFrame):
        return frame
    return pl.DataFrame(frame if isinstance(frame, dict) else frame.to_dict("list"))


def _give(frame: Any, head: int, out: Path | None, force: bool, as_json: bool) -> None:
    from wholefit.data.write import write

    if as_json:
        _show.as_json(frame.to_dicts())
    elif out is not None:
        write(frame, out, force=force)
        _show.say(f"{len(frame):,} {'rule' if len(frame) == 1 else 'rules'} written to {out}")
    elif not len(frame):
        _show.say("no rule fits.")
    else:
        shown = frame.select(_SHOWN).head(head)
        _show.table(("baskets", *_SHOWN[3:], "rule"), [
            [*map(_cell, row[2:]), f"{row[0]} -> {row[1]}"] for row in shown.iter_rows()])
        if len(frame) > head:
            _show.say(f"and {len(frame) - head:,} more (--head, --out)")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
