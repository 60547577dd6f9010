"""Consensus: ties are said; Dawid-Skene against a plain loop, and against a known world."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wholefit.base.errors import DataError, ParameterError
from wholefit.evaluation.consensus import dawid_skene, majority

RATINGS = hnp.arrays(np.int64, st.tuples(st.integers(1, 12), st.integers(1, 4)),
                     elements=st.integers(-1, 2))


def plain_dawid_skene(ratings, classes, rounds, prior):
    """The method as the paper writes it, item by item."""
    items, people = ratings.shape
    posterior = np.full((items, classes), 1 / classes)
    for i in range(items):
        given_ = [r for r in ratings[i] if r >= 0]
        if given_:
            posterior[i] = [given_.count(c) / len(given_) for c in range(classes)]
    answered = [i for i in range(items) if (ratings[i] >= 0).any()]
    for _ in range(rounds):
        shares = sum((posterior[i] for i in answered), np.full(classes, prior))
        shares = shares / shares.sum()
        confusion = np.full((people, classes, classes), prior)
        for i in range(items):
            for a in range(people):
                if ratings[i, a] >= 0:
                    confusion[a, :, ratings[i, a]] += posterior[i]
        for a in range(people):
            for j in range(classes):
                total = confusion[a, j].sum()
                confusion[a, j] = confusion[a, j] / total if total else 1 / classes
        for i in range(items):
            odds = shares.copy()
            for a in range(people):
                if ratings[i, a] >= 0:
                    odds = odds * confusion[a, :, ratings[i, a]]
            posterior[i] = odds / odds.sum()
    return posterior, confusion, shares


def world(seed, items=400, people=6, classes=3, missing=0.3):
    """True classes, ratings by annotators of known confusion."""
    rng = np.random.default_rng(seed)
    true = rng.choice(classes, items, p=[0.6, 0.25, 0.15])
    right = np.linspace(0.45, 0.95, people)
    confusion = np.stack([np.eye(classes) * p + (1 - np.eye(classes)) * (1 - p) / (classes - 1)
                          for p in right])
    ratings = np.array([[rng.choice(classes, p=confusion[a, t]) for a in range(people)]
                        for t in true])
    return true, np.where(rng.random(ratings.shape) < missing, -1, ratings), confusion


@settings(deadline=None, max_examples=60)
@given(RATINGS, st.sampled_from([0.1, 1.0]), st.integers(1, 4))
def test_dawid_skene_is_the_paper_s_loop(ratings, prior, rounds):
    mine = dawid_skene(ratings, 3, rounds=rounds, prior=prior, tolerance=-np.inf)
    posterior, confusion, shares = plain_dawid_skene(ratings, 3, rounds, prior)
    assert mine.posterior == pytest.approx(posterior)
    assert mine.confusion == pytest.approx(confusion)
    assert mine.prior == pytest.approx(shares)


@settings(deadline=None, max_examples=60)
@given(RATINGS, st.sampled_from([0.0, 0.1]))
def test_every_round_climbs(ratings, prior):
    found = dawid_skene(ratings, 3, prior=prior, rounds=30, tolerance=-np.inf)
    assert (np.diff(found.objective) >= -1e-9 * (1 + np.abs(found.objective[:-1]))).all()
    assert found.posterior.sum(axis=1) == pytest.approx(np.ones(len(ratings)))
    assert (found.label[(ratings < 0).all(axis=1)] == -1).all()


def test_a_known_world_is_found_again_and_beats_the_majority():
    gain = []
    for seed in range(3):
        true, ratings, confusion = world(seed)
        found = dawid_skene(ratings, 3)
        assert found.converged
        assert np.abs(found.confusion - confusion).mean() < 0.06
        assert (np.argsort(found.accuracy)[-2:] >= 4).all(), "the careful ones are known"
        voted = majority(ratings, 3)
        gain.append((found.label == true).mean() - (voted.label == true).mean())
    assert np.mean(gain) > 0.03


def test_ties_are_said_and_never_broken():
    found = majority(np.array([[0, 1, -1], [1, 1, 0], [-1, -1, -1], [2, -1, -1]]), 3)
    assert found.label.tolist() == [-1, 1, -1, 2]
    assert found.tied.tolist() == [True, False, False, False]
    assert found.share[:2] == pytest.approx([0.5, 2 / 3]) and np.isnan(found.share[2])


@settings(deadline=None, max_examples=60)
@given(RATINGS)
def test_the_majority_has_the_most_votes(ratings):
    found = majority(ratings, 3)
    for row, label, tied in zip(ratings, found.label, found.tied, strict=True):
        counts = [int((row == c).sum()) for c in range(3)]
        best = [c for c in range(3) if counts[c] == max(counts) > 0]
        assert tied == (len(best) > 1) and label == (best[0] if len(best) == 1 else -1)


def test_wrong_ratings_are_refused():
    with pytest.raises(DataError, match="at least 2 classes"):
        majority(np.array([[3]]), 2)
    with pytest.raises(DataError, match="whole codes"):
        dawid_skene(np.array([[0.5]]), 2)
    with pytest.raises(ParameterError, match="rounds must be"):
        dawid_skene(np.array([[0, 1]]), 2, rounds=0)


def test_nobody_answered():
    found = dawid_skene(np.full((3, 2), -1), 2)
    assert found.label.tolist() == [-1, -1, -1] and np.isfinite(found.confusion).all()
