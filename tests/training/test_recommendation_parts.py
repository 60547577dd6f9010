"""Rows to pairs, pairs to parts, and the best k: against plain second writings."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit import data
from wholefit.base.errors import ArtifactError, DataError
from wholefit.base.state import State
from wholefit.training.recommendation._data import Events, enough, read_events, strengths
from wholefit.training.recommendation._engine import Seen
from wholefit.training.recommendation._ids import Ids, label_of
from wholefit.training.recommendation._split import split
from wholefit.training.recommendation._tables import described
from wholefit.training.recommendation._top import masked, popular_first, rows_of, top_k


def dataset(frame: pl.DataFrame, **roles: str) -> data.Dataset:
    named = {"u": "user", "i": "item"} | {name: role for role, name in roles.items()
                                          if role != "time"}
    return data.dataset_of(frame, roles=named, time=roles.get("time"), task="recommendation")


def events(frame: pl.DataFrame, feedback: str | None = None, **roles: str) -> Events:
    return read_events(dataset(frame, **roles), feedback)[0]


def some_rows(rows: int = 300, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame({"u": random.integers(0, 20, rows), "i": random.integers(0, 15, rows),
                         "r": random.integers(1, 6, rows).astype(float),
                         "t": random.permutation(rows)})


# ---- names ------------------------------------------------------------------------------


@pytest.mark.parametrize(("column", "kind"), [
    (pl.Series([3, 1, 3, None]), "integer"), (pl.Series([3.0, 1.5, None]), "number"),
    (pl.Series(["b", "a b", "é☃"]), "text"), (pl.Series([True, False]), "text")])
def test_names_come_back_in_their_own_type(column: pl.Series, kind: str) -> None:
    ids, codes = Ids.of(column)
    assert ids.kind == kind
    assert codes.tolist() == ids.codes(column).tolist()
    back = Ids.from_state(ids.state()).values(codes)
    if kind != "text" or column.dtype == pl.String:
        assert back.to_list() == column.to_list() and back.dtype == column.dtype


def test_a_name_is_known_in_any_type_that_reads_the_same() -> None:
    ids, _ = Ids.of(pl.Series([17, 5]))
    assert ids.codes([17, "17", 17.0, np.int32(17), "x", None]).tolist() == [1] * 4 + [-1, -1]
    assert label_of(2.5) == "2.5" and label_of(None) is None


def test_names_grow_at_the_end() -> None:
    ids = Ids(["a", "b"], "text").extended(["b", "c", "c"])
    assert ids.labels == ["a", "b", "c"] and ids.extended(["a"]) is ids


@pytest.mark.parametrize("change", [
    {"blobs": {"labels": b'["a", 1]'}}, {"blobs": {"labels": b'["a"]'}},
    {"config": {"kind": "other", "count": 2}}])
def test_altered_names_are_refused(change: dict[str, object]) -> None:
    state = Ids(["a", "b"], "text").state()
    parts = {"config": state.config, "blobs": state.blobs} | change
    with pytest.raises(ArtifactError):
        Ids.from_state(State(state.kind, **parts))  # type: ignore[arg-type]


# ---- rows -------------------------------------------------------------------------------


def test_repeated_ratings_give_the_latest_or_their_mean() -> None:
    frame = pl.DataFrame({"u": [1, 1, 1, 2], "i": ["a", "a", "b", "a"], "r": [1.0, 5.0, 3.0, 2.0],
                          "t": [9, 3, 1, 1]})
    assert events(frame, rating="r").pairs.values.tolist() == [3.0, 3.0, 2.0]
    assert events(frame, rating="r", time="t").pairs.values.tolist() == [1.0, 3.0, 2.0]


def test_repeated_uses_are_stronger_uses() -> None:
    found = events(pl.DataFrame({"u": [1, 1, 1, 2], "i": ["a", "a", "b", "a"]}))
    assert not found.explicit and found.pairs.values.tolist() == [2.0, 1.0, 1.0]
    assert found.learnt(found.pairs).values.tolist() == pytest.approx([np.log2(3), 1.0, 1.0])
    assert strengths(None, 1.0) is None


def test_what_cannot_be_learnt_from_is_left_out_and_counted() -> None:
    frame = pl.DataFrame({"u": ["a", None, " ", "b", "b"], "i": [1, 1, 1, None, 2],
                          "r": [1.0, 2.0, 3.0, 4.0, float("nan")]})
    found, notes, _ = read_events(dataset(frame, rating="r"), None, settle=False)
    assert len(found) == 1
    assert [note.count for note in notes] == [2, 1, 1]


def test_equal_ratings_say_who_met_what_and_no_more() -> None:
    frame = some_rows().with_columns(r=pl.lit(4.0))
    found, notes, said = read_events(dataset(frame, rating="r"), None)
    assert not found.explicit and "every rating is 4" in said
    assert any(note.kind == "constant_rating" for note in notes)


def test_returns_are_left_out_of_amounts() -> None:
    frame = pl.DataFrame({"u": [1, 1, 2], "i": [1, 2, 1], "q": [3.0, -3.0, 6.0]})
    found, notes, _ = read_events(dataset(frame, amount="q"), None)
    assert found.pairs.values.tolist() == [3.0, 6.0] and found.strength == 4.5
    assert "return" in notes[0].message


def test_rare_users_and_items_leave_with_their_codes() -> None:
    frame = pl.DataFrame({"u": [1, 1, 1, 2, 3, 3], "i": ["a", "b", "a", "b", "c", "a"]})
    found, notes = enough(events(frame), 2, 2)
    assert found.users.labels == ["1"] and set(found.items.labels) == {"a", "b"} and len(notes) == 2
    with pytest.raises(DataError, match="min_ratings"):
        enough(events(frame), 9, 1)


# ---- parts ------------------------------------------------------------------------------


def keys(pairs: object) -> set[tuple[int, int]]:
    return set(zip(pairs.users.tolist(), pairs.items.tolist(), strict=True))  # type: ignore[attr-defined]


@given(st.integers(0, 1000), st.floats(0.05, 0.9))
@settings(max_examples=25, deadline=None)
def test_nothing_is_learnt_from_the_future(seed: int, share: float) -> None:
    found = events(some_rows(seed=seed), rating="r", time="t")
    part = split(found, None, share, 5, 0).parts[0]
    assert part.train.times.max() < part.test.times.min()
    uses = events(some_rows(seed=seed).drop("r"), time="t")
    part = split(uses, None, share, 5, 0).parts[0]
    assert part.train.times.max() < part.test.times.min()
    assert not keys(part.train) & keys(part.test)


def test_what_is_used_again_is_held_out_where_it_may_be_recommended() -> None:
    rows = pl.DataFrame({"u": ["a"] * 10, "i": ["x", "y"] * 5, "t": range(10)})
    uses = events(rows, time="t")
    assert not len(split(uses, "time", 0.2, 5, 0).parts[0].test)
    part = split(uses, "time", 0.2, 5, 0, again=True).parts[0]
    assert len(part.test) == 2 and keys(part.test) == keys(part.train)


def test_dealt_parts_hold_every_rating_once() -> None:
    found = events(some_rows(), rating="r")
    parts = split(found, None, 0.2, 5, 0).parts
    pairs = keys(found.pairs)
    assert len(parts) == 5 and sum(len(part.test) for part in parts) == len(pairs)
    assert set().union(*(keys(part.test) for part in parts)) == pairs
    assert all(keys(part.train) | keys(part.test) == pairs for part in parts)


@given(st.integers(0, 1000), st.floats(0.01, 0.99))
@settings(max_examples=25, deadline=None)
def test_a_share_of_each_users_items_is_held_out(seed: int, share: float) -> None:
    found = events(some_rows(90, seed).select("u", "i"))
    part = split(found, "random", share, 5, seed).parts[0]
    whole = np.bincount(found.pairs.users, minlength=len(found.users))
    out = np.bincount(part.test.users, minlength=len(found.users))
    assert not keys(part.train) & keys(part.test)
    assert (out[whole >= 2] >= 1).all() and (out < np.maximum(whole, 1)).all()


def test_leave_one_out_takes_the_last_of_each_user() -> None:
    frame = some_rows()
    found = events(frame, rating="r", time="t")
    part = split(found, "leave_one_out", 0.2, 5, 0).parts[0]
    last = found.pairs
    for user, item in keys(part.test):
        own = last.users == user
        assert last.items[own][np.argmax(last.times[own])] == item
    alone = events(pl.DataFrame({"u": [1, 2], "i": [1, 2]}))
    with pytest.raises(DataError, match="two items"):
        split(alone, "leave_one_out", 0.2, 5, 0)
    assert not split(alone, None, 0.2, 5, 0).parts


# ---- the best k -------------------------------------------------------------------------


@given(st.integers(0, 5), st.integers(1, 9), st.integers(1, 12), st.integers(0, 10**6))
@settings(max_examples=80, deadline=None)
def test_the_best_k_are_those_of_a_full_sort(users: int, items: int, k: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.integers(0, 4, (users, items)).astype(float)
    scores[random.random(scores.shape) < 0.2] = -np.inf
    rank = random.permutation(items)
    found = top_k(scores, k, rank)
    assert found.shape == (users, k)
    for row, codes in zip(scores, found, strict=True):
        order = sorted(range(items), key=lambda at: (-row[at], rank[at]))
        want = [at for at in order if row[at] > -np.inf][:k]
        assert codes.tolist() == want + [-1] * (k - len(want))


@pytest.mark.parametrize("items", [1023, 1024, 1500, 5000])
def test_the_best_of_many_items_are_those_of_a_full_sort(items: int) -> None:
    random = np.random.default_rng(items)
    scores = random.integers(0, 60, (7, items)).astype(float)
    scores[0] = -np.inf
    scores[1, 3:] = -np.inf
    scores[2] = 1.0
    scores[3, items - 1] = 99.0
    rank = random.permutation(items)
    for k in (1, 10, 40):
        for row, codes in zip(scores, top_k(scores, k, rank), strict=True):
            order = np.lexsort((rank, -row))
            want = [at for at in order[:k].tolist() if row[at] > -np.inf]
            assert codes.tolist() == want + [-1] * (k - len(want))


def test_rows_and_masks_of_a_csr() -> None:
    indptr, indices = np.array([0, 2, 2, 5]), np.array([1, 3, 0, 2, 4])
    starts, items = rows_of(indptr, indices, np.array([2, 1, 0]))
    assert starts.tolist() == [0, 3, 3, 5] and items.tolist() == [0, 2, 4, 1, 3]
    out = masked(np.zeros((3, 5)), starts, items)
    assert np.flatnonzero(np.isneginf(out[0])).tolist() == [0, 2, 4] and np.isfinite(out[1]).all()
    assert popular_first(np.array([1, 5, 5])).tolist() == [2, 0, 1]


# ---- tables of items --------------------------------------------------------------------


def test_features_are_learnt_on_known_items_alone() -> None:
    ids = Ids(["1", "2", "3", "9"], "integer")
    table = pl.DataFrame({"i": [1, 2, 3, 4], "text": ["red hat", "red coat", "blue shoe", "zebra"],
                          "title": ["Hat", "Coat", "Shoe", "Zebra"]})
    found = described(table, ids, "i", "item", None)
    assert found.titles(ids) == ["Hat", "Coat", "Shoe", "9"]
    made = found.learn(ids, np.array([0, 1]), {}, 0)
    assert any("red" in name for name in made.names)
    assert not any("blue" in name or "zebra" in name for name in made.names)
    assert made.matrix.shape[0] == 4 and made.matrix[[3]].nnz == 0


def test_tables_that_say_nothing_are_refused() -> None:
    ids = Ids(["1", "2"], "integer")
    for table, said in ((pl.DataFrame({"i": [1, 2]}), "beside"),
                        (pl.DataFrame({"x": ["p", "q"], "y": [7, 8]}), "same ids"),
                        (pl.DataFrame({"i": [], "y": []}), "must have rows")):
        with pytest.raises(DataError, match=said):
            described(table, ids, "i", "item", None)


@pytest.mark.parametrize(("name", "value"), [
    ("items", np.array([0, 99], dtype=np.int32)), ("indptr", np.array([0, 2, 1])),
    ("folded", np.zeros(1, dtype=bool)), ("values", np.ones(5))])
def test_an_altered_record_of_who_has_what_is_refused(name: str, value: np.ndarray) -> None:
    found = events(pl.DataFrame({"u": [1, 2], "i": [1, 2], "r": [1.0, 2.0]}), rating="r")
    state = Seen.of(found.pairs, 1.0).state()
    assert len(Seen.from_state(state)) == 2
    with pytest.raises(ArtifactError):
        Seen.from_state(State("seen", state.config, {**state.arrays, name: value}))
