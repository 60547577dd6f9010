"""What kind a SQLite file is of: made once, whole or not at all, and never another's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from wholefit.base.transactions import stamped

MARK, TABLES = 0x77661234, ("CREATE TABLE answers (value)", "INSERT INTO answers VALUES (7)")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "some.db"


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=30, isolation_level=None)


@pytest.mark.parametrize(("patience", "mode"), [(None, "delete"), (5.0, "wal")])
def test_an_empty_file_is_made_once(path: Path, patience: float | None, mode: str) -> None:
    for _ in range(2):
        with closing(opened(path)) as line:
            assert stamped(line, MARK, 3, TABLES, patience=patience) == 3
            assert line.execute("SELECT value FROM answers").fetchall() == [(7,)]
            assert line.execute("PRAGMA journal_mode").fetchone() == (mode,)


def test_another_version_is_told_and_left(path: Path) -> None:
    with closing(opened(path)) as line:
        stamped(line, MARK, 9, TABLES)
        assert stamped(line, MARK, 3, ["CREATE TABLE more (x)"]) == 9
        assert line.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (1,)


@pytest.mark.parametrize("other", ["CREATE TABLE theirs (x)", "PRAGMA application_id = 5"])
def test_a_file_of_another_kind_is_left_as_it_is(path: Path, other: str) -> None:
    with closing(opened(path)) as line:
        line.execute(other)
    before = path.read_bytes()
    with closing(opened(path)) as line:
        assert stamped(line, MARK, 1, TABLES, patience=5.0) is None
    assert path.read_bytes() == before


def test_what_breaks_off_leaves_nothing(path: Path) -> None:
    with closing(opened(path)) as line:
        with pytest.raises(sqlite3.OperationalError):
            stamped(line, MARK, 1, [*TABLES, "CREATE NONSENSE"])
        assert stamped(line, MARK, 1, TABLES) == 1


def test_many_may_open_a_new_file_at_once(path: Path) -> None:
    def one(_: int) -> int | None:
        with closing(opened(path)) as line:
            return stamped(line, MARK, 1, TABLES, patience=30.0)

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(one, range(64))) == {1}
    with closing(opened(path)) as line:
        assert line.execute("SELECT value FROM answers").fetchall() == [(7,)]
