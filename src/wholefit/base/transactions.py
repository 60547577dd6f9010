"""SQLite files that several processes write: transactions, and the switch that lets them wait.

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
from collections.abc import Iterator

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
