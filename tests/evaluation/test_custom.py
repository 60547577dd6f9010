"""A user's own metric: found, called with what it asks for, given an interval, compared."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from wholefit import evaluation
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.evaluation import metrics

from ._worlds import numbers, two_classes


def bias(truth, answer):
    """Mean of answer minus truth."""
    return (answer - truth).mean()


def heavy_bias(truth, answer, weights):
    return np.average(answer - truth, weights=weights)


def sharpness(truth, answer):
    return answer.max(axis=1).mean()


def cost(truth, answer):
    return (truth != answer).mean()


sharpness.needs = "predict_proba"
cost.greater_is_better = False


def test_value_interval_and_name():
    y, p = numbers(300, np.random.default_rng(1))
    got = evaluation.score("regression", y, p, metrics=["mae", bias])
    assert list(got) == ["mae", "bias"]
    assert got["bias"].value == pytest.approx((p - y).mean())
    assert got["bias"].low < got["bias"].value < got["bias"].high
    assert got["bias"].high - got["bias"].low == pytest.approx(
        2 * 1.96 * (p - y).std() / 300**0.5, rel=0.15)
    assert got == evaluation.score("regression", y, p, metrics=["mae", bias])


def test_import_path():
    y, p = numbers(50, np.random.default_rng(2))
    got = evaluation.score("regression", y, p, metrics="sklearn.metrics:explained_variance_score")
    assert got["explained_variance_score"].value == pytest.approx(sk.explained_variance_score(y, p))
    with pytest.raises(ParameterError, match="'no_such_house' cannot be imported"):
        metrics.get("regression", "no_such_house:door")
    with pytest.raises(UnknownNameError, match="did you mean 'r2_score'"):
        metrics.get("regression", "sklearn.metrics:r2_scor")
    with pytest.raises(ParameterError, match=r"package\.module:function"):
        metrics.get("regression", "sklearn.metrics:")


def test_labels_probabilities_and_direction():
    y, P = two_classes(200, np.random.default_rng(3))
    got = evaluation.score("classification", y, P, metrics=[sharpness, cost])
    assert got["sharpness"].value == pytest.approx(P.max(axis=1).mean())
    assert metrics.get("classification", cost).better == "lower"
    named = metrics.custom(lambda truth, answer: (truth == "yes").mean(), "classification",
                           classes=["no", "yes"])
    assert evaluation.score("classification", y, P, metrics=named)["<lambda>"].value == y.mean()
    worse = np.clip(P[:, ::-1], 0, 1)
    assert evaluation.compare("classification", cost, y, P, worse).better == "a"
    found = evaluation.ties("classification", cost, y, {"good": P, "bad": worse})
    assert (found["good"].better, found["bad"].better) == ("tied", "b")


def test_weights_reach_the_function_or_are_refused():
    y, p = numbers(60, np.random.default_rng(4))
    w = np.random.default_rng(5).random(60)
    got = evaluation.score("regression", y, p, metrics=heavy_bias, weights=w)["heavy_bias"]
    assert got.value == pytest.approx(np.average(p - y, weights=w))
    with pytest.raises(ParameterError, match="takes no weights"):
        evaluation.score("regression", y, p, metrics=bias, weights=w)


def test_units_are_drawn_whole():
    random = np.random.default_rng(6)
    shared = np.repeat(random.normal(size=20), 30)
    units = np.repeat(np.arange(20), 30)
    by_row, by_unit = (evaluation.score("regression", 0 * shared, shared, metrics=bias,
                                        units=u)["bias"] for u in (None, units))
    assert by_unit.high - by_unit.low > 3 * (by_row.high - by_row.low)


def test_a_function_that_fails_says_so():
    def bad(truth, answer):
        raise KeyError("price")

    with pytest.raises(DataError, match="metric 'bad' failed: KeyError: 'price'"):
        evaluation.score("regression", [1.0, 2.0], [1.0, 2.0], metrics=bad)


def test_draws_that_the_function_refuses_are_left_out():
    def area(truth, answer):
        return sk.roc_auc_score(truth, answer[:, 1]) if len(set(truth)) > 1 else 1 / 0

    area.needs = "predict_proba"
    y = np.array([1, 1] + [0] * 18)
    P = np.column_stack([1 - (0.3 + 0.4 * y), 0.3 + 0.4 * y])
    got = evaluation.score("classification", y, P, metrics=area)["area"]
    drawn = int(got.how.split(",")[1].split()[0])
    assert got.value == 1 and 300 < drawn < 500
