"""Exhibits: what they hold is right, small, JSON-able, and checked when it comes from a file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from wholefit.base.tasks.classification import ClassCodec
from wholefit.base.tasks.regression import NumberCodec
from wholefit.report import _svg
from wholefit.report.exhibits import MOST_POINTS, checked, exhibits


def answers(n: int, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, ClassCodec]:
    rng = np.random.default_rng(seed)
    given = rng.dirichlet(np.ones(k), n)
    truth = np.array([rng.choice(k, p=row) for row in given], dtype=np.int32)
    return truth, given, ClassCodec(tuple(f"c{at}" for at in range(k)))


@pytest.mark.parametrize("k", [2, 5])
def test_counts_and_shares_agree_with_a_second_opinion(k: int) -> None:
    truth, given, codec = answers(500, k)
    found = exhibits("classification", truth, given, codec)
    picked = given.argmax(axis=1)
    assert found["confusion"] == confusion_matrix(truth, picked).tolist()
    shares = precision_recall_fscore_support(truth, picked)
    for at, name in enumerate(("precision", "recall", "f1")):
        assert np.allclose([row[name][0] for row in found["per_class"]], shares[at], rtol=1e-5)
        assert all(row[name][1] <= row[name][0] <= row[name][2] for row in found["per_class"])
    assert [row["support"] for row in found["per_class"]] == shares[3].tolist()
    assert ("calibration" in found) == (k == 2)


def test_calibration_bins_hold_all_rows_and_honest_ones_lie_on_the_line() -> None:
    truth, given, codec = answers(20_000, 2)
    points = np.array(exhibits("classification", truth, given, codec)["calibration"])
    assert points[:, 4].sum() == 20_000
    inside = (points[:, 2] <= points[:, 0]) & (points[:, 0] <= points[:, 3])
    assert inside.mean() >= 0.8


def test_many_classes_give_the_most_frequent_mistakes() -> None:
    truth, given, codec = answers(3000, 40)
    found = exhibits("classification", truth, given, codec)
    assert "confusion" not in found
    counts = confusion_matrix(truth, given.argmax(axis=1), labels=range(40))
    np.fill_diagonal(counts, 0)
    assert [row[2] for row in found["mistakes"]] == sorted(counts.ravel(), reverse=True)[:40]
    assert all(counts[row[0], row[1]] == row[2] for row in found["mistakes"])


def test_numbers_are_thinned_and_their_quantiles_are_of_all_rows() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=5000)
    given = truth + rng.normal(size=5000) / 2
    found = exhibits("regression", truth, given, NumberCodec())
    assert found["rows"] == 5000 and len(found["points"]) == MOST_POINTS
    assert dict(found["misses"])[0.5] == pytest.approx(np.median(np.abs(truth - given)), rel=1e-5)
    rows = np.array(found["residuals"])
    assert rows[:, 1].sum() == 5000 and len(rows) == 10
    lowest = given <= np.quantile(given, 0.1)
    assert rows[0, 4] == pytest.approx(np.median((truth - given)[lowest]), abs=0.02)
    assert exhibits("regression", truth, given, NumberCodec()) == found


def test_rows_that_no_fold_answered_are_left_out() -> None:
    truth, given, codec = answers(100, 3)
    given[:40] = 0
    found = exhibits("classification", truth, given, codec)
    assert np.sum(found["confusion"]) == found["rows"] == 60
    number = np.arange(100.0) + 1
    partly = np.where(np.arange(100) < 40, 0.0, number)
    assert exhibits("regression", number, partly, NumberCodec(), scored=60)["rows"] == 60
    assert exhibits("regression", number, partly, NumberCodec(), scored=100)["rows"] == 100
    partly[:40] = np.nan
    assert exhibits("regression", number, partly, NumberCodec(), scored=60)["rows"] == 60
    assert exhibits("regression", number, number * np.nan, NumberCodec()) == {}


@pytest.mark.parametrize("given", [[0.0, 0.0, 0.0], [1e308, -1e308, 1.0], [np.inf, 2.0, 3.0]])
def test_odd_numbers_are_survived(given: list[float]) -> None:
    found = exhibits("regression", np.array([1.0, 2.0, 3.0]), np.array(given), NumberCodec())
    json.dumps(found, allow_nan=False)
    assert checked(found) == found


def test_a_task_without_pictures_has_none() -> None:
    assert exhibits("clustering", np.zeros(3), np.zeros(3), None) == {}


@pytest.mark.parametrize("k", [2, 5, 40])
def test_exhibits_survive_json_and_are_accepted_again(k: int) -> None:
    found = exhibits("classification", *answers(400, k))
    stored = json.loads(json.dumps(found, allow_nan=False))
    assert stored == found and checked(stored) == found
    assert len(json.dumps(found)) < 20_000


@pytest.mark.parametrize(("name", "value"), [
    ("confusion", "<script>"), ("confusion", [[1, 2]]), ("confusion", [[1, -2], [3, 4]]),
    ("confusion", []), ("per_class", [{}]), ("per_class", {"class": 0}), ("points", [[1, "x"]]),
    ("points", [[1]]), ("calibration", [[None] * 5]), ("residuals", [[1, 2, 3]]), ("rows", -1),
    ("mistakes", [[0, 1, 2, 0]]), ("misses", [[True, {}]]), ("other", 1),
])
def test_damaged_exhibits_are_dropped(name: str, value: Any) -> None:
    assert checked({name: value}) == {}


def test_what_is_no_dict_is_no_exhibit() -> None:
    assert checked(["points"]) == checked(None) == checked("x") == {}


sizes = st.floats(-1e15, 1e15, allow_nan=False)


@given(sizes, sizes)
def test_ticks_lie_on_the_axis_and_are_told_apart(a: float, b: float) -> None:
    low, high = _svg._widened(min(a, b), max(a, b))
    assert low < high
    marks = _svg.ticks(low, high, 4)
    reach = (high - low) * 1e-6
    assert len(marks) <= 11
    assert all(low - reach <= mark <= high + reach for mark in marks)


@given(st.floats(-1e7, 1e7), st.floats(1e-3, 1e7))
def test_ticks_are_written_differently(low: float, length: float) -> None:
    marks = _svg.ticks(low, low + max(length, abs(low) / 50), 4)
    assert marks and len({_svg.written(mark, marks) for mark in marks}) == len(marks)
