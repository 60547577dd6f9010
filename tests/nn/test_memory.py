"""Memory between steps: kept inside, given back at the end."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading

import pytest

from wholefit.nn import memory

pytestmark = pytest.mark.skipif(memory._library() is None, reason="the C library is not glibc's")
_PAGES = (64 << 20) // resource.getpagesize()
_PROGRAM = """
import resource
import torch
from wholefit.nn.memory import kept
torch.set_num_threads(1)

def faults(size=64 << 20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.empty(size, dtype=torch.uint8).fill_(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

free = faults()
with kept():
    first, again, inside = faults(), faults(), resident()
# Larger than any hole that is left in the heap: those are filled first, whatever the settings.
print(free, first, again, inside - resident(), faults(256 << 20))
"""


def test_blocks_are_touched_anew_outside_only_and_given_back_after() -> None:
    out = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True,
                         check=True).stdout
    free, first, again, given_back, after = map(int, out.split())
    assert free >= 5 * _PAGES * 0.9, "blocks of 64 MB are asked for anew each time"
    assert first < 4 * _PAGES, "it settles: the next five are touched no more"
    assert again < 0.1 * _PAGES
    assert given_back >= 0.9 * _PAGES
    assert after >= 4 * 5 * _PAGES * 0.9, "the library's own way is back"


def test_the_last_that_leaves_gives_back(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(memory, "_set", lambda library, options: seen.append(len(options)))
    within, leave = threading.Event(), threading.Event()

    def other() -> None:
        with memory.kept():
            within.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with memory.kept():
        thread.start()
        assert within.wait(10)
    assert seen == [len(memory._KEPT)]
    leave.set()
    thread.join(10)
    assert seen == [len(memory._KEPT), len(memory._USUAL)]


def test_where_there_is_no_such_library_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_library", lambda: None)
    monkeypatch.setattr(memory, "_set", lambda *given: pytest.fail("set"))
    with memory.kept():
        pass


@pytest.mark.parametrize("said", [{"MALLOC_ARENA_MAX": "2"},
                                  {"GLIBC_TUNABLES": "glibc.malloc.mmap_max=10"}])
def test_what_the_environment_says_of_memory_holds(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, str]
) -> None:
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert memory._library.__wrapped__() is None
