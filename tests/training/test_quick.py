"""Rows as plain values: bit-equal to the way through a table, or not answered at all."""

from __future__ import annotations

import math
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wholefit as wf
from wholefit import data
from wholefit.api import _record
from wholefit.artifact import read
from wholefit.data import rows as data_rows
from wholefit.data.schema import Column
from wholefit.training import Fitted
from wholefit.training.quick import Quick

MUSEUM = Path(__file__).parents[1] / "artifact" / "museum"
# Some hold a state alone, without the schema of any rows.
SUPERVISED = [path for path in sorted(MUSEUM.glob("*.wf"))
              if read(path).record.get("task") in ("classification", "regression")
              and "schema" in read(path).record]


def fitted_of(path: Path) -> Fitted:
    package = read(path)
    return _record.from_json(package.record, package.states)[1]


def slowly(fitted: Fitted, rows: list[dict[str, Any]]) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fitted.answer(data.conforming(rows, fitted.schema))


def cell(column: Column, rng: np.random.Generator) -> Any:
    if rng.random() < 0.1:
        return None
    if column.role == "categorical":
        return str(rng.choice(column.levels)) if column.levels else None
    if column.role == "boolean":
        return bool(rng.integers(2))
    low, high = column.low or 0.0, column.high or 1.0
    drawn = rng.uniform(low - 0.1 * (high - low), high + 0.1 * (high - low))
    return int(drawn) if rng.random() < 0.3 else float(drawn)


def drawn(fitted: Fitted, count: int, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    learnt = set(fitted.schema.features)
    columns = [column for column in fitted.schema.columns if column.name in learnt]
    rows = [{column.name: cell(column, rng) for column in columns} for _ in range(count)]
    for column in columns:  # a column without any value is told by its role alone
        if column.role == "numeric" and rows[0][column.name] is None:
            rows[0][column.name] = 0.5 * ((column.low or 0.0) + (column.high or 1.0))
    return rows


@pytest.mark.parametrize("path", SUPERVISED, ids=lambda path: path.stem)
def test_every_kept_model_answers_quickly_as_it_does_slowly(path: Path) -> None:
    fitted = fitted_of(path)
    quick = Quick(fitted)
    roles = {c.role for c in fitted.schema.columns if c.name in set(fitted.schema.features)}
    assert quick.able or roles - {"numeric", "categorical", "boolean"} \
        or not fitted.reads_features or fitted.replay is not None
    if not quick.able:
        return
    for count in (1, 3, 40):
        rows = drawn(fitted, count, seed=count)
        found = quick.answer(rows)
        assert found is not None
        np.testing.assert_array_equal(found, slowly(fitted, rows))


def test_most_of_the_museum_is_able() -> None:
    able = sum(Quick(fitted_of(path)).able for path in SUPERVISED)
    assert able > 0.8 * len(SUPERVISED)


@pytest.fixture(scope="module")
def churn() -> Any:
    return wf.fit(data_of(), target="y", models="logistic", folds=3)


def data_of() -> dict[str, list[Any]]:
    rng = np.random.default_rng(0)
    n = 300
    age = rng.normal(40, 10, n)
    town = rng.choice(["Ely", "Wells", "Bath"], n).tolist()
    member = rng.integers(2, size=n).astype(bool).tolist()
    y = (age + 10 * (np.array(town) == "Ely") + rng.normal(0, 10, n) > 42).astype(int)
    ages = [None if rng.random() < 0.1 else float(each) for each in age]
    return {"age": ages, "town": town, "member": member, "y": y.tolist()}


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-10**18, 10**18), st.floats(), st.text(max_size=5),
    st.sampled_from(["Ely", "Wells", "ely", " Ely", "yes", "no", "41", "?", "n/a", ""]))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.fixed_dictionaries({"age": CELLS, "town": CELLS, "member": CELLS}),
                min_size=1, max_size=3))
def test_whatever_is_answered_quickly_is_answered_so_slowly(churn: Any, rows: Any) -> None:
    fitted = churn._fitted
    found = Quick(fitted).answer(rows)
    if found is not None:
        np.testing.assert_array_equal(found, slowly(fitted, rows))


PLAIN = st.fixed_dictionaries({
    "age": st.one_of(st.none(), st.integers(0, 90), st.floats(0, 90)),
    "town": st.sampled_from(["Ely", "Wells", "Bath", None]),
    "member": st.one_of(st.none(), st.booleans())})


@settings(max_examples=200, deadline=None)
@given(st.lists(PLAIN, min_size=9, max_size=40), st.sampled_from(["age", "town", "member"]),
       st.one_of(CELLS, st.just(2**53), st.just(-2**53 - 1), st.just(10**400)),
       st.integers(0, 8), st.booleans())
def test_many_rows_are_read_as_few_are(
    churn: Any, rows: Any, name: str, odd: Any, at: int, whole: bool
) -> None:
    """Whole columns at a time, and cell by cell; one cell, or all of a column, may be odd."""
    for row in rows if whole else [rows[at]]:
        row[name] = odd
    reader = churn._fitted.reader
    read = reader.read(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_rows, "_FEW", 100)
        patch.setattr(data_rows, "ENOUGH", 100)  # only arrays are looked at for having strayed
        one_by_one = reader.read(rows)
    assert read is not None or one_by_one is None or len(rows) >= 20
    if read is not None:
        assert one_by_one is not None
        for column in ("age", "member"):
            np.testing.assert_array_equal(read.numeric(column), one_by_one.numeric(column))
        np.testing.assert_array_equal(read.codes("town")[0], one_by_one.codes("town")[0])
        np.testing.assert_array_equal(Quick(churn._fitted).answer(rows),
                                      slowly(churn._fitted, rows))


def test_rows_that_were_read_are_taken_by_place(churn: Any) -> None:
    rows = [{"age": float(at), "town": "Ely", "member": at % 2 == 0} for at in range(20)]
    read_rows = churn._fitted.reader.read(rows)
    for places in (np.arange(15)[::-1], np.array([7, 3])):
        taken = read_rows.take(places)
        assert len(taken) == len(places) and taken.numeric("age").tolist() == places.tolist()
        assert isinstance(taken.cells["age"], np.ndarray if len(places) > 8 else list)


@pytest.mark.parametrize("row", [
    {"age": "41", "town": "Ely", "member": True}, {"age": 41.0, "town": "York", "member": True},
    {"age": 41.0, "town": "Ely"}, {"age": 41.0, "town": "Ely", "member": "perhaps"},
    {"age": [41.0], "town": "Ely", "member": True}, {"age": 41.0, "town": 1.5, "member": True},
    {"age": 2**60, "town": "Ely", "member": True}, "not a row", None])
def test_what_is_not_plain_is_left_to_the_slow_way(churn: Any, row: Any) -> None:
    assert Quick(churn._fitted).answer([row]) is None


def test_no_rows_are_left_to_the_slow_way(churn: Any) -> None:
    assert Quick(churn._fitted).answer([]) is None


def test_columns_that_may_be_swapped_are_left_to_the_slow_way() -> None:
    rng = np.random.default_rng(0)
    low, high = rng.uniform(0, 1, 200), rng.uniform(100, 200, 200)
    table = {"a": low.tolist(), "b": high.tolist(), "y": (low + high).tolist()}
    quick = Quick(wf.fit(table, target="y", models="ridge", folds=3)._fitted)
    right = [{"a": float(a), "b": float(b)} for a, b in zip(low, high, strict=True)][:30]
    assert quick.answer(right) is not None
    assert quick.answer([{"a": row["b"], "b": row["a"]} for row in right]) is None


def test_infinite_numbers_are_held_as_in_a_table(churn: Any) -> None:
    rows = [{"age": math.inf, "town": "Ely", "member": True},
            {"age": -math.inf, "town": None, "member": False}]
    np.testing.assert_array_equal(Quick(churn._fitted).answer(rows), slowly(churn._fitted, rows))


def test_an_estimator_of_ones_own_is_never_asked_so() -> None:
    """It is handed the rows as they were given, which plain rows are not."""
    from sklearn.base import BaseEstimator, RegressorMixin

    class Mine(RegressorMixin, BaseEstimator):
        def fit(self, X: Any, y: Any) -> Any:
            self.mean_ = float(np.mean(y))
            return self

        def predict(self, X: Any) -> np.ndarray:
            return np.full(len(X), self.mean_)

    table = {"a": [1.0, 2.0, 3.0, 4.0] * 20, "y": [1.0, 2.0, 3.0, 5.0] * 20}
    frame = pl.DataFrame(table)
    mine = Mine().fit(frame.select("a"), frame["y"].to_numpy())
    adopted = wf.adopt(mine, frame, target="y", task="regression")
    assert Quick(adopted._fitted).answer([{"a": 1.0}]) is None
    assert adopted.predict(frame.head(1).drop("y"))["prediction"].to_list() == [2.75]


def test_an_encoder_that_answered_quickly_can_still_travel(churn: Any) -> None:
    assert Quick(churn._fitted).answer([{"age": 1.0, "town": "Ely", "member": True}]) is not None
    sent = pickle.loads(pickle.dumps(churn._fitted.encoder))
    assert sent.names == churn._fitted.encoder.names
