"""Few labels: intervals that hold, and what labels of alarms alone can and cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import DataError
from wholefit.evaluation import anomaly


def drawn(random: np.random.Generator, odd: int, usual: int, shift: float) -> tuple[
        np.ndarray, np.ndarray]:
    scores = np.concatenate([random.normal(shift, 1, odd), random.normal(0, 1, usual)])
    return np.repeat([1, 0], [odd, usual]), scores


def test_auroc_is_scikit_learns() -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    for odd in (8, 80):
        truth, scores = drawn(np.random.default_rng(0), odd, 400, 1.0)
        scores = np.round(scores, 1)
        found = anomaly.ranked(truth, scores)
        assert np.isclose(found["roc_auc"].value, roc_auc_score(truth, scores))
        assert np.isclose(found["average_precision"].value,
                          average_precision_score(truth, scores))


@pytest.mark.parametrize(("odd", "usual"), [(5, 300), (10, 15), (10, 300), (30, 300)])
@pytest.mark.parametrize("auroc", [0.6, 0.8, 0.95])
def test_intervals_of_few_labels_hold(odd: int, usual: int, auroc: float) -> None:
    from scipy.stats import norm

    random = np.random.default_rng(0)
    shift = float(norm.ppf(auroc)) * np.sqrt(2)
    held = 0
    for _ in range(300):
        score = anomaly.few(*drawn(random, odd, usual, shift))
        held += score.low <= auroc <= score.high
    # 95 % asked; 300 trials of a true 95 % give fewer than 277 once in a hundred times.
    assert held >= 277, held / 300


def test_unknown_rows_are_left_out() -> None:
    truth, scores = drawn(np.random.default_rng(0), 10, 50, 1.0)
    more = anomaly.ranked(np.append(truth, [-1, -1, 1]), np.append(scores, [9.0, -9.0, np.nan]))
    assert more["roc_auc"].value == anomaly.ranked(truth, scores)["roc_auc"].value


def test_one_class_only_is_undefined_in_words() -> None:
    found = anomaly.ranked(np.zeros(20), np.arange(20.0))
    assert str(found["roc_auc"]) == "undefined" and "class" in found["roc_auc"].how
    assert np.isnan(anomaly.few(np.zeros(20), np.arange(20.0)).value)


def test_labels_of_alarms_tell_precision_and_say_what_they_do_not_tell() -> None:
    found = anomaly.alarmed([1] * 6 + [0] * 14)
    assert found.value == 0.3 and found.low < 0.16 and found.high > 0.5
    assert "cannot be known" in found.how
    assert str(anomaly.alarmed([])) == "undefined"


def test_a_sample_of_the_quiet_rows_tells_recall() -> None:
    found = anomaly.audited([1] * 40 + [0] * 60, [0] * 195 + [1] * 5, 9_900)
    assert found["precision"].value == 0.4
    recall = found["recall"]
    assert np.isclose(recall.value, 40 / (40 + 9_900 * 5 / 200))
    assert recall.low < recall.value < recall.high
    with pytest.raises(DataError, match="drawn by chance"):
        anomaly.audited([1, 0], [], 100)


def test_recall_intervals_hold() -> None:
    random = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        quiet = random.random(5_000) < 0.01
        alarms = random.random(100) < 0.5
        found = anomaly.audited(alarms, random.choice(quiet, 300, replace=False), 5_000)
        truth = alarms.sum() / (alarms.sum() + quiet.sum())
        held += found["recall"].low <= truth <= found["recall"].high
    assert held >= 285, held / 300


def test_labels_are_checked() -> None:
    with pytest.raises(DataError, match="labels must be 1"):
        anomaly.ranked([0, 1, 2], [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="same rows"):
        anomaly.ranked([0, 1], [1.0, 2.0, 3.0])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 10**6))
def test_intervals_hold_their_value_and_stay_in_bounds(odd: int, usual: int, seed: int) -> None:
    truth, scores = drawn(np.random.default_rng(seed), odd, usual, 1.0)
    found = anomaly.few(truth, np.round(scores, 1))
    assert 0 <= found.low <= found.value <= found.high <= 1
