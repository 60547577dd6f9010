"""Where a log lies: a SQLite file through the standard library, or a database of SQLAlchemy.

Both understand the same statements, with parameters written `:name`; what is asked of a database
is so little that one wording does for all.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from wholefit.base.errors import DataError, WholefitError
from wholefit.base.optional import need
from wholefit.base.transactions import alone, write_ahead

TABLES: dict[str, tuple[tuple[str, str, bool], ...]] = {
    # column, kind (name: short text, text, number, whole), whether it is part of the key
    "log_facts": (("name", "name", True), ("value", "text", False)),
    "predictions": (
        ("id", "name", True), ("model", "name", True), ("version", "name", True),
        ("made", "number", False), ("shadow", "whole", False), ("confidence", "number", False),
        ("seconds", "number", False), ("asked", "text", False), ("answer", "text", False)),
    "truths": (("id", "name", True), ("truth", "text", False), ("told", "number", False)),
    "sketches": (("model", "name", True), ("version", "name", True), ("sketch", "text", False)),
    "counts": (("model", "name", True), ("version", "name", True), ("hour", "whole", True),
               ("worker", "name", True), ("counted", "text", False)),
}
_BUSY = 30.0
# What a damaged file makes of the standard library, its own messages undecodable included.
_FAULTS = (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError)


class Store(Protocol):
    """A database: statements in a transaction, all or none of them."""

    name: str

    def transaction(self, write: bool = True) -> AbstractContextManager[Transaction]:
        """What is done inside is kept together, or not at all; without `write`, only asked."""
        ...

    def close(self) -> None:
        """Give the file or the connections back."""


class Transaction(Protocol):
    """Statements that stand or fall together."""

    def do(self, statement: str, rows: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> None:
        """A change, once or once a row."""

    def ask(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a question."""
        ...


def open_store(url: str, create: bool) -> Store:
    """The store of that address, with its tables; DataError where there is none."""
    if url.startswith("sqlite:///"):
        url = url.removeprefix("sqlite:///")
    return Sqlite(Path(url), create) if "://" not in url else Database(url, create)


class Sqlite:
    """A SQLite file, written ahead (WAL), so that many may read while one writes."""

    def __init__(self, path: Path, create: bool) -> None:
        self.name = path.name
        self._lock = threading.RLock()
        path = path.expanduser()
        if not path.exists():
            _make(path, create)
        try:
            self._link = sqlite3.connect(path, timeout=_BUSY, isolation_level=None,
                                         check_same_thread=False)
            if create:
                write_ahead(self._link, _BUSY)
            self._link.execute("PRAGMA synchronous = NORMAL")
            if create:
                with self.transaction() as all_:
                    for name, columns in TABLES.items():
                        all_.do(_table(name, columns), {})
                    all_.do("CREATE INDEX IF NOT EXISTS predictions_made ON predictions "
                            "(model, made)", {})
        except _FAULTS as error:
            raise self._error(error) from error

    @contextmanager
    def transaction(self, write: bool = True) -> Iterator[Transaction]:
        """What is done inside is kept together, or not at all; without `write`, only asked."""
        with self._lock:
            try:
                with alone(self._link, "BEGIN IMMEDIATE" if write else "BEGIN"):
                    yield _Sqlite(self._link)
            except _FAULTS as error:
                raise self._error(error) from error

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._link.close()

    def _error(self, error: Exception) -> DataError:
        return DataError(f"the log {self.name} cannot be used as SQLite: {error}.")


class _Sqlite:
    """Statements on a SQLite connection."""

    def __init__(self, link: sqlite3.Connection) -> None:
        self._link = link

    def do(self, statement: str, rows: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> None:
        """A change, once or once a row."""
        if isinstance(rows, Mapping):
            self._link.execute(statement, rows)
        else:
            self._link.executemany(statement, rows)

    def ask(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a question."""
        return self._link.execute(statement, values).fetchall()


class Database:
    """Any database that SQLAlchemy has a driver for."""

    def __init__(self, url: str, create: bool) -> None:
        self._sql = need("sqlalchemy", extra="sql", user="a log in a database")
        self.name = "the database"
        self._secrets: tuple[str, ...] = ()
        try:
            address = self._sql.make_url(url)
        except Exception as error:
            raise DataError("the URL of a log must be a file, or look like "
                            "dialect://user:password@host/database.") from error
        self.name = f"{address.get_backend_name()}: {Path(address.database or '').name or 'memory'}"
        self._secrets = tuple(str(part) for part in (address.password, address.username) if part)
        with self._told():
            self._engine = self._sql.create_engine(address)
            if create:
                self._made()

    def _made(self) -> None:
        sql = self._sql
        kinds = {"name": sql.String(200), "text": sql.Text(2**24), "number": sql.Float(53),
                 "whole": sql.BigInteger()}
        known = sql.MetaData()
        for name, columns in TABLES.items():
            sql.Table(name, known, *(sql.Column(column, kinds[kind], primary_key=key,
                                                autoincrement=False)
                                     for column, kind, key in columns))
        made = known.tables["predictions"]
        sql.Index("predictions_made", made.c.model, made.c.made)
        known.create_all(self._engine)

    @contextmanager
    def transaction(self, write: bool = True) -> Iterator[Transaction]:
        """What is done inside is kept together, or not at all; without `write`, only asked."""
        with self._told(), self._engine.begin() as link:
            yield _Database(link, self._sql)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Each driver has its own errors, which may repeat the address with its password."""
        try:
            yield
        except WholefitError:
            raise
        except ImportError as error:
            raise DataError(f"the log {self.name} needs the driver {error.name!r}, which is not "
                            "installed.") from error
        except Exception as error:
            said = (str(getattr(error, "orig", error)).strip() or "no reason given")
            first = said.splitlines()[0]
            for secret in self._secrets:
                first = first.replace(secret, "***")
            first = re.sub(r"//[^/@\s]+@", "//***@", first)[:300]
            raise DataError(f"the log {self.name} cannot be used: {first}") from None


class _Database:
    """Statements on a connection of SQLAlchemy."""

    def __init__(self, link: Any, sql: Any) -> None:
        self._link, self._sql = link, sql

    def do(self, statement: str, rows: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> None:
        """A change, once or once a row."""
        if isinstance(rows, Mapping) or len(rows):
            given = rows if isinstance(rows, Mapping) else list(rows)
            self._link.execute(self._sql.text(statement), given)

    def ask(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a question."""
        found = self._link.execute(self._sql.text(statement), values)
        return [tuple(row) for row in found]


def _table(name: str, columns: Sequence[tuple[str, str, bool]]) -> str:
    kinds = {"name": "TEXT", "text": "TEXT", "number": "REAL", "whole": "INTEGER"}
    said = [f"{column} {kinds[kind]}{' NOT NULL' if key else ''}" for column, kind, key in columns]
    keys = ", ".join(column for column, _, key in columns if key)
    return f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(said)}, PRIMARY KEY ({keys}))"


def _make(path: Path, create: bool) -> None:
    """An empty file that only its owner may read: what it will hold may be personal."""
    if not create:
        raise DataError(f"there is no log {str(path)!r}: name the file that answers were written "
                        "to.")
    if not path.parent.is_dir():
        raise DataError(f"the log {path.name} cannot be made: the folder {str(path.parent)!r} does "
                        "not exist; make it first.")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return  # another process was quicker
    except OSError as error:
        raise DataError(f"the log {path.name} cannot be made: {error.strerror or error}.") \
            from error
