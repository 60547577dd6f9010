"""The second layer: kept where it helps, dropped where it does not, and what it answers stored."""

from __future__ import annotations

import time

import numpy as np
import pytest

from wholefit.base.state import State, same
from wholefit.models._kernels.second import Second, features
from wholefit.training.ensembling import Pool, layer, mixed, stacked


def crossed(rows=1200, seed=0):
    """Two members that each know one half of the rows: only a model of both can tell which."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=rows)
    big = truth > 0
    noise = 0.1 * rng.normal(size=(4, rows))
    answers = {"high": np.where(big, truth, noise[0] - 0.5) + noise[1],
               "low": np.where(big, noise[2] + 0.5, truth) + noise[3]}
    return Pool(answers, truth, (np.arange(rows) % 5).astype(np.int8), task="regression")


def alike(rows=1200, n_classes=2, seed=0):
    """Members of which the plain mean is all that can be made."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, n_classes))
    odds = np.exp(logits)
    right = odds / odds.sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(n_classes, p=each) for each in right])
    answers = {}
    for member in range(4):
        odds = np.exp(logits + 0.2 * rng.normal(size=(rows, n_classes)))
        answers[f"m{member}"] = odds / odds.sum(axis=1, keepdims=True)
    return Pool(answers, truth, (np.arange(rows) % 5).astype(np.int8))


# Few trees, for time: that they are enough is seen in the answers.
FEW = ("ridge(alpha=10.0, positive=True)",
       "extra_trees(n_estimators=10, min_samples_leaf=20, max_features=0.5)")


def test_a_layer_that_helps_is_kept_and_said():
    pool = crossed()
    found = stacked(pool, names=FEW)
    assert found.layer and any("second layer lowers" in said for said in found.said)
    rows = np.arange(len(pool.truth))
    first = min(pool.rowwise(answer, rows).mean() for answer in pool.answers.values())
    assert pool.rowwise(found.answer, rows).mean() < 0.9 * first


@pytest.mark.parametrize("n_classes", [2, 4])
def test_a_layer_that_does_not_help_is_dropped_and_said(n_classes):
    found = stacked(alike(n_classes=n_classes), names=["logistic(C=0.03)", FEW[1]])
    assert not found.layer and "dropped" in found.said[-1]
    assert set(found.shares) <= {"m0", "m1", "m2", "m3"}


def test_noise_gains_nothing():
    """Members without any knowledge: a second layer would learn by heart, and is dropped."""
    rng = np.random.default_rng(0)
    answers = {f"m{at}": rng.normal(size=1200) for at in range(8)}
    found = stacked(Pool(answers, rng.normal(size=1200), (np.arange(1200) % 5).astype(np.int8),
                         task="regression"))
    assert not found.layer


def test_few_rows_have_no_second_layer():
    assert "too few" in stacked(crossed(rows=200)).said[-1]


def test_no_time_no_second_layer():
    found = stacked(crossed(), deadline=time.perf_counter() - 1)
    assert not found.layer and "no time" in found.said[-1]


def test_what_was_tried_repeats_the_outcome():
    pool = crossed()
    names = ["ridge(alpha=10.0, positive=True)", "extra_trees(n_estimators=5)"]
    found = stacked(pool, names=names)
    assert found.tried == tuple(names)
    again = stacked(pool, names=found.tried)
    assert again.shares == found.shares and np.array_equal(again.answer, found.answer)


def test_what_would_be_late_is_given_up():
    pool = crossed()
    start = time.perf_counter()
    found = stacked(pool, names=["extra_trees(n_estimators=400)"], deadline=start + 0.3)
    assert found.tried == () and time.perf_counter() - start < 60


def test_its_answers_to_a_fold_hang_on_the_other_folds_only():
    pool = crossed()
    changed = pool.truth.copy()
    changed[pool.fold == 1] += 3
    before, after = (layer(Pool(pool.answers, truth, pool.fold, task="regression"),
                           names=["ridge(alpha=10.0)"])[0] for truth in (pool.truth, changed))
    assert np.allclose(before.answer[pool.fold == 1], after.answer[pool.fold == 1])
    assert not np.allclose(before.answer[pool.fold == 0], after.answer[pool.fold == 0])


def test_a_linear_layer_is_scikit_learns():
    from sklearn.linear_model import Ridge

    pool = crossed()
    made = layer(pool, names=["ridge(alpha=10.0)"])[0]

    def by_hand(learnt, asked):
        middle, spread = pool.truth[learnt].mean(), pool.truth[learnt].std()
        X = np.column_stack([(pool.answers[label] - middle) / spread for label in made.inputs])
        model = Ridge(alpha=10.0).fit(X[learnt], (pool.truth[learnt] - middle) / spread)
        return middle + spread * model.predict(X[asked])

    for fold in range(5):
        test = pool.fold == fold
        assert made.answer[test] == pytest.approx(by_hand(~test, test))
    everywhere = pool.fold >= 0
    assert made.predict(pool.answers) == pytest.approx(by_hand(everywhere, everywhere))


@pytest.mark.parametrize("made", [crossed, alike])
def test_its_state_answers_alike_and_repeats(made):
    pool = made()
    once, again = layer(pool, seed=3), layer(pool, seed=3)
    for one, two in zip(once, again, strict=True):
        assert same(one.state, two.state) and isinstance(one.state, State)
        found = Second(one.state).answer(pool.answers)
        assert found.shape == one.answer.shape and np.isfinite(found).all()
        if pool.is_classes:
            assert found.sum(axis=1) == pytest.approx(1)


def test_its_cost_counts_what_it_asks():
    pool = crossed()
    cost = {"high": 1.0, "low": 1.0}
    assert not stacked(pool, names=FEW, cost=cost, predict_time=1.5).layer
    assert stacked(pool, names=FEW, cost=cost, predict_time=1000.0).layer


def test_columns_are_shown_where_given():
    """Which member is right hangs on a column that no member's answer shows."""
    rng = np.random.default_rng(0)
    truth, which = rng.normal(size=1500), rng.integers(0, 2, 1500)
    noise = rng.normal(size=1500)
    pool = Pool({"a": np.where(which, truth, noise), "b": np.where(which, noise, truth)}, truth,
                (np.arange(1500) % 5).astype(np.int8), task="regression")
    names = ["lightgbm(n_estimators=100, max_leaf_nodes=15)"]
    blind, seeing = (layer(pool, names=names, columns=columns)[0]
                     for columns in (None, which[:, None]))
    rows = np.arange(1500)
    assert pool.rowwise(seeing.answer, rows).mean() < 0.7 * pool.rowwise(blind.answer, rows).mean()
    assert seeing.predict(pool.answers, which[:, None]).shape == (1500,)


def test_the_inputs_of_a_layer():
    assert features([np.array([[0.2, 0.8]])])[0] == pytest.approx([np.log(4)])
    assert features([np.array([[0.0, 1.0]])])[0] == pytest.approx([np.log(1e4)])
    three = features([np.array([[0.2, 0.3, 0.5]])])[0]
    assert three.sum() == pytest.approx(0) and three[2] - three[0] == pytest.approx(np.log(2.5))
    assert features([np.array([3.0])], np.array([[7.0]]), 1.0, 2.0).tolist() == [[1.0, 7.0]]


def test_the_blend_of_both_layers_is_what_mixed_makes():
    pool = crossed()
    found = stacked(pool, names=FEW)
    answers = {**pool.answers, **{each.label: each.predict(pool.answers) for each in found.layer}}
    final = mixed(answers, found.shares, found.temperature, found.line, found.bounds)
    assert np.corrcoef(final, pool.truth)[0, 1] > 0.95
