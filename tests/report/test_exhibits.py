"""Exhibits: what they hold is right, small, JSON-able, and checked when it comes from a file."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from wholefit.base.tasks.classification import ClassCodec
from wholefit.base.tasks.regression import NumberCodec
from wholefit.report import _svg
from wholefit.report.exhibits import MOST_SQUARES, checked, exhibits


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
        assert np.allclose([row[name][0] for row in found["per_class"]], shares[at], rtol=1e-3)
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


def test_numbers_are_counted_in_squares_and_their_quantiles_are_of_all_rows() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=5000)
    given = truth + rng.normal(size=5000) / 2
    found = exhibits("regression", truth, given, NumberCodec())
    grid = found["grid"]
    edges = np.array(grid["edges"])
    assert found["rows"] == 5000 == np.sum(grid["counts"])
    assert MOST_SQUARES / 2 < len(edges) - 1 <= MOST_SQUARES and np.ptp(np.diff(edges)) < 1e-9
    assert np.array_equal(grid["counts"], np.histogram2d(truth, given, [edges, edges])[0])
    assert grid["beyond"] == 0
    middle, said = np.median(np.abs(truth - given)), dict(found["misses"])[0.5]
    assert middle <= said <= middle * 1.1
    rows = np.array(found["residuals"])
    assert rows[:, 1].sum() == 5000 and len(rows) == 10
    lowest = given <= np.quantile(given, 0.1)
    assert rows[0, 4] == pytest.approx(np.median((truth - given)[lowest]), abs=0.05)
    assert exhibits("regression", truth, given, NumberCodec()) == found


def test_rows_that_no_fold_answered_are_left_out() -> None:
    truth, given, codec = answers(100, 3)
    given[:40] = np.nan
    found = exhibits("classification", truth, given, codec)
    assert np.sum(found["confusion"]) == found["rows"] == 60
    number = np.arange(100.0) + 1
    partly = np.where(np.arange(100) < 40, np.nan, number)
    assert exhibits("regression", number, partly, NumberCodec())["rows"] == 60
    zeros = np.where(np.arange(100) < 40, 0.0, number)
    assert exhibits("regression", number, zeros, NumberCodec())["rows"] == 100
    assert exhibits("regression", number, number * np.nan, NumberCodec()) == {}


def regression(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.exp(rng.normal(size=n)) * 100_000 + 1 / 7
    return truth, truth * np.exp(rng.normal(size=n) / 5)


@pytest.mark.parametrize("n", [7, 25, 61, 400])
def test_no_number_of_a_single_row_is_kept(n: int) -> None:
    truth, given = regression(n)
    found = exhibits("regression", truth, given, NumberCodec())
    kept = np.array([float(number) for number in re.findall(r"-?[0-9.]+(?:e[+-]?[0-9]+)?",
                                                            json.dumps(found))])
    for numbers in (truth, given, truth - given, np.abs(truth - given)):
        near = np.abs(kept[None, :] - numbers[:, None]) <= 1e-6 * np.abs(numbers[:, None])
        assert not near.any()


def test_a_row_that_moves_within_its_square_leaves_the_picture_as_it_was() -> None:
    truth, given = regression(500)
    grid = exhibits("regression", truth, given, NumberCodec())["grid"]
    edges = np.array(grid["edges"])
    at = int(np.argsort(truth)[250])
    left = np.searchsorted(edges, truth[at], side="right") - 1
    for place in (0.01, 0.5, 0.99):
        moved = truth.copy()
        moved[at] = edges[left] + place * (edges[left + 1] - edges[left])
        assert exhibits("regression", moved, given, NumberCodec())["grid"] == grid


def test_rows_far_out_are_counted_at_the_edge_and_said() -> None:
    truth, given = np.linspace(0, 10, 1000), np.linspace(0, 10, 1000)
    truth[3], given[7] = 1e6, -1e7
    grid = exhibits("regression", truth, given, NumberCodec())["grid"]
    assert grid["beyond"] == 2 and np.sum(grid["counts"]) == 1000
    assert -1 < grid["edges"][0] <= 0.1 and 9.9 <= grid["edges"][-1] < 12
    assert grid["counts"][-1][0] == 1 == grid["counts"][0][0] - sum(
        0.0 <= x < grid["edges"][1] for x in np.delete(given, 7)) + 1


def test_bins_of_a_few_rows_are_left_out() -> None:
    truth, given, codec = answers(12, 2)
    assert [row[4] for row in exhibits("classification", truth, given, codec)["calibration"]] == [
        12]
    assert "calibration" not in exhibits("classification", truth[:4], given[:4], codec)
    lonely = np.repeat(0.3, 400)
    lonely[0] = 0.1
    given = np.stack([1 - lonely, lonely], axis=1)
    truth = (np.arange(400) % 3 == 0).astype(np.int32)
    points = exhibits("classification", truth, given, codec)["calibration"]
    assert all(point[4] >= 5 for point in points)
    few = exhibits("regression", np.arange(4.0), np.arange(4.0), NumberCodec())
    assert set(few) == {"rows", "grid"}


@pytest.mark.parametrize("given", [[0.0, 0.0, 0.0], [1e308, -1e308, 1.0], [np.inf, 2.0, 3.0],
                                   [1e-320, 0.0, 0.0], [1e15, 1e15 + 1, 1e15], [-1e299, 1e299, 0]])
def test_odd_numbers_are_survived(given: list[float]) -> None:
    for truth in ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], given):
        for times in (1, 10):
            found = exhibits("regression", np.tile(truth, times), np.tile(given, times),
                             NumberCodec())
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
    ("confusion", []), ("per_class", [{}]), ("per_class", {"class": 0}), ("points", [[1.0, 2.0]]),
    ("grid", [[1]]), ("grid", {"edges": [0, 1], "counts": [[1]]}),
    ("grid", {"edges": [0, 1, 1], "counts": [[1, 2], [3, 4]], "beyond": 0}),
    ("grid", {"edges": [0, 1, "x"], "counts": [[1, 2], [3, 4]], "beyond": 0}),
    ("grid", {"edges": [0, 1, 2], "counts": [[1, 2, 3], [3, 4, 5]], "beyond": 0}),
    ("grid", {"edges": [0, 1, 2], "counts": [[1, 2], [3, 4]], "beyond": -1}),
    ("calibration", [[None] * 5]), ("residuals", [[1, 2, 3]]), ("rows", -1),
    ("mistakes", [[0, 1, 2, 0]]), ("misses", [[True, {}]]), ("other", 1),
])
def test_damaged_exhibits_are_dropped(name: str, value: Any) -> None:
    assert checked({name: value}) == {}


def test_what_is_no_dict_is_no_exhibit() -> None:
    assert checked(["points"]) == checked(None) == checked("x") == {}


def bar(low: float, value: float, high: float) -> _svg.Bar:
    return _svg.Bar("one", "said", value, low, high, "other")


@pytest.mark.parametrize(("far", "arrows"), [
    (bar(1, 2, 50), "▸"), (bar(-50, 2, 3), "◂"), (bar(-50, 2, 50), "◂▸"), (bar(40, 45, 50), "▸"),
    (bar(-np.inf, 2, np.inf), "◂▸"), (bar(1, 2, 3), ""), (bar(np.nan, 45, np.nan), "▸"),
])
def test_a_bar_beyond_the_picture_is_drawn_to_its_edge_with_an_arrow(
    far: _svg.Bar, arrows: str
) -> None:
    drawn = _svg.forest([bar(0, 1, 2), far], 1.0, "a title", limit=4.0)
    assert "".join(re.findall("[▸◂]", drawn)) == arrows
    bars = re.findall(r'<line x1="([\d.]+)%" x2="([\d.]+)%"[^>]* class="bar other"', drawn)
    assert len(bars) == 2 and all(0 <= float(a) < float(b) <= 100 for a, b in bars)


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


def test_an_axis_given_backwards_is_turned() -> None:
    assert _svg._widened(5.0, 1.0) == _svg._widened(1.0, 5.0)
    low, high = _svg._widened(1e9, 0.99)
    assert low < high
    assert _svg.ticks(low, high, 4)
