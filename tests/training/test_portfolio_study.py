"""The study behind the learnt order: what it picks where the answer is known.

The tables are made up; the study itself is `python -m benchmarks.portfolio`.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from benchmarks.portfolio import _cache
from benchmarks.portfolio._answers import Cell, _rounds
from benchmarks.portfolio._learn import Board, learn, merged, within
from benchmarks.portfolio._tables import CHECKED_ON, LEARNT_FROM

from wholefit.training import portfolios


def board(answers: dict[str, np.ndarray], seconds: dict[str, float], truth: np.ndarray) -> Board:
    return Board("made up", list(answers), np.stack(list(answers.values())),
                 np.array([seconds[name] for name in answers]), truth,
                 np.arange(len(truth)) % 3, np.full(len(truth), truth.mean()), 0,
                 len(truth)).settle()


@pytest.fixture
def three() -> Board:
    """Two that err independently, one that repeats the first, all but the last equally good."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=600)
    first, other = truth + rng.normal(size=(2, 600)) * 0.5
    return board({"first": first, "again": first + 1e-3, "other": other,
                  "poor": truth + 2 * rng.normal(size=600)},
                 {"first": 1.0, "again": 1.1, "other": 1.2, "poor": 1.0}, truth)


def test_what_errs_differently_comes_before_what_repeats(three):
    order = learn([three])
    assert order[0] in ("first", "other", "again")
    assert set(order[:2]) != {"first", "again"}
    assert order.index("other") < 2
    assert order[-1] == "poor" or order.index("poor") > 1


def test_of_two_alike_the_cheaper_comes_first():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=300)
    same = truth + 0.3 * rng.normal(size=300)
    found = board({"dear": same, "cheap": same}, {"dear": 9.0, "cheap": 1.0}, truth)
    assert learn([found]) == ["cheap", "dear"]


def test_greedy_weights_come_close_to_the_best_grid_of_weights(three):
    shares = three._greedy(three.answers, three.truth)
    assert shares.sum() == pytest.approx(1)
    grid = [np.array(point) / 10 for point in itertools.product(range(11), repeat=4)
            if sum(point) == 10]
    best = min(np.mean((point @ three.answers - three.truth) ** 2) for point in grid)
    assert np.mean((shares @ three.answers - three.truth) ** 2) <= best * 1.01


def test_regret_is_zero_with_all_and_one_with_none(three):
    assert three.regret(list(range(4))) == 0
    assert three.regret([]) == 1
    assert 0 < three.regret([0]) < 1


def test_no_more_is_taken_than_the_time_allows(three):
    assert within(three, ["other", "first", "poor"], 0.55) == [2, 0]
    assert within(three, ["other", "first", "poor"], 0.25) == [0]
    assert within(three, ["unknown"], 1.0) == []


def test_merging_takes_the_mean_of_the_places():
    assert merged(["a", "b", "c"], ["b", "a", "d"]) == ["a", "b", "d", "c"]
    assert merged(["c", "b", "a"], ["a", "x", "b", "c"]) == ["a", "x", "c", "b"]


def test_rounds_of_a_fold_come_from_the_other_folds():
    class Fitted:
        def __init__(self, curve):
            self.curve_ = np.array(curve)

    low_early, low_late = [3.0, 1.0, 2.0, 3.0], [4.0, 3.0, 2.0, 1.0]
    assert _rounds([Fitted(low_early), Fitted(low_late), Fitted(low_late)]) == [4, 2, 2]


def test_a_cell_comes_back_as_it_was_kept(tmp_path):
    cell = Cell(np.array([0.25, 0.5]), 1.5, (3, 4, 5))
    cell.save(tmp_path / "cell.npz")
    again = Cell.load(tmp_path / "cell.npz")
    assert again.answer.tolist() == [0.25, 0.5]
    assert (again.seconds, again.rounds, again.dear) == (1.5, (3, 4, 5), False)


def test_nothing_is_learnt_from_what_is_checked_on():
    assert not {t.name for t in LEARNT_FROM} & {t.name for t in CHECKED_ON}
    names = [table.name for table in (*LEARNT_FROM, *CHECKED_ON)]
    assert len(names) == len(set(names))
    used = portfolios.learnt().get("learnt_from", {})
    assert {name for task in used.values() for name in task["tables"]} <= {
        t.name for t in LEARNT_FROM}


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_every_candidate_can_answer_the_task(task):
    found = _cache.candidates(task)
    assert len(found) >= 30
    assert all(task in configuration.make().tasks for configuration in found.values())
