"""Expectations: what is inferred is true of the rows, is written to be edited, and comes back."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.data import infer as schema_of
from wholefit.data import read
from wholefit.data.validate import ColumnRule, Expectations, Rule, check, infer
from wholefit.data.validate._bounds import bounds
from wholefit.data.validate._patterns import pattern_of

N = 400
RANDOM = np.random.default_rng(0)
START = RANDOM.integers(0, 100, N)
PRICE, COUNT = RANDOM.integers(1, 50, N) / 4, RANDOM.integers(1, 9, N)
FRAME = pl.DataFrame({
    "id": [f"C{1000 + at}" for at in range(N)],
    "zip": [f"{at % 90 + 10:02d}{at % 7:03d}" for at in range(N)],
    "key": range(500, 500 + N),
    "start": START, "end": START + RANDOM.integers(0, 30, N),
    "price": PRICE, "count": COUNT, "total": PRICE * COUNT,
    "part": RANDOM.integers(0, 50, N), "rest": RANDOM.integers(0, 50, N),
    "town": [f"town {at % 20}" for at in range(N)],
    "county": [f"c{at % 20 // 4}" for at in range(N)],
    "day": [dt.date(2020, 1, 1) + dt.timedelta(days=at) for at in range(N)],
    "left": [None if at % 4 == 0 else at % 9 + 0.5 for at in range(N)],
    "why": [None if at % 2 == 0 else f"reason {at % 30} of the many" for at in range(N)],
    "open": [at % 3 == 0 for at in range(N)],
}).with_columns((pl.col("part") + pl.col("rest")).alias("whole"))


@pytest.fixture(scope="module")
def expected() -> Expectations:
    return infer(FRAME, schema_of(FRAME), source="shop.csv")


def test_types_and_what_goes_with_them(expected: Expectations) -> None:
    columns = expected.columns
    assert {name: rule.type for name, rule in columns.items() if rule.type != "integer"} == {
        "id": "text", "zip": "text", "price": "number", "total": "number", "town": "text",
        "county": "text", "day": "datetime", "left": "number", "why": "text", "open": "boolean"}
    assert columns["id"].pattern == "C[0-9]{4}" and columns["id"].unique
    assert columns["key"].unique and columns["key"].order == "increasing"
    assert columns["left"].missing == 0.25 and columns["id"].missing == 0
    assert columns["county"].allowed == ("c0", "c1", "c2", "c3", "c4")
    assert columns["day"].min == "2018-11-28" and columns["day"].max == "2022-03-09"
    assert columns["day"].order == "increasing"
    assert not columns["price"].unique and columns["price"].min == 0


def test_rules_across_columns(expected: Expectations) -> None:
    found = {rule.text: rule for rule in expected.rules}
    for text in ("start <= end", "part + rest == whole", "price * count == total",
                 "town determines county", "if left is missing then why is missing"):
        assert found[text].broken == 0 and found[text].rows > 99, text
    assert "county determines town" not in found


def test_the_rows_meet_what_they_taught(expected: Expectations) -> None:
    found = check(FRAME, expected)
    assert found.ok and not found.violations


def test_unrelated_columns_have_no_rules() -> None:
    random = np.random.default_rng(5)
    for seed in range(5):
        noise = pl.DataFrame({f"x{at}": random.normal(size=300).round(2) for at in range(12)} | {
            f"c{at}": random.integers(0, 6, 300).astype(str) for at in range(6)} | {
            f"m{at}": [None if hole else 1.5 for hole in random.random(300) < 0.3]
            for at in range(4)})
        assert infer(noise, schema_of(noise)).rules == (), seed


def test_a_rule_that_hardly_ever_fails_is_kept_with_its_exceptions() -> None:
    rows = 2000
    random = np.random.default_rng(1)
    a = random.integers(0, 100, rows)
    b = a + random.integers(0, 50, rows)
    b[7] = a[7] - 5
    frame = pl.DataFrame({"a": a, "b": b})
    rules = {rule.text: rule for rule in infer(frame, schema_of(frame)).rules}
    assert rules["a <= b"].broken == 1 and rules["a <= b"].rows == rows


def test_toml_comes_back_the_same(expected: Expectations, tmp_path: Path) -> None:
    path = expected.save(tmp_path / "shop.toml")
    assert Expectations.load(path) == expected
    with pytest.raises(DataError, match="exists"):
        expected.save(path)
    edited = path.read_text().replace('missing = 0.25', 'missing = 0.5\nexact = true')
    edited += '\n[[rules]]\nrule = "price < 100"\n'
    again = Expectations.from_toml(edited)
    assert again.column("left").missing == 0.5 and again.column("left").exact
    assert again.rules[-1] == Rule("price < 100")
    dated = Expectations.from_toml("[columns.x]\ntype = \"datetime\"\nmin = 2024-01-01\n")
    assert dated.column("x").min == "2024-01-01"


@given(st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.builds(ColumnRule, type=st.sampled_from(["text", "number", "any"]),
              missing=st.floats(0, 1), allowed=st.none() | st.lists(
                  st.text(max_size=5) | st.integers(-9, 9), max_size=3).map(tuple),
              pattern=st.sampled_from([None, r"\d{2}'x", "[a-z]+", r'"\w"']),
              min=st.none() | st.floats(allow_nan=False) | st.integers(-2**60, 2**60)),
    max_size=4), st.text(max_size=10))
@settings(max_examples=150, deadline=None)
def test_any_names_and_values_survive_toml(columns: dict, source: str) -> None:
    given_ = Expectations(columns, source=source, rows=5)
    assert Expectations.from_toml(given_.to_toml()) == given_


@pytest.mark.parametrize("text, error, said", [
    ("not toml [", DataError, "not TOML"), ("[colums.x]\ntype='text'", DataError, "columns"),
    ("[columns.x]\ntyp='text'", DataError, "'type'"),
    ("[columns.x]\ntype='str'", DataError, "one of"),
    ("[columns.x]\nmissing=2", DataError, "<= 1"), ("[columns]\nx=3", DataError, "a table"),
    ("[columns.x]\npattern='('", DataError, "regular expression"),
    ("[columns.x]\nseen=[1]", DataError, "lowest, highest"),
    ("[[rules]]\ntext='a<b'", DataError, "rule ="),
    ("[[rules]]\nrule='a <'", DataError, "a value was expected"),
    ("[learnt]\nrows=-1", DataError, "whole number"), ("rules = 3", DataError, "as written"),
    ("[table]\nextra_columns='no'", DataError, "ignore"), ("table = 1", DataError, "a table"),
    ("[table]\nminrows=1", UnknownNameError, "min_rows"),
    ("[[rules]]\nrule='a<b'\nseverity='bad'", DataError, "severity"),
])
def test_what_cannot_be_understood_is_said(text: str, error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        Expectations.from_toml(text, "e.toml")


def test_edited_in_python() -> None:
    made = Expectations({"a": ColumnRule(type="number")}).with_column("a", max=9).with_rule("a > 2")
    assert made.column("a").max == 9 and made.rules[0].columns == ("a",)
    assert made.without_rule("a > 2").rules == ()
    with pytest.raises(UnknownNameError):
        made.with_rule("b > 2")
    with pytest.raises(UnknownNameError):
        made.column("b")
    with pytest.raises(ParameterError):
        made.with_column("a", missing=3)


def test_no_rows_and_no_confidence() -> None:
    with pytest.raises(DataError, match="no rows"):
        infer(FRAME.clear(), schema_of(FRAME))
    with pytest.raises(ParameterError, match="confidence"):
        infer(FRAME, schema_of(FRAME), confidence=1.0)


# Bounds and patterns -------------------------------------------------------------------------

@pytest.mark.parametrize("draw, share", [
    (lambda r, n: r.normal(50, 10, n), 0.02), (lambda r, n: r.exponential(1, n), 0.02),
    (lambda r, n: r.lognormal(0, 1, n), 0.05), (lambda r, n: r.integers(0, 20, n), 0.02),
    (lambda r, n: r.standard_t(3, n), 0.12), (lambda r, n: r.uniform(0, 1, n), 0.02),
    (lambda r, n: r.pareto(1.5, n), 0.08), (lambda r, n: r.poisson(3, n), 0.05),
])
def test_bounds_seldom_fail_honest_rows(draw, share: float) -> None:
    """Of 400 pairs of 500 rows, how many have a row beyond the bounds of the other half."""
    random = np.random.default_rng(2)
    failed = 0
    for _ in range(400):
        first, second = draw(random, 500).astype(float), draw(random, 500).astype(float)
        found = bounds(first, bool((first == np.floor(first)).all()))
        assert found is not None
        assert found.low <= first.min() and first.max() <= found.high
        failed += bool((second < found.low).any() or (second > found.high).any())
    assert failed / 400 <= share


def test_edges_are_kept() -> None:
    ratings = np.repeat([1, 2, 3, 4, 5], [30, 20, 20, 40, 90]).astype(float)
    found = bounds(ratings, True)
    assert found is not None and (found.low, found.high) == (1, 5)
    ages = bounds(np.r_[np.linspace(1, 70, 500), 0.2], False)
    assert ages is not None and ages.low == 0 and 100 <= ages.high <= 160


@pytest.mark.parametrize("values, pattern", [
    ([f"{at:05d}" for at in range(100)], "[0-9]{5}"),
    ([f"INV-2024-{at:04d}" for at in range(100)], r"INV\-2024\-[0-9]{4}"),
    ([f"{'AB'[at % 2]}{at % 10}{'xy'[at % 7 > 2] * (at % 3 + 1)}" for at in range(100)],
     "[A-Z][0-9][a-z]{1,3}"),
    ([f"{at}.{at % 7}%" for at in range(100)], r"[0-9]{1,2}\.[0-9]%"),
])
def test_patterns(values: list[str], pattern: str) -> None:
    found = pattern_of(pl.Series(values))
    assert found is not None and found.pattern == pattern and found.unmatched == 0


@pytest.mark.parametrize("values", [
    ["Anna", "Bo", "Christopher"] * 20, ["a b c", "d, e", "f"] * 20,
    [f"word {'x ' * (at % 15)}" for at in range(60)], ["é" * 5] * 3, ["(("] * 5 + ["a"] * 90,
])
def test_prose_and_names_have_no_pattern(values: list[str]) -> None:
    assert pattern_of(pl.Series(values)) is None


def test_a_pattern_matches_in_linear_time() -> None:
    rule = ColumnRule(type="text", pattern="(a+)+b")
    long = pl.DataFrame({"x": ["a" * 200_000]})
    assert check(long, Expectations({"x": rule})).of("x")[0].check == "pattern"


@pytest.mark.skipif("WHOLEFIT_DATA" not in os.environ, reason="WHOLEFIT_DATA is not set")
@pytest.mark.parametrize("name, rules", [
    ("nycflights13", {"(dep_time is missing) == (dep_delay is missing)",
                      "if arr_time is missing then arr_delay is missing"}),
    ("metro_traffic", {"weather_description determines weather_main"}),
    ("ames_housing", {"Year_Built <= Year_Remod_Add", "Bsmt_Unf_SF <= Total_Bsmt_SF"}),
    ("beijing_pm25", {"DEWP <= TEMP"}),
])
def test_rules_of_real_tables(name: str, rules: set[str]) -> None:
    path = next((Path(os.environ["WHOLEFIT_DATA"]) / name).glob("data.*"))
    frame = read(path).frame.head(30_000)
    found = {rule.text for rule in infer(frame, schema_of(frame)).rules}
    assert rules <= found
