"""Rules and formulas: each form means what it says, missing cells leave it open, no code runs."""

from __future__ import annotations

import datetime as dt
import math
import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import DataError, ParameterError, UnknownNameError, WholefitError
from wholefit.data.formulas import (
    columns_of,
    compute,
    condition,
    parse,
    predicate,
    quoted,
    two_columns,
)

FRAME = pl.DataFrame({
    "a": [1, 2, None, 4], "b": [2.0, 1.0, 3.0, float("nan")], "c d": ["x", "yy", None, "12345"],
    "day": [dt.date(2020, 1, day) for day in (1, 2, 3, 4)], "t": [True, False, None, True],
    "^a.*$": [1, 2, 3, 4], "gone": [None] * 4, "if": [1, 0, 1, 0], "kind": ["a", "b", "c", "a"],
}).with_columns(pl.col("kind").cast(pl.Categorical))


@pytest.mark.parametrize("text, truth", [
    ("a <= b", [True, False, None, None]),
    ("a + 1 == b", [True, False, None, None]),
    ("a * 2 >= `^a.*$` + 1", [True, True, None, True]),
    ("`c d` matches '[0-9]{5}'", [False, False, None, True]),
    (r"`c d` matches '\d+'", [False, False, None, True]),
    ("`c d` not in ['x', 'z']", [False, True, None, True]),
    ("a in [1, 4]", [True, False, None, True]),
    ("a between 2 and 4", [False, True, None, True]),
    ("a not between 2 and 4", [True, False, None, False]),
    ("0 < a <= 2", [True, True, None, False]),
    ("day >= '2020-01-03'", [False, False, True, True]),
    ("day in ['2020-01-02']", [False, True, False, False]),
    ("year(day) == 2020 and day(day) < 3", [True, True, False, False]),
    ("if t then a > 1", [False, True, None, True]),
    ("a is missing or b is not missing", [True, True, True, False]),
    ("(a is missing) == (b is missing)", [True, True, False, False]),
    ("length(`c d`) > 1", [False, True, None, True]),
    ("gone > 3", [None] * 4), ("gone is missing", [True] * 4),
    ("not t", [False, True, None, False]), ("not not t", [True, False, None, True]),
    ("t == true", [True, False, None, True]), ("`if` = 1", [True, False, True, False]),
    ("kind == 'a'", [True, False, False, True]),
    ("upper(kind) in ['A']", [True, False, False, True]),
    ("abs(-a) == a", [True, True, None, True]), ("1 < 2", [True] * 4),
    ("a / 0 > 1", [None] * 4), ("-2 < -1", [True] * 4),
])
def test_what_a_rule_says(text: str, truth: list) -> None:
    assert predicate(text).truth(FRAME).to_list() == truth


def test_computed_numbers_are_equal_up_to_rounding() -> None:
    frame = pl.DataFrame({"x": [0.1, 1e9], "y": [0.2, 0.25], "z": [0.3, 1e9 + 0.25]})
    assert 0.1 + 0.2 != 0.3
    assert predicate("x + y == z").truth(frame).to_list() == [True, True]
    assert predicate("x + y <= z").truth(frame).to_list() == [True, True]
    assert predicate("x + y < z").truth(frame).to_list() == [False, False]
    whole = pl.DataFrame({"x": [2**60], "y": [2**60 + 1]})
    assert predicate("x == y").truth(whole).to_list() == [False], "plain numbers: exactly"


def test_columns_are_named_in_order() -> None:
    assert predicate("b > a and `c d` is missing and a < 1").columns == ("b", "a", "c d")


@pytest.mark.parametrize("text, error", [
    ("a <", ParameterError), ("a <= zz", UnknownNameError), ("foo(a)", UnknownNameError),
    ("a and b", DataError), ("a matches '('", DataError), ("`c d` matches '(?=x)'", DataError),
    ("a == 'x'", DataError), ("(((a", ParameterError), ("a b", ParameterError),
    ("", ParameterError), ("(" * 100 + "a" + ")" * 100, ParameterError),
    ("a in [b]", ParameterError), ("a > 1; import os", ParameterError),
    ("__import__('os')", UnknownNameError), ("a.b.c > 1", UnknownNameError),
    ("not", ParameterError), ("if a then", ParameterError), ("a + 1", DataError),
    ("a" + " + a" * 500 + " > 1", ParameterError), ("x" * 20_000, ParameterError),
    ("day - '2020-01-01' > 5", DataError), ("lower(a) == 'x'", DataError), (None, ParameterError),
])
def test_what_cannot_be_said(text: str, error: type) -> None:
    with pytest.raises(error):
        predicate(text).truth(FRAME)


def test_a_nested_column_is_refused_in_words() -> None:
    with pytest.raises(DataError, match="'x' holds List"):
        predicate("x > 1").truth(pl.DataFrame({"x": [[1], [2]]}))


@given(st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_rule_or_a_sentence_why_not(text: str) -> None:
    try:
        predicate(text).truth(FRAME)
    except WholefitError as error:
        assert str(error)


@given(st.text(min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_any_name_can_be_quoted(name: str) -> None:
    assert predicate(f"{quoted(name)} is missing").columns == (name,)
    assert two_columns(f"{quoted(name)} determines b", "determines") == (name, "b")


@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=1, max_size=20),
       st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=20, max_size=20))
@settings(max_examples=100, deadline=None)
def test_order_agrees_with_python(a: list, b: list) -> None:
    b = b[:len(a)]
    frame = pl.DataFrame({"a": pl.Series(a, dtype=pl.Int64), "b": pl.Series(b, dtype=pl.Int64)})
    wanted = [None if x is None or y is None else x <= y for x, y in zip(a, b, strict=True)]
    assert predicate("a <= b").truth(frame).to_list() == wanted


# The language of conditions and formulas ------------------------------------------------------

TABLE = pl.DataFrame({"a": [1, 2, None, 4], "b c": [2.0, 0.0, 1.0, -1.0],
                      "s": ["Ely", None, "Wells", "ely"], "t": [True, False, None, True],
                      "d": [dt.date(2024, 1, 31), None, dt.date(2024, 3, 1), dt.date(2023, 5, 5)]})


@pytest.mark.parametrize("said, expected", [
    ("a > 1 and s != 'Ely'", [False, None, None, True]),
    ("not (a >= 2) or s is missing", [True, True, None, False]),
    ("s in ['Ely', 'ely']", [True, None, False, True]),
    ("a not in (1, 4)", [False, True, None, False]),
    ("a between 2 and 4", [False, True, None, True]),
    ("s contains 'l'", [True, None, True, True]),
    ("s contains '.*'", [False, None, False, False]),
    ("d >= '2024-01-01'", [True, None, True, False]),
    ("d is not missing", [True, False, True, True]),
    ("t", [True, False, None, True]), ("t = false", [False, True, None, False]),
    ("lower(s) == 'ely'", [True, None, False, True]),
    ("`b c` / a > 1", [True, False, None, False]),
])
def test_conditions(said: str, expected: list) -> None:
    assert condition(said, TABLE).to_list() == expected


@pytest.mark.parametrize("said, expected", [
    ("a * 2 + 1", [3, 5, None, 9]), ("-a ** 2", [-1, -4, None, -16]),
    ("a / `b c`", [0.5, None, None, -4.0]), ("log(`b c`)", [math.log(2), None, 0.0, None]),
    ("if(a > 1, 'many', 'one')", ["one", "many", None, "many"]),
    ("coalesce(a, 0)", [1, 2, 0, 4]), ("s + '!'", ["Ely!", None, "Wells!", "ely!"]),
    ("year(d) * 100 + month(d)", [202401, None, 202403, 202305]),
    ("max(a, `b c`)", [2.0, 2.0, 1.0, 4.0]), ("2 ** 3 ** 2", [512] * 4),
    ("t * 10", [10, 0, None, 10]), ("length(s)", [3, None, 5, 3]),
])
def test_formulas(said: str, expected: list) -> None:
    assert compute(said, TABLE).to_list() == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("said", [
    "a >", "a > > 1", "(a", "a)", "a b", "1 +", "a > 'x'", "s > 1", "foo(a)", "log(a, 2)", "log(s)",
    "a and t", "a in []", "d > 'soon'", "if(a, 1, 2)", "if(t, 1, 'x')", "a is 3", "a not 3",
    "`nope`", "a;b", "a.__class__", "lambda: 1", "[x for x in y]", "'" * 3, "a ** " * 300 + "1",
    "(" * 200 + "a" + ")" * 200, "a + " * 900 + "1", "a" * 5000, "-" * 2000 + "a",
])
def test_what_cannot_be_read_ends_in_one_sentence(said: str) -> None:
    with pytest.raises(WholefitError) as refused:
        compute(said, TABLE)
        condition(said, TABLE)
    assert "\n" not in str(refused.value)


@given(st.text(alphabet="ab ()+-*/<>=!'\"`,.0123andortis[]%\t", max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_words_are_read_or_refused(said: str) -> None:
    try:
        compute(said, TABLE)
    except WholefitError as refused:
        assert "\n" not in str(refused)


NUMBERS = st.floats(-100, 100).map(lambda x: round(x, 2))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8),
       st.sampled_from(["a + b * 2", "(a - b) / (abs(b) + 1)", "a * a - 3", "min(a, b) % 7"]))
@settings(max_examples=60, deadline=None)
def test_arithmetic_is_that_of_python(rows: list, said: str) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.Float64, "b": pl.Float64}, orient="row")
    plain = [eval(said, {"abs": abs, "min": min}, {"a": a, "b": b}) for a, b in rows]
    assert compute(said, frame).to_list() == pytest.approx(plain)


# One grammar for both --------------------------------------------------------------------------

@pytest.mark.parametrize("said", [
    "a >= 2 and s is not missing", "0 <= `b c` < a <= 4", "if a > 1 then s contains 'l'",
    "if (a > 1) and t then d >= '2024-01-01'", "a ** 2 > 3", "if(t, a, 0) > 1", "log(a) > 0.5",
    "s matches '[A-Z].*'", "coalesce(s, 'x') not in ['x', 'Ely']", "d - d = 0", "trim(s) == 'Ely'",
    "a in [1, 2.5]", "`b c` in [1, 2]", "a + 1 in [2, 5.0]", "not not t", "t == (a > 1)",
    "+a > --1",
])
def test_a_rule_and_a_condition_say_the_same(said: str) -> None:
    assert predicate(said).truth(TABLE).to_list() == condition(said, TABLE).to_list()


def test_formulas_compare_exactly_and_rules_within_a_millionth() -> None:
    frame = pl.DataFrame({"x": [1_700_000_000], "y": [1_700_000_010]})
    assert condition("x + 1 == y", frame).to_list() == [False]
    assert predicate("x + 1 == y").truth(frame).to_list() == [True]
    assert condition("x == y - 10", frame).to_list() == [True]
    assert condition("big == 9007199254740993",
                     pl.DataFrame({"big": [2**53, 2**53 + 1]})).to_list() == [False, True]


def test_mistakes_about_columns_are_of_the_caller_s_kind() -> None:
    with pytest.raises(ParameterError, match="must say true or false"):
        condition("a", TABLE)
    with pytest.raises(DataError, match="the rule 'a' must say true or false"):
        predicate("a").truth(TABLE)
    with pytest.raises(ParameterError, match="cannot be compared"):
        condition("a == 'x'", TABLE)
    with pytest.raises(UnknownNameError, match="no function"):
        predicate("foo(a) > 1")
    with pytest.raises(ParameterError, match="'if A then B'"):
        condition("if a > 1", TABLE)


def test_backslashes_free_quotes_and_are_letters_elsewhere() -> None:
    frame = pl.DataFrame({"p": ["C:\\temp", "say \"x\"", "end\\"]})
    assert condition(r"p == 'C:\temp'", frame).to_list() == [True, False, False]
    assert condition(r'p == "say \"x\""', frame).to_list() == [False, True, False]
    assert condition("p == 'end\\'", frame).to_list() == [False, False, True]


def test_what_is_not_finite_is_missing_wherever_it_is_asked_about() -> None:
    frame = pl.DataFrame({"x": [0.0, 2.0], "y": [1.0, 1.0]})
    assert compute("1 / (y / x)", frame).to_list() == [None, 2.0]
    assert condition("log(x) is missing", frame).to_list() == [True, False]
    assert condition("y / x > 0.1", frame).to_list() == [None, True]
    assert compute("coalesce(y / x, -1)", frame).to_list() == [-1.0, 0.5]
    assert compute("exp(1000 * y)", frame).to_list() == [None, None]


@pytest.mark.parametrize("said", [
    "1 / (" * 30 + "a + 1" + ")" * 30, "if(t, " * 30 + "a" + ", a)" * 30,
    "(" * 30 + "a" + " + 1 < 2) + 1 < 3" * 30, "a < " * 100 + "a",
    " or ".join(["a > 1"] * 400), "a in [" + "1, " * 900 + "1]",
])
def test_cost_grows_with_the_length_however_it_nests(said: str) -> None:
    begun = time.perf_counter()
    assert len(compute(said, TABLE)) == 4
    assert time.perf_counter() - begun < 5


def test_no_rows_and_no_columns() -> None:
    assert compute("a + 1", TABLE.head(0)).to_list() == []
    assert compute("1 + 1", TABLE).to_list() == [2] * 4
    assert condition("1 < 2", TABLE.head(0)).dtype == pl.Boolean
    assert columns_of(parse("`b c` + a > `b c`")) == ["b c", "a"]
