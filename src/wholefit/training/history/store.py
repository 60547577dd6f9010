"""The file of a history: SQLite, marked as wholefit's; what is read from it is checked."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wholefit.base.errors import DataError
from wholefit.base.transactions import alone, stamped
from wholefit.training.history.meta import Meta
from wholefit.training.record import Run

VARIABLE = "WHOLEFIT_HISTORY"
"""The environment variable that names the file, where `history=` does not."""
_MARK, _VERSION = 0x77664869, 1
_TABLES = """
CREATE TABLE runs (number INTEGER PRIMARY KEY, made TEXT, task TEXT, metric TEXT, meta TEXT,
  data TEXT, seconds REAL, budget TEXT, winner TEXT);
CREATE TABLE tried (run INTEGER, place INTEGER, label TEXT, model TEXT, params TEXT, score REAL,
  gain REAL, seconds REAL, PRIMARY KEY (run, place));
"""
# Of a long history the latest runs are asked: older ones knew fewer models.
_LATEST = 500
_WAIT = 10.0


@dataclass(frozen=True)
class Tried:
    """A configuration of a past run: `gain` 0 is the baseline's score and 1 the best model's."""

    label: str
    model: str
    params: dict[str, Any]
    score: float
    gain: float
    seconds: float


@dataclass(frozen=True)
class Past:
    """A past run: when, what it learnt from, what won, and everything it tried, best first."""

    number: int
    made: str
    task: str
    metric: str
    meta: Meta
    data: str
    seconds: float
    budget: str
    winner: str
    tried: tuple[Tried, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**self.__dict__, "meta": self.meta.to_json(),
                "tried": [each.__dict__ for each in self.tried]}


def path_of(given: str | os.PathLike[str] | None) -> Path | None:
    """The file stated, else that of the environment variable; None: no history is kept."""
    named = given if given is not None else os.environ.get(VARIABLE, "").strip() or None
    return None if named is None else Path(named).expanduser()


class History:
    """An open history; made where the file is not there yet. DataError for a file of another kind.

    Runs are added in one transaction each, so that several processes may write to one file.
    """

    def __init__(self, path: str | os.PathLike[str], *, make: bool = True) -> None:
        self.path = Path(path)
        if not make and not self.path.is_file():
            raise DataError(f"there is no history {str(self.path)!r}: name the file that fit was "
                            f"given (history=, or {VARIABLE}).")
        with self._minding():
            self._line = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)
            self._prepare()

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def add(self, meta: Meta, run: Run) -> int:
        """Note a finished run; its number."""
        rows = _told(run)
        lineage = run.lineage
        facts = (dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), run.task.name, run.metric,
                 json.dumps(meta.to_json()), str(lineage.get("data_hash", ""))[:16],
                 float(lineage.get("seconds", math.nan)), str(lineage.get("budget", "")),
                 run.chosen.model)
        with self._minding(), self._alone():
            number = self._line.execute(
                "INSERT INTO runs (made, task, metric, meta, data, seconds, budget, winner) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", facts).lastrowid
            assert number is not None
            self._line.executemany("INSERT INTO tried VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [
                (number, place, each.label, each.model, json.dumps(each.params), each.score,
                 each.gain, each.seconds) for place, each in enumerate(rows)])
        return int(number)

    def past(self, task: str | None = None) -> list[Past]:
        """Past runs, the latest first; those of one task where it is named."""
        with self._minding():
            where, args = ("WHERE task = ?", (task,)) if task else ("", ())
            runs = self._line.execute(
                "SELECT number, made, task, metric, meta, data, seconds, budget, winner FROM runs "
                f"{where} ORDER BY number DESC LIMIT {_LATEST}", args).fetchall()
            return [self._one(row) for row in runs]

    def forget(self) -> int:
        """Delete every run; how many there were."""
        with self._minding(), self._alone():
            count = int(self._line.execute("SELECT COUNT(*) FROM runs").fetchone()[0])
            self._line.execute("DELETE FROM tried")
            self._line.execute("DELETE FROM runs")
        return count

    def _one(self, row: tuple[Any, ...]) -> Past:
        number, made, task, metric, meta, data, seconds, budget, winner = row
        tried = self._line.execute(
            "SELECT label, model, params, score, gain, seconds FROM tried WHERE run = ? "
            "ORDER BY place", (number,)).fetchall()
        return Past(
            int(number), str(made), str(task), str(metric), Meta.from_json(json.loads(meta)),
            str(data), _real(seconds), str(budget), str(winner),
            tuple(Tried(str(label), str(model), _params(params), _real(score), _real(gain),
                        _real(took)) for label, model, params, score, gain, took in tried))

    def _prepare(self) -> None:
        """Make an empty file a history; refuse one of another kind, or of a newer version."""
        version = stamped(self._line, _MARK, _VERSION, _TABLES.split(";"))
        if version is None:
            raise DataError(f"{str(self.path)!r} is a database of another kind, not a history of "
                            "wholefit: name another file.")
        if version > _VERSION:
            raise DataError(f"the history {str(self.path)!r} was written by a newer wholefit: "
                            "upgrade wholefit, or name another file.")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """A transaction that no other process writes in."""
        with alone(self._line):
            yield

    @contextlib.contextmanager
    def _minding(self) -> Iterator[None]:
        """Every fault of the file, or of what stands in it, as one kind of error."""
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError, KeyError, LookupError, RecursionError,
                OverflowError) as error:
            raise DataError(
                f"the history {str(self.path)!r} cannot be used ({type(error).__name__}: {error}): "
                "it is no history, damaged, or in a folder that cannot be written; name another "
                "file.") from error


def _told(run: Run) -> list[Tried]:
    """What was tried and scored, best first, with its share of the gain over the baseline."""
    scored = [entry for entry in run.leaderboard
              if run.metric in entry.scores and math.isfinite(entry.scores[run.metric].value)]
    if not scored:
        return []
    values = {entry.model: entry.scores[run.metric].value for entry in scored}
    base, best = values.get(run.task.baseline, math.nan), values[scored[0].model]
    room = best - base if math.isfinite(base) else 0.0
    kinds = {str(step.get("model")): step for step in run.lineage.get("schedule", ())}
    return [Tried(entry.model, _catalog(entry.model, kinds), dict(entry.params),
                  values[entry.model],
                  (values[entry.model] - base) / room if room else math.nan, entry.fit_seconds)
            for entry in scored]


def _catalog(label: str, kinds: dict[str, dict[str, Any]]) -> str:
    """The catalog's name of a label: "lightgbm_2" is a lightgbm."""
    named = kinds.get(label, {}).get("name")
    if isinstance(named, str):
        return named
    head, _, tail = label.rpartition("_")
    return head if head and tail.isdigit() else label


def _params(stored: Any) -> dict[str, Any]:
    found = json.loads(stored)
    if not isinstance(found, dict):
        raise ValueError("parameters must be an object")
    return found


def _real(value: Any) -> float:
    """SQLite keeps NaN as NULL."""
    return math.nan if value is None else float(value)
