"""The audit log: who changed or was refused what, and when; what is altered in it shows.

One SQLite file, to which several processes may write. Each entry holds a checksum of itself and of
the one before (a hash chain; Haber and Stornetta 1991), so that none can be altered, taken out or
put in without breaking the chain. Where a secret is stated the checksums are HMACs: then nobody
without it can make a chain that holds. What was cut off at the end shows only to who noted the last
checksum: `Audit.last` gives it.

Kept are names and ids of keys, models, versions and counts; no row, no answer, no secret.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wholefit.base.errors import AccessError
from wholefit.base.keysource import Secret, secret
from wholefit.base.transactions import alone, stamped

VARIABLE = "WHOLEFIT_AUDIT_KEY"
"""Environment variable: where the record's secret comes from, such as file:PATH."""

_MARK, _VERSION = 0x57464155, 1  # "WFAU"
_TABLE = ("CREATE TABLE entries (number INTEGER PRIMARY KEY, at TEXT NOT NULL, event TEXT NOT NULL,"
          " facts TEXT NOT NULL, chain TEXT NOT NULL)")
_START = "0" * 64
_WAIT, _NO_WAIT = 5_000, 50  # milliseconds for which another writer is waited for
_OFTEN, _WINDOW = 60, 60.0  # entries of a flood of one kind that are kept, and in so many seconds


@dataclass(frozen=True)
class Entry:
    """One thing that happened; `at` is ISO 8601 in UTC."""

    number: int
    at: str
    event: str
    facts: dict[str, Any]
    chain: str


class Audit:
    """An open audit log; made where the file is not there yet. AccessError for any other file."""

    def __init__(self, path: str | os.PathLike[str], *, secret: Secret | None = None) -> None:
        self.path, self._secret = Path(path), None if secret is None else secret.reveal()
        self._one = threading.Lock()
        self._floods: dict[str, tuple[float, int]] = {}
        self.missed = 0
        """Entries that could not be written."""
        with self._minding():
            self._line = sqlite3.connect(self.path, timeout=_WAIT / 1000, isolation_level=None,
                                         check_same_thread=False)
            self._prepare()

    def write(self, event: str, **facts: Any) -> None:
        """Add an entry, on the disk before this returns. AccessError where it cannot be."""
        with self._one, self._minding():
            self._add(event, facts)

    def note(self, event: str, **facts: Any) -> None:
        """Add an entry of a kind that may flood: after 60 in a minute they are only counted.

        Never raises: what cannot be written is counted in `missed`.
        """
        now, kind = time.monotonic(), f"{event} {facts.get('why', '')}"
        with self._one:
            since, count = self._floods.get(kind, (now, 0))
            if now - since > _WINDOW:
                if count > _OFTEN:
                    facts = {**facts, "and_before": count - _OFTEN}
                since, count = now, 0
            self._floods[kind] = (since, count + 1)
            if count >= _OFTEN:
                return
            try:
                # A request waits for this: better an entry that is only counted.
                self._line.execute(f"PRAGMA busy_timeout = {_NO_WAIT}")
                self._add(event, facts)
                self._line.execute(f"PRAGMA busy_timeout = {_WAIT}")
            except sqlite3.Error:
                self.missed += 1

    def entries(self, *, event: str | None = None, most: int = 1_000) -> list[Entry]:
        """The latest entries, the oldest first. AccessError for a damaged file."""
        where, args = ("WHERE event = ?", (event,)) if event else ("", ())
        with self._one, self._minding():
            rows = self._line.execute(
                f"SELECT number, at, event, facts, chain FROM entries {where} "
                "ORDER BY number DESC LIMIT ?", (*args, most)).fetchall()
            return [_entry(row) for row in reversed(rows)]

    def verify(self) -> tuple[int, str | None]:
        """How many entries there are, and where the chain breaks first, in words; None if nowhere.
        """
        count, before = 0, _START
        with self._one, self._minding():
            for row in self._line.execute(
                    "SELECT number, at, event, facts, chain FROM entries ORDER BY number"):
                number, at, event, facts, chain = row
                count += 1
                if number != count:
                    return count, f"entry {count} is missing"
                if not hmac.compare_digest(
                        str(chain), self._chained(before, number, at, event, facts)):
                    return count, f"entry {number} ({at}) was altered, or made without the secret"
                before = str(chain)
        return count, None

    @property
    def last(self) -> str:
        """The last checksum: note it elsewhere, and nothing before it can vanish unseen."""
        with self._one, self._minding():
            return self._last()[1]

    def close(self) -> None:
        """Let go of the file."""
        with self._one:
            self._line.close()

    def __enter__(self) -> Audit:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add(self, event: str, facts: dict[str, Any]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        told = json.dumps(facts, ensure_ascii=True, default=str, sort_keys=True)[:20_000]
        with alone(self._line):
            number, before = self._last()
            self._line.execute(
                "INSERT INTO entries VALUES (?, ?, ?, ?, ?)",
                (number + 1, at, event, told,
                 self._chained(before, number + 1, at, event, told)))

    def _last(self) -> tuple[int, str]:
        found = self._line.execute(
            "SELECT number, chain FROM entries ORDER BY number DESC LIMIT 1").fetchone()
        return (int(found[0]), str(found[1])) if found else (0, _START)

    def _chained(self, before: str, number: int, at: Any, event: Any, facts: Any) -> str:
        message = json.dumps([before, number, at, event, facts]).encode("utf-8", "surrogatepass")
        if self._secret is None:
            return hashlib.sha256(message).hexdigest()
        return hmac.new(self._secret, message, "sha256").hexdigest()

    def _prepare(self) -> None:
        if stamped(self._line, _MARK, _VERSION, [_TABLE], patience=_WAIT / 1000) != _VERSION:
            raise AccessError(f"{self.path} is a database of another kind, or of a newer wholefit, "
                              "and is left as it is: name another file.")

    @contextlib.contextmanager
    def _minding(self) -> Iterator[None]:
        """Every fault of the file, or of what stands in it, as one kind of error."""
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError, LookupError, RecursionError) as error:
            raise AccessError(
                f"the audit log {self.path} cannot be used ({type(error).__name__}: {error}): it "
                "is none, damaged, or in a folder that cannot be written; name another file.") \
                from None


def secret_of(source: str | None) -> Secret | None:
    """The secret of a record: of this source, else of that in WHOLEFIT_AUDIT_KEY; None if neither.
    """
    named = source or os.environ.get(VARIABLE, "").strip() or None
    return None if named is None else secret(named, what="the secret of the audit log")


def _entry(row: tuple[Any, ...]) -> Entry:
    number, at, event, facts, chain = row
    try:
        told = json.loads(facts)
    except ValueError:
        told = {"unreadable": str(facts)[:200]}
    return Entry(int(number), str(at), str(event),
                 told if isinstance(told, dict) else {"unreadable": str(facts)[:200]}, str(chain))
