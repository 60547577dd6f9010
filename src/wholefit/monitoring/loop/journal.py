"""The journal of a loop: what was collected, which cycle is under way, and which step it is at.

SQLite beside the registry. A step is written when it is done; each step that changes the registry
carries a key there, so that one that was done but not yet written is not done twice.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wholefit.base.errors import RegistryError
from wholefit.base.transactions import alone, stamped

_MARK, _VERSION = 0x77664C70, 1
_PATIENCE = 30.0
_TABLES = (
    """CREATE TABLE batches (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at REAL NOT NULL,
       rows INTEGER NOT NULL, held INTEGER NOT NULL, source TEXT NOT NULL)""",
    "CREATE TABLE records (id TEXT PRIMARY KEY, batch TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE cycles (number INTEGER PRIMARY KEY, opened REAL NOT NULL, closed REAL,
       state TEXT NOT NULL, champion INTEGER NOT NULL, candidate INTEGER, upto INTEGER NOT NULL,
       reasons TEXT NOT NULL, said TEXT NOT NULL DEFAULT '')""",
    """CREATE TABLE steps (place INTEGER PRIMARY KEY, cycle INTEGER NOT NULL, at REAL NOT NULL,
       state TEXT NOT NULL, details TEXT NOT NULL)""",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE looks (place INTEGER PRIMARY KEY, at REAL NOT NULL, upto INTEGER NOT NULL)",
)
_CYCLE = "number, opened, closed, state, champion, candidate, upto, reasons, said"
_FAULTS = (sqlite3.Error, ValueError, TypeError, KeyError, RecursionError, OverflowError)


@dataclass(frozen=True)
class Cycle:
    """One turn of the loop: why it began, where it stands, and how it ended.

    `upto` is the last batch it learns from; `state` is opened, made, added, passed, shadow,
    canary, approved, promoted, or one of the ends: refused, kept, rolled back, overruled,
    abandoned, failed.
    """

    number: int
    opened: float
    closed: float | None
    state: str
    champion: int
    candidate: int | None
    upto: int
    reasons: tuple[str, ...]
    said: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**self.__dict__, "reasons": list(self.reasons)}


@dataclass(frozen=True)
class Batch:
    """Labelled rows that came together: a file beside the journal holds them.

    `held` of the `rows` are held out.
    """

    place: int
    id: str
    at: float
    rows: int
    held: int
    source: str


class Journal:
    """An open journal, in the folder of one loop; made where it is not there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._guard = folder, threading.RLock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RegistryError(f"the folder {str(folder)!r} of the loop cannot be made: "
                                f"{error.strerror or error}.") from error
        with self._minding():
            self._line = sqlite3.connect(folder / "journal.db", timeout=_PATIENCE,
                                         isolation_level=None, check_same_thread=False)
            self._prepare()

    def close(self) -> None:
        """Close the file."""
        self._line.close()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the loop: two processes must not turn it at once. Released even by a kill."""
        with self._minding():
            line = sqlite3.connect(self.folder / "turning.db", timeout=0, isolation_level=None)
        try:
            with self._minding():
                try:
                    line.execute("BEGIN EXCLUSIVE")
                except sqlite3.OperationalError as error:
                    if "locked" not in str(error):
                        raise
                    raise RegistryError("this loop is being turned by another process: wait for "
                                        "it, or end it.") from error
            yield
        finally:
            line.close()

    @property
    def id(self) -> str:
        """Part of the key of every change: a journal made anew counts its cycles from one again."""
        with self._minding():
            return str(self._line.execute("SELECT value FROM facts WHERE name = 'id'"
                                          ).fetchone()[0])

    # Batches

    def collected(
        self, id_: str, rows: int, held: int, source: str, records: Iterable[str] = ()
    ) -> bool:
        """Note a batch whose file is whole, and the answers of the log it was made of.

        False where it was noted before.
        """
        with self._changing() as line:
            if line.execute("SELECT 1 FROM batches WHERE id = ?", (id_,)).fetchone():
                return False
            line.execute("INSERT INTO batches (id, at, rows, held, source) VALUES (?, ?, ?, ?, ?)",
                         (id_, time.time(), rows, held, source))
            line.executemany("INSERT OR IGNORE INTO records VALUES (?, ?)",
                             [(record, id_) for record in records])
            return True

    def batches(self, after: int = 0, upto: int | None = None) -> list[Batch]:
        """Batches after one place, up to another, the oldest first."""
        with self._minding():
            last = 2**62 if upto is None else upto
            return [Batch(int(place), str(id_), float(at), int(rows), int(held), str(source))
                    for place, id_, at, rows, held, source in self._line.execute(
                        "SELECT place, id, at, rows, held, source FROM batches WHERE place > ? AND "
                        "place <= ? ORDER BY place", (after, last))]

    def fresh(self, ids: list[str]) -> set[str]:
        """Which answers of the log were not collected yet."""
        with self._minding():
            known = {id_ for (id_,) in self._line.execute("SELECT id FROM records")}
            return set(ids) - known

    # Looks and cycles

    def looked(self, upto: int) -> None:
        """Note that a test has looked at all batches up to this one."""
        with self._changing() as line:
            line.execute("INSERT INTO looks (at, upto) VALUES (?, ?)", (time.time(), upto))

    def seen(self) -> int:
        """The last batch that a test has looked at, or a cycle has begun with."""
        with self._minding():
            found = self._line.execute(
                "SELECT MAX(upto) FROM (SELECT upto FROM looks UNION ALL SELECT upto FROM cycles)"
            ).fetchone()[0]
            return int(found or 0)

    def open(self, champion: int, upto: int, reasons: list[str]) -> Cycle:
        """Begin a cycle."""
        with self._changing() as line:
            number = line.execute(
                "INSERT INTO cycles (opened, state, champion, upto, reasons) VALUES "
                "(?, 'opened', ?, ?, ?)", (time.time(), champion, upto, json.dumps(reasons))
            ).lastrowid
            self._step(line, int(number or 0), "opened", {"reasons": reasons})
        return self.cycle(int(number or 0))

    def to(self, cycle: Cycle, state: str, details: dict[str, Any] | None = None, *,
           candidate: int | None = None, said: str = "", end: bool = False) -> Cycle:
        """Note that a step is done."""
        with self._changing() as line:
            line.execute(
                "UPDATE cycles SET state = ?, candidate = COALESCE(?, candidate), said = ?, "
                "closed = ? WHERE number = ?",
                (state, candidate, said or cycle.said, time.time() if end else None, cycle.number))
            self._step(line, cycle.number, state, details or {})
        return self.cycle(cycle.number)

    def cycle(self, number: int) -> Cycle:
        """A cycle by its number."""
        with self._minding():
            row = self._line.execute(f"SELECT {_CYCLE} FROM cycles WHERE number = ?",
                                     (number,)).fetchone()
            return _cycle(row)

    def cycles(self) -> list[Cycle]:
        """All cycles, the oldest first."""
        with self._minding():
            return [_cycle(row) for row in self._line.execute(
                f"SELECT {_CYCLE} FROM cycles ORDER BY number")]

    def under_way(self) -> Cycle | None:
        """The cycle that has not ended."""
        with self._minding():
            row = self._line.execute(
                f"SELECT {_CYCLE} FROM cycles WHERE closed IS NULL ORDER BY number DESC LIMIT 1"
            ).fetchone()
            return None if row is None else _cycle(row)

    def steps(self, number: int) -> list[tuple[float, str, dict[str, Any]]]:
        """The steps of a cycle: when, which, and what was found."""
        with self._minding():
            return [(float(at), str(state), dict(json.loads(details)))
                    for at, state, details in self._line.execute(
                        "SELECT at, state, details FROM steps WHERE cycle = ? ORDER BY place",
                        (number,))]

    # How it is done

    def _step(self, line: sqlite3.Connection, cycle: int, state: str, details: dict[str, Any]
              ) -> None:
        line.execute("INSERT INTO steps (cycle, at, state, details) VALUES (?, ?, ?, ?)",
                     (cycle, time.time(), state, json.dumps(details, default=str)))

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._guard, self._minding(), alone(self._line):
            yield self._line

    def _prepare(self) -> None:
        self._line.execute("PRAGMA synchronous = FULL")
        version = stamped(self._line, _MARK, _VERSION, (
            *_TABLES, f"INSERT INTO facts VALUES ('id', '{secrets.token_hex(8)}')"),
            patience=_PATIENCE)
        if version is None:
            raise RegistryError(f"{str(self.folder / 'journal.db')!r} is a database of another "
                                "kind, not the journal of a loop.")
        if version > _VERSION:
            raise RegistryError("the journal of this loop was written by a newer wholefit: "
                                "upgrade wholefit.")

    @contextlib.contextmanager
    def _minding(self) -> Iterator[None]:
        """Every fault of the file, or of what stands in it, as one kind of error."""
        try:
            yield
        except _FAULTS as error:
            raise RegistryError(
                f"the journal in {str(self.folder)!r} cannot be used ({type(error).__name__}: "
                f"{str(error)[:200]}): it is damaged, busy, or in a folder that cannot be "
                "written.") from error


def _cycle(row: tuple[Any, ...]) -> Cycle:
    number, opened, closed, state, champion, candidate, upto, reasons, said = row
    return Cycle(int(number), float(opened), None if closed is None else float(closed), str(state),
                 int(champion), None if candidate is None else int(candidate), int(upto),
                 tuple(map(str, json.loads(reasons))), str(said))
