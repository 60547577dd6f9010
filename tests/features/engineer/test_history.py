"""Lags and windows see only the strict past: against brute force, after loading, for new groups."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.state import same
from wholefit.data._ranges import Ranges
from wholefit.features import custom, engineer


def stored(made):
    again = custom.restore(made.to_state())
    assert same(again.to_state(), made.to_state())
    return again


def panel(rows: int, seed: int) -> pl.DataFrame:
    """Rows of three shops in no order, some moments shared, some values missing."""
    draw = np.random.default_rng(seed)
    value = draw.normal(size=rows).round(2)
    return pl.DataFrame({
        "sales": np.where(draw.random(rows) < 0.15, np.nan, value),
        "day": draw.integers(0, max(2, rows // 3), rows), "shop": draw.choice(list("abc"), rows),
    })


def past_of(frame: pl.DataFrame, at: int) -> list[tuple[float, float]]:
    """(time, value) of the rows of the same shop strictly before, in order; by brute force."""
    mine = frame.row(at, named=True)
    rows = [(row["day"], i, row["sales"]) for i, row in enumerate(frame.iter_rows(named=True))
            if row["shop"] == mine["shop"] and row["day"] < mine["day"]]
    return [(day, value) for day, _, value in sorted(rows, key=lambda r: r[:2])]


def expected(window: list[float], statistic: str) -> float:
    known = [value for value in window if value == value]
    if statistic == "count":
        return len(known)
    if statistic == "sum":
        return sum(known)
    if not known or (statistic == "std" and len(known) < 2):
        return np.nan
    return {"mean": np.mean, "min": min, "max": max, "std": lambda v: np.std(v, ddof=1),
            "first": lambda v: v[0], "last": lambda v: v[-1]}[statistic](known)


@settings(deadline=None, max_examples=60)
@given(rows=st.integers(1, 40), seed=st.integers(0, 10_000), lag=st.integers(1, 4))
def test_lags_are_those_of_brute_force(rows: int, seed: int, lag: int) -> None:
    frame = panel(rows, seed)
    out = engineer.make("lags", time="day", group="shop", lags=[1, lag]).fit_transform(frame)
    for at in range(rows):
        past = past_of(frame, at)
        wanted = past[-lag][1] if len(past) >= lag else np.nan
        assert np.array_equal(out[at, 1], wanted, equal_nan=True)


STATISTICS = ["count", "sum", "mean", "std", "min", "max", "first", "last"]


@settings(deadline=None, max_examples=60)
@given(rows=st.integers(1, 40), seed=st.integers(0, 10_000), window=st.integers(1, 6))
def test_windows_of_rows_are_those_of_brute_force(rows: int, seed: int, window: int) -> None:
    frame = panel(rows, seed)
    made = engineer.make("rolling", time="day", group="shop", window=window, statistics=STATISTICS)
    out = made.fit_transform(frame)
    for at in range(rows):
        seen = [value for _, value in past_of(frame, at)][-window:]
        assert np.allclose(out[at], [expected(seen, s) for s in STATISTICS], equal_nan=True)


@settings(deadline=None, max_examples=60)
@given(rows=st.integers(1, 40), seed=st.integers(0, 10_000), span=st.integers(1, 6))
def test_windows_of_time_are_those_of_brute_force(rows: int, seed: int, span: int) -> None:
    frame = panel(rows, seed)
    made = engineer.make("rolling", time="day", group="shop", window=float(span),
                         statistics=[*STATISTICS, "gap"])
    out = made.fit_transform(frame)
    for at in range(rows):
        day, past = frame["day"][at], past_of(frame, at)
        seen = [value for when, value in past if when >= day - span]
        assert np.allclose(out[at, :-1], [expected(seen, s) for s in STATISTICS], equal_nan=True)
        gap = day - past[-1][0] if past else np.nan
        assert np.array_equal(out[at, -1], gap, equal_nan=True)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), cut=st.integers(3, 10))
def test_new_rows_continue_the_history_even_after_loading(seed: int, cut: int) -> None:
    """What a fold's later rows see is what they would have seen in one table."""
    frame = panel(36, seed)
    train = frame.filter(pl.col("day") < cut)
    later = frame.filter(pl.col("day") >= cut)
    if not len(train) or not len(later):
        return
    whole = pl.concat([train, later])
    for made in (engineer.make("lags", time="day", group="shop", lags=[1, 3]),
                 engineer.make("rolling", time="day", group="shop", window=4),
                 engineer.make("rolling", time="day", group="shop", window=3.0,
                               statistics=["count", "max"])):
        at_once = made.fit_transform(whole)
        made.fit(train)
        again = stored(made)
        assert np.allclose(made.transform(later), at_once[len(train):], equal_nan=True)
        assert again.transform(later).tobytes() == made.transform(later).tobytes()
        # and the rows that were learnt from are not their own past
        assert np.allclose(again.transform(train), at_once[:len(train)], equal_nan=True)


def test_the_future_changes_nothing() -> None:
    frame = panel(200, 1)
    changed = frame.with_columns(sales=pl.when(pl.col("day") >= 30).then(1e9).otherwise("sales"))
    for kind, more in (("lags", {"lags": [1, 2]}), ("rolling", {"statistics": STATISTICS})):
        made = engineer.make(kind, time="day", group="shop", **more)
        early = (frame["day"] <= 30).to_numpy()
        before, after = made.fit_transform(frame)[early], made.fit_transform(changed)[early]
        assert before.tobytes() == after.tobytes()  # not even by rounding


def test_the_tail_is_short() -> None:
    frame = panel(3000, 0)
    lags = engineer.make("lags", time="day", group="shop", lags=[7]).fit(frame)
    assert len(lags.tail_) <= 3 * (7 + 10)
    windows = engineer.make("rolling", time="day", group="shop", window=20.0).fit(frame)
    assert len(windows.tail_) < 150


def test_new_groups_missing_times_and_groups() -> None:
    frame = pl.DataFrame({"v": [1.0, 2, 3, 4], "t": [1, 2, None, 3], "g": ["a", "a", "a", None]})
    made = engineer.make("lags", time="t", group="g").fit(frame)
    assert np.array_equal(made.transform(frame)[:, 0], [np.nan, 1, np.nan, np.nan], equal_nan=True)
    new = pl.DataFrame({"v": [7.0, 8, 9], "t": [5, 6, 9], "g": ["new", "new", "a"]})
    assert np.array_equal(made.transform(new)[:, 0], [np.nan, 7, 2], equal_nan=True)


def test_dates_windows_and_no_group() -> None:
    frame = pl.DataFrame({"v": [1.0, 2, 4, 8], "when": [
        "2024-01-01", "2024-01-03", "2024-01-08", "2024-02-01"]})
    made = engineer.make("rolling", time="when", window="7d", statistics=["sum", "gap"])
    step = engineer.feature("rolling", "v", time="when", window="7d", statistics=["sum", "gap"])
    assert step.columns == ("v", "when") and step.keep
    out = made.fit_transform(frame)
    assert out[:, 0].tolist() == [0, 1, 3, 0] and out[1:, 1].tolist() == [2, 5, 24]
    change = engineer.make("lags", time="when", change=True).fit_transform(frame)
    assert change[1:, 0].tolist() == [1, 2, 4]


def test_wrong_options() -> None:
    frame = panel(10, 0)
    for more, said in (({"lags": [0]}, r"whole numbers >= 1 .* got \[0\]"),
                       ({"time": ""}, "time must name the column of time"),
                       ({"group": "store"}, "'store' is not among them")):
        with pytest.raises(ParameterError, match=said):
            engineer.make("lags", **{"time": "day", **more}).fit(frame)
    with pytest.raises(ParameterError, match=r"rows \(5\) or time .* got '7 moons'"):
        engineer.make("rolling", time="day", window="7 moons")
    dated = frame.with_columns(day=pl.lit("2024-01-01"))
    with pytest.raises(DataError, match="written as '7d' where time is a date"):
        engineer.make("rolling", time="day", window=7.0).fit_transform(dated)
    with pytest.raises(DataError, match="must hold dates or numbers to put rows in order"):
        engineer.make("lags", time="day").fit(frame.with_columns(day=pl.lit("x")))


def test_ranges_keep_precision_beside_values_of_another_size() -> None:
    draw = np.random.default_rng(0)
    values = np.concatenate([draw.normal(size=500), 1e9 + draw.normal(size=500)])
    high = np.arange(1001)
    low = np.maximum(high - 10, 0)
    inside = (high <= 500) | (low >= 500)
    for statistic, wanted in (("std", lambda v: np.std(v, ddof=1)), ("mean", np.mean)):
        found = Ranges(low, high).of(values, statistic)
        brute = [wanted(values[a:b]) if b - a > 1 else np.nan
                 for a, b in zip(low, high, strict=True)]
        assert np.allclose(found[inside][2:], np.array(brute)[inside][2:], rtol=1e-5)
    assert Ranges(low[:0], low[:0]).of(values[:0], "max").shape == (0,)
