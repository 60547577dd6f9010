"""Measures of a reduction against scikit-learn, scipy, brute force, and draws anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr
from sklearn.manifold import trustworthiness

from wholefit.base.errors import DataError
from wholefit.evaluation.reduction import Truth, by_chance, difference, distances, judge


def rows(n: int, seed: int = 0) -> np.ndarray:
    X = np.random.default_rng(seed).normal(size=(n, 6))
    X[:, :2] *= 3
    X[: n // 3, 0] += 5
    return X


def test_values_are_those_of_scikit_learn_and_scipy() -> None:
    X = rows(200)
    Z = X[:, :2]
    found = judge(X, Z, near=7).scores
    assert found["trustworthiness"].value == pytest.approx(
        trustworthiness(X, Z, n_neighbors=7), abs=1e-12)
    assert found["continuity"].value == pytest.approx(
        trustworthiness(Z, X, n_neighbors=7), abs=1e-12)
    assert found["distance_correlation"].value == pytest.approx(
        spearmanr(pdist(X), pdist(Z))[0], abs=1e-9)


def test_sparse_rows_and_a_truth_made_once_give_the_same() -> None:
    X = np.random.default_rng(0).poisson(0.3, size=(90, 12)).astype(float)
    Z = X[:, :3] + 1e-3 * np.arange(90)[:, None]
    a, b, c = (judge(each, Z).scores for each in (X, csr_matrix(X), Truth(X)))
    for name in a:
        assert a[name].value == pytest.approx(b[name].value, abs=1e-9)
        assert a[name] == c[name]


def test_distances_are_scipys() -> None:
    X = rows(40)
    found = distances(X)
    np.fill_diagonal(found, 0)
    assert np.allclose(found, squareform(pdist(X)), atol=1e-9)


def test_a_perfect_map_and_a_random_one() -> None:
    X = rows(300)
    same = judge(X, X * 2.0).scores
    assert same["trustworthiness"].value == same["continuity"].value == 1
    assert same["distance_correlation"].value == pytest.approx(1)
    shuffled = judge(X, X[np.random.default_rng(1).permutation(300)]).scores
    assert shuffled["trustworthiness"].low < 0.5 < shuffled["trustworthiness"].high
    assert shuffled["distance_correlation"].low < 0 < shuffled["distance_correlation"].high


def test_intervals_hold_what_draws_anew_give() -> None:
    """The mean of 80 draws lies in about 95 % of the intervals, and they are no wider than due."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(80):
        X = rows(150, seed)
        for name, score in judge(
                X, X[:, :2], labels=(X[:, 0] > 2).astype(int),
                restored=np.hstack([X[:, :2], np.zeros((150, 4))]), mean=np.zeros(6),
        ).scores.items():
            found.setdefault(name, []).append((score.value, score.low, score.high))
    for name, draws in found.items():
        values, low, high = np.array(draws).T
        assert ((low <= values.mean()) & (values.mean() <= high)).mean() >= 0.85, name
        wide = (high - low).mean() / 3.92 / values.std()
        assert 0.75 < wide < (2.2 if name == "label_agreement" else 1.6), (name, wide)


def test_the_difference_of_two_maps_of_the_same_rows() -> None:
    X = rows(300)
    good, poor = judge(X, X[:, :2]), judge(X, X[:, 4:])
    gap = difference(good, poor, "trustworthiness")
    assert gap["low"] > 0 and gap["p"] < 1e-3
    same = difference(good, good, "continuity")
    assert same["value"] == 0 and same["p"] == 1


def test_variance_kept_is_one_minus_the_error() -> None:
    X = rows(100)
    found = judge(X, X[:, :2], restored=np.hstack([X[:, :2], np.zeros((100, 4))]),
                  mean=np.zeros(6)).scores["variance_kept"]
    assert found.value == pytest.approx(1 - (X[:, 2:] ** 2).sum() / (X**2).sum())


def test_label_agreement_by_hand_and_by_chance() -> None:
    X = rows(60)
    labels = (X[:, 0] > 2).astype(np.int64)
    labels[:5] = -1
    near = np.argsort(squareform(pdist(X)), axis=1)[:, 1:6]
    pairs = [(i, j) for i in range(60) for j in near[i] if labels[i] >= 0 and labels[j] >= 0]
    expected = np.mean([labels[i] == labels[j] for i, j in pairs])
    assert judge(X, X, labels=labels).scores["label_agreement"].value == pytest.approx(expected)
    assert by_chance(np.array([0, 0, 1, 1, -1])) == pytest.approx(2 * 2 / (4 * 3))


def test_numbers_as_labels_are_followed() -> None:
    X = rows(100)
    found = judge(X, X, labels=np.where(X[:, 5] > 2, np.nan, X[:, 0]), categories=False)
    assert found.scores["label_agreement"].value > 0.8


def test_all_rows_the_same_is_said_not_scored() -> None:
    found = judge(np.ones((20, 3)), np.zeros((20, 2))).scores
    assert np.isnan(found["distance_correlation"].value)
    with pytest.raises(DataError, match="at least 8 rows"):
        judge(np.ones((4, 3)), np.ones((4, 2)))


@settings(max_examples=40, deadline=None)
@given(st.integers(8, 40), st.integers(1, 4), st.integers(0, 10**6), st.booleans())
def test_every_score_is_inside_its_interval_and_its_bounds(
    n: int, d: int, seed: int, coarse: bool
) -> None:
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, size=(n, 5)).astype(float) if coarse else rng.normal(size=(n, 5))
    Z = rng.normal(size=(n, d))
    for score in judge(X, Z, labels=rng.integers(-1, 3, n)).scores.values():
        if np.isnan(score.value):
            continue
        assert score.low - 1e-12 <= score.value <= score.high + 1e-12
        assert score.low >= -1 and score.high <= 1


def test_intervals_hold_where_rows_come_in_groups() -> None:
    seen: dict[str, list[tuple[float, float, float]]] = {}
    group = np.repeat(np.arange(20), 8)
    for seed in range(60):
        random = np.random.default_rng(seed)
        X = random.normal(size=(20, 4))[group] + 0.05 * random.normal(size=(160, 4))
        for how, units in (("rows", None), ("groups", group)):
            for name, one in judge(X, X[:, :2], units=units).scores.items():
                seen.setdefault(f"{name} by {how}", []).append((one.value, one.low, one.high))
    held = {}
    for name, values in seen.items():
        value, low, high = np.array(values).T
        held[name] = float(((low <= value.mean()) & (value.mean() <= high)).mean())
    for name in ("trustworthiness", "continuity", "distance_correlation"):
        assert held[f"{name} by groups"] > max(0.8, held[f"{name} by rows"]), held
