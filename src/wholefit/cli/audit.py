"""`wholefit audit`, `mitigate`: whether groups are treated alike, and what it costs to mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command, pairs
from wholefit.cli._options import Force, Groups, Jobs, Json, Role, Seed, Time, Weights, option
from wholefit.cli._places import check_free
from wholefit.cli._reading import READ, Reading

By = Annotated[list[str], option(
    "A column that tells groups of people; repeat it for more.", "COLUMN")]
Bands = Annotated[list[str] | None, option(
    "Where to cut a column of numbers, e.g. age=25,40,60; may be repeated.", "COLUMN=NUMBERS")]
Page = Annotated[Path | None, option("Also write one HTML page.", "FILE")]
Thin = Annotated[int, option("Groups of fewer rows are not judged.", "ROWS")]


@command("audit")
def audit(
    model: Annotated[Path, typer.Argument(help="A model file (.wf).", metavar="MODEL")],
    source: Annotated[str, typer.Argument(
        help="Rows with the target, not used for fitting: a file, or - for standard input.",
        metavar="SOURCE")],
    by: By,
    positive: Annotated[str | None, option("The outcome that is judged.", "CLASS")] = None,
    reference: Annotated[str, option(
        "What groups are compared with: largest, rest, or column=group.", "WORD")] = "largest",
    bands: Bands = None,
    thin: Thin = 30,
    shrink: Annotated[bool, typer.Option(
        "--shrink", help="In the JSON, also rates drawn towards all groups'.")] = False,
    small: Annotated[bool, typer.Option(
        "--small", help="Also tell groups of fewer than five people.")] = False,
    proxies: Annotated[bool, typer.Option(
        "--proxies/--no-proxies", help="Measure how well other columns tell the groups.")] = True,
    out: Page = None,
    force: Force = False,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Whether a model treats groups of people alike: rates with intervals, gaps, and limits.

    Rows are read and counted; nothing about a person is kept or written.
    """
    import wholefit as wf

    if out is not None:
        check_free([out], source, force)
    options = reading if positive is None else {**reading, "positive": positive}
    result = wf.load(model)
    if not hasattr(result, "audit"):
        raise WholefitError(f"{model} answers no question with a known truth (it is a model of "
                            f"{result.task}); audit is of classes or numbers that are predicted.")
    found = result.audit(source, by, reference=_reference(reference), bands=_bands(bands),
                         thin=thin, shrink=shrink, proxies=proxies, **options)
    if out is not None:
        found.report(out, force=force, small=small)
    if as_json:
        _show.as_json(found.to_json(small))
        return
    _tell(found.to_text(small, _show.narrow()), out)


@command("mitigate")
def mitigate(
    source: Annotated[str, typer.Argument(
        help="A table with the target and the groups: a file, or - for standard input.",
        metavar="SOURCE")],
    target: Annotated[str, option("The column to predict, of two classes.", "COLUMN")],
    by: By,
    method: Annotated[list[str] | None, option(
        "blind, reweighing, thresholds or constrained; repeat it for more; all if left out.",
        "NAME")] = None,
    goal: Annotated[str, option(
        "What is to be equal: selection, opportunity or odds.", "NAME")] = "selection",
    metric: Annotated[str, option("What the price is told in.", "NAME")] = "accuracy",
    positive: Annotated[str | None, option("The outcome.", "CLASS")] = None,
    models: Annotated[str | None, option(
        "Models to choose from; a default set if left out.", "NAMES")] = None,
    bands: Bands = None,
    thin: Thin = 30,
    save: Annotated[str | None, option(
        "Save the model of one method: NAME=FILE.wf, or FILE.wf where one was asked for.",
        "FILE")] = None,
    out: Page = None,
    force: Force = False,
    budget: Annotated[str | None, option("Of the first fit, e.g. 60s.", "AMOUNT")] = None,
    groups: Groups = None,
    time: Time = None,
    weights: Weights = None,
    role: Role = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Make groups fare alike in several ways, each with its price on rows no model had seen."""
    import wholefit as wf
    from wholefit.training.fairness import METHODS

    methods = list(method or METHODS)
    name, file = _to_save(save, methods)
    check_free([path for path in (out, file) if path is not None], source, force)
    options: dict[str, Any] = {
        "models": models, "positive": positive, "budget": budget, "groups": groups, "time": time,
        "weights": weights, "roles": pairs(role, "--role", plain=False) or None, "jobs": jobs,
        **reading}
    found = wf.mitigate(
        source, target=target, by=by, method=methods, goal=goal, metric=metric,
        bands=_bands(bands), thin=thin, seed=seed,
        **{word: value for word, value in options.items() if value is not None})
    if file is not None:
        if name not in found.results:
            raise WholefitError(f"{name} was not done: {found.way(name).reason}.")
        found.results[name].save(file, force=force)
    if out is not None:
        found.report(out, force=force)
    if as_json:
        _show.as_json(found.to_json())
        return
    _tell(found.to_text(_show.narrow()), out)
    if file is not None:
        _show.say(f"saved {file}: the model of {name}")


def _tell(text: str, page: Path | None) -> None:
    for line in text.splitlines():
        table = line.startswith("  ") and "   " in line.strip()
        _show.say(line if table else _show.wrapped(line))
    if page is not None:
        _show.say(f"saved {page}")


def _bands(given: list[str] | None) -> dict[str, list[float]]:
    """Cuts by column, of words such as age=25,40,60."""
    found: dict[str, list[float]] = {}
    for words in given or []:
        name, sign, numbers = words.rpartition("=")
        try:
            found[name] = [float(each) for each in numbers.split(",")]
        except ValueError:
            sign = ""
        if not sign or not name:
            raise typer.BadParameter(f"--bands must be COLUMN=NUMBERS such as age=25,40,60; got "
                                     f"{words!r}.")
    return found


def _reference(word: str) -> Any:
    """largest, rest, or the group of one column."""
    name, sign, group = word.partition("=")
    return {name: group} if sign else word


def _to_save(save: str | None, methods: list[str]) -> tuple[str, Path | None]:
    """Which method's model is saved, and where."""
    if save is None:
        return "", None
    name, sign, file = save.partition("=")
    if sign and name in methods:
        return name, Path(file)
    if len(methods) == 1:
        return methods[0], Path(save)
    raise typer.BadParameter(f"several methods are fitted: say whose model is saved, such as "
                             f"--save {methods[-1]}={save}.")
