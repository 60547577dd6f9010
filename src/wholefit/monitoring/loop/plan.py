"""The plan of a loop: when to retrain, how, what a challenger must show, and how it is tried out.

A plan is five small sets of options, and is written as a TOML file of as many tables:

    [triggers]
    rows = 1000
    [retrain]
    how = "full"
    [gate]
    rule = "no_worse"
    [trial]
    shadow = 500
    [watch]
    rows = 500
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from wholefit.base.errors import ParameterError, unknown
from wholefit.base.params import Params, param
from wholefit.monitoring.loop.gate import Gate, floors

_SPAN = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*(s|m|min|h|d|w)\s*")
_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_LARGEST = 1_000_000


@dataclass(frozen=True)
class Triggers(Params):
    """When to retrain; whichever comes first. Each test looks at rows that no test saw before."""

    rows: int | None = param(
        1_000, "New labelled rows since the last cycle.", low=1, none=True)
    every: str | None = param(
        None, "Time since the last cycle, such as 7d or 12h, if there is any new row.", none=True)
    metric: bool = param(
        True, "The model's score on new labelled rows is significantly worse than it was on the "
        "held-out rows of its gate, or of its fit.")
    drift: bool = param(
        True, "A column of the new rows is distributed otherwise than in training.")
    alarms: bool = param(True, "Monitoring raises an alarm, where it is at hand.")
    lookback: str = param("90d", "Labels that come later than this after the answer are not heard.")
    least: int = param(200, "New rows that a look at metric and drift needs.", low=20)
    level: float = param(0.01, "Chance of a false alarm of one look, for each of metric and drift.",
                         above=0, below=0.5)


@dataclass(frozen=True)
class Retrain(Params):
    """How a challenger is made."""

    how: str = param(
        "full", "full: fit anew on all rows; update: the model learns the new rows on top; replay: "
        "the same, the new rows mixed with old ones, so that they are not forgotten.",
        choices=("full", "update", "replay"))
    search: bool = param(
        False, "For full: choose among models again; else the same model with the same settings.")
    budget: str | None = param(None, "For full: what the fit may spend, such as 5min.", none=True)
    window: int | None = param(
        None, "For full: learn from the latest rows alone, this many.", low=50, none=True)
    memory: int = param(2_000, "For replay: old rows that are remembered.", low=10)
    mix: float = param(1.0, "For replay: old rows for each new one.", above=0, high=20)
    passes: int = param(1, "For update and replay: how often the new rows are learnt.", low=1,
                        high=100)


@dataclass(frozen=True)
class Hold(Params):
    """Which new rows are held out from every training, for ever, to judge on."""

    share: float = param(0.3, "Share of the new rows.", above=0, below=1)
    by: str | None = param(
        None, "Column whose rows stay together, such as a customer's; the schema's groups where "
        "left out.", none=True)
    most: int = param(5_000, "Rows that the gate judges on: the latest.", low=50)


@dataclass(frozen=True)
class Trial(Params):
    """How a challenger that passed the gate is tried on live requests before it is promoted."""

    shadow: int = param(
        0, "Answers that it gives in the shadow first, unseen by those who ask; 0 for none.", low=0)
    canary: float | None = param(
        None, "Share of the requests that it then answers.", above=0, below=1, none=True)
    answers: int = param(500, "Answers of a canary before it is judged.", low=1)
    latency: float = param(
        2.0, "How many times the champion's 95th percentile of time its own may be.", above=0)
    within: str = param("7d", "A trial that lasts longer has failed.")
    approve: bool = param(False, "Wait for a person's word before promoting.")


@dataclass(frozen=True)
class Watch(Params):
    """What a promoted model must show on labelled rows that come after its promotion."""

    rows: int = param(
        500, "Labelled rows on which it is compared with its predecessor: significantly worse, "
        "and it is rolled back; 0 for no watch.", low=0)
    level: float = param(0.99, "Level of that test.", above=0.5, below=1)
    within: str = param("30d", "Watched no longer than this.")


@dataclass(frozen=True)
class Plan:
    """All options of a loop."""

    triggers: Triggers = field(default_factory=Triggers)
    retrain: Retrain = field(default_factory=Retrain)
    hold: Hold = field(default_factory=Hold)
    gate: Gate = field(default_factory=Gate)
    trial: Trial = field(default_factory=Trial)
    watch: Watch = field(default_factory=Watch)

    def __post_init__(self) -> None:
        floors(self.gate.floor)
        for words in (self.triggers.every, self.triggers.lookback, self.trial.within,
                      self.watch.within):
            if words is not None:
                seconds(words)

    @classmethod
    def of(cls, given: Any) -> Plan:
        """A plan as it is, of a dict of dicts, or of a TOML file; None gives the defaults."""
        if isinstance(given, Plan):
            return given
        if given is None:
            return cls()
        if isinstance(given, (str, os.PathLike)):
            given = _read(Path(given))
        if not isinstance(given, Mapping):
            raise ParameterError(f"a plan is a dict of options, or a TOML file; got {given!r}.")
        parts = {each.name: each.default_factory for each in fields(cls)}
        made = {}
        for name, words in given.items():
            if name not in parts:
                raise unknown("part of a plan", str(name), parts)
            if not isinstance(words, Mapping):
                raise ParameterError(f"[{name}] of a plan must be a table; got {words!r}.")
            made[name] = _part(parts[name], dict(words))
        return cls(**made)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {each.name: getattr(self, each.name).to_dict() for each in fields(self)}

    def to_toml(self) -> str:
        """The plan as a file that `of` reads, each option with what it means."""
        lines = []
        for each in fields(self):
            part = getattr(self, each.name)
            lines += [f"[{each.name}]"]
            for spec in part.specs():
                value = getattr(part, spec.name)
                lines += [f"# {spec.doc}", f"{spec.name} = {_toml(value)}"]
            lines.append("")
        return "\n".join(lines)


def seconds(words: str) -> float:
    """ "12h", "7d" in seconds; ParameterError for anything else."""
    match = _SPAN.fullmatch(str(words))
    if match is None or not float(match.group(1)) > 0:
        raise ParameterError("a time must be a number and s, min, h, d or w, such as '7d'; got "
                             f"{words!r}.")
    return float(match.group(1)) * _SECONDS[match.group(2)]


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST:
            raise ParameterError(f"{path.name} is larger than a plan can be.")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(f"the plan {str(path)!r} cannot be read: {error.strerror or error}."
                             ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ParameterError(f"the plan {path.name} is no TOML: {error}.") from error


def _part(kind: Any, words: dict[str, Any]) -> Any:
    """One part of a plan; TOML has no word for nothing, so "none" is one where it may stand."""
    may = {spec.name for spec in kind.specs() if spec.none}
    return kind.from_dict({name: None if value == "none" and name in may else value
                           for name, value in words.items()})


def _toml(value: Any) -> str:
    if value is None:
        return '"none"'
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value}" if isinstance(value, (int, float)) else \
        '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
