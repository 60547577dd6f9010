"""`wholefit distil`: a small model taught by a saved one, with what it loses and gains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._options import Force, Jobs, Json, Seed, option
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading
from wholefit.cli.use import Model, Policy, check_order


@command("distil")
def distil(
    model: Model,
    source: Annotated[str | None, typer.Argument(
        help="Rows to teach on, best those that the model learnt from, with their target; rows "
        "made up from what the model remembers of its columns if left out.",
        metavar="[SOURCE]")] = None,
    to: Annotated[str, option("tree, boosted, linear; or all, side by side.", "STUDENT")] = "tree",
    held_out: Annotated[str | None, option(
        "Rows with the target that the model has not seen, to judge both by.", "FILE")] = None,
    leaves: Annotated[int, option("Most leaves of the tree.", "N")] = 32,
    rounds: Annotated[int, option("Rounds of the boosted trees, 15 leaves each.", "N")] = 100,
    more: Annotated[int | None, option(
        "Rows made up to teach on beside those given; some where they are few if left out.",
        "N")] = None,
    folds: Annotated[int, option("Folds in which students are taught and judged.", "N")] = 5,
    metric: Annotated[str | None, option(
        "What the loss is told in; what the model was chosen by if left out.", "METRIC")] = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    policy: Policy = None,
    reading: Reading = READ,
    out: Annotated[Path | None, option(
        "Save the student here (.wf); with --to all each, as small-tree.wf and so on.",
        "MODEL")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Teach a small model what a saved one answers: its loss in score, its gain in speed and size.

    wholefit distil m.wf rows.csv --to tree --held-out test.csv --out small.wf
    """
    import wholefit as wf

    _check(out, to, source, model, force)
    importable(metric)
    if source is not None:
        check_order(model, source)
    with told(as_json) as said:
        found = wf.load(model).distil(
            source, to=to, held_out=held_out, leaves=leaves, rounds=rounds, more=more,
            folds=folds, metric=metric, jobs=jobs, seed=seed,
            **pairs(policy, "--policy", plain=False), **reading)
    saved = [] if out is None else [str(path) for path in found.save(out, force=force)]
    if as_json:
        _show.as_json({**found.to_json(), "saved": saved})
        return
    _tell(found, said, saved)


def _check(out: Path | None, to: str, source: str | None, model: Path, force: bool) -> None:
    """Refuse what cannot be written, and rows that cannot be read twice, before the work."""
    if out is None:
        return
    words = ("tree", "boosted", "linear") if to == "all" else ()
    places = [out.with_name(f"{out.stem}-{word}{out.suffix}") for word in words] or [out]
    check_free(places, str(model), force)
    if source is not None:
        check_free(places, source, force)


def _tell(found: Any, said: list[str], saved: list[str]) -> None:
    for sentence in (*said, *found.said[:2]):  # what else it says was a warning
        _show.say(_show.wrapped(sentence))
    _show.say()
    _show.table(*found.table())
    for each in found.students:
        _show.say(_show.wrapped(f"{each.word}: {each.said}, taught {each.way}"))
    for path in saved:
        _show.say(f"saved {path}")
