"""Factor models of ratings and uses against closed forms on small matrices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random

from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import DataError
from wholefit.base.state import same
from wholefit.models import Context
from wholefit.models._kernels.recommenders_factors import Factors
from wholefit.models._recommend.base import Interactions, merged
from wholefit.models._recommend.factor_events import EventFactors, EventSettings
from wholefit.models._recommend.factor_pairs import PairSettings, _Work
from wholefit.models._recommend.factor_prior import Prior
from wholefit.models._recommend.factor_ratings import RatingFactors, RatingSettings, biases
from wholefit.models._recommend.factor_ridge import Rows, rows_of, solve, start

TASK = tasks.get("recommendation")


def made(n_users: int = 30, n_items: int = 20, explicit: bool = True, share: float = 0.4,
         seed: int = 0) -> Interactions:
    rng = np.random.default_rng(seed)
    taste, kind = rng.standard_normal((n_users, 2)), rng.standard_normal((n_items, 2))
    users, items = np.nonzero(rng.random((n_users, n_items)) < share)
    stars = 3 + np.einsum("nf,nf->n", taste[users], kind[items]) + 0.3 * rng.standard_normal(
        len(users))
    return merged(users, items, stars if explicit else None, n_users=n_users, n_items=n_items,
                  explicit=explicit)


@pytest.mark.parametrize("f", [3, 30, 40])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("with_base", [False, True])
@pytest.mark.parametrize("jobs", [1, 2])
def test_solve_is_the_dense_ridge_regression(f: int, weighted: bool, with_base: bool,
                                             jobs: int) -> None:
    rng = np.random.default_rng(1)
    # Rows of 0 to 60 entries: the short, the long and the dual way are all taken.
    matrix = csr_matrix(random(50, 60, density=0.3, random_state=1).toarray()
                        * (rng.random((50, 1)) < 0.8))
    matrix = csr_matrix(np.vstack([matrix.toarray(), np.ones((2, 60))]))
    V = rng.standard_normal((60, f))
    weights = rng.random(matrix.nnz) + 0.1 if weighted else None
    base = (lambda A: A.T @ A)(rng.standard_normal((f + 3, f))) if with_base else None
    ridge, right = rng.random(52) + 0.5, rng.standard_normal((52, f))
    found = solve(rows_of(matrix, weights), V, right, ridge, base, jobs)
    for row in range(52):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        own = V[matrix.indices[part]]
        w = np.ones(len(own)) if weights is None else weights[part]
        A = own.T @ (w[:, None] * own) + ridge[row] * np.eye(f) + (0 if base is None else base)
        assert np.allclose(found[row], np.linalg.solve(A, right[row]), atol=1e-9)


@pytest.mark.parametrize("name", ["svd", "als"])
def test_more_threads_give_the_same_bits(name: str) -> None:
    data = made(explicit=name == "svd")
    first, second = (
        (lambda m, c: m.state(m.build(TASK, c).fit(data), TASK, c))(
            models.make(f"{name}(rank=40)"), Context(len(data), 20, jobs=jobs))
        for jobs in (1, 3))
    assert same(first, second)


def test_solve_holds_directions_apart() -> None:
    rng = np.random.default_rng(2)
    V, right = rng.standard_normal((9, 30)), rng.standard_normal((4, 30))
    rows = Rows(np.array([0, 2, 2, 9, 12]), np.array([1, 3, *range(7), 0, 2, 8]), None, 9)
    ridge = rng.random(30) + 0.2
    found = solve(rows, V, right, ridge)
    for row in range(4):
        own = V[rows.at[rows.ends[row]:rows.ends[row + 1]]]
        assert np.allclose(found[row], np.linalg.solve(own.T @ own + np.diag(ridge), right[row]))


def test_start_spans_the_leading_directions() -> None:
    rng = np.random.default_rng(0)
    low = rng.standard_normal((80, 3)) @ rng.standard_normal((3, 50))
    found = start(csr_matrix(low), 3, np.random.default_rng(0))
    _, values, right = np.linalg.svd(low, full_matrices=False)
    expected = right[:3] * np.sqrt(values[:3, None])
    # Up to its sign and the trace of noise that keeps an empty direction from staying empty.
    assert np.abs(np.abs(found.T) - np.abs(expected)).max() < 0.03 * np.abs(expected).max()


def test_biases_are_the_dense_ridge_regression() -> None:
    data = made()
    values = data.values - data.values.mean()
    design = np.zeros((len(data), 50))
    design[np.arange(len(data)), data.users] = 1
    design[np.arange(len(data)), 30 + data.items] = 1
    ridge = np.diag(np.r_[np.full(30, 10.0), np.full(20, 5.0)])
    expected = np.linalg.solve(design.T @ design + ridge, design.T @ values)
    b_user, b_item = biases(data.users, data.items, values, (30, 20), (10.0, 5.0))
    assert np.allclose(np.r_[b_user, b_item], expected, atol=1e-9)


def test_prior_is_the_dense_ridge_regression() -> None:
    rng = np.random.default_rng(3)
    F, Z, ridge = rng.standard_normal((40, 6)), rng.standard_normal((40, 4)), np.arange(1.0, 5.0)
    prior = Prior(csr_matrix(F), 4, 2.0, free=1)
    for _ in range(6):
        prior.learn(Z, ridge)
    for column in range(3):
        A = ridge[column] * F.T @ F + 2.0 * np.eye(6)
        expected = np.linalg.solve(A, ridge[column] * F.T @ Z[:, column])
        assert np.allclose(prior.weights[:, column], expected, atol=1e-8)
    assert not prior.weights[:, 3].any()
    assert np.allclose(prior.mean, F @ prior.weights)


def test_svd_users_are_ridge_regressions_on_the_items() -> None:
    data = made()
    state = RatingFactors(RatingSettings(3, 4, 0.3, 5.0, 5.0)).fit(data).state_
    mean, scale, ridge = state.config["mean"], state.config["scale"], state.arrays["ridge"]
    items, users = state.arrays["items"], state.arrays["users"]
    for user in range(30):
        own = data.users == user
        V, offset = items[data.items[own], :-1], items[data.items[own], -1]
        # Ridge regression as least squares with the penalty as further rows.
        A = np.vstack([V, np.diag(np.sqrt(ridge))])
        b = np.r_[(data.values[own] - mean) / scale - offset, np.zeros(len(ridge))]
        assert np.allclose(users[user, :-1], np.linalg.lstsq(A, b, rcond=None)[0], atol=1e-9)


def _loss(state, data: Interactions) -> float:
    """The objective that `_factor_ratings` states, in its units."""
    users, items, ridge = (state.arrays[name] for name in ("users", "items", "ridge"))
    told = np.einsum("nf,nf->n", users[data.users], items[data.items])
    left = (data.values - state.config["mean"]) / state.config["scale"] - told
    own = np.c_[items[:, :-2], items[:, -1]]
    return float((left**2).sum() + (ridge * users[:, :-1] ** 2).sum() + (ridge * own**2).sum())


def test_svd_comes_down_to_a_minimum() -> None:
    data = made()
    losses = [_loss(RatingFactors(RatingSettings(3, rounds, 0.3, 5.0, 5.0)).fit(data).state_, data)
              for rounds in (1, 2, 4, 8, 200)]
    assert all(np.diff(losses) <= 1e-9)
    state = RatingFactors(RatingSettings(3, 200, 0.3, 5.0, 5.0)).fit(data).state_
    rng = np.random.default_rng(0)
    for name in ("users", "items"):
        # Nowhere near does the objective get smaller: a stationary point.
        moved = state.arrays[name].copy()
        step = 1e-4 * rng.standard_normal(moved.shape)
        step[:, -1 if name == "users" else -2] = 0
        plus, minus = (type(state)(state.kind, state.config, {**state.arrays, name: moved + s})
                       for s in (step, -step))
        slope = abs(_loss(plus, data) - _loss(minus, data)) / (2 * np.linalg.norm(step))
        assert slope < 1e-3 * losses[-1]


def test_svd_finds_what_made_the_ratings() -> None:
    data = made(60, 50)
    rng = np.random.default_rng(9)
    held = rng.random(len(data)) < 0.2
    learnt = data.take(np.flatnonzero(~held))
    found = Factors(RatingFactors(RatingSettings(4, 20, 0.1, 1.0, 1.0)).fit(learnt).state_)
    truth, users, items = data.values[held], data.users[held], data.items[held]
    error = np.sqrt(((found.predict(users, items) - truth) ** 2).mean())
    assert error < 0.6 < truth.std(), error


@pytest.mark.parametrize("implicit", [None, 5.0])
def test_rating_reasons_add_up_and_a_known_user_folds_in(implicit: float | None) -> None:
    data = made()
    state = RatingFactors(RatingSettings(3, 5, 0.3, 5.0, 5.0, implicit)).fit(data).state_
    found = Factors(state)
    scores = found.scores(np.arange(30))
    for user in (0, 7, 29):
        row = data.matrix()[[user]]
        if implicit is None:
            vector = found.fold_in(row.indices, row.data)
            assert np.allclose(vector, state.arrays["users"][user], atol=1e-10)
            assert np.allclose(found.scores_from(vector)[0], scores[user])
        vector = found.fold_in(row.indices, row.data)
        unmet = np.setdiff1d(np.arange(20), row.indices)[0]
        adds = sum(add for _, add in found.why(user, int(unmet), 99))
        own = found.scores_from(vector)[0, unmet] - found.fallback[unmet]
        assert np.isclose(adds, own)


def test_svdpp_expects_users_where_their_items_place_them() -> None:
    data = made()
    state = RatingFactors(RatingSettings(3, 60, 0.3, 5.0, 5.0, 5.0)).fit(data).state_
    found = Factors(state)
    # Converged, the vector of a user is the same folded in or fitted: one fixed point.
    for user in (0, 11):
        row = data.matrix()[[user]]
        vector = found.fold_in(row.indices, row.data)
        assert np.allclose(vector, state.arrays["users"][user], atol=5e-3)
    assert state.arrays["users_map"].shape == (20, 4) and not state.arrays["users_map"][:, -1].any()


def _events(data: Interactions, **words: float) -> tuple[Factors, dict]:
    settings = {"rank": 4, "rounds": 5, "ridge": 0.02, "power": 1.0, "unobserved": 3.0, **words}
    state = EventFactors(EventSettings(**settings)).fit(data).state_
    return Factors(state), {**state.arrays, **state.config}


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("strong", [False, True])
def test_als_users_are_dense_weighted_ridge_regressions(power: float, strong: bool) -> None:
    data = made(explicit=False)
    if strong:
        counts = np.random.default_rng(0).integers(1, 6, len(data)).astype(float)
        data = Interactions(data.users, data.items, counts, None, 30, 20)
    _, kept = _events(data, power=power)
    weights = np.zeros((30, 20))
    unit = np.median(data.values) if strong else 1.0
    weights[data.users, data.items] = np.log2(1 + data.values / unit) if strong else 1.0
    every = 3.0 * weights.sum() / 600
    assert np.isclose(kept["all_weight"], every)
    V = kept["items"].astype(float)
    for user in range(30):
        # All cells, as least squares: those met towards 1, every one of them towards 0.
        ridge = 0.02 * (weights[user].sum() + every * 20) ** power
        A = V.T @ (weights[user][:, None] * V) + every * V.T @ V + ridge * np.eye(4)
        expected = np.linalg.solve(A, V.T @ weights[user])
        assert np.allclose(kept["users"][user], expected, atol=2e-5)


def test_als_comes_down_and_its_reasons_add_up() -> None:
    data = made(explicit=False)
    found, kept = _events(data, rounds=30)
    met = np.zeros((30, 20))
    met[data.users, data.items] = 1
    scores = found.scores(np.arange(30))
    losses = []
    for rounds in (1, 3, 30):
        _, each = _events(data, rounds=rounds)
        told = each["users"] @ each["items"].T
        fit = (met * (1 - told) ** 2).sum() + each["all_weight"] * (told**2).sum()
        counts = met.sum(1) + each["all_weight"] * 20, met.sum(0) + each["all_weight"] * 30
        fit += sum(0.02 * (n[:, None] * each[name] ** 2).sum()
                   for n, name in zip(counts, ("users", "items"), strict=True))
        losses.append(fit)
    assert losses[0] >= losses[1] >= losses[2]
    for user in (0, 15):
        row = data.matrix()[[user]]
        unmet = int(np.setdiff1d(np.arange(20), row.indices)[0])
        assert np.isclose(sum(add for _, add in found.why(user, unmet, 99)), scores[user, unmet],
                          atol=1e-5)
        assert np.allclose(found.fold_in(row.indices), kept["users"][user], atol=1e-5)


@pytest.mark.parametrize("name", ["svd", "svdpp", "als", "bpr", "hybrid"])
def test_learning_on_touches_only_what_changed(name: str) -> None:
    explicit = name != "bpr" and name != "als"
    data = made(explicit=explicit)
    model, context = models.make(name), Context(len(data), 20, seed=1)
    before = model.state(model.build(TASK, context).fit(data), TASK, context)
    estimator = model.restore(before, TASK, context)
    new = Interactions(np.array([3, 30], "i4"), np.array([20, 0], "i4"),
                       np.array([5.0, 4.0]) if explicit else None, None, 31, 21, None, None,
                       explicit)
    after = model.state(estimator.partial_fit(new), TASK, context)
    others = np.setdiff1d(np.arange(30), [3])
    assert np.array_equal(after.arrays["users"][others], before.arrays["users"][others])
    assert np.array_equal(after.arrays["items"][:20], before.arrays["items"])
    assert not np.array_equal(after.arrays["users"][3], before.arrays["users"][3])
    assert len(after.arrays["users"]) == 31 and len(after.arrays["items"]) == 21
    assert after.arrays["users"][30].any() and after.arrays["items"][20].any()


def test_hybrid_answers_items_that_nobody_met_by_their_features() -> None:
    rng = np.random.default_rng(4)
    kinds = rng.integers(0, 4, 120)
    taste = rng.standard_normal((80, 4))
    users, items = np.nonzero(rng.random((80, 120)) < 0.3)
    stars = 3 + taste[users, kinds[items]] + 0.2 * rng.standard_normal(len(users))
    about = csr_matrix(np.eye(4)[kinds])
    cold = items >= 100
    data = merged(users[~cold], items[~cold], stars[~cold], n_users=80, n_items=120,
                  explicit=True, item_features=about)
    truth = stars[cold]
    errors = {}
    for name in ("hybrid", "svd"):
        model, context = models.make(name), Context(len(data), 120)
        found = models.scorer(model.state(model.build(TASK, context).fit(data), TASK, context))
        errors[name] = np.sqrt(((found.predict(users[cold], items[cold]) - truth) ** 2).mean())
    assert errors["hybrid"] < 0.6 * errors["svd"], errors


@pytest.mark.parametrize("explicit", [True, False])
def test_other_features_than_those_of_the_fit_are_refused(explicit: bool) -> None:
    data = replace(made(explicit=explicit), item_features=csr_matrix(np.eye(20)))
    model, context = models.make("hybrid"), Context(len(data), 20)
    state = model.state(model.build(TASK, context).fit(data), TASK, context)
    new = replace(data.take(np.array([0])), item_features=csr_matrix(np.eye(20)[:, :3]))
    with pytest.raises(DataError, match="knows 20 features; got 3: give the same ones"):
        model.restore(state, TASK, context).partial_fit(new)


def test_bpr_steps_along_the_gradient_of_its_objective() -> None:
    settings = PairSettings(rank=3, rounds=1, step=1e-3, ridge=0.05)
    work = _Work(settings, made(6, 5, explicit=False))
    work.users, work.items = work.users.astype(np.float64), work.items.astype(np.float64)
    work.users *= 20
    work.items *= 20
    users, met, unmet = np.array([0, 1, 0, 2]), np.array([0, 0, 3, 1]), np.array([2, 3, 2, 0])

    def objective(P: np.ndarray, Q: np.ndarray) -> float:
        apart = np.einsum("bf,bf->b", P[users], Q[met] - Q[unmet])
        held = sum((each**2).sum() for each in (P[users], Q[met], Q[unmet]))
        return float(-np.log1p(np.exp(-apart)).sum() - 0.05 / 2 * held)

    before = work.users.copy(), work.items.copy()
    work._batch(users, met, unmet)
    for which, moved in enumerate((work.users - before[0], work.items - before[1])):
        slope = np.zeros_like(moved)
        for at in np.ndindex(*moved.shape):
            nudge = [np.zeros_like(each) for each in before]
            nudge[which][at] = 1e-6
            plus, minus = (objective(before[0] + s * nudge[0], before[1] + s * nudge[1])
                           for s in (1, -1))
            slope[at] = (plus - minus) / 2e-6
        for step, gradient in zip(moved, slope, strict=True):
            size = np.linalg.norm(step) * np.linalg.norm(gradient)
            assert size < 1e-9 or step @ gradient / size > 0.9999
    assert np.array_equal(work.users[3:], before[0][3:]), "users outside the batch were moved"


def test_bpr_draws_items_that_were_not_met() -> None:
    data = made(explicit=False)
    work = _Work(PairSettings(rank=3, rounds=1, step=0.1, ridge=0.0), data)
    drawn = work._unmet(data.users)
    some = drawn >= 0
    pairs = set(zip(data.users.tolist(), data.items.tolist(), strict=True))
    assert some.mean() > 0.8
    assert not pairs & set(zip(data.users[some].tolist(), drawn[some].tolist(), strict=True))
