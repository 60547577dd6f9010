"""Bytes in a file in place of memory: read as an array is, bounded, and gone afterwards."""

from __future__ import annotations

import gc
import shutil
from collections import namedtuple

import numpy as np
import pytest

from wholefit.base import spool as module
from wholefit.base.errors import DataError, ParameterError
from wholefit.base.spool import SAID, Filed, Spool, check_room, most_held

WHOLE = np.random.default_rng(0).integers(0, 256, (50, 2, 3), dtype=np.uint8)


def _filed() -> Filed:
    spool = Spool()
    for start in range(0, 50, 7):
        spool.write(np.ascontiguousarray(WHOLE[start:start + 7]))
    return Filed(spool, (2, 3), 50)


@pytest.mark.parametrize("key", [
    slice(None), slice(3, 20, 4), slice(60, 70), slice(None, None, -1), np.array([4, 4, 49, 0]),
    np.arange(50) % 3 == 1, np.zeros(0, int), [7, 8, 9], 5, -1])
def test_rows_are_those_of_the_array(key):
    assert np.array_equal(_filed()[key], WHOLE[key])


def test_what_is_taken_is_an_index_and_may_be_taken_again():
    rows = np.array([9, 3, 3, 40, 12])
    taken = _filed().take(rows)
    assert taken.shape == (5, 2, 3) and taken.nbytes == 30 and taken.ndim == taken.dim() == 3
    assert np.array_equal(taken[1:], WHOLE[rows][1:])
    again = taken.take(np.array([False, True, False, True, True]))
    assert np.array_equal(np.asarray(again), WHOLE[[3, 40, 12]])
    with pytest.raises(IndexError):
        _filed()[np.array([50])]
    with pytest.raises(IndexError):
        _filed()[50]


def test_blank_rows_are_the_usual_ones_however_they_are_asked_for():
    blank = np.arange(50) % 5 == 0
    usual = np.array([[1], [2]], np.uint8)
    filed, whole = _filed().with_blanks(blank, usual), WHOLE.copy()
    whole[blank] = usual
    assert np.array_equal(filed[:], whole)
    assert np.array_equal(filed.take(np.array([6, 5, 10]))[:2], whole[[6, 5]])


def test_the_file_goes_with_what_holds_it():
    filed = _filed()
    folder = filed.spool.path.parent
    taken = filed.take(np.array([1]))
    del filed
    gc.collect()
    assert folder.exists() and np.array_equal(taken[:], WHOLE[[1]])
    del taken
    gc.collect()
    assert not folder.exists()


def test_another_process_reads_it_and_leaves_it_there():
    mine = _filed()
    theirs = Filed(Spool.of(mine.spool.path), (2, 3), 50)
    assert np.array_equal(theirs[:], WHOLE)
    del theirs
    gc.collect()
    assert mine.spool.path.exists()


def test_all_at_once_is_refused_above_the_limit(monkeypatch):
    monkeypatch.setenv(SAID, "1kB")
    assert np.array_equal(np.asarray(_filed()), WHOLE), "a little is always held"
    monkeypatch.setattr(module, "AT_ONCE", 100)
    monkeypatch.setenv(SAID, "0.2kB")
    with pytest.raises(DataError, match=r"300 bytes .*batch by batch"):
        np.asarray(_filed())


def test_a_disk_without_room_is_said_with_the_bytes_and_the_way_out(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 0, 5 * 10**9))
    check_room(4 * 10**9, "pictures come", "give fewer")
    with pytest.raises(DataError, match=r"come to 6,000,000,000 bytes \(6.0 GB\).*only "
                                        r"5,000,000,000 bytes.*give fewer; or set TMPDIR"):
        check_room(6 * 10**9, "pictures come", "give fewer")


def test_a_file_that_was_cut_short_or_cannot_be_written_is_a_clear_error(monkeypatch):
    filed = _filed()
    with open(filed.spool.path, "r+b") as file:
        file.truncate(100)
    with pytest.raises(DataError, match="cut short"):
        filed[:]

    class Full:
        def seek(self, at: int) -> None: ...

        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None: ...

    spool = Spool()
    monkeypatch.setattr(spool, "_file", Full())
    with pytest.raises(DataError, match=r"No space left on device.*TMPDIR"):
        spool.write(b"12")


def test_the_limit_is_what_is_said_or_a_share_of_the_memory(monkeypatch):
    monkeypatch.setenv(SAID, "1.5GB")
    assert most_held() == 1_500_000_000
    for wrong in ("much", "60s", "-1GB"):
        monkeypatch.setenv(SAID, wrong)
        with pytest.raises(ParameterError, match="WHOLEFIT_PIXELS_IN_MEMORY must be a size"):
            most_held()
    monkeypatch.delenv(SAID)
    for free, held in ((8 * 10**9, 10**9), (10**12, 4 * 10**9), (10, 64 << 20)):
        monkeypatch.setattr(module, "free_memory", lambda free=free: free)
        assert most_held() == held
