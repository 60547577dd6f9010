"""Rule lists: planted rules found, noise left alone, intervals that hold, order that matters."""

from __future__ import annotations

import numpy as np
import pytest

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels.rule_list import ABOVE, AT_MOST, EQUAL, MISSING, RuleList
from wholefit.models._rules_estimators import RuleListClassifier, RuleListRegressor
from wholefit.models._rules_learn import Settings, _conditions, parted


def _planted(seed: int, rows: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = np.stack([rng.normal(size=rows), rng.integers(0, 4, rows), rng.normal(size=rows)], axis=1)
    X[rng.random(rows) < 0.1, 2] = np.nan
    share = np.where((X[:, 0] > 0.5) & (X[:, 1] == 2), 0.9, np.where(np.isnan(X[:, 2]), 0.7, 0.2))
    return X, (rng.random(rows) < share).astype(int), share


def test_planted_rules_are_found() -> None:
    X, y, _ = _planted(0)
    made = RuleListClassifier(categorical=(1,)).fit(X, y)
    arrays = made.state_.arrays
    found = {tuple(sorted((int(f), int(t)) for f, t in zip(
        arrays["feature"][arrays["rule"] == rule], arrays["test"][arrays["rule"] == rule],
        strict=True))) for rule in range(len(arrays["value"]) - 1)}
    assert ((0, ABOVE), (1, EQUAL)) in found and ((2, MISSING),) in found
    assert len(found) <= 4


def test_noise_gets_no_rule_more_often_than_the_level_says() -> None:
    wrong = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(300, 8)), rng.standard_t(3, 300)
        target = y if seed % 2 else (y > 0).astype(int)
        kind = RuleListRegressor if seed % 2 else RuleListClassifier
        wrong += len(kind(random_state=seed).fit(X, target).state_.arrays["value"]) > 1
    assert wrong <= 12  # 5 % of 120, and room for chance


def test_intervals_hold_the_truth() -> None:
    inside, told = 0, 0
    for seed in range(25):
        X, y, _share = _planted(seed, 1500)
        fresh, _, truth = _planted(1000 + seed, 20_000)
        made = RuleListClassifier(categorical=(1,), random_state=seed).fit(X, y)
        arrays = made.state_.arrays
        first = RuleList(made.state_).first(fresh)
        for rule in range(len(arrays["value"])):
            if (first == rule).sum() > 50:
                told += 1
                mean = truth[first == rule].mean()
                inside += bool(arrays["low"][rule, 1] <= mean <= arrays["high"][rule, 1])
    assert told > 50 and inside / told > 0.9


def test_numbers_have_means_with_intervals() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 3))
    y = np.where(X[:, 0] > 1, 10.0, 0.0) + rng.normal(size=1500)
    made = RuleListRegressor().fit(X, y)
    arrays = made.state_.arrays
    best = int(arrays["value"][:, 0].argmax())
    assert arrays["low"][best, 0] < 10 < arrays["high"][best, 0] + 0.3
    assert np.corrcoef(made.predict(X), y)[0, 1] > 0.9
    assert (arrays["low"] <= arrays["value"]).all() and (arrays["value"] <= arrays["high"]).all()


def _state(**changes: np.ndarray) -> State:
    arrays = {
        "rule": np.array([0, 0, 1, 2], np.int32), "feature": np.array([0, 1, 0, 1], np.int32),
        "test": np.array([AT_MOST, EQUAL, ABOVE, MISSING], np.int8),
        "bound": np.array([1.0, 2.0, 0.0, 0.0]),
        "value": np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]]),
        "low": np.zeros((4, 2)), "high": np.ones((4, 2)), "rows": np.ones(4)}
    return State("rule_list", {"features": 2, "n_classes": 2, "classes": [0, 1]},
                 {**arrays, **changes})


def test_the_first_rule_that_is_met_answers() -> None:
    nan = np.nan
    X = np.array([[1.0, 2.0], [1.0, 3.0], [0.0, nan], [nan, nan], [nan, 2.0], [2.0, 2.0]])
    assert RuleList(_state()).first(X).tolist() == [0, 1, 2, 2, 3, 1]
    np.testing.assert_allclose(RuleList(_state()).answer(X)[:, 1], [.9, .8, .7, .7, .6, .8])


@pytest.mark.parametrize("changes", [
    {"rule": np.array([0, 0, 1, 9], np.int32)}, {"feature": np.array([0, 1, 0, 2], np.int32)},
    {"test": np.array([0, 0, 0, 7], np.int8)}, {"bound": np.zeros(3)}, {"rows": np.ones(3)},
    {"low": np.zeros((3, 2))}, {"value": np.zeros(4)}])
def test_an_altered_state_is_refused(changes: dict[str, np.ndarray]) -> None:
    with pytest.raises(StateError, match="do not belong together"):
        RuleList(_state(**changes))


def test_the_measure_of_a_rule_is_its_likelihood() -> None:
    settings = Settings(5, 2, 1, 0.05, (), 2, 0)
    inside, whole = np.array([[8.0, 2.0, 10.0]]), np.array([40.0, 60.0, 100.0])
    expected = 2 * (8 * np.log(0.8 / 0.4) + 2 * np.log(0.2 / 0.6))
    assert parted(inside, whole, settings)[0] == pytest.approx(expected)
    few = Settings(5, 2, 11, 0.05, (), 2, 0)
    assert parted(inside, whole, few)[0] == -np.inf


def test_conditions_are_cuts_levels_and_gaps() -> None:
    X = np.array([[0.0, 1.0], [1.0, 1.0], [np.nan, 2.0], [2.0, 2.0]] * 5)
    found = _conditions(X, Settings(5, 2, 5, 0.05, (1,), 2, 0))
    assert (0, MISSING, 0.0) in found and (0, AT_MOST, 0.5) in found and (0, ABOVE, 1.5) in found
    assert {one for one in found if one[0] == 1} == {(1, EQUAL, 1.0), (1, EQUAL, 2.0)}


def test_tiny_tables_get_one_answer() -> None:
    made = RuleListClassifier().fit(np.array([[0.0], [1.0], [2.0]]), [0, 1, 1])
    assert len(made.state_.arrays["value"]) == 1
    found = made.predict_proba(np.zeros((2, 1)))
    assert np.isfinite(found).all() and (found.sum(axis=1) == pytest.approx(1))
    number = RuleListRegressor().fit(np.array([[0.0], [1.0]]), [1.0, 3.0])
    assert np.isfinite(number.predict(np.zeros((2, 1)))).all()


@pytest.mark.parametrize("kind", [RuleListClassifier, RuleListRegressor])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(kind: type) -> None:
    from sklearn.utils.estimator_checks import check_estimator

    results = check_estimator(kind(), on_fail=None)
    failed = {found["check_name"]: str(found["exception"]) for found in results
              if found["status"] == "failed"}
    assert len(results) > 40
    # The rows that judge are drawn by row: a row of weight two is not two rows. And a list that
    # may leave every rule out does not reach the training score that scikit-learn asks of a few
    # dozen rows.
    assert set(failed) <= {"check_sample_weight_equivalence_on_dense_data"}, failed
