"""Figures of clusters against scikit-learn and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import silhouette_samples

from wholefit.evaluation import clustering as measures
from wholefit.evaluation.clustering import Distances

X, KNOWN = make_blobs(120, 3, centers=3, cluster_std=2.0, random_state=1)


def test_widths_are_scikit_learns() -> None:
    distances = Distances.of(X)
    assert np.allclose(measures.widths(distances.straight, KNOWN), silhouette_samples(X, KNOWN))
    odd = KNOWN.copy()
    odd[0] = 9  # a row alone
    assert np.allclose(measures.widths(distances.straight, odd), silhouette_samples(X, odd))


def test_noise_counts_nothing_and_takes_no_part() -> None:
    labels = KNOWN.copy()
    labels[::10] = -1
    found = measures.widths(Distances.of(X).straight, labels)
    inside = labels >= 0
    assert (found[~inside] == 0).all()
    assert np.allclose(found[inside], silhouette_samples(X[inside], labels[inside]))


def test_paths_are_the_least_largest_steps() -> None:
    square = Distances.of(X[:40]).straight
    core = np.sort(square, axis=1)[:, 5]
    reach = np.maximum(np.maximum(square, core), core[:, None])
    np.fill_diagonal(reach, 0)
    for middle in range(40):  # Floyd and Warshall's way, for the largest step
        reach = np.minimum(reach, np.maximum(reach[:, middle:middle + 1], reach[middle]))
    assert np.allclose(measures.paths(square), reach)


def test_moons_are_apart_along_paths_only() -> None:
    moons, known = make_moons(300, noise=0.04, random_state=0)
    distances = Distances.of(moons)
    halves = (moons[:, 0] > 0.5).astype(int)
    straight = measures.silhouette(distances, known).value
    assert straight == pytest.approx(silhouette_samples(moons, known).mean())
    assert measures.separation(distances, known).value > straight + 0.2
    assert measures.separation(distances, known).value > measures.separation(
        distances, halves).value + 0.2


def test_cutting_a_few_far_rows_off_earns_little() -> None:
    far = np.vstack([np.random.default_rng(0).normal(size=(97, 2)), np.full((3, 2), 40.0)])
    labels = np.repeat([0, 1], [97, 3])
    distances = Distances.of(far)
    assert measures.silhouette(distances, labels).value > 0.9
    assert measures.separation(distances, labels).value < 0.55


def test_even_clusters_count_in_full() -> None:
    even = np.repeat([0, 1, 2], 40)
    distances = Distances.of(X)
    value = max(measures.widths(square, even).mean()
                for square in (distances.straight, distances.paths))
    assert measures.separation(distances, even).value == pytest.approx(value)


def test_the_jackknife_leaves_rows_out_altogether() -> None:
    labels = KNOWN.copy()
    labels[:7] = -1
    distances = Distances.of(X)
    found = measures.silhouette(distances, labels)
    blocks = np.random.default_rng(0).permutation(120) % 25
    for block in (0, 13):
        rest = blocks != block
        again = measures.widths(distances.straight[np.ix_(rest, rest)], labels[rest]).mean()
        assert found.without[block] == pytest.approx(again)
    same = found.minus(found).score("difference")
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_one_cluster_has_no_figure() -> None:
    distances = Distances.of(X)
    for labels in (np.zeros(120, dtype=int), np.full(120, -1)):
        score = measures.separation(distances, labels).score("separation")
        assert np.isnan(score.value) and "two clusters" in score.how
    assert np.isnan(measures.silhouette(Distances.of(X[:1]), np.array([0])).value)


def test_intervals_hold_the_mean_of_more_rows() -> None:
    """Of 200 samples of rows, nine in ten intervals at least hold the value of all rows."""
    whole, known = make_blobs(6000, 2, centers=3, cluster_std=2.0, random_state=3)
    rng = np.random.default_rng(0)
    rows = rng.choice(6000, 2000, replace=False)
    true = silhouette_samples(whole[rows], known[rows]).mean()
    held = 0
    for _ in range(100):
        some = rng.choice(6000, 150, replace=False)
        score = measures.silhouette(Distances.of(whole[some]), known[some]).score("s")
        held += score.low <= true <= score.high
    assert held >= 88


def test_stability_is_a_mean_with_a_wide_interval() -> None:
    score = measures.stability(np.array([0.8, 0.9, 1.0, 0.9]))
    assert score.value == pytest.approx(0.9)
    assert score.low < 0.75 and score.high == 1.0
    assert np.isnan(measures.stability(np.array([1.0])).value)
