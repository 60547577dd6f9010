"""Intervals and sets of a Result: asked, saved, measured by part, and refused where none are."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression

import wholefit as wf
from wholefit.base.errors import ParameterError, StateError, UnknownNameError


def table(rows: int = 900, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=rows), rng.choice(["x", "y", "z"], rows)
    return pl.DataFrame({"a": a, "b": b, "n": 3 * a + (b == "x") + rng.normal(size=rows),
                         "c": np.where(a + rng.normal(size=rows) > 0, "yes", "no")})


@pytest.fixture(scope="module")
def numbers() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wf.fit(table().drop("c"), target="n", models="ridge", jobs=1)


@pytest.fixture(scope="module")
def labels() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wf.fit(table().drop("n"), target="c", models="logistic", jobs=1)


def test_intervals_stand_beside_the_answer(numbers: Any) -> None:
    found = numbers.predict_interval(table(seed=1), level=0.8)
    assert found.columns == ["low", "high"] and (found["low"] < found["high"]).all()
    both = numbers.answers(table(seed=1), level=0.8)
    assert both.columns == ["prediction", "low", "high"]
    assert numbers.answers(table(seed=1)).columns == ["prediction"]


def test_sets_name_their_classes(labels: Any) -> None:
    found = labels.predict_set(table(seed=1), level=0.9)
    assert set(found["set"].unique()) <= {"", "no", "yes", "no | yes"}
    wide = labels.predict_set(table(seed=1), level=0.99, per_class=True)
    assert (wide["classes"] >= found["classes"]).all()


@pytest.mark.parametrize("name", ["numbers", "labels"])
def test_coverage_is_as_stated_and_saved(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    result = request.getfixturevalue(name)
    held = table(rows=3000, seed=2)
    found = result.coverage(held, level=0.9, by="b")
    assert set(found) == {"all", "x", "y", "z"}
    assert found["all"]["coverage"].value == pytest.approx(0.9, abs=0.03)
    again = wf.load(result.save(tmp_path / "m.wf"))
    assert again.coverage(held, level=0.9, by="b") == found


def test_words_are_checked(numbers: Any, labels: Any) -> None:
    with pytest.raises(ParameterError, match="level must be"):
        numbers.predict_interval(table(), level=90)
    with pytest.raises(UnknownNameError, match="column"):
        numbers.coverage(table(), by="town")
    with pytest.raises(AttributeError, match="its verbs"):
        labels.predict_interval(table())
    with pytest.raises(UnknownNameError, match="per_class"):
        numbers.predict_interval(table(), per_class=True)


def test_one_that_was_adopted_needs_rows_of_its_own() -> None:
    frame = table().select("a", "n").to_pandas()
    result = wf.adopt(LinearRegression().fit(frame[["a"]], frame["n"]), frame, "n")
    with pytest.raises(StateError, match="calibrated"):
        result.predict_interval(frame)
    other = table(seed=5).select("a", "n").to_pandas()
    covered = result.calibrated(other).coverage(table(seed=6).select("a", "n").to_pandas())
    assert covered["all"]["coverage"].value == pytest.approx(0.9, abs=0.05)
    assert isinstance(frame, pd.DataFrame)
