"""Measures of made rows: against brute force, closed forms, and rows that are known to be good."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from wholefit.base.errors import DataError
from wholefit.evaluation import generation as measures

RNG = np.random.default_rng(0)
REAL, FRESH, TRAIN = (RNG.normal(size=(n, 3)) for n in (300, 300, 600))


def test_rows_of_the_same_kind_are_good() -> None:
    found = measures.shares(REAL, FRESH, TRAIN)
    assert found["coverage"].value > 0.93 and found["precision"].value > 0.8
    assert found["nearer_training"].low <= 0.5 <= found["nearer_training"].high
    assert all(score.low <= score.value <= score.high for score in found.values())


def test_half_of_the_modes_is_half_of_the_coverage() -> None:
    real = np.concatenate([REAL, REAL + 100])
    found = measures.shares(real, np.concatenate([FRESH, FRESH]), TRAIN)
    assert 0.4 < found["coverage"].value < 0.55 and found["recall"].value < 0.55
    assert found["precision"].value > 0.8


def test_rows_learnt_by_heart_are_nearer_to_those_learnt_from() -> None:
    copies = TRAIN[:300] + 1e-9
    assert measures.shares(REAL, copies, TRAIN[:300])["nearer_training"].value == 1.0
    told = measures.copied(copies, TRAIN, REAL)
    assert told["exact"] == 1.0 and told["exact_real"] == 0.0
    assert told["distance"] < 1e-6 < told["distance_real"]


def test_precision_and_recall_are_those_of_a_brute_force() -> None:
    real, made = REAL[:40], FRESH[:30] * 1.5
    def share(points: np.ndarray, among: np.ndarray) -> float:
        hits = 0
        reach = [sorted(np.linalg.norm(among - row, axis=1))[3] for row in among]
        for point in points:
            hits += any(np.linalg.norm(point - row) <= far
                        for row, far in zip(among, reach, strict=True))
        return hits / len(points)

    found = measures.shares(real, made, TRAIN[:5], near=3)
    assert found["precision"].value == pytest.approx(share(made, real))
    assert found["recall"].value == pytest.approx(share(real, made))
    assert "nearer_training" not in found  # too few rows learnt from to compare with


def test_the_distance_of_clouds_is_that_of_the_paper() -> None:
    a, b = REAL, FRESH * 2 + 1
    A, B = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    known = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(
        A + B - 2 * np.real(linalg.sqrtm(A @ B)))
    assert measures.cloud_distance(a, b) == pytest.approx(known, rel=1e-6)
    assert measures.cloud_distance(a, a) == pytest.approx(0, abs=1e-9)
    score = measures.frechet(a, b, "the rows themselves", draws=20)
    assert score.low < score.value < score.high and "the rows themselves" in score.how


def test_distances_of_columns() -> None:
    real = np.column_stack([np.arange(10.0), np.repeat([0, 1], 5)])
    made = np.column_stack([np.arange(10.0) + 5, np.repeat([0, 0], 5)])
    assert measures.marginal_distances(real, made, np.array([0, 2])) == pytest.approx([0.5, 0.5])
    gone = np.where(real == 0, np.nan, real)
    assert measures.marginal_distances(real[:, :1], gone[:, :1], np.array([0]))[0] == \
        pytest.approx(0.1)
    score = measures.marginal_distance(real, made, np.array([0, 2]), draws=30)
    assert score.value == pytest.approx(0.5) and score.low <= 0.5 <= score.high


def test_a_classifier_worse_than_chance_has_found_nothing() -> None:
    made = np.repeat([0, 1], 50)
    assert measures.told_apart(1.0 - made, made, "trees").value == 0.5
    assert measures.told_apart(made + 0.0, made, "trees").value == 1.0


def test_usefulness_and_perplexity() -> None:
    score = measures.usefulness(np.zeros(50), np.ones(50), "accuracy")
    assert score.value == score.low == -1.0
    even = measures.perplexity(np.full(20, 10 * np.log(7)), np.full(20, 10))
    assert even.value == pytest.approx(7) and even.low == pytest.approx(7)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="at least 10"):
        measures.shares(REAL[:5], FRESH, TRAIN)
