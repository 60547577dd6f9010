"""Agreement of two groupings, against scikit-learn and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from wholefit.base.errors import DataError
from wholefit.evaluation import partitions
from wholefit.evaluation.partitions import adjusted_rand, normalized_mutual_information

LABELS = st.integers(2, 60).flatmap(lambda n: st.tuples(
    *[st.lists(st.integers(-1, 4), min_size=n, max_size=n) for _ in range(2)]))


@given(LABELS)
@settings(deadline=None, max_examples=150)
def test_values_are_scikit_learns(pair: tuple[list[int], list[int]]) -> None:
    a, b = pair
    assert adjusted_rand(a, b).value == pytest.approx(adjusted_rand_score(a, b), abs=1e-9)
    assert normalized_mutual_information(a, b).value == pytest.approx(
        normalized_mutual_info_score(a, b), abs=1e-9)


@given(LABELS)
@settings(deadline=None, max_examples=60)
def test_leaving_rows_out_one_by_one_gives_the_same_jackknife(
    pair: tuple[list[int], list[int]]
) -> None:
    a, b = map(np.array, pair)
    table = partitions.contingency(a, b)
    got = np.sort(np.repeat(partitions._without(
        table, table.sum(axis=1), table.sum(axis=0), partitions._RAND),
        table[table > 0].astype(int)))
    brute = np.sort([adjusted_rand_score(np.delete(a, i), np.delete(b, i))
                     for i in range(len(a))])
    if len(a) > 2:
        np.testing.assert_allclose(got, brute, atol=1e-9)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(3)
    many = random.integers(0, 5, 200_000)
    other = (many + random.integers(0, 2, len(many))) % 6
    truth = adjusted_rand_score(many, other)
    held = 0
    for _ in range(300):
        rows = random.integers(0, len(many), 150)
        score = adjusted_rand(many[rows], other[rows])
        held += score.low <= truth <= score.high
    assert 0.91 <= held / 300 <= 0.99


def test_equal_groupings_are_one_but_not_surely() -> None:
    score = adjusted_rand(["x", "y"] * 50, [0, 1] * 50)
    assert score.value == 1.0 and 0.9 < score.low < 1.0 and score.high == 1.0
    few = adjusted_rand([0, 1, 1], [0, 1, 1])
    assert few.value == 1.0 and math.isnan(few.low)


def test_groupings_must_be_of_the_same_rows() -> None:
    with pytest.raises(DataError, match="same rows"):
        adjusted_rand([0, 1], [0, 1, 2])
    with pytest.raises(DataError, match="same rows"):
        adjusted_rand([], [])
