"""`wholefit diagnose`: where a saved model fails on held-out rows, and how sure it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command, pairs
from wholefit.cli._options import Force, Json, Seed
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading
from wholefit.cli.use import Held, Model, Policy, check_order

if TYPE_CHECKING:
    from wholefit.api.diagnosing import Diagnosis


@command("diagnose")
def diagnose(
    model: Model,
    source: Held,
    time: Annotated[str | None, typer.Option(
        help="Column to order the rows by: do errors grow with time?", metavar="COLUMN")] = None,
    by: Annotated[list[str] | None, typer.Option(
        help="Score each part of the rows by this column too; may be repeated.",
        metavar="COLUMN")] = None,
    costs: Annotated[str | None, typer.Option(
        help="What mistakes cost: yes=50,no=1, or a TOML or JSON file.", metavar="COSTS")] = None,
    metric: Annotated[str | None, typer.Option(
        help="The metric to say first.", metavar="METRIC")] = None,
    show: Annotated[list[str] | None, typer.Option(
        help="Column whose cells may be shown of single rows; may be repeated.",
        metavar="COLUMN")] = None,
    examples: Annotated[int, typer.Option(
        help="Surest rows of each mistake to name.", metavar="N", min=0, max=100)] = 3,
    depth: Annotated[int, typer.Option(
        help="Conditions that a worst slice may join.", metavar="N", min=1, max=3)] = 3,
    least: Annotated[int | None, typer.Option(
        help="Fewest rows of a worst slice: 40, or 0.5% of the rows.", metavar="N",
        min=10)] = None,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(
        help="Also write one HTML page.", metavar="FILE")] = None,
    force: Force = False,
    policy: Policy = None,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Say where a model fails on held-out rows, how sure it is, and what to do next.

    The worst parts of the rows are searched for, and confirmed on rows that did not choose them.
    """
    import wholefit as wf

    check_order(model, source)
    if out is not None:
        check_free([out], source, force)
    with told(quiet=True) as said:
        result = wf.load(model)
        if not hasattr(result, "diagnose"):
            raise WholefitError(f"a diagnosis needs a target to hold answers against, and "
                                f"{model} is a {result.task} model, which has none.")
        found: Diagnosis = result.diagnose(
            source, time=time, by=by, costs=costs, metric=metric, show=show or (),
            examples=examples, depth=depth, least=least, seed=seed,
            **pairs(policy, "--policy", plain=False),
            **reading)
    for sentence in said:
        if sentence.startswith("warning"):
            _show.aside(sentence)
    if out is not None:
        found.report(out, force=force)
    if as_json:
        _show.as_json(found.to_json())
        return
    for line in found.to_text().split("\n"):
        _show.say(_show.wrapped(line))
    if out is not None:
        _show.say()
        _show.say(f"saved {out}")
