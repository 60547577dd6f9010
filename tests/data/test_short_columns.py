"""Short columns are gone through cell by cell; they must come out as long ones do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.data import _cells
from wholefit.data._swapped import _fit
from wholefit.data.conform import conform
from wholefit.data.schema import Column, infer

WORDS = st.one_of(
    st.none(), st.sampled_from([*_cells.MISSING_WORDS, " NA ", "N/A\u00a0", "\x1cna", "\u2003?",
                                "1.5", " 2 ", "1e400", "K", "É", "é", "z", "\U0001f600", "ÿ"]),
    st.text(max_size=9))
NUMBERS = st.one_of(st.none(), st.floats(), st.sampled_from([0.0, -0.0, 1.0, 2.5, 1e300]))
COLUMNS = st.one_of(
    st.lists(WORDS, min_size=1, max_size=3).map(lambda c: pl.Series("x", c, dtype=pl.String)),
    st.lists(NUMBERS, min_size=1, max_size=3).map(lambda c: pl.Series("x", c, dtype=pl.Float64)),
    st.lists(NUMBERS, min_size=1, max_size=3).map(
        lambda c: pl.Series("x", c, dtype=pl.Float64).cast(pl.Float32)),
    st.lists(st.one_of(st.none(), st.integers(-9, 9)), min_size=1, max_size=3).map(
        lambda c: pl.Series("x", c, dtype=pl.Int16)),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=1, max_size=3).map(
        lambda c: pl.Series("x", c, dtype=pl.Boolean)))


def long(column: pl.Series) -> pl.Series:
    """The same cells again and again, so that the column is not short."""
    return pl.concat([column] * (1 + _cells.SHORT // len(column)))


def alike(short: Any, whole: Any, column: pl.Series) -> None:
    assert len(whole) % len(column) == 0 and len(whole) > _cells.SHORT
    first = whole[:len(column)]
    if isinstance(short, pl.Series):
        assert short.dtype == whole.dtype and short.name == whole.name
        assert short.equals(first, null_equal=True), (short, first)
    else:
        assert short.dtype == whole.dtype and np.array_equal(short, first)


@settings(max_examples=120, deadline=None)
@given(COLUMNS)
def test_cells(column: pl.Series) -> None:
    changes: list[Callable[[pl.Series], Any]] = [
        _cells.is_missing, _cells.to_numbers, _cells.to_booleans]
    for change in changes:
        alike(change(column), change(long(column)), column)
    codes, levels = _cells.to_codes(column)
    codes_long, levels_long = _cells.to_codes(long(column))
    assert levels == levels_long
    alike(codes, codes_long, column)
    lost = _cells.unconverted(column, _cells.to_numbers(column))
    lost_long = _cells.unconverted(long(column), _cells.to_numbers(long(column)))
    assert np.array_equal(lost, lost_long[lost_long < len(column)])


@settings(max_examples=120, deadline=None)
@given(COLUMNS, st.sampled_from(["numeric", "categorical"]))
def test_how_well_a_column_fits(cells: pl.Series, role: str) -> None:
    levels = ("1", "2.5", "K", "na", "true", "é")
    trained = Column("x", role, "String", "", levels, low=-1.0, high=2.5, distinct=len(levels))
    present = cells.filter(~_cells.is_missing(cells))
    if len(present):
        assert _fit(trained, present) == pytest.approx(_fit(trained, long(present)), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=3), st.lists(WORDS, min_size=1, max_size=3))
def test_a_row_conforms_alone_as_among_many(trained: list[Any], asked: list[Any]) -> None:
    """What is noted of unseen categories is the same; so are the cells."""
    rows = len(asked)
    times = 1 + _cells.SHORT // rows
    schema = infer(pl.DataFrame({"x": [*trained, "a", "b"] * 30, "y": [0, 1] * (15 * (
        len(trained) + 2))}, schema_overrides={"x": pl.String}), roles={"x": "categorical"},
        target="y")
    frame = pl.DataFrame({"x": asked}, schema={"x": pl.String})
    short, notes = conform(schema, frame)
    whole, notes_long = conform(schema, pl.concat([frame] * times))
    assert short["x"].equals(whole["x"][:rows], null_equal=True)
    assert [note.kind for note in notes] == [note.kind for note in notes_long]
    for one, many in zip(notes, notes_long, strict=True):
        assert one.count * times == many.count


def test_levels_are_looked_up_in_a_set() -> None:
    column = Column("x", "categorical", "String", "", ("a", "b"), distinct=2)
    assert column.known == {"a", "b"} and Column.from_json(column.to_json()) == column
    assert "known" not in column.to_json()


EXTREMES = [
    pl.Series([127] * 200 + [-128], dtype=pl.Int8),
    pl.Series([2**63] * 200 + [2**63 + 3], dtype=pl.UInt64),
    pl.Series([-(2**63)] * 200 + [2**63 - 1, None]),
    pl.Series([2**53 + 1] * 200 + [2**53 + 3, None]),
    pl.Series([None] * 200, dtype=pl.Int32),
    pl.Series([3, None] * 200, dtype=pl.UInt8),
    pl.Series([10, 9, -10, None, 100] * 60),
    pl.Series([1.0, -0.0, float("nan"), None, 12.0] * 60),
    pl.Series([1.0, float("inf")] * 60),
    pl.Series([1.0, 2.5] * 60),
    pl.Series([0, 10**9] * 60),
]


@pytest.mark.parametrize("column", EXTREMES, ids=str)
def test_whole_numbers_are_coded_as_their_spelling_is(column: pl.Series) -> None:
    codes, levels = _cells.to_codes(column)
    spelt, spellings = _cells._short_codes(_cells.to_labels(column).to_list())
    assert levels == spellings
    assert codes.dtype == spelt.dtype
    np.testing.assert_array_equal(codes, spelt)
