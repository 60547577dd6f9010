"""Sampled Shapley values against all subsets, and the errors they state against the truth."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api import _answers
from wholefit.explain import sampling
from wholefit.explain.background import joined
from wholefit.explain.pool import Pool

ROWS, BACK = 3, 12


def table(columns: int, rows: int, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    y = X[:, 0] * 2 + X[:, 1] * X[:, 2] + np.sin(2 * X[:, 3])
    return pl.DataFrame({**{f"x{at}": X[:, at] for at in range(columns)}, "y": y})


def pool(columns: int) -> Pool:
    frame = table(columns, 200)
    result = wf.fit(frame, target="y", models=["knn"], choose="best", folds=2, jobs=1)
    asked = _answers.dataset(result._fitted, frame[:ROWS], {})
    others = _answers.dataset(result._fitted, frame[50:50 + BACK], {})
    return Pool(result._fitted, joined(asked, others))


@pytest.fixture(scope="module")
def five() -> Pool:
    return pool(5)


@pytest.fixture(scope="module")
def eight() -> Pool:
    return pool(8)


ASKED, OTHERS = np.arange(ROWS), np.arange(ROWS, ROWS + BACK)


def worth(made: Pool, row: int, known: tuple[int, ...]) -> float:
    take = made.own(OTHERS)
    take[:, list(known)] = row
    return float(made.answer(take).mean())


def shapley(made: Pool, row: int) -> np.ndarray:
    """Shapley's formula over all subsets, one by one."""
    count = len(made.columns)
    found = np.zeros(count)
    for feature in range(count):
        others = [each for each in range(count) if each != feature]
        for size in range(count):
            share = factorial(size) * factorial(count - size - 1) / factorial(count)
            for subset in combinations(others, size):
                found[feature] += share * (worth(made, row, (*subset, feature))
                                           - worth(made, row, subset))
    return found


def test_few_columns_have_shapleys_own_values(five: Pool) -> None:
    found = sampling.sampled(five, ASKED, OTHERS, evaluations=10_000, precision=0.0, seed=0)
    assert found.enumerated and not found.errors.any()
    for row in range(2):
        np.testing.assert_allclose(found.values[row, :, 0], shapley(five, row), atol=1e-10)


@pytest.mark.parametrize("evaluations", [1, 2_500])
def test_sampled_values_add_up_exactly(eight: Pool, evaluations: int) -> None:
    found = sampling.sampled(eight, ASKED, OTHERS, evaluations=evaluations, precision=0.0, seed=0)
    assert not found.enumerated
    whole = eight.answer(eight.own(ASKED))
    np.testing.assert_allclose(found.values.sum(axis=1)[:, 0] + found.base[0], whole, atol=1e-10)
    assert found.base[0] == pytest.approx(eight.answer(eight.own(OTHERS)).mean())


def test_errors_are_as_large_as_they_are_said_to_be(eight: Pool) -> None:
    """Of many draws, about 95 % lie within 1.96 standard errors of the exact values."""
    exact = sampling.sampled(eight, ASKED, OTHERS, evaluations=10_000, precision=0, seed=0)
    assert exact.enumerated
    away = []
    for seed in range(30):
        drawn = sampling.sampled(eight, ASKED, OTHERS, evaluations=900, precision=0, seed=seed)
        assert not drawn.enumerated
        away.append((np.abs(drawn.values - exact.values) / drawn.errors).ravel())
    within = np.mean(np.concatenate(away) < 1.96)
    assert 0.90 < within < 0.99


def test_more_evaluations_bring_smaller_errors_and_precision_stops_early(eight: Pool) -> None:
    few, many = (sampling.sampled(eight, ASKED, OTHERS, evaluations=n, precision=0, seed=0)
                 for n in (400, 3_000))
    assert many.errors.max() < 0.6 * few.errors.max()
    assert many.evaluations <= ROWS * 3_000 + BACK
    rough = sampling.sampled(eight, ASKED, OTHERS, evaluations=3_000, precision=0.5, seed=0)
    assert rough.evaluations < many.evaluations


def test_a_row_does_not_hang_on_its_neighbours_and_a_seed_is_a_seed(eight: Pool) -> None:
    def ask(rows: np.ndarray, seed: int = 3) -> np.ndarray:
        return sampling.sampled(eight, rows, OTHERS, evaluations=600, precision=0,
                                seed=seed).values

    np.testing.assert_array_equal(ask(ASKED)[1], ask(np.array([1]))[0])
    assert not np.array_equal(ask(ASKED), ask(ASKED, seed=4))


def test_many_columns_are_compared_with_fewer_rows() -> None:
    assert sampling.affordable(20, 100, 120_000) == 100
    assert sampling.affordable(1000, 100, 120_000) == 30
    assert sampling.affordable(1000, 100, 1) == 10
    assert sampling.enumerable(10, 100, 120_000) and not sampling.enumerable(11, 10, 10**9)
