"""Rows to compare with: spread as in training, each column by itself, and honest about it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api import _answers
from wholefit.base.errors import DataError
from wholefit.explain import background

MOST = 400


@pytest.fixture(scope="module")
def result() -> wf.Result:
    rng = np.random.default_rng(0)
    n = 900
    skewed = np.exp(rng.normal(size=n))
    frame = pl.DataFrame({
        "skewed": skewed, "whole": rng.integers(0, 500, n),
        "town": rng.choice(["Ely", "Wells", "Bath"], n, p=[0.6, 0.3, 0.1]),
        "gone": [None if hole else value for hole, value in
                 zip(rng.random(n) < 0.3, rng.normal(size=n).tolist(), strict=True)],
        "day": pl.date_range(pl.date(2020, 1, 1), pl.date(2022, 6, 18), "1d", eager=True)[:n],
        "said": [" ".join(rng.choice(["good", "bad", "fine", "poor", "late", "soon"], 9))
                 + f" {at}" for at in range(n)],
        "flag": rng.random(n) < 0.2,
        "y": skewed + rng.normal(size=n),
    })
    return wf.fit(frame, target="y", models=["ridge"], folds=2, jobs=1, choose="best",
                  roles={"said": "text"})


def made(result: wf.Result, rows: int = MOST) -> background.Background:
    sketch = result._facts.sketch()
    assert sketch is not None
    asked = pl.DataFrame({"skewed": [1.0], "whole": [3], "town": ["Ely"], "gone": [0.0],
                          "day": [pl.Series(["2021-02-03"]).str.to_date()[0]], "said": ["good"],
                          "flag": [True]})
    return background.of_sketch(result.schema, sketch,
                                _answers.dataset(result._fitted, asked, {}), rows, 0)


def test_columns_are_spread_as_in_training(result: wf.Result) -> None:
    frame = made(result).dataset.frame
    skewed = frame["skewed"].to_numpy()
    assert np.median(skewed) == pytest.approx(1.0, abs=0.12)
    assert skewed.min() >= 0 and skewed.max() < 20
    assert 0.25 < frame["gone"].null_count() / MOST < 0.35
    towns = frame["town"].value_counts().sort("count", descending=True)
    assert towns["town"].to_list() == ["Ely", "Wells", "Bath"]
    assert 0.1 < frame["flag"].mean() < 0.3
    assert (frame["whole"] == frame["whole"].round()).all()


def test_columns_are_drawn_by_themselves_from_the_seed(result: wf.Result) -> None:
    frame = made(result).dataset.frame
    rank = np.corrcoef(frame["skewed"].rank(), frame["whole"].rank())[0, 1]
    assert abs(rank) < 0.2
    assert made(result).dataset.frame.equals(frame)


def test_what_is_not_kept_is_said(result: wf.Result) -> None:
    found = made(result)
    assert found.dataset.frame["said"].null_count() == MOST and "'said' empty" in found.said
    assert found.dataset.frame["day"].n_unique() == 1 and "'day' as in the rows" in found.said
    assert len(found.first(50).dataset) == 50 and "50 made-up" in found.first(50).said


def test_given_rows_are_drawn_where_they_are_many(result: wf.Result) -> None:
    rows = made(result, 40).dataset
    assert len(background.of_rows(rows, 100, 0).dataset) == 40
    some = background.of_rows(rows, 10, 0)
    assert some.given and len(some.dataset) == 10 and "10 rows drawn from the 40" in some.said
    with pytest.raises(DataError, match="background"):
        background.of_rows(rows.take(np.arange(0)), 10, 0)
    with pytest.raises(DataError, match="--background"):
        background.of_asked(rows.take(np.arange(1)), 10, 0)
