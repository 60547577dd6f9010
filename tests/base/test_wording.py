"""Counts, tables and numbers in lines of text and JSON."""

from __future__ import annotations

import json
import math

from wholefit.base import wording
from wholefit.base.errors import unknown
from wholefit.base.wording import aligned, counted, figures, plain


def test_one_is_singular() -> None:
    assert [counted(n, "row") for n in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]


def test_columns_stand_below_each_other_without_trailing_spaces() -> None:
    assert aligned(["name", "n"], [["a", "10"], ["longer", ""]]) == [
        "name    n", "a       10", "longer"]
    assert aligned(["only"], []) == ["only"]


def test_numbers_that_are_not_finite_are_null_however_deep() -> None:
    held = {"a": math.nan, 2: [1.5, (math.inf, {"b": -math.inf})], "c": "nan", "d": True}
    assert json.loads(json.dumps(plain(held), allow_nan=False)) == {
        "a": None, "2": [1.5, [None, {"b": None}]], "c": "nan", "d": True}


def test_figures_are_never_a_power_of_ten() -> None:
    assert [figures(179912.3), figures(19712.0, 3), figures(0.012346), figures(-1.5e6, 2)] == [
        "179900", "19700", "0.01235", "-1500000"]
    assert figures(math.inf) == "inf" and figures(math.nan) == "nan"


def test_words_are_cut_begun_and_counted_in_percent() -> None:
    assert wording.cut("abcdef", 6) == "abcdef"
    assert wording.cut("abcdefg", 6) == "abcde…"
    assert wording.capital("the answer") == "The answer"
    assert wording.capital("") == ""
    assert [wording.percent(each) for each in (0.0, 0.042, 0.12, 1.0)] == \
        ["0%", "4.2%", "12%", "100%"]
    assert (wording.percent(float("nan")), wording.percent(float("nan"), "–")) == ("unknown", "–")


def test_an_error_does_not_repeat_a_name_of_ten_thousand_letters() -> None:
    said = str(unknown("column", "x" * 10_000, ["y" * 10_000, "z"]))
    assert len(said) < 1_000
    assert "known: yyy" in said
    assert "no column is named 3; known: a." in str(unknown("column", 3, ["a"]))  # type: ignore[arg-type]


def test_one_long_name_does_not_widen_a_table_without_end() -> None:
    lines = aligned(["column", "worth"], [["x" * 10_000, "1"], ["a\nb", "2"]])
    assert [len(line) for line in lines] == [207, 203, 203]
    assert lines[2].startswith("a b ")
