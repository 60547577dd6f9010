"""Intervals and sets: exact ranks on small cases, coverage on drawn ones, state and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wholefit.base.errors import ParameterError, StateError
from wholefit.base.state import State, same
from wholefit.evaluation import conformal
from wholefit.evaluation.conformal import Calibration, calibrate


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth and answer; the noise grows with the answer, and is skewed."""
    rng = np.random.default_rng(seed)
    answer = rng.uniform(0, 10, n)
    return answer + (rng.exponential(1.0, n) - 1) * (0.2 + answer), answer


def classes(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([1.0, 0.5, 0.2], n)
    return (rng.random((n, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, 2), shares


@given(st.integers(1, 60), st.floats(0.5, 0.99))
def test_ends_are_the_ranks_that_the_theorem_names(n: int, level: float) -> None:
    error = np.random.default_rng(n).normal(size=n)
    low, high = calibrate(error, np.zeros(n)).interval(np.zeros(1), level)
    ordered, share = np.sort(error), (1 - level) / 2
    least = int(np.floor((n + 1) * share + 1e-9))
    assert low[0] == (ordered[least - 1] if least >= 1 else -np.inf)
    assert high[0] == (ordered[n - least] if least >= 1 else np.inf)


def test_kept_errors_are_never_narrower_than_all_of_them() -> None:
    error = np.random.default_rng(0).normal(size=20_000)
    part = conformal._errors(error)
    ordered = np.sort(error)
    assert len(part.at) < 1000
    for share in np.linspace(0.001, 0.999, 97):
        rank = int(np.ceil((len(error) + 1) * share - 1e-9))
        assert part.above(share) >= ordered[rank - 1]
        assert part.below(share) <= ordered[int(np.floor((len(error) + 1) * share)) - 1]


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_intervals_cover_as_stated_where_errors_grow(level: float) -> None:
    found = []
    for seed in range(20):
        kept = calibrate(*drawn(4000, seed))
        truth, answer = drawn(4000, seed + 1000)
        low, high = kept.interval(answer, level)
        held = (truth >= low) & (truth <= high)
        found.append([held.mean(), held[answer < 1].mean(), held[answer > 9].mean()])
        assert np.median((high - low)[answer > 9]) > 3 * np.median((high - low)[answer < 1])
    np.testing.assert_allclose(np.mean(found, axis=0), level, atol=0.012)


@pytest.mark.parametrize("level", [0.6, 0.9])
def test_sets_cover_as_stated_in_all_and_in_each_class(level: float) -> None:
    every, each = [], []
    for seed in range(30):
        kept = calibrate(*classes(3000, seed))
        truth, shares = classes(3000, seed + 1000)
        plain, careful = kept.sets(shares, level), kept.sets(shares, level, per_class=True)
        rows = np.arange(len(truth))
        every.append(plain[rows, truth].mean())
        each.append([careful[rows, truth][truth == code].mean() for code in range(3)])
    assert np.mean(every) == pytest.approx(level, abs=0.006)
    np.testing.assert_allclose(np.mean(each, axis=0), level, atol=0.02)


def test_few_rows_give_what_is_known_and_no_more() -> None:
    low, high = calibrate(np.array([1.0, 2.0]), np.zeros(2)).interval(np.zeros(1), 0.9)
    assert (low[0], high[0]) == (-np.inf, np.inf)
    truth, shares = np.array([0, 1, 1]), np.full((3, 2), 0.5)
    assert calibrate(truth, shares).sets(shares, 0.9).all()


def test_missing_truth_and_answers_are_left_out() -> None:
    truth, answer = drawn(100, 0)
    truth[3], answer[5] = np.nan, np.nan
    assert calibrate(truth, answer).rows == 98
    codes, shares = classes(50, 0)
    codes[0], shares[1] = -1, np.nan
    assert calibrate(codes, shares).rows == 48
    with pytest.raises(StateError, match="no answers"):
        calibrate(np.full(3, np.nan), np.zeros(3))


@pytest.mark.parametrize("make", [drawn, classes])
def test_state_gives_the_same_back(make: object) -> None:
    kept = calibrate(*make(5000, 0))
    again = Calibration.from_state(kept.state())
    assert same(kept.state(), again.state()) and again.rows == 5000


@pytest.mark.parametrize(("name", "value"), [
    ("n", np.array([3])), ("kept", np.array([-1, 4])), ("values", np.full(9, np.nan)),
    ("at", np.zeros((2, 2))), ("edges", np.array([2.0, 1.0]))])
def test_an_altered_state_is_refused(name: str, value: np.ndarray) -> None:
    state = calibrate(*drawn(5000, 0)).state()
    with pytest.raises(ValueError, match="calibration"):
        Calibration.from_state(State(state.kind, state.config, {**state.arrays, name: value}))


@pytest.mark.parametrize("level", [0, 1, 1.5, "much", float("nan")])
def test_a_level_is_between_none_and_all(level: object) -> None:
    with pytest.raises(ParameterError, match="level must be"):
        calibrate(*drawn(50, 0)).interval(np.zeros(1), level)


def test_scores_say_how_often_and_how_wide() -> None:
    truth = np.array([0.0, 1.0, 2.0, 3.0])
    found = conformal.coverage(truth, truth - [1, 1, 1, -1], truth + 1)
    assert found["coverage"].value == 0.75 and found["width"].value == 2.0
    sets = np.array([[True, False], [True, True], [False, False]])
    scored = conformal.set_coverage(np.array([0, 1, 1]), sets)
    assert scored["coverage"].value == pytest.approx(2 / 3)
    assert scored["single"].value == pytest.approx(1 / 3) and scored["classes"].value == 1.0
    assert conformal.words(["a", "b"], sets) == ["a", "a | b", ""]
