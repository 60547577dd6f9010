"""Limits of time and size against every subset of members there is; calibration against scipy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.special import log_softmax

from wholefit.base.errors import ParameterError
from wholefit.models._kernels.blend import tempered
from wholefit.training.ensembling import Pool, blend, greedy, mixed


def pool(members=6, rows=600, seed=0, task="regression"):
    rng = np.random.default_rng(seed)
    shared, fold = rng.normal(size=rows), (np.arange(rows) % 4).astype(np.int8)
    truth = rng.normal(size=rows)
    answers = {f"m{at}": truth + 0.4 * shared + rng.normal(size=rows) * rng.uniform(0.5, 1.2)
               for at in range(members)}
    return Pool(answers, truth, fold, task=task)


def squared(pool, shares):
    return ((mixed(pool.answers, shares) - pool.truth) ** 2).mean()


@pytest.mark.parametrize("seed", range(6))
def test_limits_are_kept_and_little_is_lost_to_the_best_subset(seed):
    made, rng = pool(seed=seed), np.random.default_rng(seed)
    cost = {label: float(rng.uniform(0.1, 2)) for label in made.answers}
    size = {label: float(rng.uniform(1e5, 1e6)) for label in made.answers}
    found = blend(made, cost=cost, size=size, predict_time=2.0, model_size=1.2e6,
                  calibrate=False)
    assert sum(cost[label] for label in found.shares) <= 2.0
    assert sum(size[label] for label in found.shares) <= 1.2e6
    best = min(
        squared(made, greedy(Pool({label: made.answers[label] for label in subset}, made.truth,
                                  made.fold, task="regression")))
        for count in range(1, 7) for subset in itertools.combinations(made.answers, count)
        if sum(cost[label] for label in subset) <= 2.0
        and sum(size[label] for label in subset) <= 1.2e6)
    alone = min(squared(made, {label: 1.0}) for label in made.answers if cost[label] <= 2.0)
    assert squared(made, found.shares) <= best + 0.25 * (alone - best) + 1e-9


def test_a_dear_best_member_does_not_keep_out_a_better_company():
    made = pool()
    best = min(made.answers, key=lambda label: squared(made, {label: 1.0}))
    cost = {label: 1.0 if label == best else 0.2 for label in made.answers}
    found = blend(made, cost=cost, predict_time=1.0, calibrate=False)
    assert best not in found.shares and len(found.shares) > 2
    assert squared(made, found.shares) < squared(made, {best: 1.0})


def test_where_no_member_keeps_the_limit_the_nearest_is_taken_and_said():
    made = pool()
    cost = {label: 5.0 + at for at, label in enumerate(made.answers)}
    found = blend(made, cost=cost, predict_time=1.0)
    assert found.shares == {"m0": 1.0}
    assert "predict_time" in found.said[0] and "5 times" in found.said[0]


def test_what_was_not_measured_is_not_taken():
    made = pool()
    found = blend(made, cost={"m1": 0.1}, predict_time=1.0)
    assert found.shares == {"m1": 1.0}


def test_what_two_members_ask_is_paid_for_once():
    made = pool()
    cost = dict.fromkeys(made.answers, 0.3) | {"m0": 0.1}
    needs = {"m1": ("m0", "m2"), "m3": ("m0", "m2")}
    found = blend(made, cost=cost, predict_time=1.01, needs=needs, calibrate=False)
    asked = set(found.shares) | {each for label in found.shares for each in needs.get(label, ())}
    assert sum(cost[label] for label in asked) <= 1.01


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
def test_a_limit_must_be_above_zero(limit):
    with pytest.raises(ParameterError, match="predict_time"):
        blend(pool(), cost={"m0": 1.0}, predict_time=limit)


def test_a_limit_needs_measurements():
    with pytest.raises(ParameterError, match="model_size"):
        blend(pool(), model_size=1e6)


def sure(rows=3000, heat=0.4, seed=0):
    """Members whose probabilities are right, then made too sure (heat < 1) or not sure enough."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, 3)) * 1.5
    right = np.exp(log_softmax(logits, axis=1))
    truth = np.array([rng.choice(3, p=each) for each in right])
    noise = rng.normal(size=(2, rows, 3)) * 0.05
    answers = {f"m{at}": tempered(np.exp(log_softmax(logits + each, axis=1)), heat)
               for at, each in enumerate(noise)}
    return Pool(answers, truth, (np.arange(rows) % 5).astype(np.int8))


@pytest.mark.parametrize("heat", [0.4, 2.5])
def test_a_temperature_puts_right_what_is_too_sure_or_not_sure_enough(heat):
    made = sure(heat=heat)
    found = blend(made)
    assert found.temperature == pytest.approx(1 / heat, rel=0.12)
    plain = blend(made, calibrate=False)
    rows = np.arange(len(made.truth))
    assert made.rowwise(found.answer, rows).mean() < made.rowwise(plain.answer, rows).mean() - 0.01
    assert any("temperature" in said for said in found.said)
    grid = np.geomspace(0.2, 5, 400)
    losses = [made.rowwise(tempered(plain.answer, each), rows).mean() for each in grid]
    assert found.temperature == pytest.approx(grid[int(np.argmin(losses))], rel=0.02)


def test_what_is_calibrated_already_is_left_alone():
    found = blend(sure(heat=1.0))
    assert found.temperature == 1.0 and found.said == ()


def test_a_line_puts_right_numbers_on_another_scale():
    made = pool(members=2)
    bent = Pool({label: 0.5 + 0.5 * answer for label, answer in made.answers.items()}, made.truth,
                made.fold, task="regression")
    found = blend(bent)
    plain = mixed(bent.answers, found.shares)
    slope, offset = np.polyfit(plain, bent.truth, 1)
    assert found.line == pytest.approx((offset, slope), rel=0.05, abs=0.02)
    assert slope > 1.2
    assert mixed(bent.answers, found.shares, found.temperature, found.line) == pytest.approx(
        found.line[0] + found.line[1] * plain)


def test_weights_count_in_the_calibration():
    made = sure(heat=0.4)
    odd = np.where(np.arange(len(made.truth)) % 2, 1.0, 1e-9)
    half = Pool({label: answer[1::2] for label, answer in made.answers.items()}, made.truth[1::2],
                made.fold[1::2])
    weighed = blend(Pool(made.answers, made.truth, made.fold, odd))
    assert weighed.temperature == pytest.approx(blend(half).temperature, rel=1e-3)
