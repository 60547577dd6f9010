"""The journal: what was confirmed survives a kill, a torn end is cut and said, one writer only."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import wholefit
from wholefit.base.errors import DataError
from wholefit.data.labels import Journal, Store, is_journal, items_of

SRC = Path(wholefit.__file__).parents[1]
ITEMS = items_of(pl.DataFrame({"text": [f"text number {i}" for i in range(50)]}), ["text"],
                 source="texts.csv")

# Answers for ever, and says each one on standard output only once `answer` has come back.
WRITER = """
import sys
import polars as pl
from wholefit.data.labels import Store, items_of
items = items_of(pl.DataFrame({"text": [f"text number {i}" for i in range(50)]}), ["text"],
                 source="texts.csv")
store = Store.open(sys.argv[1], items, classes=["yes", "no"])
at = 0
while True:
    answer = store.answer("ann", items.keys[at % 50], ["yes", "no"][at % 2], words="x" * 500)
    sys.stdout.write(f"{answer.n}\\n")
    sys.stdout.flush()
    at += 1
"""


def begun(path: Path, answers: int = 5) -> list[str]:
    with Store.open(path, ITEMS, classes=["yes", "no"]) as store:
        for key in ITEMS.keys[:answers]:
            store.answer("ann", key, "yes", seconds=1.5)
    return list(ITEMS.keys[:answers])


def test_what_was_confirmed_survives_kill_9(tmp_path):
    path = tmp_path / "labels.jsonl"
    confirmed: set[int] = set()
    for wanted in (3, 40, 150):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(SRC)})
        assert writer.stdout is not None
        for _ in range(wanted):
            confirmed.add(int(writer.stdout.readline()))
        writer.kill()
        # What it had said before the kill reached it counts too.
        confirmed |= {int(word) for word in writer.communicate()[0].split()}
        with Store.open(path, ITEMS) as store:  # and the lock went with the process
            kept = {int(record["n"]) for record in store._journal.records
                    if record["do"] == "answer"}
        assert confirmed <= kept
        assert len(kept - confirmed) <= 3, "at most the one under way, each time"
    assert len(confirmed) >= 193


def test_every_cut_gives_the_records_before_it(tmp_path):
    path = tmp_path / "labels.jsonl"
    begun(path, answers=2)
    whole = path.read_bytes()
    records = whole.splitlines()
    for cut in range(len(records[0]) + 1, len(whole)):
        path.write_bytes(whole[:cut])
        with Journal(path) as journal:
            before = whole[:cut].count(b"\n")
            # A line that lost nothing but its end is whole.
            before += whole[:cut + 1].count(b"\n") > before and cut < len(whole)
            assert len(journal.records) == before
            torn = whole[:cut].count(b"\n") == before and whole[cut - 1:cut] != b"\n"
            assert bool(journal.notes) == torn
        assert path.read_bytes() == b"".join(line + b"\n" for line in records[:before])


def test_a_torn_end_is_said_and_written_down(tmp_path):
    path = tmp_path / "labels.jsonl"
    keys = begun(path)
    with open(path, "ab") as file:
        file.write(b'{"n": 6, "do": "answer", "who": "an')
    with Store.open(path, ITEMS) as store:
        assert "cut short by a crash" in store.notes[0].message
        assert list(store.answers("ann")) == keys
        store.answer("ann", ITEMS.keys[9], "no")
    with Store.open(path, ITEMS) as store:
        assert not store.notes and len(store.answers("ann")) == 6
    assert b'"do": "repaired"' in path.read_bytes()


def test_zeros_at_the_end_are_a_torn_end_too(tmp_path):
    path = tmp_path / "labels.jsonl"
    begun(path)
    with open(path, "ab") as file:
        file.write(b"\0" * 700)
    with Store.open(path, ITEMS) as store:
        assert store.notes and len(store.answers("ann")) == 5


def test_damage_in_the_middle_is_refused_with_its_line(tmp_path):
    path = tmp_path / "labels.jsonl"
    begun(path)
    lines = path.read_bytes().splitlines(keepends=True)
    for bad in (b"not a record\n", b"[1]\n", b'{"do": 1}\n', b'{"n": 3, "do": "answer"}\n',
                b'{"n": 3, "do": "undo", "of": 99}\n'):
        path.write_bytes(b"".join([*lines[:3], bad, *lines[4:]]))
        before = path.read_bytes()
        with pytest.raises(DataError, match=r"line 4|record after 2"):
            Store.open(path, ITEMS)
        assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"name,y\na,1\n", b"one line", b"\x89PNG\r\n\x1a\n",
                                     b'{"n": 0}\n', b'[{"n": 0, "at": "'])
def test_a_file_that_is_no_journal_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "labels.jsonl"
    path.write_bytes(content)
    assert not is_journal(path)
    if content:
        with pytest.raises(DataError, match="no journal of labels"):
            Store.open(path, ITEMS, classes=["yes", "no"])
        assert path.read_bytes() == content
    with pytest.raises(DataError):
        Store.read(path)


def test_one_writer_at_a_time_and_any_reader(tmp_path):
    path = tmp_path / "labels.jsonl"
    begun(path)
    with Store.open(path, ITEMS):
        with pytest.raises(DataError, match="another labelling session"):
            Store.open(path, ITEMS)
        assert len(Store.read(path).answers("ann")) == 5
    Store.open(path, ITEMS).close()


def test_a_full_disk_keeps_what_there_was(tmp_path, monkeypatch):
    path = tmp_path / "labels.jsonl"
    begun(path)
    before = path.read_bytes()
    write = os.write

    def half(handle: int, data: bytes) -> int:
        if len(data) > 20:
            write(handle, data[:20])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, data)

    with Store.open(path, ITEMS) as store:
        monkeypatch.setattr(os, "write", half)
        with pytest.raises(DataError, match="No space left"):
            store.answer("ann", ITEMS.keys[8], "no")
        monkeypatch.undo()
        assert ITEMS.keys[8] not in store.answers("ann")
        assert path.read_bytes() == before
        store.answer("ann", ITEMS.keys[8], "no")
    assert len(Store.read(path).answers("ann")) == 6


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(DataError, match="cannot be written"):
        Store.open(tmp_path / "no" / "labels.jsonl", ITEMS, classes=["yes", "no"])
    with pytest.raises(DataError, match="cannot be written"):
        Store.open(tmp_path, ITEMS, classes=["yes", "no"])
