"""The database of a registry: one connection, one transaction a change, every fault one error."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from wholefit.artifact.registry._records import Event, now, of_text, to_text, whole
from wholefit.base.errors import RegistryError
from wholefit.base.transactions import alone, stamped

_MARK, _VERSION = 0x77665265, 1
# Seconds to wait for others who write.
_PATIENCE = 30.0
_TABLES = (
    """CREATE TABLE versions (name TEXT NOT NULL, number INTEGER NOT NULL, sha256 TEXT NOT NULL,
       size INTEGER NOT NULL, at TEXT NOT NULL, parent INTEGER, facts TEXT NOT NULL,
       PRIMARY KEY (name, number), UNIQUE (name, sha256))""",
    """CREATE TABLE promotions (place INTEGER PRIMARY KEY, name TEXT NOT NULL,
       number INTEGER NOT NULL, undone INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX promoted ON promotions (name, undone, place)",
    """CREATE TABLE traffic (name TEXT NOT NULL, number INTEGER NOT NULL, share REAL NOT NULL,
       PRIMARY KEY (name, number))""",
    """CREATE TABLE shadows (name TEXT NOT NULL, number INTEGER NOT NULL,
       PRIMARY KEY (name, number))""",
    """CREATE TABLE events (place INTEGER PRIMARY KEY, at TEXT NOT NULL, name TEXT NOT NULL,
       action TEXT NOT NULL, number INTEGER, by TEXT NOT NULL, why TEXT NOT NULL,
       details TEXT NOT NULL, key TEXT UNIQUE, previous TEXT NOT NULL, hash TEXT NOT NULL)""",
    "CREATE INDEX events_of ON events (name, place)",
    """CREATE TRIGGER kept BEFORE UPDATE ON events
       BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END""",
    """CREATE TRIGGER never_lost BEFORE DELETE ON events
       BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END""",
)
_EVENT = "place, at, name, action, number, by, why, details, key, previous, hash"
_FAULTS = (sqlite3.Error, ValueError, TypeError, KeyError, IndexError, RecursionError,
           OverflowError)


class Database:
    """The open file. Threads share it, one at a time; a forked process opens it anew."""

    def __init__(self, path: Path, *, make: bool) -> None:
        self.path = path
        self._guard, self._pid = threading.RLock(), os.getpid()
        if not make and not path.is_file():
            raise RegistryError(f"there is no registry in {str(path.parent)!r}: name the folder of "
                                "one, or add a model to make it.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RegistryError(f"the folder {str(path.parent)!r} cannot be made: "
                                f"{error.strerror or error}.") from error
        with self._minding():
            self._line: sqlite3.Connection | None = self._opened()

    def close(self) -> None:
        """Close the file; it opens again when it is next asked."""
        with self._guard:
            line, self._line = self._line, None
            if line is not None and self._pid == os.getpid():
                line.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One statement, or several that need not agree."""
        with self._guard, self._minding():
            yield self._connection()

    @contextlib.contextmanager
    def agreeing(self) -> Iterator[sqlite3.Connection]:
        """Several statements that see one state."""
        with self.reading() as line, alone(line, "BEGIN"):
            yield line

    @contextlib.contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that no other process writes in: all of it holds, or none."""
        with self.reading() as line, alone(line):
            yield line

    def _connection(self) -> sqlite3.Connection:
        if self._line is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._line = self._opened()
        return self._line

    def _opened(self) -> sqlite3.Connection:
        line = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None,
                               check_same_thread=False)
        try:
            self._check(stamped(line, _MARK, _VERSION, _TABLES, patience=_PATIENCE))
            # A promotion that was told must outlive a power cut, not only a killed process.
            line.execute("PRAGMA synchronous = FULL")
        except BaseException:
            line.close()
            raise
        return line

    def _check(self, version: int | None) -> None:
        if version is None:
            raise RegistryError(f"{str(self.path)!r} is a database of another kind, not a registry "
                                "of wholefit: name another folder.")
        if version > _VERSION:
            raise RegistryError(f"the registry {str(self.path.parent)!r} was written by a newer "
                                "wholefit: upgrade wholefit, or name another folder.")

    @contextlib.contextmanager
    def _minding(self) -> Iterator[None]:
        """Every fault of the file, or of what stands in it, as one kind of error."""
        try:
            yield
        except _FAULTS as error:
            raise RegistryError(
                f"the registry {str(self.path.parent)!r} cannot be used ({type(error).__name__}: "
                f"{str(error)[:200]}): it is damaged, busy, or in a folder that cannot be "
                "written.") from error


def noted(
    line: sqlite3.Connection, name: str, action: str, number: int | None, by: str, why: str,
    details: dict[str, Any], key: str | None,
) -> Event:
    """Write an event inside a transaction."""
    last = line.execute("SELECT place, hash FROM events ORDER BY place DESC LIMIT 1").fetchone()
    place, previous = (1, "") if last is None else (int(last[0]) + 1, str(last[1]))
    text = to_text(details, "details")
    event = Event(place, now(), name, action, number, by, why, of_text(text), key, previous)
    digest = event.digest()
    line.execute(f"INSERT INTO events ({_EVENT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (
        place, event.at, name, action, number, by, why, text, key, previous, digest))
    return replace(event, hash=digest)


def events(
    line: sqlite3.Connection, name: str | None = None, since: int = 0, most: int = -1
) -> list[Event]:
    """Events after `since`, the oldest first; the latest `most` of them."""
    where = "place > ?" + ("" if name is None else " AND name = ?")
    found = line.execute(
        f"SELECT {_EVENT} FROM (SELECT * FROM events WHERE {where} ORDER BY place DESC LIMIT ?) "
        "ORDER BY place", (since, *(() if name is None else (name,)), most)).fetchall()
    return [_event(row) for row in found]


def done(line: sqlite3.Connection, key: str | None) -> Event | None:
    """The event that was written under this key before."""
    if key is None:
        return None
    row = line.execute(f"SELECT {_EVENT} FROM events WHERE key = ?", (key,)).fetchone()
    return None if row is None else _event(row)


def _event(row: tuple[Any, ...]) -> Event:
    place, at, name, action, number, by, why, details, key, previous, digest = row
    return Event(whole(place), str(at), str(name), str(action), whole(number, none=True), str(by),
                 str(why), of_text(details), None if key is None else str(key), str(previous),
                 str(digest))
