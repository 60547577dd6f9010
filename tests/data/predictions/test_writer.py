"""The queue before the log: nobody waits, nothing is lost unseen."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from wholefit.base.errors import DataError, ParameterError
from wholefit.data.predictions import Record, Writer, open_log


def record(at: int) -> Record:
    return Record(f"r{at}", float(at), "m", "1", {}, {"prediction": at})


class Slow:
    """A log that waits until it may go on."""

    def __init__(self) -> None:
        self.go, self.kept = threading.Event(), 0

    def write(self, records: list[Record]) -> int:
        self.go.wait(10)
        self.kept += len(records)
        return len(records)


def test_all_is_written(tmp_path: Path) -> None:
    log = open_log(tmp_path / "a.db")
    writer = Writer(log)
    assert all(writer.put(record(at)) for at in range(2_500))
    assert writer.flush()
    assert (writer.written, writer.dropped, writer.failed, writer.waiting) == (2_500, 0, 0, 0)
    assert writer.close()
    assert not writer.put(record(9_999)) and writer.dropped == 1
    assert log.read().height == 2_500


def test_what_does_not_fit_is_dropped_counted_and_told() -> None:
    slow, said = Slow(), list[str]()
    writer = Writer(slow, most=10, told=said.append)
    start = time.monotonic()
    kept = sum(writer.put(record(at)) for at in range(1_000))
    assert time.monotonic() - start < 2, "whoever answers never waits"
    assert 10 <= kept <= 30 and writer.dropped == 1_000 - kept
    slow.go.set()
    assert writer.close()
    assert slow.kept == kept
    assert any(f"{writer.dropped:,} answers were not logged" in each for each in said)


def test_a_log_that_fails_is_tried_again_and_then_told() -> None:
    class Failing:
        calls = 0

        def write(self, records: list[Record]) -> int:
            self.calls += 1
            if self.calls < 3 or records[0].id == "r7":
                raise DataError("the disk is full.")
            return len(records)

    log, said = Failing(), list[str]()
    writer = Writer(log, told=said.append)
    writer.put(record(1))
    assert writer.flush() and writer.written == 1 and log.calls == 3
    writer.put(record(7))
    assert writer.flush() and writer.failed == 1
    assert writer.close() and any("the disk is full" in each for each in said)


def test_one_bad_record_does_not_take_the_others_along() -> None:
    class Picky:
        def __init__(self) -> None:
            self.kept: list[str] = []

        def write(self, records: list[Record]) -> int:
            if any(each.id == "r3" for each in records):
                raise ParameterError("no such id.")
            self.kept += [each.id for each in records]
            return len(records)

    log = Picky()
    writer = Writer(log)
    for at in range(6):
        writer.put(record(at))
    assert writer.close()
    assert sorted(log.kept) == ["r0", "r1", "r2", "r4", "r5"]
    assert (writer.written, writer.failed) == (5, 1)
