"""Greedy weights against a brute-force version written from the paper, and what a pool refuses."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest

from wholefit import evaluation
from wholefit.base.errors import DataError, ParameterError
from wholefit.models._kernels.blend import tempered
from wholefit.training.ensembling import Pool, blend, greedy, mixed
from wholefit.training.ensembling._objectives import objective


def classes(rows=400, members=6, n_classes=3, seed=0):
    """Members of different skill whose errors partly agree."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, rows)
    shared = rng.normal(size=(rows, n_classes))
    answers = {}
    for member in range(members):
        logits = (np.eye(n_classes)[truth] * (1.8 - 0.2 * member) + shared
                  + rng.normal(size=(rows, n_classes)))
        odds = np.exp(logits)
        answers[f"m{member}"] = odds / odds.sum(axis=1, keepdims=True)
    return answers, truth, (np.arange(rows) % 5).astype(np.int8)


def numbers(rows=400, members=6, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=rows)
    shared = rng.normal(size=rows)
    answers = {f"m{member}": truth + 0.5 * shared + rng.normal(size=rows) * (0.5 + 0.1 * member)
               for member in range(members)}
    return answers, truth, (np.arange(rows) % 5).astype(np.int8)


def by_hand(answers, truth, loss, rounds):
    """Caruana's selection with replacement, as the paper states it: the best prefix counts."""
    taken, best, kept = [], np.inf, []
    for _ in range(rounds):
        losses = {label: loss(truth, np.mean([answers[each] for each in [*taken, label]], axis=0))
                  for label in answers}
        taken = [*taken, min(losses, key=losses.get)]
        if losses[taken[-1]] < best - 1e-12:
            best, kept = losses[taken[-1]], list(taken)
    return {label: kept.count(label) / len(kept) for label in set(kept)}


def log_loss(truth, answer):
    return -np.log(answer[np.arange(len(truth)), truth]).mean()


def squared(truth, answer):
    return ((answer - truth) ** 2).mean()


@pytest.mark.parametrize("seed", range(4))
def test_weights_are_those_of_the_paper_for_classes(seed):
    answers, truth, fold = classes(seed=seed)
    found = greedy(Pool(answers, truth, fold), rounds=15)
    assert found == pytest.approx(by_hand(answers, truth, log_loss, 15))
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(4))
def test_weights_are_those_of_the_paper_for_numbers(seed):
    answers, truth, fold = numbers(seed=seed)
    found = greedy(Pool(answers, truth, fold, task="regression"), rounds=15)
    assert found == pytest.approx(by_hand(answers, truth, squared, 15))


def test_another_metric_is_minimised_as_it_is():
    answers, truth, fold = numbers()
    found = greedy(Pool(answers, truth, fold, task="regression", loss="mae"), rounds=10)
    expected = by_hand(answers, truth, lambda y, p: np.abs(y - p).mean(), 10)
    assert found == pytest.approx(expected)


def test_a_higher_is_better_metric_is_raised():
    answers, truth, fold = classes(n_classes=2)
    pool = Pool(answers, truth, fold, loss="roc_auc")
    area = _area(truth, mixed(answers, greedy(pool)))
    assert area >= max(_area(truth, answer) for answer in answers.values())


def _area(truth, answer):
    return evaluation.score("classification", truth, answer, metrics="roc_auc",
                            level=None)["roc_auc"].value


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_quick_losses_are_the_metrics(task, weighted):
    answers, truth, fold = classes(rows=333) if task == "classification" else numbers(rows=333)
    weights = np.random.default_rng(1).uniform(0.1, 2, 333) if weighted else None
    pool = Pool(answers, truth, fold, weights, task)
    labels, rows, _ = pool.judged
    aim = objective(pool, labels, rows, pool.parts(rows))
    metric = "log_loss" if task == "classification" else "mse"

    def told(counts):
        shares = dict(zip(labels, counts / counts.sum(), strict=True))
        return evaluation.score(task, truth, mixed(answers, shares), metrics=metric,
                                weights=weights, level=None)[metric].value

    counts = np.array([2.0, 0, 1, 0, 0, 3])
    expected = [told(counts + one) for one in np.eye(6)]
    assert aim.each(counts) == pytest.approx(expected, rel=1e-9)
    assert aim.of(counts / 6) == pytest.approx(told(counts), rel=1e-9)


def test_greedy_comes_near_the_best_weights_there_are():
    """Against every weight on a grid of tenths of three members."""
    answers, truth, fold = classes(members=3)
    shares = greedy(Pool(answers, truth, fold), rounds=50)
    grid = [np.array(w) / 10 for w in itertools.product(range(11), repeat=3) if sum(w) == 10]
    best = min(log_loss(truth, mixed(answers, dict(zip(answers, w, strict=True)))) for w in grid)
    assert log_loss(truth, mixed(answers, shares)) <= best + 1e-4


@pytest.mark.parametrize("made", [classes, numbers])
@pytest.mark.parametrize("calibrate", [False, True])
def test_the_answer_of_a_fold_hangs_on_the_other_folds_only(made, calibrate):
    """Cross-fitting: other truths in one fold change nothing in the answer to that fold."""
    answers, truth, fold = made()
    if made is classes:  # so sure of themselves that calibration is kept in any case
        answers = {label: tempered(answer, 0.2) for label, answer in answers.items()}
    pool = Pool(answers, truth, fold, task="classification" if made is classes else "regression")
    before = blend(pool, calibrate=calibrate)
    changed = truth.copy()
    changed[fold == 2] = np.roll(truth[fold == 2], 1) if made is classes else (
        0.7 * truth[fold == 2])
    after = blend(replace(pool, truth=changed), calibrate=calibrate)
    assert len(before.said) == len(after.said) == calibrate
    assert np.array_equal(before.answer[fold == 2], after.answer[fold == 2])
    assert not np.array_equal(before.answer[fold == 1], after.answer[fold == 1])


def test_one_wild_answer_outweighs_nothing():
    """A line that was led astray in one row of one fold is held within bounds, here and later."""
    answers, truth, fold = numbers()
    wild = {label: answer.copy() for label, answer in answers.items()}
    wild["m0"][7] = 1e9
    found = blend(Pool(wild, truth, fold, task="regression"))
    assert "m0" in found.shares
    assert abs(found.answer[7]) < 10
    low, high = found.bounds
    assert low < truth.min() and high > truth.max()
    asked = {label: np.array([1e9 if label == "m0" else 0.0]) for label in found.shares}
    assert mixed(asked, found.shares, bounds=found.bounds) == pytest.approx(
        found.shares["m0"] * high)


def test_bags_spread_the_weights_and_repeat():
    answers, truth, fold = classes(members=8, rows=120)
    pool = Pool(answers, truth, fold)
    plain, spread, again = blend(pool), blend(pool, bags=20), blend(pool, bags=20)
    assert spread.shares == again.shares and sum(spread.shares.values()) == pytest.approx(1)
    assert len(spread.shares) > len(plain.shares)
    assert max(spread.shares.values()) < max(plain.shares.values())
    with pytest.raises(ParameterError, match="bags"):
        blend(pool, bags=20, most=3)


def test_most_bounds_the_members():
    answers, truth, fold = numbers(members=12)
    found = blend(Pool(answers, truth, fold, task="regression"), most=2)
    assert len(found.shares) == 2


def test_same_seed_same_bits():
    answers, truth, fold = classes()
    one, two = (blend(Pool(answers, truth, fold), seed=3) for _ in range(2))
    assert one.shares == two.shares and np.array_equal(one.answer, two.answer, equal_nan=True)


def test_rows_without_a_fold_get_no_answer():
    answers, truth, fold = numbers()
    fold[:20] = -1
    for answer in answers.values():
        answer[:20] = np.nan
    found = blend(Pool(answers, truth, fold, task="regression")).answer
    assert np.isnan(found[:20]).all() and np.isfinite(found[20:]).all()


def test_a_member_stopped_early_is_left_out_and_named():
    answers, truth, fold = numbers()
    answers["m5"][fold > 1] = np.nan
    found = blend(Pool(answers, truth, fold, task="regression"))
    assert "m5" not in found.shares and "m5" in found.said[0]
    assert np.isfinite(found.answer).all()


def test_where_only_a_baseline_is_complete_the_better_ones_set_the_rows():
    answers, truth, fold = numbers(rows=2000, members=3)
    answers = {label: np.where(fold == 0, answer, np.nan) for label, answer in answers.items()}
    answers["mean"] = np.full(len(truth), truth.mean())
    found = blend(Pool(answers, truth, fold, task="regression"))
    assert "m0" in found.shares
    assert np.isfinite(found.answer[fold == 0]).all() and np.isnan(found.answer[fold > 0]).all()


def test_one_member_alone_is_the_ensemble():
    answers, truth, fold = classes(members=1)
    found = blend(Pool(answers, truth, fold))
    assert found.shares == {"m0": 1.0}


def test_one_row_one_class():
    found = blend(Pool({"a": np.array([[1.0, 0.0]]), "b": np.array([[0.5, 0.5]])},
                       np.array([0]), np.array([0], dtype=np.int8)))
    assert found.shares == {"a": 1.0}


@pytest.mark.parametrize("scale", [1e300, 1e160, 0.0, 1e-200])
def test_numbers_of_any_size_end_in_weights(scale):
    answers, truth, fold = numbers(rows=60, members=3)
    found = blend(Pool({label: answer * scale for label, answer in answers.items()},
                       truth * scale, fold, task="regression"))
    assert sum(found.shares.values()) == pytest.approx(1)


def test_a_metric_without_a_value_gives_way_to_the_log_loss():
    answers, truth, fold = classes(n_classes=2)
    truth = np.zeros_like(truth)  # one class only: no area under a curve
    assert greedy(Pool(answers, truth, fold, loss="roc_auc"))


@pytest.mark.parametrize("answers", [
    {}, {"a": np.zeros(3)}, {"a": np.zeros((4, 2)), "b": np.zeros((4, 3))},
    {"a": np.zeros(4)}, {"a": np.full((4, 2), np.nan)},
])
def test_what_does_not_fit_together_is_refused(answers):
    with pytest.raises(DataError):
        blend(Pool(answers, np.zeros(4, dtype=int), np.zeros(4, dtype=np.int8)))


def test_mixed_wants_the_answers_it_weighs():
    with pytest.raises(ParameterError, match="b"):
        mixed({"a": np.zeros(3)}, {"a": 0.5, "b": 0.5})


def test_thirty_members_of_a_hundred_thousand_rows_are_quick():
    answers, truth, fold = classes(rows=100_000, members=30, n_classes=2)
    start = time.process_time()
    blend(Pool(answers, truth, fold))
    assert time.process_time() - start < 12  # about two seconds on a quiet machine
