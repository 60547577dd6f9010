"""`wholefit predict`, `evaluate`, `compare`, `show`: what a saved model is for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show, _slices
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._options import Force, Json
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading

Model = Annotated[Path, typer.Argument(help="A model file (.wf).", metavar="MODEL")]
Held = Annotated[str, typer.Argument(
    help="Rows with the target, not used for fitting: a file, or - for standard input.",
    metavar="SOURCE")]
By = Annotated[list[str] | None, typer.Option(
    help="Score each part of the rows by this column, the worst first; may be repeated.",
    metavar="COLUMN")]
Policy = Annotated[list[str] | None, typer.Option(
    help="What to do where new data does not fit, e.g. missing_column=impute; may be repeated.",
    metavar="NAME=VALUE")]


@command("predict")
def predict(
    model: Model,
    source: Annotated[str, typer.Argument(
        help="Rows to answer: a file, or - for standard input.", metavar="SOURCE")],
    out: Annotated[str, typer.Option(
        help="File to write, of the kind that its ending names: .csv, .parquet, .json, .xlsx "
             "...; - is CSV on standard output.", metavar="FILE")] = "-",
    level: Annotated[float | None, typer.Option(
        help="Say too what holds the truth at this level, e.g. 0.9: an interval of a number, or "
        "the set of classes that may be true.", metavar="SHARE")] = None,
    least: Annotated[float | None, typer.Option(
        help="Say no class where it is less sure than this, e.g. 0.8; `diagnose` tells what that "
        "can promise.", metavar="SHARE")] = None,
    force: Force = False,
    policy: Policy = None,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Answer each row of SOURCE: identifiers, the prediction, and probabilities of classes."""
    import wholefit as wf

    if as_json and out != "-":
        raise typer.BadParameter("--json prints and --out writes: say one of them.")
    if out != "-":
        check_free([Path(out)], source, force)
    check_order(model, source)
    with noted():
        options = {**pairs(policy, "--policy", plain=False),
                   **({} if level is None else {"level": level}),
                   **({} if least is None else {"least": least}),
                   **reading}
        frame = wf.load(model).answers(source, **options)
    _show.rows(frame, out, for_machines=as_json, force=force)


@command("evaluate")
def evaluate(
    model: Model,
    source: Held,
    metric: Annotated[str | None, typer.Option(
        help="A metric to show first: a name, or 'module:function' of your own.",
        metavar="METRIC")] = None,
    by: By = None,
    policy: Policy = None,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Score a model on held-out rows: every metric with its interval."""
    import wholefit as wf

    importable(metric)
    check_order(model, source)
    with noted():
        options = {**pairs(policy, "--policy", plain=False),
                   **reading}
        if by:
            found = wf.load(model).evaluate(source, metric=metric, by=by, **options)
        else:
            scores = wf.load(model).evaluate(source, metric=metric, **options)
    if by:
        _slices.show(found, as_json)
        return
    if as_json:
        _show.as_json({name: score.to_json() for name, score in scores.items()})
        return
    rows = [[name, str(score), score.how] for name, score in scores.items()]
    _show.table(["metric", "value [95% interval]", "how"], rows)


@command("compare")
def compare(
    a: Annotated[Path, typer.Argument(help="A model file (.wf).", metavar="A")],
    b: Annotated[Path, typer.Argument(help="Another, of the same target.", metavar="B")],
    rest: Annotated[list[str], typer.Argument(
        help="More models of the same target, if any, and last the rows with the target, not used "
             "for fitting: a file, or - for standard input.", metavar="[C]... SOURCE")],
    margin: Annotated[float | None, typer.Option(
        help="Are they equal within this, in the metric's unit?", metavar="NUMBER")] = None,
    metric: Annotated[str | None, typer.Option(
        help="What to compare by: a name, or 'module:function' of your own.",
        metavar="METRIC")] = None,
    policy: Policy = None,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Is A better than B, or as good? Paired tests on the same held-out rows.

    More than two models are compared two by two, corrected for the number of pairs.
    """
    import wholefit as wf

    importable(metric)
    *more, source = rest
    paths = [a, b, *map(Path, more)]
    check_order(a, source)
    with noted():
        options = {**pairs(policy, "--policy", plain=False),
                   **reading}
        models = [wf.load(path) for path in paths]
        if len(paths) > 2 or margin is not None:
            options["names"], options["margin"] = _names(paths), margin
        found = wf.compare(*models, source, metric=metric, **options)
    _compared(found, paths, as_json)


def _names(paths: list[Path]) -> list[str]:
    """The files as they were said; with a number where one is said twice."""
    said = [str(path) for path in paths]
    return [name if said.count(name) == 1 else f"{name} ({at})" for at, name in enumerate(said, 1)]


def _compared(found: Any, paths: list[Path], as_json: bool) -> None:
    import dataclasses

    if as_json:
        _show.as_json(found.to_json() if hasattr(found, "pairs") else dataclasses.asdict(found))
        return
    if hasattr(found, "pairs"):
        for line in found.to_text().split("\n"):
            _show.say(_show.wrapped(line))
        return
    a, b = paths
    words = {"a": f"{a} is better than {b}", "b": f"{b} is better than {a}",
             "tied": f"{a} and {b} are statistically tied"}
    _show.say(f"{words[found.better]}: {found.metric} differs by {found.value:+.4g} "
              f"[{found.low:+.4g}, {found.high:+.4g}], p = {found.p:.2g} ({found.how}).")


@command("show")
def show(model: Model, as_json: Json = False) -> None:
    """Say in words what a saved model is, and how good it is."""
    import wholefit as wf
    from wholefit.cli import _found
    from wholefit.cli.fit import facts, recommendation
    from wholefit.report import taught

    result = wf.load(model)
    if not hasattr(result, "target"):
        _found.tell(result, [], {}, False, as_json)
        return
    if as_json:
        _show.as_json(facts(result, {}))
        return
    _show.say(f"{result.said}; predicts {result.target!r} from {len(result.schema.features)} "
              "columns")
    names = list(result.scores)
    board = result.leaderboard
    _show.table(*_show.widest(lambda count: board.table(names[:count]), min(4, len(names))))
    for sentence in taught.sentences(result.lineage):
        _show.say(_show.wrapped(sentence))
    _show.say(recommendation(result))


@contextmanager
def noted(quiet: bool = True) -> Iterator[None]:
    """Say on standard error what was odd about the rows: the answer is all that goes out."""
    said: list[str] = []
    try:
        with told(quiet) as said:
            yield
    finally:
        for sentence in said:
            if sentence.startswith("warning"):
                _show.aside(sentence)


def check_order(model: Path, source: str) -> None:
    """The model comes first; a person who says it last is told so."""
    if source.endswith(".wf") and Path(source).is_file():
        if model.suffix == ".wf":
            raise WholefitError(f"{source} is a model, not a table of rows.")
        raise WholefitError(f"the model comes first and the rows after it: {source} {model}.")
