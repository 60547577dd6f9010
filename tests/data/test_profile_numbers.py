"""The figures of one column agree with numpy, scipy and pandas, and pictures count every row."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wholefit.data import profile
from wholefit.data.profile import _numbers, _times

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


def of(values: list[object], **options: object):
    return profile(pl.DataFrame({"x": values}, strict=False), **options).column("x")


@pytest.mark.parametrize("draw", ["normal", "gamma", "whole", "heavy", "constant", "two"])
def test_figures_agree_with_pandas(draw: str) -> None:
    rng = np.random.default_rng(3)
    values = {"normal": rng.normal(5, 2, 700), "gamma": rng.gamma(1, 3, 700),
              "whole": rng.integers(-9, 60, 700).astype(float), "heavy": rng.standard_t(2, 700),
              "constant": np.full(700, 2.5), "two": rng.integers(0, 2, 700) * 1e9}[draw]
    series = pd.Series(values)
    found = _numbers.figures(values)
    numbers, counts = found["numbers"], found["counts"]
    for name, truth in [("mean", series.mean()), ("std", series.std()), ("min", series.min()),
                        ("max", series.max()), ("mode", series.mode()[0])]:
        assert numbers[name] == pytest.approx(truth, rel=1e-12, abs=1e-9)
    for name, share in _numbers.QUANTILES.items():
        assert numbers[name] == pytest.approx(np.quantile(values, share), rel=1e-12)
    if draw != "constant":
        assert numbers["skew"] == pytest.approx(series.skew(), rel=1e-9)
        assert numbers["kurtosis"] == pytest.approx(series.kurt(), rel=1e-9)
    assert counts["mode"] == (series == numbers["mode"]).sum()
    assert counts["zeros"] == (values == 0).sum() and counts["negative"] == (values < 0).sum()


def test_extremes_zeros_and_infinities() -> None:
    column = of([1.0, -2.0, 0.0, 0.0, float("inf"), float("-inf"), float("nan"), None, 7.0, 5.0])
    assert column.counts["infinite"] == 2 and column.counts["zeros"] == 2
    assert column.counts["negative"] == 2 and column.missing == 2
    assert column.lowest == (-2.0, 0.0, 1.0) and column.highest == (7.0, 5.0, 1.0)
    assert column.numbers is not None and column.numbers["mode"] == 0.0


@given(st.lists(finite, min_size=1, max_size=300))
@settings(max_examples=150, deadline=None)
def test_a_histogram_counts_every_value(values: list[float]) -> None:
    shape = _numbers.figures(np.array(values))["histogram"]
    if shape is None:
        assert np.ptp(values) <= 1e-12 * np.abs(values).max()
        return
    apart = shape.apart[1] if shape.apart else 0
    assert sum(shape.counts) + shape.below + shape.above + apart == len(values)
    assert len(shape.edges) == len(shape.counts) + 1
    assert all(a < b for a, b in zip(shape.edges, shape.edges[1:], strict=False))


def test_a_histogram_agrees_with_numpy_where_nothing_is_cut() -> None:
    values = np.sort(np.random.default_rng(0).normal(size=5000))
    shape = _numbers.histogram(values)
    assert shape is not None and shape.below == shape.above == 0 and shape.apart is None
    assert np.array_equal(np.histogram(values, shape.edges)[0], shape.counts)


def test_far_tails_and_a_value_that_most_rows_have_leave_the_rest_to_be_seen() -> None:
    rng = np.random.default_rng(1)
    tailed = _numbers.histogram(np.sort(np.append(rng.normal(size=1000), [1e6, -1e6])))
    assert tailed is not None and (tailed.below, tailed.above) == (1, 1)
    assert tailed.edges[-1] < 20
    zeros = np.append(np.zeros(900), rng.gamma(2, 5, 100))
    apart = _numbers.figures(zeros)["histogram"]
    assert apart.apart == (0.0, 900) and sum(apart.counts) + apart.above == 100


def test_the_density_is_the_kernel_estimate_of_scipy() -> None:
    values = np.sort(np.random.default_rng(2).gamma(3, 2, 3000))
    grid = np.linspace(values[0], values[-1], 50)
    width = _numbers.bandwidth(values)
    truth = stats.gaussian_kde(values, bw_method=width / values.std(ddof=1))(grid)
    assert np.abs(_numbers.kernel(values, grid) - truth).max() < 0.01 * truth.max()
    shape = _numbers.histogram(values)
    assert shape is not None
    x, y = np.array(shape.density).T
    area = np.trapezoid(y, x) / (shape.edges[1] - shape.edges[0])
    assert area == pytest.approx(sum(shape.counts), rel=0.03)


def test_whole_numbers_have_a_bin_each() -> None:
    shape = of([1, 2, 2, 3, 5] * 30).histogram
    assert shape is not None and shape.edges[0] == 0.5 and shape.counts == (30, 60, 30, 0, 30)
    assert shape.density == ()


def test_dates_have_steps_gaps_periods_and_odd_ones() -> None:
    days = [dt.date(2021, 1, 1) + dt.timedelta(days=i) for i in range(60)]
    days = [*days, dt.date(2021, 7, 1), dt.date(1970, 1, 1), dt.date(1900, 1, 1), None]
    column = of(days)
    assert column.span == ("1900-01-01", "2021-07-01") and column.missing == 1
    dates = column.dates
    assert dates is not None and dates.step == "1 day"
    assert dict(dates.odd) == {"1900-01-01": 1, "1970-01-01": 1}
    assert sum(dates.counts) == 63 and dates.gap is not None
    assert dates.gap[:2] == ("1900-01-01", "1970-01-01") and dates.gap[2].endswith("years")
    ahead = pl.Series([dt.datetime(2030, 5, 1), dt.datetime(2020, 5, 1)])
    found = _times.facts(ahead, now=dt.datetime(2026, 1, 1))
    assert found is not None and found.odd == (("in the future", 1),)


@pytest.mark.parametrize(("step", "unit"), [
    (dt.timedelta(minutes=1), "minute"), (dt.timedelta(hours=1), "hour"),
    (dt.timedelta(days=1), "day"), (dt.timedelta(days=7), "week"),
    (dt.timedelta(days=31), "month"), (dt.timedelta(days=366), "year"),
    (dt.timedelta(days=3653), "decade")])
def test_rows_over_time_are_counted_in_a_fitting_unit(step: dt.timedelta, unit: str) -> None:
    stamps = np.array([dt.datetime(1500, 1, 1) + i * step for i in range(100)],
                      dtype="datetime64[us]")
    found, starts, counts = _times.timeline(stamps)
    assert found == unit and counts.sum() == 100 and len(starts) == len(counts) <= 120


def test_texts_have_lengths_and_levels_are_counted() -> None:
    said = [f"some words of number {i} that say little and then go on" for i in range(200)]
    column = of([*said, None])
    assert column.kind == "text" and column.words == 12
    assert column.lengths is not None and column.lengths["words_max"] == 12
    assert column.lengths["characters_max"] == max(map(len, said))
    levels = of(["a"] * 100 + ["b"] * 40 + ["c"] * 3 + ["d"])
    assert levels.top == (("a", 100), ("b", 40), ("c", 3), ("d", 1))
    assert levels.counts == {"once": 1, "mode": 100, "thin": 2, "thin_rows": 4}
    assert set(levels.samples) <= {"a", "b", "c", "d"} and "a" in levels.samples
