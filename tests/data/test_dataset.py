"""Dataset: the arrays it gives, what `take` shares, and what loading settles and says."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base import tasks
from wholefit.base.errors import DataError, SchemaError, UnknownNameError
from wholefit.data import Dataset, Policies, conform, conforming, dataset_of, infer, load

FRAME = pl.DataFrame({
    "age": [30, 41, None, 2],
    "town": ["Ely", "Wells", "Ely", None],
    "paid": [True, None, False, True],
    "size": [1.0, 2.5, float("nan"), float("inf")],
    "born": [dt.date(2020, 1, 2), None, dt.date(1999, 12, 31), dt.date(2000, 1, 1)],
    "y": ["no", "yes", "no", "yes"],
})


@pytest.fixture
def dataset():
    return dataset_of(FRAME, target="y")


def test_numbers_keep_infinities_and_mark_missing(dataset):
    assert np.array_equal(dataset.numeric("age"), [30, 41, np.nan, 2], equal_nan=True)
    assert np.array_equal(dataset.numeric("size"), [1, 2.5, np.nan, np.inf], equal_nan=True)
    assert np.array_equal(dataset.numeric("paid"), [1, np.nan, 0, 1], equal_nan=True)
    assert dataset.numeric("age").dtype == np.float64


def test_codes_point_into_sorted_levels(dataset):
    codes, levels = dataset.codes("town")
    assert codes.tolist() == [0, 1, 0, -1] and levels == ["Ely", "Wells"]
    assert codes.dtype == np.int32
    assert dataset.codes("paid")[1] == ["false", "true"]
    codes, levels = dataset.codes("size")
    assert levels == ["1", "2.5", "inf"] and codes[2] == -1


def test_times_are_microseconds_with_nat(dataset):
    times = dataset.times("born")
    assert times.dtype == np.dtype("datetime64[us]")
    assert times[0] == np.datetime64("2020-01-02") and np.isnat(times[1])


def test_text_columns_that_hold_dates_and_numbers_read_as_such():
    frame = pl.DataFrame({"d": ["2020-01-02 03:04:05", None], "n": [" 12 ", "n/a"]})
    dataset = Dataset(frame, infer(frame))
    assert dataset.times("d")[0] == np.datetime64("2020-01-02T03:04:05")
    assert dataset.numeric("n")[0] == 12 and np.isnan(dataset.numeric("n")[1])


def test_arrays_are_shared_and_read_only(dataset):
    assert dataset.numeric("age") is dataset.numeric("age")
    with pytest.raises(ValueError, match="read-only"):
        dataset.numeric("age")[0] = 1


def test_take_picks_rows_of_every_array_and_keeps_the_levels(dataset):
    part = dataset.take(np.array([3, 0, 0]))
    assert len(part) == 3 and part.frame["age"].to_list() == [2, 30, 30]
    assert part.numeric("age").tolist() == [2, 30, 30]
    assert part.codes("town")[0].tolist() == [-1, 0, 0]
    assert part.codes("town")[1] == ["Ely", "Wells"]
    assert part.texts("town") == [None, "Ely", "Ely"]
    assert part.take(np.array([1])).numeric("age").tolist() == [30]
    assert dataset.take(np.array([True, False, False, True])).numeric("age").tolist() == [30, 2]


def test_take_converts_nothing_again(dataset, monkeypatch):
    dataset.numeric("age"), dataset.codes("town"), dataset.row_keys()

    def fail(*_):
        raise AssertionError("converted again")

    monkeypatch.setattr("wholefit.data._cells.to_numbers", fail)
    monkeypatch.setattr("wholefit.data._cells.to_codes", fail)
    part = dataset.take(np.array([1, 2]))
    assert part.numeric("age")[0] == 41 and part.codes("town")[0][0] == 1
    assert len(part.row_keys()) == 2


@pytest.mark.parametrize("rows", [[4], [-1]])
def test_rows_outside_are_refused(dataset, rows):
    with pytest.raises(DataError, match="rows must be >= 0 and < 4"):
        dataset.take(np.array(rows))


def test_a_misspelt_column_gets_the_nearest_name(dataset):
    with pytest.raises(UnknownNameError, match="did you mean 'town'"):
        dataset.codes("twon")


def test_target_codes_and_numbers(dataset):
    codec = tasks.get("classification").codec("y", dataset.target_values())
    assert dataset.target(codec).tolist() == [0, 1, 0, 1]
    assert dataset.take(np.array([1])).target(codec).tolist() == [1]
    numbers = dataset_of(pl.DataFrame({"x": [1, 2, 3], "y": [1.5, 2, 9]}), target="y")
    codec = tasks.get("regression").codec("y", numbers.target_values())
    assert numbers.target(codec).tolist() == [1.5, 2, 9]
    assert numbers.target(codec).dtype == np.float64


@pytest.mark.parametrize(("values", "classes"), [
    ([0, 1, 1, 0], (0, 1)), ([True, False, True, True], (False, True)),
    ([1.0, 2.0, 1.0, 2.0], (1, 2)), (["1", "2", "1", "2"], ("1", "2")),
])
def test_classes_of_every_kind_are_found_again(values, classes):
    dataset = dataset_of(pl.DataFrame({"x": [1, 2, 3, 5], "y": values}), target="y")
    codec = tasks.get("classification").codec("y", dataset.target_values())
    assert codec.classes == classes
    assert [codec.classes[c] for c in dataset.target(codec)] == values


def test_unknown_and_missing_classes_are_minus_one():
    dataset = dataset_of(FRAME, target="y")
    codec = tasks.get("classification").codec("y", dataset.target_values())
    new = FRAME.with_columns(y=pl.Series(["no", "perhaps", None, "yes"]))
    asked = conforming(new, dataset.schema, with_target=True)
    assert asked.target(codec).tolist() == [0, -1, -1, 1]


def test_a_long_numeric_target_takes_the_straight_road():
    n = 3000
    dataset = dataset_of(pl.DataFrame({"x": np.arange(n) % 7, "y": np.arange(n) * 0.5}), target="y")
    codec = tasks.get("regression").codec("y", dataset.target_values())
    assert np.array_equal(dataset.target(codec), np.arange(n) * 0.5)


def test_weights_groups_and_time():
    frame = FRAME.with_columns(w=pl.Series([1, 2, 0, 1]), g=pl.Series(["a", None, "a", "b"]),
                               t=pl.Series(["2020-01-02", "2019-05-05", "2020-01-02", None]))
    dataset = dataset_of(frame, target="y", weights="w", groups="g", time="t")
    assert dataset.weights().tolist() == [1, 2, 0, 1]
    assert dataset.groups().tolist() == [0, -1, 0, 1]
    assert dataset.time_order().tolist() == [1, 0, 1, -1]
    assert not {"w", "g", "t", "y"} & set(dataset.schema.features)
    plain = dataset_of(FRAME, target="y")
    assert plain.weights() is None and plain.groups() is None and plain.time_order() is None


def test_negative_weights_are_refused():
    frame = FRAME.with_columns(w=pl.Series([1, -2, 0, 1]))
    said = r"weights column 'w' must be finite and >= 0 .* got -2 \(row 2\)"
    with pytest.raises(DataError, match=said):
        dataset_of(frame, target="y", weights="w").weights()


def test_row_keys_are_equal_for_copies_only_and_leave_the_target_out():
    frame = pl.concat([FRAME, FRAME.head(2).with_columns(y=pl.lit("other"))])
    keys = dataset_of(frame, target="y").row_keys()
    assert keys.dtype == np.uint64
    assert keys[0] == keys[4] and keys[1] == keys[5] and len(np.unique(keys)) == 4


def test_rows_without_a_target_are_dropped_and_said():
    frame = FRAME.with_columns(y=pl.Series(["no", None, " ", "yes"]))
    dataset = dataset_of(frame, target="y")
    assert len(dataset) == 2
    (note,) = [n for n in dataset.notes if n.kind == "target_missing"]
    assert note.count == 2 and note.rows == (2, 3) and note.severity == "warning"
    assert "2 of 4 rows have no target 'y'" in note.message
    with pytest.raises(DataError, match="must have rows with a value of target 'y'"):
        dataset_of(frame[1:3], target="y")


def test_misspelt_settings_get_the_nearest_name():
    with pytest.raises(UnknownNameError, match="did you mean 'town'"):
        dataset_of(FRAME, target="tonw")
    with pytest.raises(UnknownNameError, match="no task is named 'clasification'; did you mean"):
        dataset_of(FRAME, target="y", task="clasification")


def test_nothing_to_learn_from_is_refused_with_the_reasons():
    frame = pl.DataFrame({"k": ["same"] * 30, "y": [0, 1] * 15})
    with pytest.raises(DataError, match="'k' is constant"):
        dataset_of(frame, target="y")


def test_cells_that_do_not_convert_are_noted():
    cells = [str(i) for i in range(60)] + ["many"]
    frame = pl.DataFrame({"x": cells, "y": [0, 1] * 30 + [0]})
    dataset = dataset_of(frame, target="y", roles={"x": "numeric"})
    (note,) = [n for n in dataset.notes if n.kind == "cells_not_converted"]
    assert note.rows == (61,) and "'many'" in note.message and np.isnan(dataset.numeric("x")[60])


def test_conforming_keeps_every_row_and_the_users_own_columns(dataset):
    new = FRAME.drop("y").with_columns(size=pl.lit(0.5), extra=pl.lit(1)).reverse()
    asked = conforming(new, dataset.schema, Policies())
    assert len(asked) == 4 and asked.frame.columns == dataset.schema.features
    assert asked.original.equals(new)
    assert asked.take(np.array([0])).original["extra"].to_list() == [1]
    with pytest.raises(SchemaError, match="must have the target column 'y'"):
        conforming(new, dataset.schema, with_target=True)


def test_a_dataset_can_be_loaded_again_with_other_roles(dataset):
    again = load(dataset, target="town", roles={"y": "ignored"})
    assert again.schema.target == "town" and "y" not in again.schema.features


@pytest.mark.parametrize("name", ["*", "^a.*$", "a b", "日本", "len"])
def test_odd_column_names_are_only_names(name):
    frame = pl.DataFrame({name: [1.5, 2.5, 3.5], "a1": [1, 2, 9], "y": ["p", "q", "p"]})
    dataset = dataset_of(frame, target="y")
    assert dataset.schema.features == [name, "a1"]
    assert dataset.numeric(name).tolist() == [1.5, 2.5, 3.5]
    assert len(np.unique(dataset.row_keys())) == 3
    assert conform(dataset.schema, frame)[0].columns == frame.columns


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=4)), min_size=1, max_size=40))
def test_codes_give_back_the_text(cells):
    frame = pl.DataFrame({"c": pl.Series(cells, dtype=pl.String)})
    codes, levels = Dataset(frame, infer(frame)).codes("c")
    assert levels == sorted({c for c in cells if c is not None})
    assert [levels[c] if c >= 0 else None for c in codes] == cells


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True)), min_size=1, max_size=40))
def test_whole_floats_and_integers_are_the_same_level(cells):
    frame = pl.DataFrame({"c": pl.Series(cells, dtype=pl.Float64)})
    codes, levels = Dataset(frame, infer(frame)).codes("c")
    for cell, code in zip(cells, codes, strict=True):
        if cell is None or cell != cell:
            assert code == -1
        else:
            assert float(levels[code]) == cell
            if cell.is_integer() and abs(cell) < 2**53:
                assert "." not in levels[code]


def test_real_flights_load_whole():
    root = os.environ.get("WHOLEFIT_DATA")
    if not root:
        pytest.skip("WHOLEFIT_DATA is not set: no real data to read")
    dataset = load(Path(root) / "nycflights13" / "data.parquet", target="arr_delay")
    assert len(dataset) == 336_776 - 9_430
    assert len(dataset.codes("tailnum")[1]) == 4037
    assert dataset.schema.role("year") == "constant"
