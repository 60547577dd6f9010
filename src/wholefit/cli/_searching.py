"""What `wholefit tune` and `wholefit architecture-search` share: options, the run, what is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wholefit.base.errors import WholefitError
from wholefit.base.events import listen
from wholefit.cli import _findings, _show
from wholefit.cli._app import importable
from wholefit.cli._options import option
from wholefit.cli._places import planned, written
from wholefit.cli._progress import told
from wholefit.cli.fit import facts

if TYPE_CHECKING:
    from wholefit.api.tuning import Tuned

_SHOWN = 3

Source = Annotated[str, typer.Argument(
    help="File, folder, database URL, or - for standard input.", metavar="SOURCE")]
Budget = Annotated[str, option(
    "A time, from start to end (60s, 5min), a number of trials ('50 trials'), or both.", "TIME")]
Nested = Annotated[int, option(
    "Outer folds in which the whole search is repeated, for a score that counts it; 0 for none.",
    "N")]
Study = Annotated[Path | None, option(
    "SQLite file that keeps the search: it can go on later, and several processes can share it.",
    "FILE")]
Metric = Annotated[str | None, option(
    "What is searched for: a name, or 'module:function' of your own.", "METRIC")]
Folds = Annotated[int, option("Folds of the cross-validation.", "N")]
Memory = Annotated[str | None, option(
    "Memory that may be held: 500MB, 2GB; a trial that takes more fails.", "SIZE")]
Positive = Annotated[str | None, option("The class called positive.", "CLASS")]
Out = Annotated[Path | None, option("Model file; SOURCE's name, in this folder, with .wf.", "FILE")]
Page = Annotated[Path | None, option(
    "Write a page of the search here: how it went, what mattered.", "FILE")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")]


def searched(
    search: Callable[[], Tuned], source: str, out: Path | None, report: Path | None, *,
    ours: tuple[Any, ...], force: bool, as_json: bool, quiet: bool,
) -> None:
    """Search, save, and tell; `ours` are words that may be import paths of the user's own code."""
    saved = planned(source, out, report, force)
    importable(*ours)
    quiet = quiet or as_json
    with told(quiet) as said, listen(_following(quiet)):
        result = search()
        files, trouble = written(result, saved, result.study.report, report, force)
    if as_json:
        _show.as_json({**facts(result, files), "study": result.study.to_json()})
    else:
        _tell(result, said, files, quiet)
    if trouble is not None:
        raise trouble


def space_of(words: list[str] | None) -> dict[str, Any] | None:
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
