"""`wholefit compress`: a saved model in fewer bits, weights, units or trees, with what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._options import Force, Jobs, Json, Seed, option
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading
from wholefit.cli.use import Model, Policy, check_order


@command("compress")
def compress(
    model: Model,
    source: Annotated[str, typer.Argument(
        help="Rows to work with, best those that the model learnt from, with their target.",
        metavar="SOURCE")],
    to: Annotated[str, option(
        "float32, float16, int8, dynamic, static, shared, pruned, structured, deep, fewer, "
        "shallow, distil, several between commas; or all that the model can take.",
        "WAYS")] = "all",
    held_out: Annotated[str | None, option(
        "Rows with the target that the model has not seen, to judge by; a part of SOURCE if left "
        "out.", "FILE")] = None,
    sparsity: Annotated[float, option(
        "Share of a network's weights that pruning takes away.", "SHARE")] = 0.8,
    units: Annotated[float, option(
        "Share of each hidden layer that structured pruning takes away.", "SHARE")] = 0.5,
    epochs: Annotated[int, option(
        "Times that all rows are seen while a network is pruned.", "N")] = 30,
    levels: Annotated[int, option("Values that the weights of a tensor share.", "N")] = 16,
    trees: Annotated[float, option("Share of the trees that stay.", "SHARE")] = 0.5,
    depth: Annotated[int, option("Most levels of splits of shallower trees.", "N")] = 6,
    coverage: Annotated[float, option(
        "Share of the numbers that the ranges of static arithmetic must hold.",
        "SHARE")] = 0.9999,
    held: Annotated[float, option(
        "Share of SOURCE set aside to judge by, without --held-out.", "SHARE")] = 0.3,
    metric: Annotated[str | None, option(
        "What the loss is told in; what the model was chosen by if left out.", "METRIC")] = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    policy: Policy = None,
    reading: Reading = READ,
    out: Annotated[Path | None, option(
        "Save the model here (.wf); of several ways each, as small-int8.wf and so on.",
        "MODEL")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Make a saved model smaller or quicker in several ways, each with its loss in score.

    wholefit compress m.wf train.csv --to int8,pruned --held-out test.csv --out small.wf
    """
    import wholefit as wf

    if out is not None:
        _check(out, to, source, model, force)
    importable(metric)
    check_order(model, source)
    with told(as_json) as said:
        loaded = wf.load(model)
        if not hasattr(loaded, "compress"):
            raise WholefitError(f"{model} has no target to judge its answers by, and is not "
                                "compressed: models of classes and of numbers are.")
        found = loaded.compress(
            source, to=to, held_out=held_out, sparsity=sparsity, units=units, epochs=epochs,
            levels=levels, trees=trees, depth=depth, coverage=coverage, held=held, metric=metric,
            jobs=jobs, seed=seed, **pairs(policy, "--policy", plain=False), **reading)
    saved = [] if out is None else [str(path) for path in found.save(out, force=force)]
    if as_json:
        _show.as_json({**found.to_json(), "saved": saved})
        return
    _tell(found, said, saved)


def _check(out: Path, to: str, source: str, model: Path, force: bool) -> None:
    """Refuse what cannot be written, and files that would be overwritten, before the work."""
    from wholefit.training.compress import WAYS, words

    asked = {word.strip() for word in to.split(",")}
    ways = list(WAYS) if asked == {"all"} else [word for word in words() if word in asked]
    places = [out]
    if len(ways) > 1 and out.name:
        places = [out.with_name(f"{out.stem}-{word}{out.suffix}") for word in ways]
        # Of all ways only one may turn out to be possible.
        places += [out] if asked == {"all"} else []
    check_free(places, str(model), force)
    check_free(places, source, force)


def _tell(found: Any, said: list[str], saved: list[str]) -> None:
    for sentence in dict.fromkeys((*said, *found.said)):
        _show.say(_show.wrapped(sentence))
    _show.say()
    _show.table(*found.table())
    _show.say()
    for each in found.found:
        _show.say(_show.wrapped(f"{each.word}: {each.said}"))
    for word, why in found.skipped.items():
        _show.say(_show.wrapped(f"{word} is not here: {why}"))
    for path in saved:
        _show.say(f"saved {path}")
