"""`wholefit fit`: from a file to a saved model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wholefit.base.events import listen
from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._progress import told

if TYPE_CHECKING:
    from wholefit.api import Result


@command("fit")
def fit(
    source: Annotated[str, typer.Argument(help="File, folder, SQL URL, or - for standard input.")],
    target: Annotated[str | None, typer.Option(help="Column to predict.")] = None,
    out: Annotated[Path | None, typer.Option(help="Model file; SOURCE's name with .wf.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here too.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
    task: Annotated[str | None, typer.Option(help="classification or regression.")] = None,
    models: Annotated[str | None, typer.Option(
        help="e.g. 'ridge, random_forest(n_estimators=300)'; see `wholefit models`.")] = None,
    metric: Annotated[str | None, typer.Option(help="Name, or package.module:function.")] = None,
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation.")] = 5,
    repeats: Annotated[int, typer.Option(help="Times the folds are drawn anew.")] = 1,
    budget: Annotated[str | None, typer.Option(help="e.g. 60s, 5min; 5min by default.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Threads; all cores by default.")] = None,
    seed: Annotated[int, typer.Option(help="Every random choice follows from it.")] = 0,
    roles: Annotated[Path | None, typer.Option(help="TOML file of column = role.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="COLUMN=ROLE; repeatable.")] = None,
    groups: Annotated[str | None, typer.Option(help="Column of groups kept together.")] = None,
    time: Annotated[str | None, typer.Option(help="Column of time: past before future.")] = None,
    weights: Annotated[str | None, typer.Option(help="Column of row weights.")] = None,
    positive: Annotated[str | None, typer.Option(help="The class called positive.")] = None,
    choose: Annotated[str, typer.Option(help="recommended (cheapest of a tie) or best.")] =
        "recommended",
    feature: Annotated[list[str] | None, typer.Option(
        help="How columns become features, e.g. impute=mean; repeatable.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Separator; detected.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the text; detected.")] = None,
    na_values: Annotated[str | None, typer.Option(help="Missing-value words, by comma.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Of an Excel file.")] = None,
    table: Annotated[str | None, typer.Option(help="Of a database.")] = None,
    query: Annotated[str | None, typer.Option(help="SQL to read.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only the result.")] = False,
) -> None:
    """Compare models on a table, choose one, refit it on all rows, and save it.

    The task is inferred from the target. Every score has an interval, from rows the model had
    not seen; models statistically tied with the best are marked, and the cheapest of them is
    the one saved. Ctrl-C keeps what is done.
    """
    import wholefit as wf

    saved = out or _beside(source)
    _check_free([saved, *([report] if report else [])], force)
    importable(metric, models)
    reading = _reading(delimiter, encoding, na_values, sheet, table, query)
    plan: list[dict[str, Any]] = []
    with told(quiet or as_json) as said, listen(_plan(plan, quiet or as_json)):
        result = wf.fit(
            source, target=target, task=task, models=models, metric=metric, folds=folds,
            repeats=repeats, budget=budget, jobs=jobs, seed=seed, roles=_roles(roles, role),
            groups=groups, time=time, weights=weights, positive=positive, choose=choose,
            features=pairs(feature, "--feature"), **reading,
        )
        result.save(saved, force=force)
        if report:
            result.report(report, force=force)
    if as_json:
        _show.as_json(facts(result, saved, report))
    else:
        _tell(result, said, saved, report, source, quiet)


def facts(result: Result, saved: Path, report: Path | None) -> dict[str, Any]:
    """The result as one JSON-able object."""
    return {
        "task": result.task, "target": result.target, "classes": result.classes,
        "model": result.model, "metric": result.leaderboard.metric,
        "score": result.score.to_json(),
        "scores": {name: score.to_json() for name, score in result.scores.items()},
        "leaderboard": [entry.to_json() for entry in result.leaderboard],
        "split": result.split, "warnings": list(result.warnings),
        "notes": [note.to_json() for note in result.notes], "lineage": result.lineage,
        "saved": str(saved), "report": str(report) if report else None,
    }


def _tell(
    result: Result, said: list[str], saved: Path, report: Path | None, source: str, quiet: bool
) -> None:
    if not quiet:
        for sentence in dict.fromkeys(said):
            _show.say(sentence)
        _show.say()
    header, rows = result.leaderboard.table()
    _show.table(header, rows)
    _show.say()
    _show.say(recommendation(result))
    _show.say(f"saved {saved}" + (f" and {report}" if report else ""))
    if not quiet:
        _show.say(f"next: wholefit predict {saved} NEW.csv")


def recommendation(result: Result) -> str:
    """Why the model that was saved is that one, in a sentence."""
    rows = list(result.leaderboard)
    chosen = next(row for row in rows if row.recommended)
    metric = result.leaderboard.metric
    sentence = f"{chosen.model}: {metric} {chosen.scores[metric]} on rows it had not seen"
    tied = [row.model for row in rows if row.tied and not row.recommended]
    if chosen.tied and tied:
        return f"{sentence}; statistically tied with {', '.join(tied)}, and the cheapest of them."
    return sentence + "."


def _plan(seen: list[dict[str, Any]], quiet: bool) -> Any:
    def tell(event: str, facts: dict[str, Any]) -> None:
        if quiet:
            return
        if event == "read":
            _show.say(f"{facts['source']}: {facts['rows']:,} rows x {facts['columns']} columns")
            _show.say(facts["said"])
        elif event == "plan":
            models = ", ".join(facts["models"])
            _show.say(f"{facts['split']}: {models}")
            _show.say(f"budget {facts['budget']}; about {max(facts['estimate_seconds'], 1):.0f} s")

    return tell


def _beside(source: str) -> Path:
    stem = "model" if source == "-" or "://" in source else Path(source).name.split(".")[0]
    return Path(f"{stem or 'model'}.wf")


def _check_free(paths: list[Path], force: bool) -> None:
    """Refuse before the work, not after it, to write over something."""
    from wholefit.base.errors import WholefitError

    for path in paths:
        if path.exists() and not force:
            raise WholefitError(f"{path} exists; say --force to overwrite it, or another name.")
        if not path.absolute().parent.is_dir():
            raise WholefitError(f"the folder of {path} does not exist; make it, or say another.")


def _roles(path: Path | None, words: list[str] | None) -> dict[str, str] | None:
    from wholefit.data import load_roles

    found = dict(load_roles(path)) if path else {}
    found |= {name: str(value) for name, value in pairs(words, "--role").items()}
    return found or None


def _reading(
    delimiter: str | None, encoding: str | None, na_values: str | None, sheet: str | None,
    table: str | None, query: str | None,
) -> dict[str, Any]:
    given = {
        "delimiter": "\t" if delimiter in ("\\t", "tab") else delimiter, "encoding": encoding, "na_values": na_values.split(",") if na_values else None, "sheet": sheet,
        "table": table, "query": query,
    }
    return {name: value for name, value in given.items() if value is not None}
