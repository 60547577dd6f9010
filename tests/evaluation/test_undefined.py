"""Where a metric is undefined the score says why; where nothing varies the interval is honest."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wholefit import evaluation
from wholefit.evaluation import Score, metrics

pytestmark = pytest.mark.filterwarnings("error")
CLEAR = np.array([[0.9, 0.1]] * 20 + [[0.1, 0.9]] * 20)
RIGHT = np.array([0] * 20 + [1] * 20)


def classify(truth, answer, **options):
    return evaluation.score("classification", truth, answer,
                            metrics=metrics.names("classification"), **options)


def regress(truth, answer):
    return evaluation.score("regression", truth, answer, metrics=metrics.names("regression"))


@pytest.mark.parametrize(("truth", "answer", "name", "why"), [
    ([0] * 40, CLEAR, "roc_auc", "no row of the positive class"),
    ([1] * 40, CLEAR, "roc_auc", "one class only"),
    ([0] * 40, CLEAR, "average_precision", "no row of the positive class"),
    ([0] * 40, CLEAR, "recall", "no row of the positive class"),
    ([0] * 40, CLEAR, "mcc", "one class only"),
    (RIGHT, np.tile([0.7, 0.3], (40, 1)), "precision", "no row is predicted"),
    (RIGHT, np.tile([0.7, 0.3], (40, 1)), "mcc", "the same class"),
    ([], np.empty((0, 2)), "log_loss", "no row has a known truth"),
])
def test_undefined_of_classes(truth, answer, name, why):
    got = classify(truth, answer)[name]
    assert math.isnan(got.value) and math.isnan(got.low)
    assert why in got.how and str(got) == "undefined"


@pytest.mark.parametrize(("truth", "answer", "name", "why"), [
    ([2.0, 2.0], [1.0, 3.0], "r2", "one value only"),
    ([2.0], [1.0], "r2", "at least 2 rows"),
    ([0.0, 1.0], [1.0, 3.0], "mape", "0 in 1 rows"),
    ([math.nan], [1.0], "rmse", "no row has a known truth"),
    ([1e300, 1.0], [-1e300, 1.0], "mse", "no finite number"),
])
def test_undefined_of_numbers(truth, answer, name, why):
    got = regress(truth, answer)[name]
    assert math.isnan(got.value) and why in got.how


def test_perfect_answers_do_not_have_certain_scores():
    for name, got in classify(RIGHT, CLEAR).items():
        assert got.low <= got.value <= got.high, name
        assert got.high - got.low > 0.02, name
    assert classify(RIGHT, CLEAR)["accuracy"].low == pytest.approx(0.912, abs=0.001)
    sure = classify([0, 1, 2] * 10, np.eye(3)[[0, 1, 2] * 10])
    assert 1 < sure["log_loss"].high < 5
    assert all(0.3 < sure[name].low < 1 for name in ("f1", "precision", "recall", "mcc"))
    for name, got in regress([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]).items():
        assert got.low < got.value or got.high > got.value, name


def test_what_cannot_vary_has_no_width():
    even = classify(RIGHT, np.full((40, 2), 0.5))
    assert (even["roc_auc"].low, even["roc_auc"].high) == (0.5, 0.5)
    assert even["log_loss"].high == pytest.approx(math.log(2), abs=1e-12)


def test_one_row_or_one_positive_row_tells_nothing():
    one = classify([1], [[0.2, 0.8]])
    assert (one["log_loss"].low, one["log_loss"].high) == (0.0, math.inf)
    assert 0 < one["accuracy"].low < 0.25
    few = classify([0] * 39 + [1], np.vstack([CLEAR[:39], [[0.05, 0.95]]]))
    assert (few["roc_auc"].low, few["roc_auc"].high) == (0.0, 1.0)


@pytest.mark.parametrize("seed", range(30))
def test_nothing_breaks_on_few_rows(seed):
    random = np.random.default_rng(seed)
    n, k = int(random.integers(1, 9)), int(random.integers(2, 5))
    truth = random.integers(0, k, n)
    answer = np.round(random.dirichlet([0.3] * k, n), 1)
    answer[:, 0] += 1 - answer.sum(axis=1)
    units = random.integers(0, 3, n) if seed % 2 else None
    scores = {**classify(truth, np.clip(answer, 0, 1), units=units),
              **regress(random.integers(0, 3, n) * 1.0, random.integers(0, 3, n) * 1.0)}
    for name, got in scores.items():
        assert math.isnan(got.value) or got.low <= got.value <= got.high, (name, got)
        assert Score.from_json(got.to_json()) == got or math.isnan(got.value)


def test_json_keeps_nan_and_infinity():
    import json

    got = Score("mae", 1.0, 0.0, math.inf, 0.95, "how", 1)
    assert Score.from_json(json.loads(json.dumps(got.to_json(), allow_nan=False))) == got
    gone = Score("mae", math.nan, math.nan, math.nan, 0.95, "undefined", 0)
    assert math.isnan(Score.from_json(json.loads(json.dumps(gone.to_json()))).value)


@pytest.mark.parametrize(("value", "low", "high", "shown"), [
    (0.87312, 0.86604, 0.88011, "0.873 [0.866, 0.880]"),
    (0.5, 0.4, 0.6, "0.50 [0.40, 0.60]"),
    (45231.3, 44020.0, 46440.0, "45231 [44020, 46440]"),
    (1.0, 0.9123, 1.0, "1.00 [0.91, 1.00]"),
    (0.0, 0.0, 0.0, "0.000 [0.000, 0.000]"),
])
def test_digits_follow_the_uncertainty(value, low, high, shown):
    assert str(Score("m", value, low, high, 0.95, "", 9)) == shown
