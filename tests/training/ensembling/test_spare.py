"""Members that are not worth their time leave, and nothing else does."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from wholefit.base.errors import ParameterError
from wholefit.training._folds import Validated
from wholefit.training.automl._blend import limits
from wholefit.training.ensembling import Pool, blend, dear, without

ROWS = 4000


def _pool(spreads: dict[str, float], seed: int = 0) -> Pool:
    """Numbers, and members that are wrong by independent errors of these spreads."""
    draw = np.random.default_rng(seed)
    truth = draw.normal(size=ROWS)
    answers = {label: truth + spread * draw.normal(size=ROWS) for label, spread in spreads.items()}
    return Pool(answers, truth, (np.arange(ROWS) % 5).astype(np.int16), task="regression")


def _judged(pool: Pool, **options) -> float:
    return float(np.mean((blend(pool, **options).answer - pool.truth) ** 2))


def test_a_dear_member_of_little_use_leaves_and_is_named():
    pool = _pool({"a": 0.3, "b": 0.3, "slow": 0.8})
    assert set(blend(pool).shares) == {"a", "b", "slow"}
    left, said = dear(pool, 0.02, {"a": 0.1, "b": 0.1, "slow": 10.0})
    assert left == ("slow",)
    assert "slow; without them 1,000 rows take 0.2 s in place of 10 s" in said
    fewer = without(pool, left)
    assert set(blend(fewer).shares) == {"a", "b"}
    assert _judged(fewer) <= _judged(pool) * (1 + 0.02 * np.log2(10.2 / 0.2) + 0.005)


def test_what_is_worth_its_time_stays():
    pool = _pool({"a": 0.3, "slow": 0.3})  # either alone has twice the loss of both
    assert dear(pool, 0.01, {"a": 0.1, "slow": 10.0}) == ((), "")
    assert dear(pool, 0.5, {"a": 0.1, "slow": 10.0})[0] == ("slow",)


def test_what_takes_the_place_of_one_that_left_may_leave_too():
    """Two that are alike: without the one the search would take the other."""
    pool = _pool({"a": 0.3, "b": 0.3, "slow": 0.8})
    twin = pool.answers["slow"] + 1e-3 * np.random.default_rng(1).normal(size=ROWS)
    twins = Pool({**pool.answers, "twin": twin}, pool.truth, pool.fold, task="regression")
    cost = {"a": 0.1, "b": 0.1, "slow": 10.0, "twin": 9.0}
    left, _ = dear(twins, 0.02, cost)
    assert set(blend(without(twins, left)).shares) == {"a", "b"}


@pytest.mark.parametrize("seed", range(10))
def test_the_loss_given_is_bounded_by_what_was_allowed(seed):
    draw = np.random.default_rng(seed)
    labels = [f"m{at}" for at in range(8)]
    pool = _pool(dict(zip(labels, draw.uniform(0.3, 1.5, 8), strict=True)), seed)
    cost = dict(zip(labels, draw.uniform(0.01, 3.0, 8), strict=True))
    left, _ = dear(pool, 0.02, cost)
    full, found = blend(pool), blend(without(pool, left))
    before, after = (sum(cost[label] for label in each.shares) for each in (full, found))
    assert after <= before
    allowed = 1 + 0.02 * np.log2(before / after)
    assert found.path[-1][1] <= full.path[-1][1] * allowed * (1 + 1e-9)


def test_limits_are_kept_among_those_that_stay():
    pool = _pool({"a": 0.3, "b": 0.4, "slow": 0.8, "huge": 0.2})
    cost = {"a": 0.1, "b": 0.1, "slow": 10.0, "huge": 1000.0}
    left, _ = dear(pool, 0.02, cost, predict_time=20.0)
    assert "huge" not in left, "the limit keeps it out already"
    found = blend(without(pool, left), cost=cost, predict_time=20.0)
    assert "huge" not in found.shares and "slow" not in found.shares


def test_equal_members_stay_where_time_is_worth_next_to_nothing():
    pool = _pool({"a": 0.3, "b": 0.31, "c": 0.32})
    assert dear(pool, 1e-6, dict.fromkeys("abc", 0.5)) == ((), "")


def test_one_member_stays_whatever_it_costs():
    assert dear(_pool({"a": 0.3}), 0.9, {"a": 100.0}) == ((), "")


@pytest.mark.parametrize("cost", [{"a": 1.0}, {"a": 1.0, "b": float("nan")}])
def test_every_cost_must_be_known(cost):
    with pytest.raises(ParameterError, match="not known of b"):
        dear(_pool({"a": 0.3, "b": 0.3}), 0.1, cost)


def test_a_fold_that_answered_on_a_busy_machine_does_not_make_a_member_dear():
    """Five models answer, as their quickest fold did: 0.01 s for 100 rows, 0.1 s for 1,000."""
    found = Validated(np.zeros(500), np.ones(500, dtype=np.int32), [0.1] * 5,
                      [0.4, 0.01, 0.3, 0.02, 0.01], folds=5, kept=["m"] * 5)
    cost, size = limits({"logistic": found}, SimpleNamespace(size=lambda name: 100.0))
    assert cost == {"logistic": pytest.approx(5 * 0.1)} and size == {"logistic": 500.0}
