"""Context and windows against plain second implementations, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.base.state import State, same
from wholefit.data import Dataset
from wholefit.data.loading import dataset_of
from wholefit.training.anomaly._context import Context, keys_of
from wholefit.training.anomaly._lens import plan
from wholefit.training.anomaly._windows import Windows, cut, joints, length_of, spans

HOURS = 24 * 70


def hourly(seed: int = 0, **columns: Any) -> Dataset:
    """Ten weeks of hours: a value that follows the hour, and a shop."""
    random = np.random.default_rng(seed)
    hour = np.arange(HOURS) % 24
    frame = pl.DataFrame({
        "at": pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 12, 31), "1h",
                                eager=True)[:HOURS],
        "v": 100 * hour + 10 * random.normal(size=HOURS),
        "w": random.normal(size=HOURS),
        "shop": random.choice(["a", "b", "c"], HOURS), **columns})
    return dataset_of(frame, time="at", task="anomaly")


def test_a_value_is_measured_from_the_middle_of_its_cell() -> None:
    dataset = hourly()
    keys = keys_of("hour", dataset.schema, "at")
    context = Context.learn(dataset, keys, np.arange(HOURS))
    seen = context.apply(dataset).numeric("v")
    value, hour = dataset.numeric("v"), np.arange(HOURS) % 24
    for cell in (0, 7, 23):
        mine = value[hour == cell]
        middle = np.median(mine)
        spread = 1.4826 * np.median(np.abs(mine - middle))
        whole = np.median(value)
        away = 1.4826 * np.median(np.abs(value - whole))
        pooled = (70 * middle + 10 * whole) / 80
        wide = max((70 * spread + 10 * away) / 80, 0.02 * away)
        np.testing.assert_allclose(seen[hour == cell], (mine - pooled) / wide, rtol=1e-9)


def test_thin_cells_lean_on_the_cell_above() -> None:
    """A shop with one row is judged by the hour's other rows, not by itself."""
    shops = np.array(["a"] * HOURS, dtype=object)
    shops[500] = "new"
    dataset = hourly(shop=shops)
    keys = keys_of("hour,shop", dataset.schema, "at")
    context = Context.learn(dataset, keys, np.arange(HOURS))
    middle, _ = context.usual(dataset)
    hour = 500 % 24
    usual = np.median(dataset.numeric("v")[np.arange(HOURS) % 24 == hour])
    at = context.numbers.index("v")
    assert abs(middle[500, at] - usual) < 0.2 * abs(np.median(dataset.numeric("v")) - usual)
    unseen = dataset_of(dataset.frame.with_columns(shop=pl.lit("never seen")), time="at")
    assert np.isfinite(context.apply(unseen).numeric("v")).all()


def test_a_category_is_as_surprising_as_it_is_rare_in_its_cell() -> None:
    hour = np.arange(HOURS) % 24
    kind = np.where(hour == 3, "night", "day").astype(object)
    kind[12] = "night"  # at noon
    dataset = hourly(kind=kind)
    keys = keys_of("hour", dataset.schema, "at")
    context = Context.learn(dataset, keys, np.arange(HOURS))
    surprise = context.apply(dataset).numeric("kind")
    assert surprise[12] > 2.5 > 1 > surprise[hour == 3].max()


def test_context_is_learnt_from_the_rows_named_and_kept() -> None:
    dataset = hourly()
    keys = keys_of("weekday, shop", dataset.schema, "at")
    half = np.arange(HOURS // 2)
    context = Context.learn(dataset, keys, half)
    alone = Context.learn(dataset.take(half), keys, half)
    np.testing.assert_array_equal(context.apply(dataset).numeric("v")[:50],
                                  alone.apply(dataset.take(half)).numeric("v")[:50])
    again = Context.from_state(context.state())
    assert same(again.state(), context.state())
    assert again.apply(dataset).frame.equals(context.apply(dataset).frame)
    assert context.said(dataset.take([0, 30]))[0].startswith("Monday, shop ")


@pytest.mark.parametrize(("words", "error"), [
    ("hour,,shop", ParameterError), ("shop,shop", ParameterError), ("huor", UnknownNameError),
])
def test_words_of_context_that_mean_nothing(words: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        keys_of(words, hourly().schema, "at")


def test_the_calendar_needs_a_time() -> None:
    with pytest.raises(DataError, match="time="):
        keys_of("hour", hourly().schema, None)


def test_windows_stay_within_their_series_and_off_gaps() -> None:
    frame = hourly().frame
    gap = frame.filter(~pl.col("at").is_between(pl.datetime(2024, 1, 20), pl.datetime(2024, 2, 1)))
    dataset = dataset_of(gap.sample(fraction=1.0, shuffle=True, seed=0), time="at")
    found = cut(dataset, 24, 6)
    times = dataset.times("at").astype(np.int64)
    for window in range(len(found.starts)):
        mine = times[found.rows(window)]
        assert (np.diff(mine) > 0).all() and mine[-1] - mine[0] <= 47 * 3_600_000_000
    two = dataset_of(pl.concat([frame[:100].with_columns(g=pl.lit("x")),
                                frame[:90].with_columns(g=pl.lit("y"))]), time="at", groups="g")
    parted = cut(two, 30, 10)
    groups = two.codes("g")[0]
    assert all(len(set(groups[parted.rows(at)])) == 1 for at in range(len(parted.starts)))


def windows(dataset: Dataset, length: int = 24) -> tuple[Windows, Dataset, Any, Dataset]:
    context = Context.learn(dataset, (), np.arange(len(dataset)))
    scaled = context.apply(dataset)
    found = cut(dataset, length, length // 4)
    made = Windows.learn(scaled, length, ["v", "w"], found, np.ones(len(found.starts), bool), 0)
    return made, scaled, found, made.apply(scaled, found, own=True)


def test_traits_are_what_they_say() -> None:
    made, scaled, found, seen = windows(hourly())
    series = np.clip(scaled.numeric("w"), -20, 20)
    for at in (0, 17, 60):
        mine = series[found.starts[at]:found.starts[at] + 24]
        assert seen.numeric("w: mean")[at] == pytest.approx(mine.mean())
        assert seen.numeric("w: variation")[at] == pytest.approx(mine.std())
        assert seen.numeric("w: jumps")[at] == pytest.approx(np.abs(np.diff(mine)).mean())
        assert seen.numeric("w: peak")[at] == pytest.approx(np.abs(mine).max())
        begun = max(0, found.starts[at] - 96)
        before = series[begun:found.starts[at]]
        shift = mine.mean() - before.mean() if len(before) >= 24 else 0.0
        assert seen.numeric("w: shift")[at] == pytest.approx(shift, abs=1e-9)
    assert made.sources["w: mean"] == "w"


def test_the_course_is_the_nearest_other_window_by_brute_force() -> None:
    made, scaled, found, seen = windows(hourly().take(np.arange(400)))
    series = np.clip(scaled.numeric("v"), -20, 20)

    def normal(start: int) -> np.ndarray:
        mine = series[start:start + 24] - series[start:start + 24].mean()
        return np.asarray(mine / np.linalg.norm(mine))

    for at in (3, 20, 40):
        mine = normal(found.starts[at])
        best = min(1 - float(mine @ normal(other)) for other in range(400 - 24 + 1)
                   if abs(other - found.starts[at]) >= 24)
        assert seen.numeric("v: course")[at] == pytest.approx(np.sqrt(max(best, 0)), abs=2e-3)
    fresh = made.apply(scaled, found)  # by the clock: a window is not compared with itself
    np.testing.assert_allclose(fresh.numeric("v: course"), seen.numeric("v: course"), atol=2e-3)


def test_a_turned_day_has_a_course_unlike_any_other() -> None:
    frame = hourly().frame
    value = frame["v"].to_numpy().copy()
    value[480:504] = value[480:504][::-1]
    _, _, found, seen = windows(dataset_of(frame.with_columns(v=pl.Series(value)), time="at"))
    course = seen.numeric("v: course")
    assert abs(found.starts[int(np.argmax(course))] - 480) <= 12


def test_alarms_that_touch_are_one() -> None:
    dataset = hourly().take(np.arange(200))
    found = cut(dataset, 20, 5)
    scores = np.zeros(len(found.starts))
    scores[[3, 4, 5, 20, 30]] = [2.0, 3.0, 2.0, 5.0, 1.0]
    merged = spans(found, scores > 0.5)
    assert [(low, high) for low, high, _ in merged] == [(15, 45), (100, 120), (150, 170)]
    both = joints(found, scores)
    for threshold in (0.5, 1.5, 2.5, 4.0):
        counted = (scores > threshold).sum() - (both > threshold).sum()
        assert counted == len(spans(found, scores > threshold))


def test_windows_are_kept_and_an_altered_one_is_refused() -> None:
    made, scaled, found, _ = windows(hourly())
    again = Windows.from_state(made.state())
    assert again.apply(scaled, found).frame.equals(made.apply(scaled, found).frame)
    state = made.state()
    with pytest.raises(ValueError, match="wrong shape"):
        Windows.from_state(State(state.kind, {**state.config, "length": 9}, state.arrays))


@pytest.mark.parametrize(("window", "rows"), [(48, 48), ("24h", 24), ("2 days", 48), ("1 d", 24),
                                              ("36", 36), ("12 hours", 12)])
def test_a_window_is_read_as_people_say_it(window: Any, rows: int) -> None:
    assert length_of(window, hourly()) == rows


@pytest.mark.parametrize("window", [1, True, "1h", "soon", "0 rows", "9000h", "-3"])
def test_a_window_that_means_nothing_is_refused(window: Any) -> None:
    with pytest.raises(ParameterError, match="window"):
        length_of(window, hourly())


def test_a_plan_says_its_kind() -> None:
    dataset = hourly()
    assert plan(dataset, None, None).kind == "point"
    assert plan(dataset, "hour", None).kind == "contextual"
    assert plan(dataset, "hour", "24h").kind == "collective"
    alone = dataset_of(dataset.frame.select("at", "shop"), time="at")
    with pytest.raises(DataError, match="left to judge"):
        plan(alone, "shop", None)
