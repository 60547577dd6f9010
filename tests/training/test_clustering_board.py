"""Which family is recommended: not one that splits a few far rows off all the others."""

from __future__ import annotations

import numpy as np

from wholefit.base import seeds, tasks
from wholefit.base.budget import Budget, Clock
from wholefit.evaluation import Score
from wholefit.evaluation.clustering import Distances
from wholefit.models import make
from wholefit.training.clustering import _board as board
from wholefit.training.clustering._choice import Work


def candidate(value: float, **marks: bool) -> board.Candidate:
    score = Score("separation", value, value - 0.01, value + 0.01, 0.95, "made up", 100)
    return board.Candidate(make("kmeans"), scores={"separation": score}, **marks)


def test_what_is_lopsided_or_too_many_is_passed_over() -> None:
    plain = candidate(0.1)
    for marks in ({"lopsided": True}, {"many": True}):
        odd = candidate(0.3, **marks)
        assert board.recommended([odd, plain], [True, False]) is plain
        assert board.recommended([odd], [True]) is odd, "where there is nothing else"


def judged(asked: int | None) -> board.Candidate:
    """A tree cut in two where three rows lie far from four hundred."""
    random = seeds.generator(0, "far")
    Z = np.r_[random.normal(0, 1, (400, 2)), random.normal(0, 1, (3, 2)) + 60]
    found = board.Candidate(make("agglomerative"))
    board.run(found, Z, Work(Z, Distances.of(Z), tasks.get("clustering"), 1, 0), asked, 3,
              "separation", Clock(Budget()))
    return found


def test_a_few_rows_split_off_are_lopsided_unless_asked_for() -> None:
    split = judged(None)
    assert split.status == "ok" and split.lopsided and "nearly all rows" in split.reason
    assert not judged(2).lopsided
