"""`wholefit loop`, `wholefit gate`: retrain by triggers, promote through a gate, roll back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command, pairs
from wholefit.cli._options import Json, option
from wholefit.cli._reading import READ, Reading
from wholefit.cli.registry import Folder

if TYPE_CHECKING:
    from wholefit.api.loop import Loop
    from wholefit.monitoring.loop import Plan, Told

Plan_ = Annotated[Path | None, option("TOML file of the plan; --show-plan prints one.", "FILE")]


@command("loop")
def loop(
    name: Annotated[str, typer.Argument(help="The model's name in the registry.",
                                        metavar="NAME")],
    registry: Folder = None,
    plan: Plan_ = None,
    set_: Annotated[list[str] | None, typer.Option(
        "--set", help="One option of the plan, e.g. triggers.rows=500; may be repeated.",
        metavar="PART.NAME=VALUE")] = None,
    log: Annotated[str | None, option(
        "Log of the server's answers, with rows and labels: a file or URL.", "LOG")] = None,
    data: Annotated[str | None, option(
        "The rows that the model was first fitted on.", "SOURCE")] = None,
    rows: Annotated[list[str] | None, option(
        "Labelled rows that came since; may be repeated.", "SOURCE")] = None,
    monitor: Annotated[bool, typer.Option(
        "--monitor", help="Alarms of monitoring about the log are reasons to retrain, too.",
    )] = False,
    key: Annotated[str | None, option(
        "Where the key of an encrypted log comes from, e.g. env:LOG_KEY.", "SOURCE")] = None,
    sign: Annotated[str | None, option(
        "Sign challengers that pass the gate: the file of the signing key, or env:NAME, file:PATH "
        "or command:WORDS.", "KEY")] = None,
    every: Annotated[str | None, option(
        "Go on for ever, and look again after so long, e.g. 60s.", "TIME")] = None,
    status: Annotated[bool, typer.Option("--status", help="Only say where it stands.")] = False,
    approve: Annotated[bool, typer.Option(
        "--approve", help="Let the challenger that waits be promoted.")] = False,
    abandon: Annotated[bool, typer.Option(
        "--abandon", help="End the cycle under way.")] = False,
    show_plan: Annotated[bool, typer.Option(
        "--show-plan", help="Print the plan as a file to edit.")] = False,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Turn the loop of a model: collect labels, retrain by triggers, judge, promote, watch.

    wholefit loop churn --data churn.csv --rows new.csv

    wholefit loop churn --data churn.csv --log answers.db --every 60s

    Killed at any moment, it goes on where it was when it is called again.
    """
    import wholefit as wf
    from wholefit.api.loop import Loop

    wanted = _plan(plan, set_)
    if show_plan:
        for line in wanted.to_toml().splitlines():
            _show.say(line)
        return
    if sum((status, approve, abandon)) > 1:
        raise typer.BadParameter("say one of --status, --approve and --abandon.")
    with Loop(registry, name, plan=wanted, log=log, data=data, alarms={} if monitor else None,
              unseal=_opener(key), sign=_signer(sign, name), **reading) as turned:
        if status:
            _tell_status(turned, as_json)
            return
        if abandon:
            _tell(turned.abandon(), as_json)
            return
        if approve:
            _tell(turned.approve(), as_json)
            return
        for source in rows or []:
            new = turned.give(wf.read(source, **reading).frame)
            if not as_json:
                _show.say(f"{source}: {new:,} new labelled rows")
        _turn(turned, every, as_json)


@command("gate")
def gate(
    champion: Annotated[str, typer.Argument(
        help="The model that is served (.wf), or none.", metavar="CHAMPION")],
    challenger: Annotated[Path, typer.Argument(help="The model that may take its place (.wf).",
                                               metavar="CHALLENGER")],
    held_out: Annotated[str, typer.Argument(
        help="Labelled rows that neither has learnt.", metavar="ROWS")],
    metric: Annotated[str | None, option("What the two are compared by.", "NAME")] = None,
    rule: Annotated[str, option(
        "no_worse, better, or not_shown_worse.", "NAME")] = "no_worse",
    margin: Annotated[float | None, option(
        "How much worse does not matter, in the metric's unit.", "NUMBER")] = None,
    level: Annotated[float, option("Level of every test and interval.", "NUMBER")] = 0.95,
    least: Annotated[int, option("Rows needed.", "N")] = 200,
    parts: Annotated[str, option(
        "Columns in no part of which it may be worse, parted by commas; auto, or none.",
        "COLUMNS")] = "auto",
    latency: Annotated[float, option(
        "How many times the champion's time it may take; 0 for no limit.", "NUMBER")] = 2.0,
    size: Annotated[str | None, option("Largest size of its file, e.g. 50MB.", "SIZE")] = None,
    floor: Annotated[str | None, option(
        "Limits of its own, e.g. \"roc_auc >= 0.8, brier <= 0.2\".", "LIMITS")] = None,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """May a challenger take the champion's place? Every check with its numbers; exit code 1 if not.

    wholefit gate old.wf new.wf held-out.csv

    wholefit gate none new.wf held-out.csv --floor "accuracy >= 0.9"
    """
    from wholefit.api.loop import gate as judged

    found = judged(
        None if champion == "none" else champion, challenger, held_out, metric=metric, rule=rule,
        margin=margin, level=level, least=least, parts=parts, latency=latency or None, size=size,
        floor=floor, **reading)
    if as_json:
        _show.as_json(found.to_json())
    else:
        _show.say(_show.wrapped(found.said))
        _show.say()
        _show.table(*found.table())
    if not found.passed:
        raise typer.Exit(1)


def _opener(key: str | None) -> Any:
    """What decrypts a log, of the place of its key."""
    if key is None:
        return None
    from wholefit.base.sealing import sealer

    return sealer(key, what="the key of the log").open


def _signer(key: str | None, name: str) -> Any:
    """What signs a file, of the place of its key."""
    if key is None:
        return None
    from functools import partial

    from wholefit.artifact import keyfiles, signing

    return partial(signing.sign, key=keyfiles.private(key, None), name=name)


def _plan(path: Path | None, words: list[str] | None) -> Plan:
    """The plan of a file, with single options on top."""
    from wholefit.monitoring.loop import Plan

    found = Plan.of(path).to_json() if path is not None else {}
    for key, value in pairs(words, "--set").items():
        part, dot, name = key.partition(".")
        if not dot:
            raise typer.BadParameter(f"--set must be PART.NAME=VALUE; got {key!r}.")
        found.setdefault(part, {})[name] = value
    return Plan.of(found)


def _turn(turned: Loop, every: str | None, as_json: bool) -> None:
    """Run until nothing more can be done now; with `every`, again and again."""
    from wholefit.base.events import listen
    from wholefit.monitoring.loop.plan import seconds

    pause = None if every is None else seconds(every)
    last = ""

    def hear(event: str, facts: dict[str, Any]) -> None:
        nonlocal last
        said = str(facts.get("said", ""))
        if event == "loop" and not as_json and said != last:
            _show.say(said)
            last = said
        elif event == "warning":
            _show.aside(str(facts.get("message", "")))

    with listen(hear):
        if pause is not None:
            turned.watch(pause)
            return
        told = turned.run()
    if as_json:
        _show.as_json(told.to_json())


def _tell(told: Told, as_json: bool) -> None:
    if as_json:
        _show.as_json(told.to_json())
    else:
        _show.say(told.said)


def _tell_status(turned: Loop, as_json: bool) -> None:
    cycles, served = turned.cycles, turned.registry.served(turned.name)
    if served is None:
        raise WholefitError(f"no version of {turned.name!r} is served.")
    if as_json:
        _show.as_json({"served": served.to_json(), "cycles": [each.to_json() for each in cycles]})
        return
    _show.say(f"{served} is served; {len(cycles)} cycles so far")
    _show.table(["cycle", "began", "state", "champion", "challenger", "why", "what came of it"], [
        [str(each.number), _at(each.opened), each.state, str(each.champion),
         "" if each.candidate is None else str(each.candidate), "; ".join(each.reasons), each.said]
        for each in cycles])


def _at(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%d %H:%M")
