"""Is a registry whole: files against checksums, rows against each other, the trail against itself.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator

from wholefit.artifact.read import Fact
from wholefit.artifact.registry import _database
from wholefit.artifact.registry._files import Files
from wholefit.artifact.registry._records import check_digest


def facts(line: sqlite3.Connection, files: Files) -> list[Fact]:
    """One fact for each thing looked at, inside a transaction."""
    return [_sound(line), *_of_files(line, files), *_of_rows(line), _of_trail(line),
            _of_strays(line, files)]


def _sound(line: sqlite3.Connection) -> Fact:
    said = str(line.execute("PRAGMA quick_check").fetchone()[0])
    return Fact("database", said == "ok", f"SQLite says {said}")


def _of_files(line: sqlite3.Connection, files: Files) -> Iterator[Fact]:
    for name, number, digest in line.execute(
            "SELECT name, number, sha256 FROM versions ORDER BY name, number"):
        found = files.digest(check_digest(digest))
        said = "is not there" if found is None else (
            f"has the checksum {found}" if found != digest else f"sha256 {digest}")
        yield Fact(f"{name} version {number}", found == digest, f"its file {said}")


def _of_rows(line: sqlite3.Connection) -> Iterator[Fact]:
    """What is served was promoted, by the trail too; what answers is there; shares sum to 1."""
    known = set(line.execute("SELECT name, number FROM versions"))
    promoted = {(name, number) for name, number in line.execute(
        "SELECT name, number FROM events WHERE action = 'promote'")}
    for name, number in line.execute(
            "SELECT name, number FROM promotions AS p WHERE NOT undone AND place = (SELECT "
            "MAX(place) FROM promotions WHERE name = p.name AND NOT undone) ORDER BY name"):
        ok = (name, number) in known and (name, number) in promoted
        yield Fact(f"{name} served", ok, f"version {number}" if ok else
                   f"version {number} is served, and was never added or promoted")
    for table in ("traffic", "shadows", "promotions"):
        lost = [row for row in line.execute(
            f"SELECT DISTINCT name, number FROM {table}"
            + (" WHERE NOT undone" if table == "promotions" else "")) if row not in known]
        if lost:
            yield Fact(table, False, f"they name versions that are not there: {lost[:5]}")
    for name, total in line.execute("SELECT name, SUM(share) FROM traffic GROUP BY name"):
        yield Fact(f"{name} shares", math.isclose(total, 1, abs_tol=1e-6),
                   f"they sum to {total:g}")


def _of_trail(line: sqlite3.Connection) -> Fact:
    previous, place = "", 0
    for event in _database.events(line):
        if event.previous != previous or event.hash != event.digest() or event.place != place + 1:
            return Fact("trail", False, f"event {event.place} was altered, or one before it is "
                        "gone")
        previous, place = event.hash, event.place
    return Fact("trail", True, f"{place} events, each following from the one before")


def _of_strays(line: sqlite3.Connection, files: Files) -> Fact:
    """Files that nobody names are no fault: an add that was killed leaves one."""
    known = {str(row[0]) for row in line.execute("SELECT sha256 FROM versions")}
    count = sum(1 for _ in files.strays(known))
    return Fact("files", True, f"{count} that no version names (tidy removes them)" if count
                else "each is named by a version")
