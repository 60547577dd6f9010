"""Drift: what was planted is found, what was not is not, and size matters beside certainty."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from scipy import stats

from wholefit.base.errors import ParameterError
from wholefit.data import infer as schema_of
from wholefit.data.validate.sketch import Sketch, sketch_of
from wholefit.evaluation.drift import Options, drift


def rows(n: int, seed: int, shift: float = 0.0, share: float = 0.3) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame({
        "x": random.normal(shift, 1, n), "z": random.exponential(2, n),
        "town": random.choice(["Ely", "Wells", "Bath"], n, p=[share, 0.6 - share, 0.4]),
        "gap": [None if hole else float(at % 97) for at, hole in
                enumerate(random.random(n) < 0.1)],
        "when": [dt.datetime(2020, 1, 1) + dt.timedelta(minutes=at) for at in range(n)]})


OLD = rows(2000, 0)
SCHEMA = schema_of(OLD)
SKETCH = Sketch.from_bytes(sketch_of(OLD, SCHEMA).to_bytes())


@pytest.mark.parametrize("old", [OLD, SKETCH], ids=["rows", "sketch"])
def test_a_planted_shift_is_found_and_nothing_else(old) -> None:
    found = drift(rows(1500, 1, shift=0.5), old, SCHEMA)
    assert {shift.column for shift in found.shifted} == {"x"} and not found.ok
    first = found.shifts[0]
    assert first.verdict == "drift" and "->" in first.said and first.p_adjusted < 1e-20
    assert found.shifts[-1].column == "when" and found.shifts[-1].verdict == "not judged"
    assert drift(rows(1500, 2), old, SCHEMA).ok
    assert drift(rows(1500, 3, share=0.5), old, SCHEMA).shifted[0].column == "town"
    gone = rows(1500, 4).with_columns(pl.when(pl.int_range(pl.len()) % 2 == 0).then(None)
                                      .otherwise("gap").alias("gap").cast(pl.Float64))
    assert [(shift.column, shift.kind) for shift in drift(gone, old, SCHEMA).shifted] == [
        ("gap", "missing")]


def test_the_numbers_are_scipys() -> None:
    new = rows(700, 5, shift=0.2, share=0.4)
    found = {(shift.column, shift.kind): shift for shift in drift(new, OLD, SCHEMA).shifts}
    theirs = stats.ks_2samp(OLD["x"], new["x"], method="asymp")
    x = found["x", "number"]
    assert (x.distance, x.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    towns = ["Ely", "Wells", "Bath"]
    table = [[int((frame["town"] == town).sum()) for town in towns] for frame in (OLD, new)]
    town = found["town", "category"]
    assert town.p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)
    shares = np.array(table) / np.sum(table, axis=1, keepdims=True)
    assert town.distance == pytest.approx(np.abs(shares[0] - shares[1]).sum() / 2)


def test_a_sketch_sees_nearly_what_rows_see() -> None:
    new = rows(1200, 6, shift=0.3)
    exact = next(s for s in drift(new, OLD, SCHEMA).shifts if s.column == "x")
    rough = next(s for s in drift(new, SKETCH, SCHEMA).shifts if s.column == "x")
    assert rough.distance <= exact.distance <= rough.distance + 0.05
    assert rough.p >= exact.p * 0.9


def test_many_rows_do_not_make_a_trifle_drift() -> None:
    old, new = rows(150_000, 7), rows(150_000, 8, shift=0.03)
    found = drift(new, old, schema_of(old))
    x = next(shift for shift in found.shifts if shift.column == "x")
    assert x.p_adjusted < 1e-6 and x.verdict == "slight" and found.ok
    strict = drift(new, old, schema_of(old), Options(threshold=0.0))
    assert [shift.column for shift in strict.shifted] == ["x"]


def test_what_hangs_together_otherwise_is_seen_in_the_whole() -> None:
    random = np.random.default_rng(9)
    a = random.normal(size=(2, 1500))
    old = pl.DataFrame({"a": a[0], "b": a[0] + 0.1 * random.normal(size=1500)})
    new = pl.DataFrame({"a": a[1], "b": random.permutation(a[1])})
    found = drift(new, old, schema_of(old))
    assert not found.shifted and found.table_differs and not found.ok
    assert found.table is not None and found.table.p == 0.002
    half = pl.concat([old[:750], old[:750]])
    assert drift(old[750:], half, schema_of(old)).ok


def test_false_alarms_stay_at_the_level() -> None:
    alarms = certain = 0
    for seed in range(150):
        both = rows(600, 1000 + seed)
        found = drift(both[300:], both[:300], SCHEMA, Options(whole=False, threshold=0.0))
        certain += any(shift.p_adjusted < 0.05 for shift in found.shifts)
        alarms += not drift(both[300:], both[:300], SCHEMA, Options(whole=False)).ok
    assert certain <= 0.05 * 150 + 3 * np.sqrt(150 * 0.05 * 0.95) and alarms <= certain


def test_columns_without_values_are_not_judged() -> None:
    empty = OLD.with_columns(pl.lit(None, dtype=pl.Float64).alias("x"),
                             pl.lit(None, dtype=pl.String).alias("town"))
    for new, old in ((empty, OLD), (OLD, empty)):
        found = {(s.column, s.kind): s.verdict for s in drift(new, old, SCHEMA).shifts}
        assert found["x", "number"] == found["town", "category"] == "not judged"
        assert found["x", "missing"] == "drift"
    assert drift(OLD.clear(), OLD, SCHEMA).shifts[0].verdict == "not judged"


def test_schema_skew_is_noted() -> None:
    new = OLD.drop("z").with_columns(pl.col("gap").cast(pl.String), pl.lit(1).alias("extra"))
    assert drift(new, OLD, SCHEMA).notes == (
        "only the reference had: 'z'", "only the new rows had: 'extra'",
        "'gap' was Float64 and is String")
    assert drift(OLD.with_columns(pl.col("when").dt.date()), OLD, SCHEMA).notes == ()


def test_options_are_checked_and_json_is_plain() -> None:
    import json

    with pytest.raises(ParameterError):
        Options(correction="sidak")
    stored = drift(rows(300, 11), OLD, SCHEMA).to_json()
    json.dumps(stored, allow_nan=False)
    assert stored["ok"] and {"distance", "p", "psi", "verdict"} <= set(stored["shifts"][0])
