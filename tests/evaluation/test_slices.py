"""Slices: the scores are those of the rows, the worst comes first, chance is told from fault."""

from __future__ import annotations

import datetime as dt
import json
import math

import numpy as np
import polars as pl
import pytest

from wholefit.base.errors import DataError
from wholefit.evaluation import score
from wholefit.evaluation.score import Score
from wholefit.evaluation.slices import apart, parted, slices

N = 900
RANDOM = np.random.default_rng(0)
TOWN = RANDOM.choice(["Ely", "Wells", "Bath"], N)
TRUTH = RANDOM.integers(0, 2, N).astype(np.int32)
# Right in nine rows of ten, but in Bath in six of ten.
RIGHT = RANDOM.random(N) < np.where(TOWN == "Bath", 0.6, 0.9)
P = np.where((TRUTH == 1) == RIGHT, 0.8, 0.2)
ANSWER = np.column_stack([1 - P, P])


def test_each_part_is_scored_on_its_rows_and_the_worst_comes_first() -> None:
    found = slices("classification", TRUTH, ANSWER, {"town": pl.Series(TOWN)},
                   wanted=["accuracy", "log_loss"])
    assert [each.where["town"] for each in found.worse] == ["Bath"]
    assert found.slices[0].verdict == "worse"
    for each in found:
        rows = each.where["town"] == TOWN
        alone = score("classification", TRUTH[rows], ANSWER[rows], metrics=["accuracy", "log_loss"])
        assert each.scores == alone and each.n == rows.sum()
        rest = score("classification", TRUTH[~rows], ANSWER[~rows], metrics=["accuracy"])
        assert each.difference == pytest.approx(
            alone["accuracy"].value - rest["accuracy"].value)
    assert found.whole["accuracy"] == score(
        "classification", TRUTH, ANSWER, metrics=["accuracy"])["accuracy"]
    json.dumps(found.to_json(), allow_nan=False)
    assert "town = Bath" in found.to_text()


def test_thin_parts_are_said_to_be_thin() -> None:
    town = pl.Series(["many"] * (N - 8) + ["few"] * 8)
    found = slices("classification", TRUTH, ANSWER, {"town": town}, wanted=["accuracy"])
    few = found.slices[-1]
    assert few.name == "town = few" and few.verdict == "too few rows" and math.isnan(few.p)
    assert "judge: 1 part." in found.said
    assert found.slices[0].verdict == "no rest to compare with"


def test_losses_and_numbers_too() -> None:
    truth = RANDOM.normal(size=N)
    answer = truth + RANDOM.normal(size=N) * np.where(TOWN == "Ely", 3, 1)
    found = slices("regression", truth, answer, {"town": pl.Series(TOWN)}, wanted=["rmse"])
    assert found.slices[0].where == {"town": "Ely"} and found.slices[0].difference > 0
    assert found.slices[0].verdict == "worse"


def test_parts_of_numbers_dates_and_several_columns() -> None:
    numbers = parted(pl.Series([*range(100), None]))
    assert set(numbers) == {"0 to 24.75", "above 24.75 to 49.5", "above 49.5 to 74.25",
                            "above 74.25 to 99", "(missing)"}
    assert (numbers == "0 to 24.75").sum() == 25
    assert set(parted(pl.Series([1, 2, 1, None]))) == {"1", "2", "(missing)"}
    days = pl.Series([dt.date(2020, 1, 1), dt.date(2020, 2, 1), None])
    assert parted(days).to_list() == ["2020-01", "2020-02", "(missing)"]
    years = pl.Series([dt.date(2018 + at, 1, 1) for at in range(4)])
    assert parted(years).to_list() == ["2018", "2019", "2020", "2021"]
    both = slices("classification", TRUTH, ANSWER, {"town": pl.Series(TOWN), "half": pl.Series(
        np.arange(N) % 2)}, wanted=["accuracy"])
    assert len(both) == 6 and {*both.slices[0].where} == {"town", "half"}
    assert sum(each.n for each in both) == N


def test_the_difference_of_two_scores() -> None:
    def made(value: float, low: float, high: float) -> Score:
        return Score("accuracy", value, low, high, 0.95, "", 100)

    value, low, high, p = apart(made(0.9, 0.8, 0.95), made(0.5, 0.4, 0.6), 0.95)
    assert value == pytest.approx(0.4)
    assert low == pytest.approx(0.4 - math.hypot(0.1, 0.1))
    assert high == pytest.approx(0.4 + math.hypot(0.05, 0.1))
    assert p < 0.001
    assert apart(made(0.5, 0.4, 0.6), made(0.5, 0.4, 0.6), 0.95)[3] == 1.0
    edge = apart(made(0.5, 0.4, 0.6), made(0.5 + math.hypot(0.1, 0.1), 0.5 + math.hypot(0.1, 0.1)
                 - 0.1, 0.9), 0.95)
    assert edge[3] == pytest.approx(0.05, abs=1e-9) and edge[2] == pytest.approx(0, abs=1e-9)


def test_parts_that_differ_by_chance_are_seldom_called_worse() -> None:
    alarms, worlds = 0, 150
    for seed in range(worlds):
        random = np.random.default_rng(seed)
        truth = random.integers(0, 2, 600).astype(np.int32)
        p = np.clip(np.where(truth == 1, 0.65, 0.35) + random.normal(0, 0.25, 600), 0.02, 0.98)
        part = pl.Series(random.integers(0, 8, 600).astype(str))
        found = slices("classification", truth, np.column_stack([1 - p, p]), {"part": part},
                       wanted=["accuracy"])
        alarms += any(each.verdict in ("worse", "better") for each in found)
    assert alarms / worlds <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / worlds)


def test_no_columns_no_slices() -> None:
    with pytest.raises(DataError, match="at least one column"):
        slices("classification", TRUTH, ANSWER, {})
