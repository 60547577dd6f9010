"""Counts, tables and numbers in lines of text and JSON."""

from __future__ import annotations

import json
import math

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
    assert [figures(179912.3), figures(19712.0, 3), figures(0.012345), figures(-1.5e6, 2)] == [
        "179900", "19700", "0.01234", "-1500000"]
    assert figures(math.inf) == "inf" and figures(math.nan) == "nan"
