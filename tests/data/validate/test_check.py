"""Checks: each fault is found with its rows, counted right, and weighed as it deserves."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wholefit.base.errors import DataError, WholefitError
from wholefit.data import infer as schema_of
from wholefit.data.notes import warning
from wholefit.data.validate import ColumnRule, Expectations, Rule, check, infer
from wholefit.data.validate._chance import chance


def one(values, rule: ColumnRule, **facts):
    """The violations of a single column x."""
    return check(pl.DataFrame({"x": values}), Expectations({"x": rule}, **facts)).violations


@pytest.mark.parametrize("values, rule, kind, rows", [
    ([1, None, 3, None], ColumnRule(missing=0.25), "missing", (2, 4)),
    (["a", " ", "b", None], ColumnRule(type="text", missing=0.0), "missing", (2, 4)),
    (["1", "x", "3", "2,5"], ColumnRule(type="number"), "type", (2, 4)),
    ([1.0, 2.5, 3.0, None], ColumnRule(type="integer"), "type", (2,)),
    (["yes", "no", "perhaps", "Y"], ColumnRule(type="boolean"), "type", (3,)),
    (["2024-01-01", "soon", None, "2024-02-30"], ColumnRule(type="datetime"), "type", (2, 4)),
    ([1, 5, -2, 9], ColumnRule(type="number", min=0, max=8), "range", (3, 4)),
    ([dt.date(2020, 1, 1), dt.date(1900, 1, 1)], ColumnRule(type="datetime", min="2000-01-01"),
     "range", (2,)),
    (["a", "b", "c", None], ColumnRule(type="text", allowed=("a", "b")), "allowed", (3,)),
    ([1, 2, 3, 3], ColumnRule(type="integer", allowed=(1, 2)), "allowed", (3, 4)),
    (["12", "123", "x"], ColumnRule(type="text", pattern="[0-9]{2,3}"), "pattern", (3,)),
    (["12", "1234567", "x"], ColumnRule(type="text", min_length=2, max_length=5), "length", (2, 3)),
    ([1, 2, 1, 1, None, None], ColumnRule(unique=True), "unique", (3, 4)),
    ([1, 2, None, 1, 3], ColumnRule(order="increasing"), "order", (4,)),
    ([3, 2, 2, 4], ColumnRule(order="decreasing", exact=True), "order", (4,)),
])
def test_a_fault_is_found_with_its_rows(values, rule, kind, rows) -> None:
    found = one(values, rule)
    assert [each.check for each in found] == [kind]
    assert found[0].rows == rows and found[0].count == len(rows)
    assert found[0].severity == ("warning" if kind == "order" and not rule.exact else "error")
    assert found[0].remedy.endswith(".") and "columns.x" in found[0].remedy
    kept = [value for at, value in enumerate(values) if at + 1 not in rows]
    assert not one(kept, rule), "without those rows nothing is wrong"


def test_types_that_read_differently_are_the_same() -> None:
    assert not one(["1", "2"], ColumnRule(type="number", allowed=(1, 2)))
    assert not one([1.0, 2.0], ColumnRule(type="text", allowed=("1", "2")))
    assert not one([True, False], ColumnRule(type="boolean"))
    assert not one([0, 1], ColumnRule(type="boolean"))
    assert not one(["2020-01-01"], ColumnRule(type="datetime", max="2021-01-01"))


def test_large_whole_numbers_are_told_apart() -> None:
    large = [2**60, 2**60 + 1, 2**60 + 2]
    assert not one(large, ColumnRule(type="integer", unique=True, order="increasing"))
    assert one([*large, 2**60], ColumnRule(type="integer", unique=True))[0].rows == (4,)


@pytest.mark.parametrize("kind", ["any", "number", "datetime", "boolean"])
def test_any_word_of_a_file_is_used_or_refused(kind: str) -> None:
    frame = pl.DataFrame({
        "i": [1, 2, 3], "f": [1.0, float("nan"), float("inf")], "s": ["a", "b", None],
        "b": [True, None, False], "n": [None] * 3, "d": [dt.date(2024, 1, 1)] * 3,
        "u": pl.Series([2**64 - 1, 1, 2], dtype=pl.UInt64), "l": [[1], [2], [3]],
        "c": pl.Series(["a", "b", None], dtype=pl.Categorical), "t": [dt.timedelta(1)] * 3})
    for column in frame.columns:
        for key in ("min", "max", "seen", "allowed", "min_length", "unique", "order"):
            for value in ("9" * 30, "-1e400", "nan", "'x'", "2024-01-01", "true", "[]"):
                word = f"[{value}, {value}]" if key in ("seen", "allowed") else value
                text = f"[columns.{column}]\ntype = '{kind}'\n{key} = {word}\n"
                try:
                    assert check(frame[[column]], Expectations.from_toml(text)).to_text()
                except WholefitError as error:
                    assert str(error)


def test_columns_and_rows() -> None:
    expected = Expectations({"age": ColumnRule(), "y": ColumnRule(), "no": ColumnRule(
        required=False)}, min_rows=5, target="y")
    found = check(pl.DataFrame({"Age": [1, 2]}), expected)
    assert [each.check for each in found.violations] == ["row count", "column", "extra column"] or [
        each.check for each in found.errors] == ["column", "row count"]
    assert "(there is 'Age')" in found.of("age")[0].said
    assert found.warnings[0].columns == ("Age",) and found.unchecked
    assert not found.ok


def test_rules_of_a_person_hold_for_every_row() -> None:
    frame = pl.DataFrame({"a": [1, 5, None, 9], "b": [2, 4, 3, 10], "c": ["x", "x", "y", "z"],
                          "d": ["p", "q", "r", "s"]})
    found = check(frame, Expectations(
        {name: ColumnRule() for name in "abcd"},
        (Rule("a <= b"), Rule("c determines d", severity="warning"), Rule("gone > 1"))))
    broken, dependent = found.violations
    assert (broken.count, broken.of, broken.rows) == (1, 3, (2,))
    assert broken.values == ("a = 5, b = 4",) and broken.severity == "error"
    assert dependent.count == 1 and dependent.severity == "warning"
    assert found.unchecked == ("rule gone > 1: there is no column 'gone'",)


@given(st.integers(0, 40), st.integers(1, 200), st.integers(0, 40), st.integers(1, 400))
@settings(max_examples=200, deadline=None)
def test_chance_is_fishers_exact_test(found: int, of: int, broken: int, rows: int) -> None:
    found, broken = min(found, of), min(broken, rows)
    table = [[found, of - found], [broken, rows - broken]]
    wanted = stats.fisher_exact(table, alternative="greater").pvalue
    assert chance(found, of, broken, rows) == pytest.approx(wanted, rel=1e-6, abs=1e-12)


def test_what_chance_explains_is_no_error() -> None:
    rule = ColumnRule(type="text", allowed=("a", "b"))
    learnt = {"rows": 1000, "confidence": 0.99}
    few, many = ["a"] * 990 + ["c"] * 3, ["a"] * 970 + ["c"] * 30
    assert one(few, rule, **learnt)[0].severity == "warning"
    assert one(many, rule, **learnt)[0].severity == "error"
    assert one(few, rule.replace(exact=True), **learnt)[0].severity == "error"
    assert one(few, rule)[0].severity == "error", "nobody learnt it: it is a person's word"
    strict = check(pl.DataFrame({"x": few}), Expectations({"x": rule}, **learnt), strict=True)
    assert not strict.ok and not strict.errors


def test_a_range_seen_warns_only_beyond_chance() -> None:
    rule = ColumnRule(type="number", seen=(0, 10))
    calm = one([*range(10)] * 20 + [11, 12], rule, rows=1000)
    assert calm == ()
    shifted = one([*range(10)] * 20 + [11] * 50, rule, rows=1000)
    assert [(each.check, each.severity, each.count) for each in shifted] == [
        ("seen range", "warning", 50)]


def test_cells_that_reading_lost_are_told() -> None:
    note = warning("bad_cells", "column 'x': 2 of 9 cells are not numbers.", column="x",
                   rows=[3, 4], count=2)
    found = check(pl.DataFrame({"x": [1.0, None]}), Expectations({"x": ColumnRule()}),
                  notes=[note]).violations[0]
    assert found.check == "type" and found.rows == (3, 4) and found.count == 2


def test_a_bound_of_another_type_is_a_sentence() -> None:
    with pytest.raises(DataError, match="'soon'"):
        one([dt.date(2020, 1, 1)], ColumnRule(type="datetime", min="soon"))


def test_text_and_json_say_the_same() -> None:
    found = check(pl.DataFrame({"x": [1, -5]}), Expectations({"x": ColumnRule(
        type="number", min=0)}), source="new.csv", against="old.toml")
    text, stored = found.to_text(), found.to_json()
    assert text.startswith("not valid: 1 error in 2 rows of new.csv, held against old.toml")
    assert "row 2: -5" in text and stored["violations"][0]["rows"] == [2]
    assert stored["violations"][0]["share"] == 0.5 and stored["ok"] is False


def test_false_alarms_of_honest_halves() -> None:
    """Tables of every kind of column, halved 60 times: errors on at most one in fifty."""
    random = np.random.default_rng(9)
    alarms = 0
    for _ in range(60):
        rows = 800
        town = random.choice([f"t{at}" for at in range(30)], rows, p=random.dirichlet([0.5] * 30))
        frame = pl.DataFrame({
            "n": random.normal(size=rows), "k": random.poisson(2, rows), "town": town,
            "gap": [None if hole else 1.5 for hole in random.random(rows) < 0.01],
            "id": [f"A{value:06d}" for value in random.permutation(rows)],
            "e": random.exponential(5, rows), "yes": random.random(rows) < 0.02})
        first, second = frame[:rows // 2], frame[rows // 2:]
        alarms += not check(second, infer(first, schema_of(first))).ok
    assert alarms <= 2


@pytest.mark.parametrize("fault, kind", [
    (lambda f: f.with_columns(pl.col("n") + 30), "range"),
    (lambda f: f.with_columns(pl.lit(None, dtype=pl.Float64).alias("n")), "missing"),
    (lambda f: f.with_columns(pl.col("town") + "x"), "allowed"),
    (lambda f: f.with_columns(pl.col("id").str.to_lowercase()), "pattern"),
    (lambda f: f.with_columns(pl.col("id").first()), "unique"),
    (lambda f: f.with_columns(pl.col("high") - 50), "rule"),
    (lambda f: f.drop("n"), "column"),
    (lambda f: f.with_columns(pl.lit("many").alias("n")), "type"),
])
def test_gross_faults_are_errors(fault, kind: str) -> None:
    random = np.random.default_rng(3)
    low = random.integers(0, 60, 500)
    frame = pl.DataFrame({
        "n": random.normal(size=500), "town": random.choice(list("abc"), 500),
        "id": [f"A{value:06d}" for value in random.permutation(500)],
        "low": low, "high": low + random.integers(0, 40, 500)})
    found = check(fault(frame), infer(frame, schema_of(frame)))
    assert kind in {each.check for each in found.errors}
