"""Gain, lift, ROC, precision and recall, and cost curves: right, and their bands cover."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from wholefit.base.errors import DataError, ParameterError
from wholefit.evaluation.gains import gains, threshold_costs


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    hit = random.random(n) < 0.3
    return hit, 1 / (1 + np.exp(-(random.normal(size=n) + 1.5 * hit - 1)))


def test_curves_agree_with_a_second_implementation() -> None:
    hit, scores = draw(3_000, 0)
    found = gains(hit, scores)
    assert found is not None
    fpr, tpr, _ = roc_curve(hit, scores)
    for x, value, low, high in found.roc:
        assert value == pytest.approx(np.interp(x, fpr, tpr), abs=0.01) and low <= value <= high
    order = np.argsort(-scores)
    for share in (0.1, 0.5):
        taken = hit[order][: int(share * 3_000)].sum() / hit.sum()
        assert found.found(share)[0] == pytest.approx(taken, abs=0.005)
    point = next(each for each in found.lift if each[0] == pytest.approx(0.1))
    assert point[1] == pytest.approx(found.found(0.1)[0] / 0.1)
    precision, recall, _ = precision_recall_curve(hit, scores)
    for x, value, low, high in found.pr[2:-1]:
        assert value == pytest.approx(np.interp(x, recall[::-1], precision[::-1]), abs=0.02)
        assert low <= value <= high


def test_bands_hold_the_truth() -> None:
    hit, scores = draw(200_000, 1)
    truth = gains(hit, scores)
    assert truth is not None
    held = 0
    for seed in range(30):
        found = gains(*draw(500, seed + 10))
        assert found is not None
        low, high = found.found(0.25)[1:]
        held += low <= truth.found(0.25)[0] <= high
    assert 25 <= held <= 30


def test_the_cheapest_threshold_is_that_of_brute_force() -> None:
    hit, scores = draw(300, 2)
    found = threshold_costs(hit, scores, false_alarm=1, miss=3)
    assert found is not None
    every = [(1.0 * ((scores >= t) & ~hit).sum() + 3 * ((scores < t) & hit).sum()) / 300
             for t in np.append(np.unique(scores), 1.1)]
    assert found.cost_best == pytest.approx(min(every))
    at = scores >= found.best
    assert (1.0 * (at & ~hit).sum() + 3 * (~at & hit).sum()) / 300 == pytest.approx(min(every))
    assert found.flat_low <= found.best <= found.flat_high
    now = scores >= 0.5
    assert found.cost_now == pytest.approx(((now & ~hit).sum() + 3 * (~now & hit).sum()) / 300)


def test_moving_is_advised_only_where_it_saves() -> None:
    """Scores that are true probabilities: the threshold that costs imply is the right one."""
    false, true = 0, 0
    for seed in range(25):
        random = np.random.default_rng(seed)
        scores = random.random(500)
        hit = random.random(500) < scores
        right = threshold_costs(hit, scores, false_alarm=1, miss=4, now=0.2, seed=seed)
        wrong = threshold_costs(hit, scores, false_alarm=1, miss=4, now=0.8, seed=seed)
        assert right is not None and wrong is not None
        false += right.worth_moving
        true += wrong.worth_moving
    assert false <= 3 and true == 25


def test_hostile_scores() -> None:
    assert gains([True, True], [0.1, 0.2]) is None and threshold_costs([False], [0.3]) is None
    same = gains([True, False] * 50, np.full(100, 0.5))
    assert same is not None and same.found(0.5)[0] == pytest.approx(0.5)
    assert threshold_costs([True, False] * 50, np.full(100, 0.5)) is not None
    assert threshold_costs([True, False] * 50, np.linspace(0, 1, 100), now=7.0) is not None
    with pytest.raises(DataError):
        gains([True, False], [0.1, np.nan])
    with pytest.raises(ParameterError):
        threshold_costs([True, False], [0.1, 0.2], miss=0)
