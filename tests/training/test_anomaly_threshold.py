"""Budgets are read as people say them, and thresholds keep them on rows not seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wholefit.base.errors import ParameterError
from wholefit.base.state import State, same
from wholefit.training.anomaly import _alerts as alerts
from wholefit.training.anomaly._detect import matched
from wholefit.training.anomaly._threshold import Ladder, choose


@pytest.mark.parametrize(("said", "share"), [
    ("1%", 0.01), (0.01, 0.01), ("0.01", 0.01), ("2 percent", 0.02), ("1 % of rows", 0.01),
    (20, 0.02), ("20", 0.02), ("20 per 1000 rows", 0.02), ("3 alerts per 100 rows", 0.03),
    ("2.4 per day", 0.1), ("2.4 a day", 0.1), ("2.4/day", 0.1), ("0.1 an hour", 0.1),
    ("16.8 per week", 0.1), ("4.8 per 2 days", 0.1), ("1,0 per 100 rows", 0.1),
])
def test_a_budget_is_read_as_people_say_it(said: object, share: float) -> None:
    """A thousand hourly rows."""
    asked = alerts.read(said)
    assert alerts.settle(asked, 1000, 1000 * 3600.0).share == pytest.approx(share)
    again = alerts.settle(alerts.read(alerts.said(asked)), 1000, 1000 * 3600.0)
    assert again.share == pytest.approx(share)


@pytest.mark.parametrize("said", [
    0, -1, "0", "none", "", "1 per fortnight", float("nan"), float("inf"), True, [1], None,
    "-3 per day", "1 per 0 rows", "per day",
])
def test_a_budget_that_means_nothing_says_the_way_out(said: object) -> None:
    with pytest.raises(ParameterError, match="alerts"):
        alerts.read(said)


def test_a_rate_needs_a_clock_and_a_budget_must_leave_most_rows() -> None:
    with pytest.raises(ParameterError, match="time="):
        alerts.settle(alerts.read("20 per day"), 100, None)
    with pytest.raises(ParameterError, match="at most 50%"):
        alerts.settle(alerts.read("20 per day"), 24, 86_400.0)


def test_a_day_of_hours_is_a_day() -> None:
    times = np.datetime64("2020-01-01", "us") + np.arange(24) * np.timedelta64(3600, "s")
    assert alerts.elapsed(times.astype("datetime64[us]")) == pytest.approx(86_400)
    assert alerts.elapsed(times[:1]) is None


@pytest.mark.parametrize("share", [0.003, 0.01, 0.0473, 0.2])
def test_new_rows_alarm_as_often_as_asked(share: float) -> None:
    """The mean over many draws, against the distribution that the scores come from."""
    random = np.random.default_rng(0)
    rates = [float(stats.gamma.sf(choose(random.gamma(2, size=700), share).value, 2))
             for _ in range(600)]
    assert np.mean(rates) == pytest.approx(share, rel=0.06)


def test_the_interval_holds_the_rate_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    held = 0
    for _ in range(500):
        found = choose(random.normal(size=400), 0.03)
        held += found.low <= stats.norm.sf(found.value) <= found.high
    assert held / 500 == pytest.approx(0.95, abs=0.03)


def test_rows_that_rise_together_count_for_less() -> None:
    random = np.random.default_rng(2)
    units = np.repeat(np.arange(80), 25)
    lumps = choose(random.normal(size=80)[units], 0.05, units)
    apart = choose(random.normal(size=2000), 0.05, units)
    assert lumps.worth < 160 and apart.worth > 1000
    assert lumps.high - lumps.low > 2 * (apart.high - apart.low)


def test_ties_are_told_and_never_flood() -> None:
    found = choose(np.concatenate([np.zeros(90), np.ones(10)]), 0.05)
    assert found.value == 1.0 and "share one score" in found.note
    near = choose(np.concatenate([np.zeros(900), np.ones(100)]), 0.1)
    assert near.note == "" and near.value < 1.0 and near.share == pytest.approx(0.1)
    assert "so few alarms" in choose(np.arange(50.0), 0.001).note


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.floats(1e-4, 0.5))
def test_no_more_scores_lie_above_than_a_tenth_beyond_the_budget(
    values: list[float], share: float
) -> None:
    scores = np.array(values)
    found = choose(scores, share)
    above = np.count_nonzero(scores > found.value)
    assert above <= max(1.1 * share * (len(scores) + 1), share * (len(scores) + 1) + 1e-9)
    assert 0 <= found.low <= found.high <= 1


def test_the_ladder_ranks_like_a_conformal_p_value_and_is_kept() -> None:
    random = np.random.default_rng(3)
    scores = random.normal(size=999)
    ladder = Ladder.of(scores)
    asked = np.array([-9.0, 0.0, 2.0, 9.0])
    plain = (1 + (scores[None, :] >= asked[:, None]).sum(axis=1)) / 1000
    np.testing.assert_allclose(ladder.rank(asked), plain)
    again = Ladder.from_state(ladder.state())
    assert same(again.state(), ladder.state())
    large = Ladder.of(random.normal(size=60_000))
    assert len(large.scores) <= 20_000
    assert large.threshold(0.01).value == pytest.approx(stats.norm.isf(0.01), abs=0.05)
    assert large.threshold(0.3).value == pytest.approx(stats.norm.isf(0.3), abs=0.02)


@pytest.mark.parametrize("change", [
    {"scores": np.array([1.0, 2.0])}, {"shares": np.array([0.5])}, {"scores": np.zeros((2, 2))},
])
def test_an_altered_ladder_is_refused(change: dict[str, np.ndarray]) -> None:
    state = Ladder.of(np.array([1.0, 3.0])).state()
    with pytest.raises(ValueError, match="not in order"):
        Ladder.from_state(State(state.kind, state.config, {**state.arrays, **change}))


def test_a_fit_is_brought_to_another_ones_scale() -> None:
    """A score that ranks among one fit's rows as another does among the other's is the same."""
    random = np.random.default_rng(4)
    inside = np.sort(random.normal(size=3000))
    other = np.sort(np.exp(2 * inside) + 5)
    asked = random.normal(size=500) * 0.9
    found = matched(asked, inside, other)
    np.testing.assert_allclose(found, np.exp(2 * asked) + 5, rtol=0.02, atol=0.02)
    assert (np.diff(matched(np.linspace(-9, 9, 99), inside, other)) >= 0).all()
    assert matched(np.array([inside[-1] + 2]), inside, other)[0] == other[-1] + 2
    same_scores = np.zeros(50)
    np.testing.assert_array_equal(matched(np.zeros(3), same_scores, same_scores), np.zeros(3))
