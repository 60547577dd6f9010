"""Where a study is kept: one SQLite file that several processes read and write at once.

Each asks the strategy within a transaction that no other shares, from the state that the last one
left. A running trial carries a lease, which a thread of its process renews; once it has run out,
for the process was killed, whoever asks next takes the trial up again. What a process tells of a
trial that another has taken up meanwhile is not heard.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, WholefitError
from wholefit.base.transactions import alone, stamped
from wholefit.training.tuning._strategy import Strategy, Suggestion
from wholefit.training.tuning.space import Space

_MARK, _VERSION = 0x77665374, 1
_TABLES = """
CREATE TABLE parts (part INTEGER PRIMARY KEY, facts TEXT, state TEXT, version INTEGER);
CREATE TABLE trials (part INTEGER, number INTEGER, status TEXT, config TEXT, share REAL,
  folds INTEGER, note TEXT, loss REAL, losses TEXT, seconds REAL, reason TEXT, facts TEXT,
  owner TEXT, lease REAL, PRIMARY KEY (part, number));
CREATE TABLE answers (part INTEGER, number INTEGER, shape TEXT, answer BLOB, seen BLOB,
  PRIMARY KEY (part, number));
"""
# How long a running trial is believed in without a sign of life; and how often one is given.
LEASE, _SIGN = 20.0, 4.0
# Out-of-fold answers are kept of so many of the best trials: the choice needs no more of them.
_KEPT = 12
# Seconds to wait for others who write.
_PATIENCE = 60.0


@dataclass(frozen=True)
class Trial:
    """A trial as the study knows it. `status`: "running", "waiting", "done" or "failed".

    `losses` are those of each fold; `loss` that of all held-out rows together, lower is better.
    `facts` hold what a leaderboard shows (fold and prediction seconds, rounds, peak memory).
    """

    number: int
    status: str
    values: dict[str, Any]
    share: float = 1.0
    folds: int | None = None
    note: dict[str, Any] = field(default_factory=dict)
    loss: float = float("inf")
    losses: tuple[float, ...] = ()
    seconds: float = 0.0
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """True for a finished trial of all rows and all folds."""
        return self.status == "done" and self.share >= 1.0 and self.folds is None

    def suggestion(self) -> Suggestion:
        """What was suggested."""
        return Suggestion(self.number, self.values, self.share, self.folds, self.note)


class Store:
    """A study's file, or its like in memory where `path` is None."""

    def __init__(self, path: str | os.PathLike[str] | None = None, lease: float = LEASE) -> None:
        self.path, self._lease = None if path is None else Path(path), lease
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._seen: dict[int, int] = {}
        self._beat: threading.Thread | None = None
        self._ended = threading.Event()
        with self._minding():
            self._line = self._open()
            self._prepare()

    # Parts: the study itself (0), and, in nested cross-validation, each outer fold's own

    def begin(self, part: int, facts: dict[str, Any]) -> bool:
        """Begin a part, or go on with it; True if it was there. DataError if its facts differ."""
        told = json.loads(json.dumps(facts))
        with self._alone() as line:
            row = line.execute("SELECT facts FROM parts WHERE part = ?", (part,)).fetchone()
            if row is None:
                line.execute("INSERT INTO parts VALUES (?, ?, NULL, 0)", (part, json.dumps(told)))
                return False
        known = self._read(row[0], dict)
        other = [name for name in told if known.get(name) != told[name]]
        if other:
            raise DataError(
                f"the study {self.path} is of another search: {', '.join(other)} differ"
                f"{'s' if len(other) == 1 else ''}; ask as it was begun, or name another file.")
        return True

    def take(self, part: int, strategy: Strategy, space: Space, most: int | None) -> Trial | None:
        """A trial to run now: one that was left behind, else what the strategy suggests.

        None where `most` trials are begun already, or the strategy suggests nothing now.
        """
        with self._alone() as line:
            row = line.execute(
                f"SELECT {_FIELDS} FROM trials WHERE part = ? AND (status = 'waiting' OR "
                "(status = 'running' AND lease < ?)) ORDER BY number LIMIT 1",
                (part, time.time())).fetchone()
            if row is not None:
                found = self._trial(row, space)
                self._claim(line, part, found.number)
                return found
            begun = line.execute("SELECT COUNT(*) FROM trials WHERE part = ? AND "
                                 "number >= 0", (part,)).fetchone()
            if most is not None and begun[0] >= most:
                return None
            self._recall(line, part, strategy)
            asked = strategy.ask()
            if asked is not None:
                line.execute(
                    "INSERT INTO trials (part, number, status, config, share, folds, note) "
                    "VALUES (?, ?, 'running', ?, ?, ?, ?)",
                    (part, asked.number, json.dumps(space.packed(asked.values)), asked.share,
                     asked.folds, json.dumps(asked.note)))
                self._claim(line, part, asked.number)
            self._remember(line, part, strategy)
        if asked is None:
            return None
        return Trial(asked.number, "running", asked.values, asked.share, asked.folds, asked.note)

    def extra(self, part: int, values: dict[str, Any], space: Space) -> Trial | None:
        """A trial of all rows and folds that no strategy asked for, nor hears of; None if there
        is one. Its number is -1.
        """
        with self._alone() as line:
            if line.execute("SELECT 1 FROM trials WHERE part = ? AND number = -1",
                            (part,)).fetchone():
                return None
            line.execute(
                "INSERT INTO trials (part, number, status, config, share, folds, note) VALUES "
                "(?, -1, 'running', ?, 1.0, NULL, '{}')", (part, json.dumps(space.packed(values))))
            self._claim(line, part, -1)
        return Trial(-1, "running", values)

    def tell(
        self, part: int, strategy: Strategy, trial: Trial, answers: Any | None = None
    ) -> bool:
        """Keep what became of a trial, and tell the strategy; False if another had taken it up."""
        with self._alone() as line:
            changed = line.execute(
                "UPDATE trials SET status = ?, loss = ?, losses = ?, seconds = ?, reason = ?, "
                "facts = ?, owner = NULL WHERE part = ? AND number = ? AND owner = ? "
                "AND status = 'running'",
                (trial.status, _finite(trial.loss), json.dumps(list(trial.losses)), trial.seconds,
                 trial.reason, json.dumps(trial.facts), part, trial.number, self._owner))
            if not changed.rowcount:
                return False
            self._recall(line, part, strategy)
            if trial.number >= 0:
                strategy.tell(trial.suggestion(), trial.loss, trial.seconds)
                self._remember(line, part, strategy)
            if answers is not None and trial.whole:
                self._put(line, part, trial.number, answers)
        return True

    def release(self, part: int, number: int) -> None:
        """Leave a trial to whoever asks next."""
        with self._alone() as line:
            line.execute("UPDATE trials SET status = 'waiting', owner = NULL WHERE part = ? AND "
                         "number = ? AND owner = ?", (part, number, self._owner))

    def trials(self, part: int, space: Space) -> list[Trial]:
        """All trials of a part, in order of their numbers."""
        with self._minding():
            rows = self._line.execute(
                f"SELECT {_FIELDS} FROM trials WHERE part = ? ORDER BY number", (part,)).fetchall()
        return [self._trial(row, space) for row in rows]

    def running(self, part: int) -> int:
        """How many trials other processes are at, or may be."""
        with self._minding():
            found = self._line.execute("SELECT COUNT(*) FROM trials WHERE part = ? AND "
                                       "status = 'running'", (part,)).fetchone()
        return int(found[0])

    def answers(self, part: int, number: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Out-of-fold answers of a trial and how often each row was answered; None if not kept."""
        with self._minding():
            row = self._line.execute("SELECT shape, answer, seen FROM answers WHERE part = ? AND "
                                     "number = ?", (part, number)).fetchone()
            if row is None:
                return None
            shape = tuple(int(size) for size in self._read(row[0], list))
            try:
                answer = np.frombuffer(zlib.decompress(row[1]), np.float64).reshape(shape)
                seen = np.frombuffer(zlib.decompress(row[2]), np.int32).reshape(shape[:1])
            except (zlib.error, ValueError, TypeError) as error:
                raise self._damaged(error) from error
        return answer.copy(), seen.copy()

    def close(self) -> None:
        """End the signs of life, and close the file."""
        self._ended.set()
        if self._beat is not None:
            self._beat.join()
        self._line.close()

    # How it is done

    def _open(self) -> sqlite3.Connection:
        where = ":memory:" if self.path is None else str(self.path)
        line = sqlite3.connect(where, timeout=_PATIENCE, isolation_level=None)
        line.execute("PRAGMA synchronous = NORMAL")
        return line

    def _prepare(self) -> None:
        """Make the tables of a new file; refuse one that is something else."""
        version = stamped(self._line, _MARK, _VERSION, _TABLES.split(";"), patience=_PATIENCE)
        if version is None:
            raise DataError(f"{self.path} is a database, but no study of wholefit; name another "
                            "file.")
        if version > _VERSION:
            raise DataError(f"the study {self.path} was written by a newer wholefit (format "
                            f"{version}, this one reads {_VERSION}); update wholefit.")

    @contextlib.contextmanager
    def _minding(self) -> Iterator[None]:
        """Around what touches the file: a fault of it is a DataError that says which file."""
        try:
            yield
        except sqlite3.Error as error:
            where = "the study" if self.path is None else f"the study {self.path}"
            raise DataError(f"{where} cannot be read or written ({error}); name another file, or "
                            "free room for it.") from error

    @contextlib.contextmanager
    def _alone(self) -> Iterator[sqlite3.Connection]:
        """A transaction during which no other process writes."""
        with self._minding(), alone(self._line):
            yield self._line

    def _claim(self, line: sqlite3.Connection, part: int, number: int) -> None:
        line.execute("UPDATE trials SET status = 'running', owner = ?, lease = ? WHERE part = ? "
                     "AND number = ?", (self._owner, time.time() + self._lease, part, number))
        if self._beat is None and self.path is not None:
            self._beat = threading.Thread(target=self._live, daemon=True)
            self._beat.start()

    def _live(self) -> None:
        """Renew the leases of this process until it ends; a moment's fault of the file is borne."""
        while not self._ended.wait(_SIGN):
            with contextlib.suppress(sqlite3.Error):
                line = sqlite3.connect(str(self.path), timeout=_SIGN, isolation_level=None)
                with contextlib.closing(line):
                    line.execute("UPDATE trials SET lease = ? WHERE owner = ?",
                                 (time.time() + self._lease, self._owner))

    def _recall(self, line: sqlite3.Connection, part: int, strategy: Strategy) -> None:
        """Bring the strategy to where the last process left it."""
        state, version = line.execute("SELECT state, version FROM parts WHERE part = ?",
                                      (part,)).fetchone()
        if state is None or self._seen.get(part) == version:
            return
        try:
            strategy.restore(self._read(state, dict))
        except (WholefitError, KeyError, TypeError, ValueError, AttributeError,
                IndexError) as error:
            raise self._damaged(error) from error
        self._seen[part] = version

    def _remember(self, line: sqlite3.Connection, part: int, strategy: Strategy) -> None:
        line.execute("UPDATE parts SET state = ?, version = version + 1 WHERE part = ?",
                     (json.dumps(strategy.state()), part))
        self._seen[part] = line.execute("SELECT version FROM parts WHERE part = ?",
                                        (part,)).fetchone()[0]

    def _put(self, line: sqlite3.Connection, part: int, number: int, answers: Any) -> None:
        """Keep answers, and of the others those of the best only."""
        answer, seen = answers
        line.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", (
            part, number, json.dumps(list(answer.shape)),
            zlib.compress(np.ascontiguousarray(answer, np.float64).tobytes(), 1),
            zlib.compress(np.ascontiguousarray(seen, np.int32).tobytes(), 1)))
        line.execute(
            "DELETE FROM answers WHERE part = ? AND number NOT IN (SELECT number FROM trials "
            "WHERE part = ? AND status = 'done' AND folds IS NULL AND share >= 1 AND loss IS NOT "
            "NULL ORDER BY loss, number LIMIT ?)", (part, part, _KEPT))

    def _trial(self, row: tuple[Any, ...], space: Space) -> Trial:
        """A row read with distrust: the file may have been altered."""
        number, status, config, share, folds, note, loss, losses, seconds, reason, facts = row
        try:
            if status not in ("running", "waiting", "done", "failed") or not 0 < share <= 1:
                raise ValueError(f"trial {number} has status {status!r}, share {share!r}")
            return Trial(
                int(number), status, space.unpack(self._read(config, dict)), float(share),
                None if folds is None else max(1, int(folds)), self._read(note, dict),
                float("inf") if loss is None else float(loss),
                tuple(float("inf") if each is None else float(each)
                      for each in self._read(losses or "[]", list)),
                float(seconds or 0.0), str(reason or ""), self._read(facts or "{}", dict))
        except DataError:
            raise
        except (WholefitError, TypeError, ValueError) as error:
            raise self._damaged(error) from error

    def _read(self, text: Any, kind: type) -> Any:
        try:
            found = json.loads(text)
        except (TypeError, ValueError, RecursionError) as error:
            raise self._damaged(error) from error
        if not isinstance(found, kind):
            raise self._damaged(ValueError(f"{kind.__name__} expected"))
        return found

    def _damaged(self, error: Exception) -> DataError:
        return DataError(f"the study {self.path} is damaged ({error}); begin another file.")


_FIELDS = ("number, status, config, share, folds, note, loss, losses, seconds, reason, facts")


def _finite(loss: float) -> float | None:
    return loss if np.isfinite(loss) else None
