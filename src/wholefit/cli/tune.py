"""`wholefit tune`: search the settings of a model and of its pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wholefit.base.errors import WholefitError
from wholefit.base.events import listen
from wholefit.cli import _findings, _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._options import Force, Groups, Jobs, Json, Role, Seed, Time, Weights, option
from wholefit.cli._places import beside, check_free, check_report
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading
from wholefit.cli.fit import facts

if TYPE_CHECKING:
    from wholefit.api.tuning import Tuned

_SHOWN = 3


@command("tune")
def tune(
    source: Annotated[str, typer.Argument(
        help="File, folder, database URL, or - for standard input.", metavar="SOURCE")],
    target: Annotated[str, option("Column to predict.", "COLUMN")],
    models: Annotated[str | None, option(
        "Models to tune, e.g. 'lightgbm, logistic'; a boosted ensemble if left out. Parameters "
        "that are given ('lightgbm(n_estimators=200)') stay as they are.", "MODELS")] = None,
    space: Annotated[list[str] | None, option(
        "What to search, e.g. learning_rate=0.01..0.3, max_depth=3,5,7, "
        "'alpha=1e-3..10 log', encoding.degree=1,2; may be repeated. The catalog's ranges if left "
        "out; '*' has those beside what else is said, NAME=none takes one out; features=FILE.toml "
        "has engineered features, each in or out.",
        "NAME=VALUES")] = None,
    strategy: Annotated[str, option(
        "random, grid, bayes, halving, asha or genetic, perhaps with options: 'halving(eta=4)'.",
        "NAME")] = "random",
    budget: Annotated[str, option(
        "A time, from start to end (60s, 5min), a number of trials ('50 trials'), or both.",
        "TIME")] = "5min",
    nested: Annotated[int, option(
        "Outer folds in which the whole search is repeated, for a score that counts it; 0 for "
        "none.", "N")] = 0,
    study: Annotated[Path | None, option(
        "SQLite file that keeps the search: it can go on later, and several processes can share "
        "it.", "FILE")] = None,
    task: Annotated[str | None, option(
        "classification or regression; the target decides if left out.", "NAME")] = None,
    metric: Annotated[str | None, option(
        "What is searched for: a name, or 'module:function' of your own.", "METRIC")] = None,
    folds: Annotated[int, option("Folds of the cross-validation.", "N")] = 5,
    repeats: Annotated[int, option("How often the folds are drawn anew.", "N")] = 1,
    memory: Annotated[str | None, option(
        "Memory that may be held: 500MB, 2GB; a trial that takes more fails.", "SIZE")] = None,
    positive: Annotated[str | None, option("The class called positive.", "CLASS")] = None,
    balance: Annotated[str | None, option(
        "What is done to training rows of rare classes; see `fit`.", "HOW")] = None,
    threshold: Annotated[str | None, option(
        "From which probability on the positive class is predicted; see `fit`.", "RULE")] = None,
    feature: Annotated[list[str] | None, option(
        "How columns become features, kept as given, e.g. impute=mean; may be repeated.",
        "NAME=VALUE")] = None,
    groups: Groups = None,
    time: Time = None,
    weights: Weights = None,
    role: Role = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    reading: Reading = READ,
    out: Annotated[Path | None, option(
        "Model file; SOURCE's name, in this folder, with .wf.", "FILE")] = None,
    report: Annotated[Path | None, option(
        "Write a page of the search here: how it went, what mattered.", "FILE")] = None,
    force: Force = False,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")] = False,
) -> None:
    """Search the settings of a model and its pipeline, refit the best, and save it.

    The score is of rows that neither the model nor the choice of its settings saw; --nested also
    repeats the search itself. The same seed and number of trials give the same result. Ctrl-C
    keeps what is done.

    wholefit tune churn.csv --target churn --models lightgbm --budget '50 trials'
    """
    import wholefit as wf

    saved = out or beside(source)
    check_free([saved, *([report] if report else [])], source, force)
    if report:
        check_report(report)
    importable(metric, models)
    quiet = quiet or as_json
    with told(quiet) as said, listen(_following(quiet)):
        result = wf.tune(
            source, target=target, models=models, space=_space(space), strategy=strategy,
            budget=budget, nested=nested, study=study, task=task, metric=metric, folds=folds,
            repeats=repeats, memory=memory, positive=positive, balance=balance,
            threshold=threshold, features=pairs(feature, "--feature"), groups=groups, time=time,
            weights=weights, roles=pairs(role, "--role", plain=False) or None, jobs=jobs,
            seed=seed, **reading)
        files, trouble = _write(result, saved, report, force)
    if as_json:
        _show.as_json({**facts(result, files), "study": result.study.to_json()})
    else:
        _tell(result, said, files, quiet)
    if trouble is not None:
        raise trouble


def _space(words: list[str] | None) -> dict[str, Any] | None:
    """The words of --space; "*" alone stands for the catalog's ranges."""
    from wholefit.training.tuning._reading import read

    if not words:
        return None
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name.strip() == "*":
            found["*"] = True
        elif not equals or not name.strip():
            raise WholefitError(f"--space must be NAME=VALUES, as in learning_rate=0.01..0.3, or "
                                f"'*'; got {word!r}.")
        elif name.strip() == "features":
            from wholefit.features import engineer

            found["features"] = engineer.load(value.strip())
        else:
            found[name.strip()] = read(value)
    return found


def _write(
    result: Tuned, saved: Path, report: Path | None, force: bool
) -> tuple[dict[str, str], WholefitError | None]:
    """Write the files; what cannot be written is said after the result, not instead of it."""
    files: dict[str, str] = {}
    try:
        files["model"] = str(result.save(saved, force=force))
        if report:
            files["report"] = str(result.study.report(report, force=force))
    except WholefitError as error:
        return files, error
    return files, None


def _tell(result: Tuned, said: list[str], files: dict[str, str], quiet: bool) -> None:
    if not quiet:
        for sentence in (*said, *_findings.lines(result.findings)):
            _show.say(sentence)
        _show.say()
    board = result.leaderboard
    names = list(result.scores)
    _show.table(*_show.widest(lambda count: board.table(names[:count]), min(_SHOWN, len(names))))
    _show.say()
    for sentence in result.study.said:
        _show.say(_show.wrapped(sentence))
    if files:
        _show.say("saved " + " and ".join(files.values()))


def _following(quiet: bool) -> Any:
    """A listener that says what is searched, and each trial that is the best so far."""
    best: dict[int, float] = {}

    def tell(event: str, facts: dict[str, Any]) -> None:
        if quiet:
            return
        if event == "read":
            _show.say(f"{facts['source']}: {facts['rows']:,} rows x {facts['columns']} columns")
            _show.say(facts["said"])
        elif event == "plan":
            _show.say(_show.wrapped(f"searching {', '.join(facts['dimensions'])} by "
                                    f"{facts['strategy']}"))
            _show.say(f"judged by {facts['split']}; at most {facts['budget']} (--budget)")
        elif event == "study_resumed":
            _show.aside(f"{facts['path']}: going on after {facts['trials']} trials")
        elif event == "outer_start":
            _show.aside(f"outer fold {facts['fold']} of {facts['folds']}")
        elif event == "trial_done" and facts["part"] == 0 and facts["share"] >= 1 and not (
                facts["folds"]) and facts["loss"] < best.get(0, float("inf")):
            best[0] = facts["loss"]
            _show.aside(f"trial {facts['number']}: best so far, {facts['value']:.5g}")

    return tell
