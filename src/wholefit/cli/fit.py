"""`wholefit fit`: from a file to a saved model."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wholefit.base.errors import ParameterError
from wholefit.base.events import listen
from wholefit.base.optional import need
from wholefit.cli import _findings, _found, _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._places import planned, written
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading

if TYPE_CHECKING:
    from wholefit.api import Result

_WHAT, _HOW, _OUT = "What is learnt", "How it is learnt", "What comes out"
_SHOWN = 4
# Words of `wf.fit` whose option is called otherwise.
_CALLED = {"features": "feature", "transformers": "engineer", "checks": "no-checks",
           "callbacks": "tensorboard"}


def _what(meaning: str, metavar: str) -> Any:
    return typer.Option(help=meaning, metavar=metavar, rich_help_panel=_WHAT)


def _how(meaning: str, metavar: str) -> Any:
    return typer.Option(help=meaning, metavar=metavar, rich_help_panel=_HOW)


def _out(meaning: str, metavar: str) -> Any:
    return typer.Option(help=meaning, metavar=metavar, rich_help_panel=_OUT)


@command("fit")
def fit(
    source: Annotated[str, typer.Argument(
        help="File, folder, database URL, or - for standard input.", metavar="SOURCE")],
    target: Annotated[str | None, _what(
        "Column to predict; with --task multilabel several, parted by commas, or one that holds "
        "sets of labels.", "COLUMN")] = None,
    task: Annotated[str | None, _what(
        "classification or regression, which the target decides; multilabel; translation, from a "
        "column of texts to another, the target; or, without a target, clustering, reduction, "
        "anomaly, association, recommendation or generation.",
        "NAME")] = None,
    own: Annotated[list[str] | None, typer.Option(
        "--set", help="A word of the task itself, e.g. clusters=5, alerts=1%, support=0.01; may be "
        "repeated.", metavar="NAME=VALUE", rich_help_panel=_WHAT)] = None,
    label: Annotated[str | None, _what(
        "Column of known answers that judge clusters, maps or alarms; never learnt.",
        "COLUMN")] = None,
    user: Annotated[str | None, _what("Column of who rates or buys.", "COLUMN")] = None,
    item: Annotated[str | None, _what("Column of what is rated or bought.", "COLUMN")] = None,
    rating: Annotated[str | None, _what("Column of ratings.", "COLUMN")] = None,
    basket: Annotated[str | None, _what("Column of what was together.", "COLUMN")] = None,
    amount: Annotated[str | None, _what("Column of money, or of how much.", "COLUMN")] = None,
    positive: Annotated[str | None, _what("The class called positive.", "CLASS")] = None,
    weights: Annotated[str | None, _what("Column of the rows' weights.", "COLUMN")] = None,
    groups: Annotated[str | None, _what(
        "Column of groups, which are never split between training and test.", "COLUMN")] = None,
    time: Annotated[str | None, _what(
        "Column of time: only past rows are learnt from.", "COLUMN")] = None,
    role: Annotated[list[str] | None, _what(
        "What a column is, e.g. zip=categorical or notes=ignored; may be repeated.",
        "COLUMN=ROLE")] = None,
    roles: Annotated[Path | None, _what("TOML file of such lines.", "FILE")] = None,
    models: Annotated[str | None, _how(
        "e.g. 'ridge, random_forest(max_depth=9)', or 'module:Class' of your own; a few that "
        "suit the data if left out. `wholefit models` lists them.", "MODELS")] = None,
    metric: Annotated[str | None, _how(
        "What models are compared by: a name, or 'module:function' of your own.",
        "METRIC")] = None,
    budget: Annotated[str | None, _how(
        "What may be spent, from start to end: 60s, 5min, 1h, or '20 trials'. Without it a quick "
        "set of models is tried, for five minutes at most.", "TIME")] = None,
    preset: Annotated[str | None, _how(
        "How hard to try: fast (without --budget), balanced (with it), best, interpretable, tiny.",
        "NAME")] = None,
    interpretable: Annotated[bool, typer.Option(
        "--interpretable", help="Only models that a person can read: --preset interpretable.",
        rich_help_panel=_HOW)] = False,
    predict_time: Annotated[float | None, _how(
        "What the answer to 1,000 rows may take.", "SECONDS")] = None,
    model_size: Annotated[str | None, _how(
        "How large what answers may be: 500KB, 20MB.", "SIZE")] = None,
    history: Annotated[Path | None, _how(
        "Note this run in the file, and try first what past runs there found good on tables like "
        "this one; WHOLEFIT_HISTORY if left out, else none is kept.", "FILE")] = None,
    memory: Annotated[str | None, _how(
        "Memory that may be held: 500MB, 2GB; a model that takes more is stopped.",
        "SIZE")] = None,
    folds: Annotated[int, _how("Folds of the cross-validation.", "N")] = 5,
    repeats: Annotated[int, _how("How often the folds are drawn anew.", "N")] = 1,
    choose: Annotated[str | None, _how(
        "Which one is saved: best, or recommended, which is the cheapest of those statistically "
        "tied with the best; best under the presets balanced and best.", "WHICH")] = None,
    balance: Annotated[str | None, _how(
        "What is done to training rows of rare classes: weights, over, under, smote, near_miss, "
        "...; probabilities are corrected for it.", "HOW")] = None,
    costs: Annotated[str | None, _how(
        "What mistakes cost: a TOML file, or e.g. 'yes=50'; the class of least expected cost is "
        "predicted.", "FILE")] = None,
    threshold: Annotated[str | None, _how(
        "From which probability on the positive class is predicted: a number, or cost, f1, "
        "'precision>=0.9', 'recall>=0.8' to have it chosen.", "RULE")] = None,
    feature: Annotated[list[str] | None, _how(
        "How columns become features, e.g. impute=mean or degree=2; may be repeated.",
        "NAME=VALUE")] = None,
    engineer: Annotated[Path | None, _how(
        "TOML file of engineered features; `wholefit suggest` writes one.", "FILE")] = None,
    no_checks: Annotated[bool, typer.Option(
        "--no-checks", help="Do not look for leaks and faults of the data first.",
        rich_help_panel=_HOW)] = False,
    clean: Annotated[Path | None, _how(
        "Cleaning recipe (.toml, .json): fixed steps are repeated on every row asked, learnt ones "
        "learn from training rows only.", "FILE")] = None,
    checkpoint: Annotated[Path | None, _how(
        "Keep the trainings of networks in the folder as they go; the same command again goes on "
        "from there.", "DIR")] = None,
    tensorboard: Annotated[Path | None, _how(
        "Write the curves of networks' trainings for TensorBoard, a run a fold.", "DIR")] = None,
    jobs: Annotated[int | None, _how("Threads; as many as there are cores.", "N")] = None,
    seed: Annotated[int, _how("Every random choice follows from it.", "N")] = 0,
    reading: Reading = READ,
    out: Annotated[Path | None, _out(
        "Model file; SOURCE's name, in this folder, with .wf.", "FILE")] = None,
    report: Annotated[Path | None, _out("Write an HTML report here too.", "FILE")] = None,
    force: Annotated[bool, typer.Option(
        "--force", help="Overwrite existing files.", rich_help_panel=_OUT)] = False,
    as_json: Annotated[bool, typer.Option(
        "--json", help="Print one JSON object, for machines.", rich_help_panel=_OUT)] = False,
    quiet: Annotated[bool, typer.Option(
        "--quiet", "-q", help="Print the result only.", rich_help_panel=_OUT)] = False,
) -> None:
    """Compare models on a table, choose one, refit it on all rows, and save it.

    The task is inferred from the target. Every score has an interval, from rows the model had
    not seen; models statistically tied with the best are marked, and the cheapest of them is
    the one saved. Ctrl-C keeps what is done.

    wholefit fit churn.csv --target churn
    """
    import wholefit as wf

    saved = planned(source, out, report, force)
    importable(metric, models)
    quiet = quiet or as_json
    with told(quiet) as said, listen(_plan(quiet, models is None)):
        result = wf.fit(
            source, target=_target(target, task), task=task, models=models, metric=metric,
            folds=folds, repeats=repeats, budget=budget, memory=memory, jobs=jobs, seed=seed,
            roles=_roles(roles, role), groups=groups, time=time, weights=weights,
            positive=positive, choose=choose, preset=preset, interpretable=interpretable,
            predict_time=predict_time, history=history, model_size=model_size, balance=balance,
            costs=costs, threshold=threshold, checks=not no_checks,
            features=pairs(feature, "--feature"), clean=clean,
            transformers=wf.load_features(engineer) if engineer else (),
            checkpoint=checkpoint, callbacks=_boards(tensorboard),
            label=label, user=user, item=item, rating=rating, basket=basket, amount=amount,
            **_own(own),
            **reading,
        )
        files, trouble = written(result, saved, result.report, report, force)
    if not hasattr(result, "target"):
        _found.tell(result, said, files, quiet, as_json)
    elif as_json:
        _show.as_json(facts(result, files))
    else:
        _tell(result, said, files, quiet)
    if trouble is not None:
        raise trouble


def facts(result: Result, files: dict[str, str]) -> dict[str, Any]:
    """The result as one JSON-able object; `files` are those written."""
    return {
        "task": result.task, "target": result.target, "classes": result.classes,
        "model": result.model, "metric": result.leaderboard.metric,
        "score": result.score.to_json(), "expected": result.expected.to_json(),
        "scores": {name: score.to_json() for name, score in result.scores.items()},
        "leaderboard": [entry.to_json() for entry in result.leaderboard],
        "decision": result.decision.to_json() if result.decision else None,
        "split": result.split, "warnings": list(result.warnings),
        "notes": [note.to_json() for note in result.notes], "lineage": result.lineage,
        "findings": [finding.to_json() for finding in result.findings],
        "saved": files.get("model"), "report": files.get("report"),
    }


def recommendation(result: Result) -> str:
    """Why the model that was saved is that one, in a sentence."""
    rows = list(result.leaderboard)
    chosen = next(row for row in rows if row.recommended)
    metric = result.leaderboard.metric
    sentence = f"{chosen.model}: {metric} {chosen.scores[metric]} on rows it had not seen"
    expected = str(result.expected)
    if expected != str(result.score):
        sentence += f" (of the folds' models; on new rows expect {expected})"
    tied = [row.model for row in rows if row.tied and not row.recommended]
    if chosen.tied and tied:
        why = "the best by value" if chosen.best else "the cheapest of them"
        return f"{sentence}; statistically tied with {', '.join(tied)}, and {why}."
    return sentence + "."


def _tell(result: Result, said: list[str], files: dict[str, str], quiet: bool) -> None:
    if not quiet:
        for sentence in said:
            _show.say(sentence)
        for sentence in _findings.lines(result.findings):
            _show.say(sentence)
        _show.say()
    board = result.leaderboard
    names = list(result.scores)
    _show.table(*_show.widest(lambda count: board.table(names[:count]), min(_SHOWN, len(names))))
    _show.say()
    _show.say(recommendation(result))
    if result.decision is not None:
        _show.say(result.decision.said(result.classes or ()) + ".")
    if files:
        _show.say("saved " + " and ".join(files.values()))
    if "model" in files and not quiet:
        alone = {result.schema.role(name) for name in result.schema.features} == {"image"}
        _show.say(f"next: wholefit predict {files['model']} {'NEW/' if alone else 'NEW.csv'}")


def _plan(quiet: bool, default: bool) -> Any:
    """A listener that says what was read and what will be tried, before it is."""

    def tell(event: str, facts: dict[str, Any]) -> None:
        if quiet:
            return
        if event == "read":
            _show.say(f"{facts['source']}: {facts['rows']:,} rows x {facts['columns']} columns")
            _show.say(facts["said"])
        elif event == "plan":
            hint = " (--models names others; `wholefit models` lists them)" if default else ""
            _show.say(f"models: {', '.join(facts['models'])}{hint}")
            _show.say(f"judged by {facts['split']}")
            _show.say(f"about {max(facts['estimate_seconds'], 1):.0f} s; "
                      f"at most {facts['budget']} (--budget)")

    return tell


def _boards(folder: Path | None) -> list[Any]:
    """What writes for TensorBoard, where a folder is named."""
    if folder is None:
        return []
    need("torch", extra="deep", user="--tensorboard")
    from wholefit.nn.board import Board

    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"--tensorboard must name a folder; got {str(folder)!r}, a file.")
    return [Board(folder)]


def _own(said: list[str] | None) -> dict[str, Any]:
    """Words of the task itself; one that is an option for all tasks is said as that."""
    import wholefit as wf

    found = pairs(said, "--set")
    known = {each.name for each in inspect.signature(wf.fit).parameters.values()
             if each.kind is inspect.Parameter.KEYWORD_ONLY}
    twice = next((name for name in found if name in known), None)
    if twice is not None:
        raise ParameterError("--set is for words of the task itself; say "
                             f"--{_CALLED.get(twice, twice.replace('_', '-'))} for {twice}.")
    return found


def _target(said: str | None, task: str | None) -> Any:
    """The column as it was said; of several labels, each column."""
    if task != "multilabel" or said is None or "," not in said:
        return said
    return [name.strip() for name in said.split(",") if name.strip()]


def _roles(path: Path | None, words: list[str] | None) -> dict[str, str] | None:
    from wholefit.data import load_roles

    found = dict(load_roles(path)) if path else {}
    return {**found, **pairs(words, "--role", plain=False)} or None
