"""Reshaping: agrees with plain Python, comes back whole, and refuses what is ambiguous."""

from __future__ import annotations

import statistics

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.data import reshape

PEOPLE = {"id": [1, 2, 3, 4], "town": ["Ely", "Wells", "Ely", None],
          "income": [50_000, 70_000, None, 65_000], "age": [30, 41, 41, 22]}


def test_filter_keeps_rows_in_which_the_condition_holds():
    found = reshape.filter_rows(PEOPLE, "income > 60000")
    assert found["id"] == [2, 4]
    with pytest.raises(UnknownNameError, match="did you mean 'income'"):
        reshape.filter_rows(PEOPLE, "incom > 60000")


def test_sort_is_stable_and_puts_missing_last():
    assert reshape.sort(PEOPLE, "-age")["id"] == [2, 3, 1, 4]
    assert reshape.sort(PEOPLE, ["-age", "income"])["id"] == [2, 3, 1, 4]
    assert reshape.sort(PEOPLE, "income")["id"] == [1, 4, 2, 3]
    assert reshape.sort(PEOPLE, "-income")["id"] == [2, 4, 1, 3]
    with pytest.raises(ParameterError, match="at least one column"):
        reshape.sort(PEOPLE, [])


def test_aggregate_agrees_with_statistics():
    found = reshape.aggregate(PEOPLE, "town", pay="mean(income)", people="count()",
                              old="share(age > 35)", known="count(income)",
                              spread="std(age / 2)")
    assert found["town"] == ["Ely", "Wells", None]
    assert found["pay"] == [50_000, 70_000, 65_000]
    assert found["people"] == [2, 1, 1] and found["known"] == [1, 1, 1]
    assert found["old"] == [0.5, 1.0, 0.0]
    assert found["spread"][0] == pytest.approx(statistics.stdev([15, 20.5]))
    with pytest.raises(UnknownNameError, match="no aggregate is named 'meen'"):
        reshape.aggregate(PEOPLE, "town", pay="meen(income)")
    with pytest.raises(ParameterError, match="is of numbers"):
        reshape.aggregate(PEOPLE, "id", x="mean(town)")
    with pytest.raises(ParameterError, match="grouped by"):
        reshape.aggregate(PEOPLE, "town", town="count()")


def test_derive_computes_one_after_the_other():
    found = reshape.derive(PEOPLE, after="income * 0.75", month="after / 12")
    assert found["month"] == [3125.0, 4375.0, None, 4062.5]


@given(st.integers(1, 8), st.integers(1, 5), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_a_table_that_is_melted_and_pivoted_comes_back(rows, columns, draw):
    names = [f"v{i}" if i % 2 else f"^v{i}.*$" for i in range(columns)]
    table = {"id": list(range(rows)), "part": [draw.choice(["a", None]) for _ in range(rows)],
             **{name: [draw.choice([None, draw.random()]) for _ in range(rows)]
                for name in names}}
    frame = pl.DataFrame(table, schema_overrides={
        "part": pl.String, **dict.fromkeys(names, pl.Float64)})
    long = reshape.melt(frame, keep=["id", "part"])
    assert long.height == rows * columns
    assert reshape.pivot(long, index=["id", "part"], names="variable",
                         values="value").equals(frame)


def test_pivot_refuses_two_values_for_one_cell():
    long = {"id": [1, 1, 2], "name": ["a", "a", "b"], "value": [1.0, 3.0, 2.0]}
    with pytest.raises(DataError, match=r"several values.*name='a'.*rows 1, 2"):
        reshape.pivot(long, index=["id"], names="name", values="value")
    found = reshape.pivot(long, index=["id"], names="name", values="value", aggregate="mean")
    assert found == {"id": [1, 2], "a": [2.0, None], "b": [None, 2.0]}
    with pytest.raises(DataError, match="missing in row 2"):
        reshape.pivot({**long, "name": ["a", None, "b"]}, index=["id"], names="name",
                      values="value")
    with pytest.raises(DataError, match="second column 'id'"):
        reshape.pivot({**long, "name": ["id", "x", "b"]}, index=["id"], names="name",
                      values="value")


def test_melt_refuses_to_mix_kinds():
    with pytest.raises(DataError, match="one kind"):
        reshape.melt(PEOPLE, keep=["id"])
    found = reshape.melt(PEOPLE, keep=["id"], values=["income", "age"])
    assert found["variable"] == ["income", "age"] * 4
    with pytest.raises(ParameterError, match="taken"):
        reshape.melt({"value": [1], "x": [2]}, keep=["value"])
