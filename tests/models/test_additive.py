"""Additive models: steps against brute force, curves against the truth, errors that are honest."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models import _additive_bins, _additive_cuts
from wholefit.models._additive_boost import Bags, Terms, _Boost
from wholefit.models._additive_estimators import AdditiveClassifier, AdditiveRegressor
from wholefit.models._additive_loss import Logistic, Softmax, Squared
from wholefit.models._additive_pairs import _margins
from wholefit.models._kernels.additive import Additive, Binned, starts


def _histograms(seed: int, tracks: int, bins: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    H = rng.uniform(0.5, 3.0, (tracks, bins))
    return rng.normal(size=(tracks, bins)), H, np.round(H * 4)


def _gain(g: np.ndarray, h: np.ndarray, l2: float) -> float:
    return float(g.sum() ** 2 / (h.sum() + l2))


@pytest.mark.parametrize("seed", range(6))
def test_a_step_on_a_line_is_the_greedy_tree_of_three_leaves(seed: int) -> None:
    G, H, N = _histograms(seed, 5, 9)
    found = _additive_cuts.line(G, H, N, 1.0, 3.0)
    for g, h, n, step in zip(G, H, N, found, strict=True):
        assert step[0] == pytest.approx(-g[0] / (h[0] + 1.0) if n[0] >= 3 else 0.0)
        g, h, n = g[1:], h[1:], n[1:]
        cuts: list[int] = []
        for _ in range(2):
            best, where = 1e-12, None
            for cut in range(1, len(g)):
                edges = sorted({0, len(g), *cuts, cut})
                parts = [slice(a, b) for a, b in itertools.pairwise(edges)]
                before = sorted({0, len(g), *cuts})
                whole = [slice(a, b) for a, b in itertools.pairwise(before)]
                if cut in cuts or any(n[p].sum() < 3.0 for p in parts):
                    continue
                won = sum(_gain(g[p], h[p], 1.0) for p in parts) - sum(
                    _gain(g[p], h[p], 1.0) for p in whole)
                if won > best:
                    best, where = won, cut
            if where is None:
                break
            cuts.append(where)
        edges = sorted({0, len(g), *cuts})
        expected = np.concatenate([
            np.full(b - a, -g[a:b].sum() / (h[a:b].sum() + 1.0))
            for a, b in itertools.pairwise(edges)])
        np.testing.assert_allclose(step[1:], expected, rtol=1e-10)


def test_a_step_on_a_grid_is_the_best_of_all_pairs_of_cuts() -> None:
    G, H, N = _histograms(3, 4, 20)
    found = _additive_cuts.grid(G, H, N, 1.0, 1.0, (4, 5))
    for g, h, step in zip(G.reshape(4, 4, 5), H.reshape(4, 4, 5), found, strict=True):
        best, expected = -np.inf, None
        for i in range(4):
            for j in range(5):
                quarters = [(slice(0, i + 1), slice(0, j + 1)), (slice(0, i + 1), slice(j + 1, 5)),
                            (slice(i + 1, 4), slice(0, j + 1)), (slice(i + 1, 4), slice(j + 1, 5))]
                won = sum(_gain(g[q], h[q], 1.0) for q in quarters)
                if won > best + 1e-12:
                    best, expected = won, np.zeros((4, 5))
                    for q in quarters:
                        expected[q] = -g[q].sum() / (h[q].sum() + 1.0)
        np.testing.assert_allclose(step, expected.ravel(), atol=1e-10)


def test_levels_are_cut_in_the_order_of_their_own_steps() -> None:
    G = np.array([[0.0, 5.0, -5.0, 5.1, -4.9]])
    H = np.full((1, 5), 4.0)
    step = _additive_cuts.levels(G, H, H * 10, 0.1, 1.0, 10.0)
    assert step[0, 1] == pytest.approx(step[0, 3]) or step[0, 1] < 0
    assert (np.sign(step[0, 1:]) == [-1, 1, -1, 1]).all()


@pytest.mark.parametrize("kind", ["squared", "logistic", "softmax"])
def test_gradients_between_looks_at_the_rows_are_those_of_the_quadratic_loss(kind: str) -> None:
    rng = np.random.default_rng(0)
    rows, outputs = 400, 3 if kind == "softmax" else 1
    codes = [rng.integers(0, 6, rows) for _ in range(4)]
    y = rng.integers(0, 3, rows) if kind == "softmax" else rng.integers(0, 2, rows)
    loss = {"squared": lambda: Squared(y.astype(float)), "logistic": lambda: Logistic(y),
            "softmax": lambda: Softmax(y, 3)}[kind]()
    train = np.ones((rows, 1))
    finder = partial(_additive_cuts.line, l2=1.0, least=2.0)
    made = _Boost(Terms(codes, [6] * 4, [finder] * 4), loss, Bags(train, 0 * train),
                  np.zeros((rows, 1, outputs)), 0.1, 0)
    made.look(0)
    curve = loss.gradient(made.raw())[1]
    gradient = loss.gradient(made.raw())[0]
    made.sweep()
    moved = gradient + curve * (made.raw() - made.start)
    exact = (made.cold @ moved.reshape(rows, -1)).T.reshape(made.G.shape)
    np.testing.assert_allclose(made.G, exact, atol=2e-3)


@pytest.mark.parametrize("loss", [Squared(np.array([0.3, -1.0])), Logistic(np.array([0, 1])),
                                  Softmax(np.array([2, 0]), 3)], ids=lambda x: type(x).__name__)
def test_derivatives_of_losses(loss) -> None:
    raw = np.random.default_rng(1).normal(size=(2, 1, 3 if isinstance(loss, Softmax) else 1))
    gradient, curve = loss.gradient(raw)
    for k in range(raw.shape[2]):
        up, down = raw.copy(), raw.copy()
        up[:, :, k] += 1e-4
        down[:, :, k] -= 1e-4
        slope = (loss.each(up) - loss.each(down)) / 2e-4
        bend = (loss.each(up) - 2 * loss.each(raw) + loss.each(down)) / 1e-8
        np.testing.assert_allclose(gradient[:, :, k], slope, atol=1e-6)
        np.testing.assert_allclose(curve[:, :, k], bend, atol=1e-4)


def test_bins_hold_enough_rows_and_rare_levels_share_one() -> None:
    rng = np.random.default_rng(0)
    X = np.stack([rng.normal(size=500), rng.choice([0, 1, 2, 7, 9], 500, p=[.4, .3, .28, .01, .01]),
                  np.full(500, 3.0), np.full(500, np.nan), rng.integers(0, 3, 500)], axis=1)
    arrays = _additive_bins.learn(X, (1,), 32, 10)
    binned = Binned(arrays)
    first = np.bincount(binned.of(X, 0), minlength=arrays["size"][0])
    assert first[0] == 0 and first[1:].min() >= 10 and arrays["size"][0] <= 34
    rare = binned.of(np.array([[0, 7.0], [0, 9.0], [0, 5.0], [0, np.nan], [0, 2.0]]), 1)
    assert rare[0] == rare[1] > rare[4] and list(rare[2:4]) == [0, 0]
    assert arrays["size"].tolist()[2:] == [2, 2, 4]
    assert set(binned.of(X, 3)) == {0}


def test_curves_come_out_as_they_went_in_and_only_a_true_pair_is_kept() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (2500, 5))
    y = np.sin(2 * X[:, 0]) + 0.5 * (X[:, 1] > 0.5) + X[:, 2] * X[:, 3] + rng.normal(
        scale=0.3, size=2500)
    made = AdditiveRegressor().fit(X, y)
    arrays = made.state_.arrays
    assert arrays["pair"].tolist() == [[2, 3]]
    kernel = Additive(made.state_)
    parts = [each[:, 0] for each in kernel.terms(X)]
    for at, truth in ((0, np.sin(2 * X[:, 0])), (1, 0.5 * (X[:, 1] > 0.5)),
                      (5, X[:, 2] * X[:, 3])):
        assert np.corrcoef(parts[at], truth)[0, 1] > 0.95
    assert max(parts[at].std() for at in (2, 3, 4)) < 0.25 < parts[1].std()
    total = arrays["intercept"][0] + sum(parts)
    np.testing.assert_allclose(total, made.predict(X), atol=1e-12)


def test_no_pair_is_kept_where_there_is_none() -> None:
    kept = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(800, 6))
        y = (X[:, 0] + np.abs(X[:, 1]) + rng.logistic(size=800) > 1).astype(int)
        kept += len(AdditiveClassifier(random_state=seed).fit(X, y).state_.arrays["pair"])
    assert kept <= 3  # of the 30 that were tried


def test_bands_hold_the_truth_about_as_often_as_they_say() -> None:
    inside = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(1500, 3))
        y = X[:, 0] + rng.normal(size=1500)
        arrays = AdditiveRegressor(interactions=0, random_state=seed).fit(X, y).state_.arrays
        binned = Binned(arrays)
        code = binned.of(X, 0)
        size = int(arrays["size"][0])
        truth = np.bincount(code, weights=X[:, 0] - X[:, 0].mean(), minlength=size)
        truth = (truth / np.maximum(np.bincount(code, minlength=size), 1))[1:]
        value, error = arrays["value"][1:size, 0], arrays["error"][1:size, 0]
        inside += list(np.abs(value - truth) <= 2.447 * error)
    # Smoothing is no chance, and no band covers it: see the words that go with the curves.
    assert np.mean(inside) > 0.8


def test_a_pair_holds_nothing_of_one_column_alone() -> None:
    rng = np.random.default_rng(0)
    cell, weight = rng.normal(size=(2, 1, 6, 5)), rng.integers(0, 9, (6, 5)).astype(float)
    rows, columns = _margins(cell, weight)
    pure = cell - rows[..., :, None] - columns[..., None, :]
    assert np.abs((pure * weight).sum(axis=-1)).max() < 1e-6
    assert np.abs((pure * weight).sum(axis=-2)).max() < 1e-6


def test_classes_beat_chance_and_missing_values_speak() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 1500)
    X = rng.normal(size=(1500, 3)) + 1.5 * (y[:, None] == np.arange(3))
    X[(y == 2) & (rng.random(1500) < 0.5), 0] = np.nan
    made = AdditiveClassifier().fit(X[:1000], y[:1000])
    found = made.predict_proba(X[1000:])
    assert (found.argmax(axis=1) == y[1000:]).mean() > 0.8
    np.testing.assert_allclose(found.sum(axis=1), 1)
    missing = made.state_.arrays["value"][starts(made.state_.arrays["size"])[0]]
    assert missing.argmax() == 2 and missing[2] > 0.5
    np.testing.assert_allclose(made.state_.arrays["value"].sum(axis=1), 0, atol=1e-9)


def test_weights_of_rows_are_rows() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2))
    y = (X[:, 0] + rng.normal(size=600) > 0).astype(int)
    heavy = np.where(X[:, 1] > 0, 5.0, 0.2)
    light = AdditiveClassifier().fit(X, y)
    pulled = AdditiveClassifier().fit(X, np.where(X[:, 1] > 0, 1, y), sample_weight=heavy)
    assert pulled.predict_proba(X)[:, 1].mean() > light.predict_proba(X)[:, 1].mean()
    same = AdditiveClassifier().fit(X, y, sample_weight=np.full(600, 3.0))
    np.testing.assert_allclose(same.predict_proba(X), light.predict_proba(X), atol=1e-9)


def test_of_many_columns_those_that_say_most_get_a_curve() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 230))
    y = X[:, 7] + X[:, 220] + 0.3 * rng.normal(size=300)
    made = AdditiveRegressor(interactions=0, rounds=30).fit(X, y)
    arrays = made.state_.arrays
    place = starts(arrays["size"])
    spread = [np.abs(arrays["value"][at:at + size]).max()
              for at, size in zip(place, arrays["size"], strict=True)]
    assert set(np.argsort(spread)[-2:]) == {7, 220}
    assert sum(each == 0 for each in spread) >= 30
    assert np.corrcoef(made.predict(X), y)[0, 1] > 0.9


@pytest.mark.parametrize("kind", [AdditiveClassifier, AdditiveRegressor])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(kind: type) -> None:
    from sklearn.utils.estimator_checks import check_estimator

    results = check_estimator(kind(rounds=10, bags=2, interactions=1), on_fail=None)
    failed = {found["check_name"] for found in results if found["status"] == "failed"}
    assert len(results) > 40
    # Bins, leaves and held-out shares count rows: a row of weight two is not two rows.
    assert failed <= {"check_sample_weight_equivalence_on_dense_data"}


def _state() -> State:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    X[:, 1] = rng.integers(0, 4, 300)
    y = (X[:, 0] * X[:, 2] > 0).astype(int)
    return AdditiveClassifier(categorical=(1,)).fit(X, y).state_


def test_an_altered_state_is_refused() -> None:
    state = _state()
    X = np.zeros((2, 3))
    assert len(state.arrays["pair"])
    for name, array in state.arrays.items():
        broken = State(state.kind, state.config, {**state.arrays, name: array[:-1]})
        if name in ("error", "pair_error", "weight", "pair_weight"):
            continue  # what is told, not what answers
        with pytest.raises(StateError, match="do not belong together"):
            Additive(broken)
    for name, value in (("edge_bin", 10_000), ("pair", 9), ("pair_bin", 99), ("size", 0)):
        with pytest.raises(StateError, match="do not belong together"):
            Additive(State(state.kind, state.config, {
                **state.arrays, name: np.full_like(state.arrays[name], value)}))
    assert Additive(state).answer(X).shape == (2, 2)
