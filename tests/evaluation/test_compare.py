"""Paired comparisons: how often they err, what they find, and the classical tests."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wholefit import evaluation
from wholefit.base.errors import DataError
from wholefit.evaluation import metrics

from ._worlds import numbers, two_classes


def rivals(n, random, noise=0.7):
    """Truth, and two answers that are equally good in law."""
    score = 2 * random.normal(size=n)
    truth = (random.random(n) < 1 / (1 + np.exp(-score))).astype(int)

    def answer():
        given = 1 / (1 + np.exp(-(score + noise * random.normal(size=n))))
        return np.column_stack([1 - given, given])

    return truth, answer(), answer()


def test_equal_models_are_called_different_one_time_in_twenty():
    random = np.random.default_rng(1)
    names = ["log_loss", "roc_auc", "accuracy", "f1", "brier"]
    wrong = dict.fromkeys(names, 0)
    for _ in range(300):
        truth, a, b = rivals(120, random)
        for name in names:
            wrong[name] += evaluation.compare("classification", name, truth, a, b).better != "tied"
    for name, count in wrong.items():
        assert 1 <= count <= 29, (name, count)


@pytest.mark.parametrize("name", metrics.names("regression"))
def test_the_closer_answer_wins_whatever_the_sign(name):
    y, p = numbers(400, np.random.default_rng(2))
    near, far = (y + p) / 2, p
    forth = evaluation.compare("regression", name, y, near, far)
    back = evaluation.compare("regression", name, y, far, near)
    assert (forth.better, back.better) == ("a", "b")
    assert forth.value == pytest.approx(-back.value) and forth.p == pytest.approx(back.p)
    assert forth.p < 0.001 and forth.low <= forth.value <= forth.high


@pytest.mark.parametrize("name", metrics.names("classification"))
def test_the_surer_answer_wins(name):
    random = np.random.default_rng(3)
    truth, P = two_classes(1500, random, pull=3.0, sure=1.0)
    noise = random.normal(size=1500) * 3
    blurred = 1 / (1 + np.exp(-(np.log(P[:, 1] / P[:, 0]) + noise)))
    found = evaluation.compare("classification", name, truth, P,
                               np.column_stack([1 - blurred, blurred]))
    assert found.better == "a" and found.p < 0.01


def test_auc_difference_is_delongs_paired_test():
    truth, a, b = rivals(250, np.random.default_rng(4))
    parts = []
    for P in (a, b):
        up, down = P[truth == 1, 1], P[truth == 0, 1]
        wins = (up[:, None] > down) * 1.0
        parts.append((wins.mean(axis=1), wins.mean(axis=0)))
    up, down = parts[0][0] - parts[1][0], parts[0][1] - parts[1][1]
    error = math.sqrt(up.var(ddof=1) / len(up) + down.var(ddof=1) / len(down))
    found = evaluation.compare("classification", "roc_auc", truth, a, b)
    assert found.value == pytest.approx(up.mean())
    assert 1.9 * error < (found.high - found.low) / 2 < 2.1 * error


def test_interval_and_p_say_the_same():
    random = np.random.default_rng(5)
    for _ in range(60):
        truth, a, b = rivals(80, random)
        for level in (0.8, 0.95):
            found = evaluation.compare("classification", "brier", truth, a, b, level=level)
            assert (found.p < 1 - level) == (found.better != "tied")


def test_same_answers_are_tied_for_certain():
    truth, a, _ = rivals(50, np.random.default_rng(6))
    found = evaluation.compare("classification", "log_loss", truth, a, a)
    assert (found.value, found.low, found.high, found.p, found.better) == (0, 0, 0, 1, "tied")


def test_a_constant_gap_is_judged_by_the_number_of_units():
    y = np.arange(12.0)
    found = evaluation.compare("regression", "mae", y, y, y + 1)
    assert found.better == "a" and found.p == 2.0**-11
    found = evaluation.compare("regression", "mae", y, y, y + 1, units=np.arange(12) // 4)
    assert found.better == "tied" and found.p == 0.25


def test_undefined_is_tied_and_says_why():
    truth, a, b = rivals(20, np.random.default_rng(7))
    found = evaluation.compare("classification", "roc_auc", truth * 0, a, b)
    assert found.better == "tied" and math.isnan(found.p) and "positive class" in found.how


def test_ties_are_each_compared_with_the_best():
    y, p = numbers(2000, np.random.default_rng(8))
    luck = 0.01 * np.random.default_rng(1).normal(size=2000)
    answers = {"far": p + 1, "best": p, "near": p + luck, "broken": np.full(2000, 1e300)}
    found = evaluation.ties("regression", "rmse", y, answers)
    assert list(found) == list(answers)
    assert [found[name].better for name in answers] == ["b", "tied", "tied", "b"]
    assert {found["best"].p, found["near"].p} > {1} and "no finite number" in found["broken"].how
    best = next(name for name in answers if found[name].p == 1)
    pair = evaluation.compare("regression", "rmse", y, p + 1, answers[best])
    assert found["far"] == pair, "of two comparisons, one side each, nothing is corrected"
    more = evaluation.ties("regression", "rmse", y, {
        **answers, "farther": p + 2, "farthest": p + 3})["far"]
    wide = evaluation.compare("regression", "rmse", y, p + 1, answers[best], level=0.975)
    assert (more.value, more.low, more.high, more.p) == (wide.value, wide.low, wide.high,
                                                         2 * wide.p)
    assert "corrected for 4 comparisons" in more.how, "the broken one is not compared"
    alone = evaluation.ties("regression", "rmse", y, {"far": p + 1, "best": p})
    assert alone["far"] == evaluation.compare("regression", "rmse", y, p + 1, p)
    with pytest.raises(DataError, match="at least one answer"):
        evaluation.ties("regression", "rmse", y, {})


def test_the_best_in_truth_stays_among_the_tied():
    """Six equally good answers: the first is left out far less often than uncorrected."""
    random = np.random.default_rng(5)
    lost = 0
    for _ in range(300):
        y = random.normal(size=200)
        answers = {str(at): y + random.normal(size=200) for at in range(6)}
        lost += evaluation.ties("regression", "mae", y, answers)["0"].better != "tied"
    assert lost <= 15, f"lost {lost} times of 300"


def test_a_users_own_metric_among_many_has_a_p_value_that_fits_its_verdict():
    """500 draws have no quantile at 99.5 %: beyond it their spread is taken."""
    random = np.random.default_rng(8)
    y = random.normal(size=300)
    answers = {str(at): y + random.normal(size=300) * (1 + (at == 9)) for at in range(10)}
    mine = evaluation.metrics.get("regression", own_error)
    found = evaluation.ties("regression", mine, y, answers)
    exact = evaluation.ties("regression", "mae", y, answers)
    assert found["9"].better == exact["9"].better == "b"
    for name, one in found.items():
        assert one.p == 1 or (one.p < 0.05) == (one.better != "tied"), name
        assert one.low == pytest.approx(exact[name].low, abs=0.06), name


def own_error(y, answer):
    return float(np.abs(np.asarray(y) - np.asarray(answer)).mean())


own_error.greater_is_better = False


def test_units_widen_the_difference():
    random = np.random.default_rng(9)
    luck = np.repeat(random.normal(size=30), 20)
    y = random.normal(size=600)
    a, b = y + 1 + 0.3 * luck, y + 1 - 0.3 * luck
    rows = evaluation.compare("regression", "mae", y, a, b)
    units = evaluation.compare("regression", "mae", y, a, b, units=np.repeat(np.arange(30), 20))
    assert units.high - units.low > 3 * (rows.high - rows.low)


def test_mcnemar_is_the_binomial_test_of_the_rows_that_tell():
    from scipy.stats import binomtest

    random = np.random.default_rng(10)
    truth, a, b = random.integers(0, 3, (3, 200))
    only_a = int(((a == truth) & (b != truth)).sum())
    only_b = int(((a != truth) & (b == truth)).sum())
    found = evaluation.mcnemar(truth, a, b)
    assert found.p == pytest.approx(binomtest(only_a, only_a + only_b).pvalue)
    assert found.effect == pytest.approx((a == truth).mean() - (b == truth).mean())
    assert evaluation.mcnemar(truth, a, a).p == 1
    assert evaluation.mcnemar(list("xyz"), list("xyz"), list("xyx")).effect == pytest.approx(1 / 3)


def test_corrected_t_is_the_plain_test_with_a_larger_variance():
    from scipy.stats import t, ttest_rel

    random = np.random.default_rng(11)
    a, b = random.normal(size=(2, 10)) + np.array([[0.8], [0.0]])
    plain = ttest_rel(a, b)
    shrink = math.sqrt((1 / 10) / (1 / 10 + 1 / 9))
    found = evaluation.corrected_t(a, b, train=900, test=100)
    assert found.p == pytest.approx(2 * t.sf(abs(plain.statistic) * shrink, 9))
    assert found.p > plain.pvalue and found.effect == pytest.approx((a - b).mean())
    assert evaluation.corrected_t(a, a, train=9, test=1).p == 1
    with pytest.raises(DataError, match="at least 2 folds"):
        evaluation.corrected_t([1.0], [2.0], train=9, test=1)
