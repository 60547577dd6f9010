"""Shadows answer copies in the background: never waited for, never felt."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace as Model

from wholefit.serving._model import PLAIN
from wholefit.serving.shadowing import Shadowing


def shadow(answer, version="2"):
    return Model(name="churn", version=version, answer=answer)


def test_copies_are_answered_and_kept_as_shadows():
    kept = []
    shadowing = Shadowing(kept.append)
    rows = [{"age": 3}]
    assert shadowing.submit((shadow(lambda rows, wants: {"prediction": [1]}),), rows, PLAIN, "r1")
    assert shadowing.submit((), rows, PLAIN, "r2")
    shadowing.close(30)
    assert [(each.id, each.served.version, each.shadow, each.rows) for each in kept] == [
        ("r1", "2", True, None)]
    assert kept[0].answers == {"prediction": [1]}
    assert (shadowing.answered, shadowing.dropped, shadowing.failed) == (1, 0, 0)


def test_rows_are_kept_only_when_asked():
    kept = []
    shadowing = Shadowing(kept.append)
    shadowing.submit((shadow(lambda *_: {}),), [{"age": 3}], PLAIN, "r", keep_rows=True)
    shadowing.close(30)
    assert kept[0].rows == [{"age": 3}]


def test_a_full_queue_drops_and_counts_and_never_blocks():
    gate = threading.Event()
    shadowing = Shadowing(lambda kept: None, most=2)
    slow = (shadow(lambda *_: gate.wait(10) and {}),)
    start = time.perf_counter()
    taken = [shadowing.submit(slow, [], PLAIN, str(at)) for at in range(50)]
    assert time.perf_counter() - start < 2
    assert 2 <= sum(taken) <= 3
    assert shadowing.dropped == 50 - sum(taken)
    gate.set()
    shadowing.close(30)


def test_a_shadow_that_fails_is_told_of_without_its_words_and_the_next_answers():
    kept, told = [], []

    def fails(rows, wants):
        raise ValueError("row 17 of Ada Lovelace")

    shadowing = Shadowing(kept.append, told=lambda event, facts: told.append((event, facts)))
    shadowing.submit((shadow(fails), shadow(lambda *_: {"p": [1]}, "3")), [], PLAIN, "r")
    shadowing.close(30)
    assert [each.served.version for each in kept] == ["3"]
    assert told[0][0] == "shadow_failed" and "Ada" not in str(told)
    assert shadowing.failed == 1
