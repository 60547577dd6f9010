"""SQLite files that several processes write: transactions, waiting, and what kind a file is of.

The studies of a search, the history of fits, the registry of models, the journal of a loop, the log
of answers and the audit trail are such files; what stands in them is each one's own affair.

>>> import sqlite3
>>> line = sqlite3.connect(":memory:", isolation_level=None)
>>> with alone(line):
...     _ = line.execute("CREATE TABLE answers (value)")
>>> with alone(line):
...     _ = line.execute("INSERT INTO answers VALUES (1)")
...     raise KeyError
Traceback (most recent call last):
    ...
KeyError
>>> line.execute("SELECT COUNT(*) FROM answers").fetchone()
(0,)
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator

_NAP = 0.01


@contextlib.contextmanager
def alone(line: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
    """A transaction that no other process writes in: all of it holds, or none.

    `line` must be in autocommit (`isolation_level=None`). With `begin` "BEGIN" others may write
    until this one does.
    """
    line.execute(begin)
    try:
        yield line
        line.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            line.execute("ROLLBACK")
        raise


def stamped(
    line: sqlite3.Connection, mark: int, version: int, tables: Iterable[str], *,
    patience: float | None = None,
) -> int | None:
    """Make an empty file one of the kind `mark`; the version of its format, None for other kinds.

    `tables` are the statements that make it, all of them or none, at `version`; with `patience` it
    is switched to write-ahead logging first. A file that holds anything is left as it is: the
    caller refuses one of another kind, or of a version that it does not know.
    """
    with alone(line, "BEGIN"):  # its numbers and tables of one moment, though another may make it
        kind, found, empty = _stamp(line)
    if empty:
        if patience is not None:
            write_ahead(line, patience)
        with alone(line):
            kind, found, empty = _stamp(line)
            if empty:
                for statement in tables:
                    line.execute(statement)
                line.execute(f"PRAGMA application_id = {mark}")
                line.execute(f"PRAGMA user_version = {version}")
                return version
    return found if kind == mark else None


def _stamp(line: sqlite3.Connection) -> tuple[int, int, bool]:
    """The mark of a file's kind, its version, and whether nothing stands in it."""
    kind, version, tables = (int(line.execute(ask).fetchone()[0]) for ask in (
        "PRAGMA application_id", "PRAGMA user_version", "SELECT COUNT(*) FROM sqlite_master"))
    return kind, version, not kind and not tables


def write_ahead(line: sqlite3.Connection, patience: float) -> None:
    """Turn write-ahead logging on: readers never wait for a writer, nor a writer for readers.

    SQLite refuses this at once where another connection is busy, and hears of no timeout then; it
    is asked again for `patience` seconds.
    """
    end = time.monotonic() + patience
    while True:
        try:
            line.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(_NAP)
