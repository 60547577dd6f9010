"""The Encoder as a whole: no leaks, state, shapes, and rows that training never saw."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import DataError, StateError
from wholefit.base.state import same
from wholefit.data.dataset import Dataset
from wholefit.data.schema import Column, Schema, infer
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import (
    Encoding,
    for_counts,
    for_distances,
    for_linear,
    for_trees,
)

ENCODINGS = {"trees": for_trees(), "linear": for_linear(), "distances": for_distances(),
             "counts": for_counts(), "polynomial": for_linear(degree=2, dense=True),
             "single": for_linear(single=True, rare=0.1)}
ROLES = {"x": "numeric", "flag": "boolean", "town": "categorical", "when": "datetime",
         "note": "text"}
TOWNS = ["Ely", "Wells", "York", "", "(other)", "été"]
WORDS = ["good", "bad", "so so", "Très BON", "a b c", ""]


def dense(X):
    return X.toarray() if hasattr(X, "toarray") else X


def rows_of(draw_size):
    cell = st.fixed_dictionaries({
        "x": st.none() | st.floats(allow_nan=True, allow_infinity=True, width=64),
        "flag": st.none() | st.booleans(),
        "town": st.none() | st.sampled_from(TOWNS),
        "when": st.none() | st.datetimes(),
        "note": st.none() | st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join),
    })
    return st.lists(cell, min_size=draw_size, max_size=draw_size)


def dataset_of(rows):
    schema = {"x": pl.Float64, "flag": pl.Boolean, "town": pl.String,
              "when": pl.Datetime("us"), "note": pl.String}
    frame = pl.DataFrame(rows, schema=schema)
    anchor = pl.DataFrame({"x": [0.5, 1.5], "flag": [True, False], "town": ["Ely", "York"],
                           "when": [0, 10**15], "note": ["some words here", "more words"]},
                          schema_overrides=schema)
    return Dataset(frame, infer(anchor, target=None, roles=ROLES))


def fitted(encoding, dataset, rows):
    try:
        return Encoder(encoding, seed=3).fit(dataset, rows)
    except DataError as error:
        assert "no column is left to learn from" in str(error)
        return None


@settings(max_examples=40, deadline=None)
@given(train=rows_of(5), first=rows_of(3), second=rows_of(4),
       which=st.sampled_from(sorted(ENCODINGS)))
def test_test_rows_never_change_what_training_rows_become(train, first, second, which):
    rows = np.arange(5)
    one, two = dataset_of(train + first), dataset_of(second + train)
    a = fitted(ENCODINGS[which], one, rows)
    b = fitted(ENCODINGS[which], two, rows + 4)
    assert (a is None) == (b is None)
    if a is None:
        return
    assert a.names == b.names
    assert same(a.state(), b.state())
    X, Y = dense(a.transform(one, rows)), dense(b.transform(two, rows + 4))
    assert X.tobytes() == Y.tobytes()
    assert dense(a.transform(two, rows + 4)).tobytes() == X.tobytes()


@settings(max_examples=40, deadline=None)
@given(train=rows_of(6), new=rows_of(4), which=st.sampled_from(sorted(ENCODINGS)))
def test_whatever_comes_in_finite_numbers_or_nan_come_out(train, new, which):
    encoding = ENCODINGS[which]
    data = dataset_of(train + new)
    encoder = fitted(encoding, data, np.arange(6))
    if encoder is None:
        return
    X = dense(encoder.transform(data))
    assert X.shape == (10, len(encoder.names)) == (10, len(encoder.sources))
    assert X.dtype == (np.float32 if encoding.single else np.float64)
    assert not np.isinf(X).any()
    assert encoding.impute == "none" or not np.isnan(X).any()
    if encoding.scale == "minmax":
        assert (X[:6] >= 0).all()
    assert len(set(encoder.names)) == len(encoder.names)


@settings(max_examples=25, deadline=None)
@given(rows=rows_of(9), which=st.sampled_from(sorted(ENCODINGS)))
def test_state_gives_bit_identical_matrices_and_rows_are_independent(rows, which):
    data = dataset_of(rows)
    encoder = fitted(ENCODINGS[which], data, np.arange(6))
    if encoder is None:
        return
    again = Encoder.from_state(encoder.state())
    assert same(again.state(), encoder.state())
    assert (again.names, again.sources, again.categorical, again.cardinalities, again.sparse) == (
        encoder.names, encoder.sources, encoder.categorical, encoder.cardinalities,
        encoder.sparse)
    whole = dense(encoder.transform(data))
    assert dense(again.transform(dataset_of(rows))).tobytes() == whole.tobytes()
    alone = [dense(again.transform(dataset_of([row]))) for row in rows]
    assert np.concatenate(alone).tobytes() == whole.tobytes()


@pytest.mark.parametrize("which", sorted(ENCODINGS))
def test_many_stretches_equal_one_row_at_a_time(real, which):
    data = real("adult", "income")
    encoder = Encoder(ENCODINGS[which]).fit(data, np.arange(0, 30000, 3))
    rows = np.random.default_rng(0).integers(0, len(data), 9000)
    whole = dense(encoder.transform(data, rows))
    assert whole.flags.c_contiguous
    for i in (0, 1, 700, 4567, 8999):
        assert np.array_equal(dense(encoder.transform(data, rows[i:i + 1]))[0], whole[i],
                              equal_nan=True)
    taken = dense(encoder.transform(data.take(rows)))
    assert taken.tobytes() == whole.tobytes()


def test_state_reads_datasets_that_number_levels_in_another_way(made):
    old = made({"town": ["b", "d", "b", None]}, town="categorical")
    new = made({"town": ["a", "d", "c", "b", None]}, town="categorical")
    onehot = Encoder.from_state(Encoder(Encoding(dense=True)).fit(old).state())
    assert onehot.names == ["town=b", "town=d", "town=(missing)"]
    assert onehot.transform(new).tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0],
                                              [0, 0, 1]]
    codes = Encoder.from_state(Encoder(for_trees()).fit(old).state())
    assert np.array_equal(codes.transform(new)[:, 0], [np.nan, 1, np.nan, 0, np.nan],
                          equal_nan=True)


def test_sparse_and_dense_hold_the_same_numbers(real):
    data = real("adult", "income")
    rows = np.arange(0, len(data), 7)
    sparse = Encoder(for_linear()).fit(data, rows)
    whole = Encoder(for_linear(dense=True)).fit(data, rows)
    X = sparse.transform(data, rows)
    assert sparse.sparse and not whole.sparse
    assert X.has_canonical_format
    assert (X.data != 0).all()
    assert np.array_equal(X.toarray(), whole.transform(data, rows))
    assert sparse.transform(data, rows[:0]).shape == (0, len(sparse.names))
    assert whole.transform(data, rows[:0]).shape == (0, len(sparse.names))


def test_text_and_categories_side_by_side_in_csr(real):
    data = real("womens_clothing_reviews", "Rating")
    rows = np.arange(1500)
    sparse = Encoder(for_linear(words=300)).fit(data, rows)
    whole = Encoder(for_linear(words=300, dense=True)).fit(data, rows)
    X = sparse.transform(data, rows)
    assert X.format == "csr"
    assert X.has_canonical_format
    assert np.array_equal(X.toarray(), whole.transform(data, rows))
    assert "Review Text~dress" in sparse.names


def test_nothing_left_to_learn_from_is_said(made):
    data = made({"when": [None, None, None], "y": [1, 2, 3]}, when="datetime", y="ignored")
    with pytest.raises(DataError, match="no column is left to learn from"):
        Encoder(Encoding()).fit(data)
    towns = made({"town": ["a", "b"]}, town="categorical")
    with pytest.raises(DataError, match="no column is left"):
        Encoder(Encoding(categories="drop")).fit(towns)


def test_rows_are_checked(made):
    data = made({"x": [1.0, 2.0, 4.0]}, x="numeric")
    with pytest.raises(DataError, match="at least one row"):
        Encoder().fit(data, np.array([], dtype=int))
    encoder = Encoder().fit(data, np.array([True, False, True]))
    with pytest.raises(DataError, match=r"rows must lie in 0\.\.2; got 3"):
        encoder.transform(data, np.array([0, 3]))
    with pytest.raises(DataError, match="mask must have 3"):
        encoder.transform(data, np.array([True]))
    assert encoder.transform(data, np.array([2, 0, 2])).tolist() == [[4.0], [1.0], [4.0]]


def test_a_single_training_row(made):
    data = made({"x": [3.0, 4.0], "town": ["a", "b"], "note": ["good film", "bad film"]},
                x="numeric", town="categorical", note="text")
    for encoding in ENCODINGS.values():
        encoder = Encoder(encoding).fit(data, np.array([0]))
        assert dense(encoder.transform(data)).shape == (2, len(encoder.names))


def test_using_an_unfitted_encoder_is_said(made):
    with pytest.raises(StateError, match="fitted first"):
        Encoder().transform(made({"x": [1.0, 2.0]}, x="numeric"))


def test_names_stay_different_when_data_use_our_words(made):
    data = made({"t": ["(missing)", None, "a"], "a*b": [1.0, 2.0, 5.0], "a": [3.0, 5.0, 7.0],
                 "b": [2.0, 1.0, 9.0]}, t="categorical", a="numeric", b="numeric")
    encoder = Encoder(Encoding(degree=2, dense=True)).fit(data)
    assert len(set(encoder.names)) == len(encoder.names)
    assert {"t=(missing)", "t=(missing) #2", "a*b", "a*b #2"} <= set(encoder.names)


def test_category_features_are_known_by_index_and_size(real):
    data = real("titanic", "survived")
    encoder = Encoder(for_trees()).fit(data)
    assert [encoder.names[i] for i in encoder.categorical] == [
        c.name for c in data.schema.columns if c.role == "categorical"]
    X = encoder.transform(data)
    for i, size in zip(encoder.categorical, encoder.cardinalities, strict=True):
        assert np.nanmax(X[:, i]) == size - 1
        assert np.nanmin(X[:, i]) == 0


class Wide:
    """Only what the encoder asks of a Dataset, with columns that are there already."""

    def __init__(self, values):
        self.values = dict(zip([f"c{i}" for i in range(values.shape[1])], values.T, strict=True))
        self.schema = Schema(tuple(Column(name, "numeric", "float", "made")
                                   for name in self.values))

    def __len__(self):
        return len(self.values["c0"])

    def numeric(self, name):
        return self.values[name]


def test_ten_thousand_columns():
    random = np.random.default_rng(0)
    values = random.standard_normal((200, 10_000))
    values[random.random(values.shape) < 0.01] = np.nan
    data = Wide(np.asfortranarray(values))
    encoder = Encoder(for_linear()).fit(data, np.arange(150))
    X = encoder.transform(data)
    wanted = np.nan_to_num(values[150:, 77], nan=np.nanmedian(values[:150, 77]))
    filled = np.nan_to_num(values[:150, 77], nan=np.nanmedian(values[:150, 77]))
    assert np.allclose(X[150:, 77], (wanted - filled.mean()) / filled.std())
