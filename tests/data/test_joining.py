"""Joins: against polars and brute force, with no look ahead, and with every row accounted for."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wholefit as wf
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.data.joining import join

STATISTICS = ["count", "sum", "mean", "std", "min", "max", "first", "last", "distinct"]


def tables(rows: int, more: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    draw = np.random.default_rng(seed)
    left = pl.DataFrame({"key": draw.integers(0, 4, rows), "t": draw.integers(0, 10, rows)})
    right = pl.DataFrame({"key": draw.integers(0, 5, more), "t": draw.integers(0, 10, more),
                          "v": np.where(draw.random(more) < 0.2, np.nan,
                                        draw.integers(0, 5, more).astype(float))})
    return left, right


def past(right: pl.DataFrame, key: int, t: float, span: float = np.inf) -> list[float]:
    rows = [(r["t"], i, r["v"]) for i, r in enumerate(right.iter_rows(named=True))
            if r["key"] == key and t - span <= r["t"] < t]
    return [v for _, _, v in sorted(rows, key=lambda r: r[:2])]


def brute(values: list[float], statistic: str) -> float | None:
    known = [v for v in values if v == v]
    if statistic in ("count", "distinct"):
        return len(known) if statistic == "count" else len(set(known))
    if statistic == "sum":
        return sum(known)
    if not known or (statistic == "std" and len(known) < 2):
        return None
    return {"mean": np.mean, "min": min, "max": max, "std": lambda v: np.std(v, ddof=1),
            "first": lambda v: v[0], "last": lambda v: v[-1]}[statistic](known)


def same(found: list[float | None], wanted: list[float | None]) -> bool:
    return all((a is None and b is None) or (a is not None and b is not None and
               np.isclose(a, b)) for a, b in zip(found, wanted, strict=True))


@settings(deadline=None, max_examples=60)
@given(rows=st.integers(0, 20), more=st.integers(0, 30), seed=st.integers(0, 10_000))
def test_as_of_is_brute_force_over_the_strict_past(rows: int, more: int, seed: int) -> None:
    left, right = tables(rows, more, seed)
    found = join(left, right, "key", as_of="t", aggregates={"v": STATISTICS, "*": ["count", "gap"]})
    assert found.frame.height == rows
    for statistic in STATISTICS:
        wanted = [brute(past(right, k, t), statistic) for k, t in left.iter_rows()]
        assert same(found.frame[f"v_{statistic}"].to_list(), wanted), statistic
    assert found.frame["count"].to_list() == [len(past(right, k, t)) for k, t in left.iter_rows()]
    assert found.matched == sum(len(past(right, k, t)) > 0 for k, t in left.iter_rows())


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), span=st.integers(1, 4))
def test_windows_are_brute_force(seed: int, span: int) -> None:
    left, right = tables(15, 30, seed)
    found = join(left, right, "key", as_of="t", within=float(span),
                 aggregates={"v": ["sum", "max", "last"]})
    for statistic in ("sum", "max", "last"):
        wanted = [brute(past(right, k, t, span), statistic) for k, t in left.iter_rows()]
        assert same(found.frame[f"v_{statistic}"].to_list(), wanted)


def test_the_future_tells_nothing() -> None:
    left, right = tables(50, 300, 0)
    later = right.with_columns(v=pl.when(pl.col("t") >= 5).then(1e9).otherwise("v"))
    ask = {"v": STATISTICS, "*": ["count", "gap"]}
    early = left.filter(pl.col("t") <= 5)
    a = join(early, right, "key", as_of="t", aggregates=ask).frame
    b = join(early, later, "key", as_of="t", aggregates=ask).frame
    assert a.equals(b)
    c = join(early, right.filter(pl.col("t") < 5), "key", as_of="t", aggregates=ask).frame
    assert a.equals(c)


def test_a_target_in_the_future_cannot_be_seen() -> None:
    """A column that repeats the target on the very day is unseen by a join as of that day."""
    draw = np.random.default_rng(0)
    y = draw.normal(size=500)
    left = pl.DataFrame({"id": range(500), "day": 10, "y": y})
    right = pl.DataFrame({"id": range(500), "day": 10, "leak": y})
    found = join(left, right, "id", as_of="day", aggregates={"leak": "mean"})
    assert found.frame["leak_mean"].null_count() == 500
    assert found.matched == 0 and found.unused == 500
    open_eyed = join(left, right, "id", aggregates={"leak": "mean"}, prefix="r_")
    assert np.corrcoef(open_eyed.frame["r_leak_mean"], y)[0, 1] > 0.99


def test_plain_joins_are_polars_own() -> None:
    left = pl.DataFrame({"id": [3, 1, None, 9, 1], "x": [1, 2, 3, 4, 5]})
    right = pl.DataFrame({"id": [1, 3, 4, None], "name": ["a", "c", "d", "n"], "z": [1.0, 3, 4, 0]})
    found = join(left, right, "id")
    assert found.frame.equals(left.join(right, on="id", how="left", maintain_order="left"))
    assert (found.rows, found.matched, found.unmatched, found.unused) == (5, 3, 2, 2)
    assert "3 of 5 rows (60.0%) have a match, 2 have none; 2 rows" in found.to_text()
    assert len(found.notes) == 2
    inner = join(left, right, "id", how="inner")
    assert inner.frame.equals(left.join(right, on="id", how="inner", maintain_order="left"))


def test_whole_aggregates_are_polars_own() -> None:
    left, right = tables(30, 200, 3)
    right = right.with_columns(v=pl.col("v").fill_nan(None))
    v = pl.col("v")
    asked = {"count": v.count(), "sum": v.sum(), "mean": v.mean(), "std": v.std(), "min": v.min(),
             "max": v.max(), "distinct": v.drop_nulls().n_unique()}
    theirs = right.group_by("key").agg([e.alias(f"v_{n}") for n, e in asked.items()])
    wanted = left.join(theirs, on="key", how="left", maintain_order="left")
    found = join(left, right, "key", aggregates={"v": list(asked)}).frame
    for name in asked:
        assert same(found[f"v_{name}"].cast(pl.Float64).to_list(),
                    wanted[f"v_{name}"].cast(pl.Float64).to_list())


def test_rows_are_never_multiplied() -> None:
    left = pl.DataFrame({"id": [1, 1, 2]})
    right = pl.DataFrame({"id": [1, 1, 1, 2], "v": [1, 2, 3, 4]})
    with pytest.raises(DataError, match=r"1 keys have 2 to 3 rows, and the 3 rows .* become 7"):
        join(left, right, "id")
    assert join(left, right, "id", aggregates={"v": "sum"}).frame.height == 3


def test_as_of_alone_brings_the_last_known_row() -> None:
    left = pl.DataFrame({"id": ["a", "a", "b"], "when": [
        dt.date(2024, 1, 5), dt.date(2024, 1, 1), dt.date(2024, 1, 5)]})
    right = pl.DataFrame({"who": ["a", "a", "b"], "at": [
        dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 4), dt.datetime(2024, 1, 5)],
        "plan": ["basic", "pro", "late"], "fee": [1, 2, 3]})
    found = join(left, right, {"id": "who"}, as_of=("when", "at"))
    assert found.frame["plan"].to_list() == ["pro", None, None]
    assert found.added == ("plan", "fee")
    gap = join(left, right, {"id": "who"}, as_of=("when", "at"), within="2d",
               aggregates={"*": ["gap", "count"]})
    assert gap.frame["gap"].to_list() == [1.0, None, None]
    assert gap.frame["count"].to_list() == [1, 0, 0]


def test_several_keys_and_kinds_of_keys() -> None:
    left = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    right = pl.DataFrame({"a": [1.0, 2.0], "b": ["x", "z"], "v": [5, 6]})
    assert join(left, right, ["a", "b"]).frame["v"].to_list() == [5, None]
    with pytest.raises(DataError, match=r"key 'a' holds numbers \(Int64\) and 'a' .* text"):
        join(left, right.with_columns(a=pl.lit("1")), "a")


def test_missing_times_and_keys_are_said() -> None:
    left = pl.DataFrame({"id": [1, None, 1], "t": [5, 5, None]})
    right = pl.DataFrame({"id": [1, None, 1], "t": [1, 1, None], "v": [1.0, 2.0, 3.0]})
    found = join(left, right, "id", as_of="t", aggregates={"v": "sum", "*": "count"})
    assert found.frame["v_sum"].to_list() == [1.0, None, None]
    assert found.frame["count"].to_list() == [1, None, None]
    assert "2 rows of the right table have no key or time" in found.notes[0]


def test_times_without_as_of_are_warned_of() -> None:
    right = pl.DataFrame({"id": [1, 1], "at": [dt.date(2024, 1, 1)] * 2, "v": [1, 2]})
    found = join(pl.DataFrame({"id": [1]}), right, "id", aggregates={"v": "sum"})
    assert "tells the future" in found.notes[0]


def test_wrong_words() -> None:
    left, right = tables(5, 5, 0)
    for options, error, said in (
        ({"on": "kee"}, UnknownNameError, "did you mean 'key'"),
        ({"how": "outer"}, ParameterError, "'left', 'inner'; got 'outer'"),
        ({"aggregates": {"v": "men"}}, UnknownNameError, "did you mean 'mean'"),
        ({"aggregates": {"w": "mean"}}, UnknownNameError, "no column of the right table"),
        ({"within": "3d"}, ParameterError, "within needs as_of"),
        ({"as_of": "t", "within": "soon", "aggregates": {"v": "sum"}}, ParameterError, "'30d'"),
        ({"aggregates": {"*": "gap"}}, ParameterError, "gap needs as_of"),
        ({"as_of": "tt"}, UnknownNameError, "no column of the left table"),
        ({"aggregates": {"v": ["sum", "sum"]}}, ParameterError, "second column 'v_sum'"),
    ):
        with pytest.raises(error, match=said):
            join(left, right, **{"on": "key", **options})
    with pytest.raises(ParameterError, match="needs numbers; column 's'"):
        join(left, right.with_columns(s=pl.lit("x")), "key", aggregates={"s": "mean"})


def test_empty_tables_and_odd_names() -> None:
    left = pl.DataFrame({"^k.*$": ["a", "b"], "*": [1, 2]})
    right = pl.DataFrame({"^k.*$": ["a", "a"], "": [1.0, 2.0], "a b": ["x", "y"]})
    found = join(left, right, "^k.*$", aggregates={"": "sum", "a b": "last"})
    assert found.frame["_sum"].to_list() == [3.0, 0.0] or found.frame["_sum"].to_list()[0] == 3.0
    assert found.frame["a b_last"].to_list() == ["y", None]
    assert join(left.clear(), right, "^k.*$", aggregates={"": "sum"}).rows == 0
    none = join(left, right.clear(), "^k.*$", aggregates={"": ["sum", "mean"], "a b": "first"})
    assert none.matched == 0 and none.frame["_mean"].null_count() == 2


def test_the_frame_of_the_left_comes_back() -> None:
    left = pd.DataFrame({"id": [1, 2], "x": [1.5, 2.5]})
    found = wf.join(left, {"id": [2, 2], "v": [1, 3]}, "id", aggregates={"v": "mean"})
    assert isinstance(found.frame, pd.DataFrame)
    assert found.frame["v_mean"].isna().tolist() == [True, False]


def test_hundreds_of_thousands_of_rows_are_no_trouble() -> None:
    draw = np.random.default_rng(0)
    n = 300_000
    right = pl.DataFrame({"k": draw.integers(0, 5000, n), "t": draw.random(n),
                          "v": draw.normal(size=n)})
    left = pl.DataFrame({"k": draw.integers(0, 5000, n), "t": draw.random(n)})
    found = join(left, right, "k", as_of="t", aggregates={"v": ["mean", "max", "count"]})
    assert found.matched > 0.9 * n
