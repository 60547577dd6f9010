"""Mixing models of several labels, and what labels tell of each other: against second writings."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize

from wholefit import data
from wholefit.base import tasks
from wholefit.base.state import State
from wholefit.training.found import Common
from wholefit.training.multilabel import Options, _blend, _stack
from wholefit.training.multilabel._fit import _plan
from wholefit.training.multilabel._labels import known
from wholefit.training.multilabel._thresholds import best_f1


def loss(given: np.ndarray, truth: np.ndarray) -> float:
    safe = np.clip(given, 1e-12, 1 - 1e-12)
    return float(np.nanmean(-truth * np.log(safe) - (1 - truth) * np.log(1 - safe)))


def parts(rows: int, count: int = 4) -> list[np.ndarray]:
    return [np.arange(at, rows, count) for at in range(count)]


def test_a_label_that_another_tells_is_put_right() -> None:
    rng = np.random.default_rng(0)
    first = (rng.random(800) < 0.5).astype(float)
    second = np.where(rng.random(800) < 0.95, first, 1 - first)
    truth = np.column_stack([first, second])
    given = np.column_stack([np.where(first > 0, 0.85, 0.15), np.full(800, 0.5)])
    answer, stack = _stack.crossed(given, truth, None, parts(800))
    assert loss(answer[:, 1], second) < 0.35 < loss(given[:, 1], second)
    assert loss(stack.answer(given)[:, 1], second) < 0.35


def test_labels_that_tell_nothing_of_each_other_stay_as_they_are() -> None:
    rng = np.random.default_rng(1)
    chance = rng.uniform(0.1, 0.9, size=(600, 6))
    truth = (rng.random(chance.shape) < chance).astype(float)
    answer, stack = _stack.crossed(chance, truth, None, parts(600))
    assert loss(answer, truth) < loss(chance, truth) * 1.01
    assert np.abs(stack.weights).max() < 0.15


def test_a_map_is_kept_to_the_last_bit_and_a_damaged_one_refused() -> None:
    rng = np.random.default_rng(7)
    given = rng.random((200, 3))
    stack = _stack.learn(given, (rng.random((200, 3)) < given).astype(float), None, 30.0)
    again = _stack.Stack.from_state(stack.state())
    assert np.array_equal(again.answer(given), stack.answer(given))
    for wrong in ({"shift": np.zeros(2)}, {"weights": np.full((3, 3), np.nan)}):
        with pytest.raises(ValueError, match="map between labels"):
            _stack.Stack.from_state(State(_stack.KIND, {}, {**stack.state().arrays, **wrong}))


@pytest.mark.parametrize("extra", ["plain", "weights", "unknown"])
def test_the_map_is_the_least_of_its_loss(extra: str) -> None:
    """The same loss written in another way, and lowered without its slopes."""
    rng = np.random.default_rng(2)
    given = rng.uniform(0.05, 0.95, size=(60, 2))
    truth = (rng.random(given.shape) < given[:, ::-1]).astype(float)
    weights = rng.random(60) + 0.2 if extra == "weights" else None
    if extra == "unknown":
        truth[::5, 1] = np.nan
    made = _stack.learn(given, truth, weights, pull=2.0)
    heavy = np.ones(60) if weights is None else weights / weights.mean()
    odds = np.log(given / (1 - given))

    def whole(flat: np.ndarray) -> float:
        cost = 2.0 * float((flat[:4] ** 2).sum())
        for row in range(60):
            for label in range(2):
                if not np.isnan(truth[row, label]):
                    raw = odds[row, label] + flat[4 + label] + sum(
                        (odds[row, at] - odds[:, at].mean()) * flat[2 * at + label]
                        for at in range(2))
                    p = 1 / (1 + np.exp(-raw))
                    cost -= heavy[row] * np.log(p if truth[row, label] else 1 - p)
        return cost

    best = minimize(whole, np.zeros(6), method="Nelder-Mead",
                    options={"maxiter": 6000, "xatol": 1e-7, "fatol": 1e-10}).x
    assert np.concatenate([made.weights.ravel(), made.shift]) == pytest.approx(best, abs=2e-3)


def test_a_mixture_is_the_best_of_its_steps_and_judged_by_other_weights() -> None:
    rng = np.random.default_rng(3)
    chance = rng.uniform(0.05, 0.95, size=(2000, 3))
    truth = (rng.random(chance.shape) < chance).astype(float)
    noise = [rng.normal(scale=scale, size=chance.shape) for scale in (1.0, 1.0, 4.0)]
    odds = np.log(chance / (1 - chance))
    models = [1 / (1 + np.exp(-(odds + each))) for each in noise]
    shares = _blend.greedy(models, truth, None, np.arange(2000))
    assert shares.sum() == pytest.approx(1) and shares[2] == 0
    grid = [(at / 12, loss(at / 12 * models[0] + (1 - at / 12) * models[1], truth))
            for at in range(13)]
    best = min(value for _, value in grid)
    mixed = loss(sum(s * m for s, m in zip(shares, models, strict=True)), truth)
    assert mixed <= best * 1.001 < loss(models[0], truth)
    # A mixture of mere copies is one model.
    assert (_blend.greedy([models[0], models[0].copy()], truth, None, np.arange(2000)) == 1).any()
    # What a part is judged by does not hang on its own truth.
    own = parts(2000)
    answer = _blend.crossed(models, truth, None, own)
    turned = truth.copy()
    turned[own[0]] = 1 - turned[own[0]]
    assert np.array_equal(_blend.crossed(models, turned, None, own)[own[0]], answer[own[0]])


def test_thresholds_are_those_of_a_search_through_all() -> None:
    rng = np.random.default_rng(4)
    given = rng.random((300, 2)).round(2)
    truth = (rng.random(given.shape) < given**2).astype(float)
    truth[::7, 0] = np.nan
    found = best_f1(given, truth, None, np.ones(300, dtype=bool))
    for label in range(2):
        own = ~np.isnan(truth[:, label])
        y, p = truth[own, label], given[own, label]

        def f1(threshold: float, y: np.ndarray = y, p: np.ndarray = p) -> float:
            taken = p >= threshold
            return float(2 * (taken * y).sum() / max(taken.sum() + y.sum(), 1))

        assert f1(found[label]) == pytest.approx(max(f1(t) for t in np.arange(0, 1.01, 0.005)))


def test_every_fold_has_its_share_of_a_rare_label() -> None:
    rng = np.random.default_rng(5)
    table = pl.DataFrame({"x": rng.normal(size=400), "often": (rng.random(400) < 0.5).astype(int),
                          "rare": np.isin(np.arange(400), rng.choice(400, 15, False)).astype(int)})
    dataset = data.load(table, roles={"often": "labels", "rare": "labels"}, task="multilabel")
    found = known(dataset, None, 10, 200)
    plan = _plan(dataset, found, Options(), 0)
    rare = found.truth[:, found.labels.names.index("rare")]
    assert [int(rare[test].sum()) for _, test in plan.folds] == [3] * 5
    assert "rarest label" in plan.how


def test_the_budget_is_kept_and_what_did_not_fit_is_said() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(4000, 8))
    table = pl.DataFrame({**{f"x{at}": x[:, at] for at in range(8)}, **{
        f"y{at}": (x[:, at % 8] + rng.normal(size=4000) > 0).astype(int) for at in range(12)}})
    roles = {f"y{at}": "labels" for at in range(12)}
    dataset = data.load(table, roles=roles, task="multilabel")
    from wholefit.base.budget import Budget, Clock
    from wholefit.models import make
    from wholefit.training.multilabel import fit

    clock = Clock(Budget.parse("6s"))
    made = fit(dataset, tasks.get("multilabel"), Options(), Common(
        models=[make("logistic"), make("random_forest(n_estimators=400)")], clock=clock))
    assert clock.spent() < 9
    forest = next(entry for entry in made.leaderboard if entry.model == "random_forest")
    assert forest.status in ("stopped", "skipped") and "budget" in forest.reason
    assert made.chosen.model != "random_forest"
