"""Readings as they come: the answers of a table, one by one, and what is wrong with a bad one."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import ParameterError, UnknownNameError

RNG = np.random.default_rng(0)
TABLE = pl.DataFrame({"x": RNG.normal(size=200), "kind": RNG.choice(["a", "b"], 200)})
CLASSES = TABLE.with_columns(
    y=pl.when(pl.col("x") > 0).then(pl.lit("up")).otherwise(pl.lit("down")))
NUMBERS = TABLE.with_columns(y=pl.col("x") * 2 + (pl.col("kind") == "a"))


def fitted(table: pl.DataFrame, model: str, **more: Any) -> Any:
    return wf.fit(table, target="y", models=model, choose="best", jobs=1, checks=False, **more)


@pytest.mark.parametrize(("table", "model"), [(CLASSES, "logistic"), (NUMBERS, "ridge")])
def test_answers_are_those_of_a_table(table: pl.DataFrame, model: str) -> None:
    result = fitted(table, model)
    found = list(result.stream(TABLE.to_dicts()))
    told = result.predict(TABLE)["prediction"].to_list()
    assert [each.row for each in found] == list(range(200))
    assert all(each.seconds > 0 and not each.wrong and not each.late for each in found)
    if model == "logistic":
        most = result.predict_proba(TABLE).to_numpy().max(axis=1)
        assert [each.prediction for each in found] == told
        np.testing.assert_allclose([each.sure for each in found], most, atol=1e-12)
    else:
        assert found[0].sure is None
        np.testing.assert_allclose([each.prediction for each in found], told, atol=1e-12)


def test_a_threshold_decides_here_too() -> None:
    result = fitted(CLASSES, "logistic").with_threshold(0.9)
    found = [each.prediction for each in result.stream(TABLE.to_dicts())]
    assert found == result.predict(TABLE)["prediction"].to_list()
    assert found != fitted(CLASSES, "logistic").predict(TABLE)["prediction"].to_list()


def test_a_bad_reading_does_not_end_the_loop() -> None:
    result = fitted(CLASSES, "logistic")
    bad: list[Any] = [{"x": "ERR", "kind": "a"}, {"kind": "a"}, {}, None, [1, 2], {"x": [1]},
                      {"x": 1.0, "kind": "a"}, {"x": "1.5", "kind": "b"}]
    found = list(result.stream(bad))
    assert [bool(each.wrong) for each in found] == [True] * 6 + [False] * 2
    assert "'x'" in found[0].wrong and "NoneType" in found[3].wrong
    assert found[6].prediction == found[7].prediction == "up"


def test_late_is_late() -> None:
    result = fitted(CLASSES, "logistic")
    assert all(each.late for each in result.stream(TABLE[:3].to_dicts(), deadline=1e-9))
    with pytest.raises(ParameterError, match="deadline"):
        list(result.stream([], deadline=0))
    with pytest.raises(UnknownNameError, match="missing_column"):
        list(result.stream([], misssing_column="impute"))
    gap = list(result.stream([{"kind": "a"}], missing_column="impute"))
    assert not gap[0].wrong
