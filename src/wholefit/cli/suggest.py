"""`wholefit suggest`, `features`, `join`: features proposed, listed, and brought from a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wholefit.base.events import listen
from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._options import Force, Groups, Jobs, Json, Role, Seed, Time, Weights, option
from wholefit.cli._places import check_free
from wholefit.cli._progress import _bar, told
from wholefit.cli._reading import READ, Reading

if TYPE_CHECKING:
    from wholefit.training._suggestions import Suggestions



@command("suggest")
def suggest(
    source: Annotated[str, typer.Argument(
        help="File, folder, database URL, or - for standard input.", metavar="SOURCE")],
    target: Annotated[str | None, option("Column to predict.", "COLUMN")] = None,
    task: Annotated[str | None, option(
        "classification or regression; the target decides.", "NAME")] = None,
    metric: Annotated[str | None, option("What gains are measured by.", "METRIC")] = None,
    budget: Annotated[str, option("Time to spend: 60s, 5min.", "TIME")] = "60s",
    helps: Annotated[str, option(
        "Which model must gain: any, linear, tree, or both.", "WHICH")] = "any",
    alpha: Annotated[float, option(
        "Chance of accepting anything where nothing helps.", "P")] = 0.05,
    most: Annotated[int, option("Most features to accept.", "N")] = 10,
    rows: Annotated[int, option("Most rows to choose on.", "N")] = 10_000,
    folds: Annotated[int, option("Folds of the cross-validation.", "N")] = 5,
    positive: Annotated[str | None, option("The class called positive.", "CLASS")] = None,
    weights: Weights = None,
    groups: Groups = None,
    time: Time = None,
    role: Role = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    reading: Reading = READ,
    out: Annotated[Path | None, option("Write the accepted features here.", "TOML")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Propose engineered features, and keep those that gain significantly on unseen rows.

    Each candidate is cross-validated with a linear model and with boosted trees; what all
    accepted ones are worth is measured on rows that had no part in choosing.

    wholefit suggest churn.csv --target churn --out features.toml
    """
    import wholefit as wf

    if out is not None:
        check_free([out], source, force)
    importable(metric)
    with told(True) as said, _bar_of_candidates(as_json):
        found = wf.suggest(
            source, target=target, task=task, metric=metric, budget=budget, helps=helps,
            alpha=alpha, most=most, rows=rows, folds=folds, positive=positive, weights=weights,
            groups=groups, time=time, seed=seed, jobs=jobs,
            roles=pairs(role, "--role", plain=False) or None,
            **reading)
    if out is not None:
        found.save(out)
    if as_json:
        _show.as_json({**found.to_json(), "saved": None if out is None else str(out)})
        return
    for sentence in said:
        _show.say(sentence)
    _tell(found)
    if out is not None:
        _show.say(f"{len(found.accepted)} features written to {out}")
        if found.accepted:
            _show.say(f"next: wholefit fit {source} --target {found.target} --engineer {out}")


@command("features")
def features(
    kind: Annotated[str | None, typer.Argument(
        help="One kind, with its options.", metavar="[KIND]")] = None,
    as_json: Json = False,
) -> None:
    """List the kinds of engineered features, as a TOML file for `fit --engineer` names them."""
    from wholefit.base.errors import unknown
    from wholefit.features import engineer

    rows = engineer.describe()
    if kind is not None and kind not in engineer.KINDS:
        raise unknown("feature kind", kind, engineer.KINDS)
    rows = [row for row in rows if kind in (None, row["kind"])]
    if as_json:
        _show.as_json(rows)
    elif kind is None:
        _show.table(["kind", "what it makes"], [[row["kind"], row["summary"]] for row in rows])
        _show.say()
        _show.say("wholefit features KIND shows a kind's options.")
    else:
        row = rows[0]
        _show.say(f"{row['kind']}: {row['summary']}; takes {row['takes']}; they "
                  f"{'stay beside it' if row['keep'] else 'are replaced by it'} (keep = "
                  f"{'false' if row['keep'] else 'true'} changes that).")
        if row["options"]:
            _show.say()
            _show.table(["option", "default", "rule", "meaning"], [
                [o["name"], repr(o["default"]), o["rule"].removeprefix("must be "), o["doc"]]
                for o in row["options"]])


@command("join")
def join(
    left: Annotated[str, typer.Argument(help="Table whose rows are kept.", metavar="LEFT")],
    right: Annotated[str, typer.Argument(help="Table that is joined.", metavar="RIGHT")],
    on: Annotated[list[str], option(
        "Key column, or LEFT=RIGHT where it is called otherwise; may be repeated.", "COLUMN")],
    as_of: Annotated[str | None, option(
        "Column of time, or LEFT=RIGHT: only rows strictly before are used.", "COLUMN")] = None,
    within: Annotated[str | None, option("Only rows so recent: 30d, 12h.", "TIME")] = None,
    aggregate: Annotated[list[str] | None, option(
        "e.g. amount=mean,sum or *=count; may be repeated.", "COLUMN=STATISTICS")] = None,
    how: Annotated[str, option("left, or inner to leave out rows without a match.",
                                "HOW")] = "left",
    prefix: Annotated[str, option("Before the names of new columns.", "TEXT")] = "",
    out: Annotated[Path, option("Where to write the joined table; - is standard output.",
                                 "FILE")] = Path("-"),
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Bring columns of another table to each row; many rows become statistics, never more rows.

    With --as-of, only rows strictly before each row's time are summed up: no look ahead.

    wholefit join customers.csv orders.csv --on customer --as-of day --aggregate amount=sum,mean
    """
    from wholefit import data
    from wholefit.api import engineering

    asked = {name: words.split(",")
             for name, words in pairs(aggregate, "--aggregate", plain=False).items()}
    found = engineering.join(left, right, _pairs(on), how=how, as_of=_pair(as_of), within=within,
                             aggregates=asked or None, prefix=prefix)
    data.write(found.frame, str(out) if str(out) == "-" else out, force=force)
    if str(out) == "-":
        for line in found.to_text().splitlines():
            _show.aside(line)
    elif as_json:
        _show.as_json({**found.to_json(), "saved": str(out)})
    else:
        for line in found.to_text().splitlines():
            _show.say(line)
        _show.say(f"{len(found.frame):,} rows written to {out}")


def _pairs(words: list[str]) -> dict[str, str]:
    return {word.partition("=")[0]: word.partition("=")[2] or word for word in words}


def _pair(word: str | None) -> str | tuple[str, str] | None:
    if word is None or "=" not in word:
        return word
    return word.partition("=")[0], word.partition("=")[2]


@contextmanager
def _bar_of_candidates(quiet: bool) -> Iterator[None]:
    """A bar on a terminal: one step a candidate that is fitted."""
    bar = None if quiet else _bar()

    def tell(event: str, facts: dict[str, Any]) -> None:
        if bar is not None and event == "suggest_plan":
            bar.tell("plan", {"folds": 1, "models": range(facts["shortlist"]),
                              "budget": facts["budget"]})
        elif bar is not None and event == "candidate_done":
            bar.tell("model_start", {"model": facts["name"]})
            bar.tell("fold_done", facts)

    try:
        with listen(tell):
            yield
    finally:
        if bar is not None:
            bar.close()


def _tell(found: Suggestions) -> None:
    said = found.summary()
    _show.say(said[0])
    header, lines = found.rows()
    if lines:
        _show.say()
        _show.table(header, lines)
        _show.say()
    for sentence in said[1:]:
        _show.say(sentence)
