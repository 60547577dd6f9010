"""Items keep their keys; the store replays to what was said, undone and settled."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import DataError, ParameterError, UnknownNameError, WholefitError
from wholefit.data.labels import Store, items_of, together
from wholefit.data.labels._items import safe_picture

TEXTS = ["a", "b", "c", "b", None, "  ", "d"]
FRAME = pl.DataFrame({"text": TEXTS, "id": [10, 11, 12, 13, 14, 15, 16]})
CLASSES = ("yes", "no", "maybe")


def store_of(path, frame=FRAME, **words):
    return Store.open(path, items_of(frame, ["text"], source="t.csv"),
                      **{"classes": CLASSES, **words})


def test_equal_rows_are_one_item_and_empty_ones_none():
    items = items_of(FRAME, ["text"])
    assert [items.shown(at)[0][1] for at in range(len(items))] == ["a", "b", "c", "d"]
    assert items.of_row.tolist() == [0, 1, 2, 1, -1, -1, 3]
    assert {note.kind: note.count for note in items.notes} == {"empty_items": 2,
                                                              "repeated_items": 1}


def test_keys_do_not_depend_on_the_order_or_on_other_rows():
    shuffled = pl.DataFrame({"text": ["d", "new", "b", "a"]})
    mine, other = items_of(FRAME, ["text"]), items_of(shuffled, ["text"])
    assert set(mine.keys) & set(other.keys) == {other.keys[0], other.keys[2], other.keys[3]}
    row = items_of(pl.DataFrame({"a": ["x,y", "x"], "b": ["z", "y,z"]}), ["a", "b"])
    assert len(set(row.keys)) == 2, "cells are not run together"


def test_identifiers_part_equal_rows_and_must_be_whole():
    whole = FRAME.filter(pl.col("text").is_not_null())
    assert len(items_of(whole, ["text"], id="id")) == 5
    with pytest.raises(DataError, match="names two different items"):
        items_of(FRAME.with_columns(id=pl.lit(1)), ["text"], id="id")
    with pytest.raises(DataError, match="2 are missing"):
        items_of(FRAME.with_columns(id=pl.Series([None, 1, 2, 3, 4, 5, None])), ["text"], id="id")


def test_an_edited_text_under_its_identifier_is_asked_again(tmp_path):
    path, frame = tmp_path / "l.jsonl", pl.DataFrame({"text": ["one", "two"], "id": [1, 2]})
    items = items_of(frame, ["text"], id="id")
    with Store.open(path, items, classes=CLASSES, id="id") as store:
        for key in items.keys:
            store.answer("ann", key, "yes")
    edited = items_of(frame.with_columns(text=pl.Series(["one", "too"])), ["text"], id="id")
    with Store.open(path, edited, id="id") as store:
        assert "1 of the 2 items labelled so far are no longer in it" in store.notes[0].message
        assert [key in store.answers("ann") for key in edited.keys] == [True, False]


@pytest.mark.parametrize("frame, columns, error", [
    (FRAME, ["txt"], UnknownNameError), (FRAME, [], DataError),
    (pl.DataFrame({"text": [None, " "]}), ["text"], DataError),
    (pl.DataFrame({"text": []}, schema={"text": pl.String}), ["text"], DataError),
])
def test_nothing_to_label_is_said(frame, columns, error):
    with pytest.raises(error):
        items_of(frame, columns)


def test_odd_columns_can_be_shown():
    frame = pl.DataFrame({"*": [[1, 2], [3]], "^a.*$": [b"x", None], "": [1.0, float("nan")],
                          "🙂": ["\ud83d".encode("utf-8", "replace").decode(), "é"]})
    items = items_of(frame, frame.columns)
    assert len(items) == 2 and dict(items.shown(0))["*"] == "[1, 2]"
    assert dict(items.shown(1))[""] == ""


# Deeds: (who, item, what); what is a class, "skip" or "undo".
DEEDS = st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 3),
                           st.sampled_from([*CLASSES, "skip", "undo", "judge", "unjudge"])),
                 max_size=25)


@settings(deadline=None, max_examples=60)
@given(DEEDS)
def test_the_journal_replays_to_what_a_plain_list_says(tmp_path_factory, deeds):
    path = tmp_path_factory.mktemp("store") / "l.jsonl"
    said: list[tuple[str, str, str | None]] = []
    judged: list[tuple[str, str, str]] = []
    with store_of(path) as store:
        keys = items_of(FRAME, ["text"]).keys
        for who, item, what in deeds:
            if what in CLASSES:
                store.answer(who, keys[item], what)
                said.append((who, keys[item], what))
            elif what == "skip":
                store.skip(who, keys[item])
                said.append((who, keys[item], None))
            elif what == "judge":
                store.adjudicate(who, keys[item], "yes")
                judged.append((who, keys[item], "yes"))
            else:
                of = judged if what == "unjudge" else said
                mine = [at for at, deed in enumerate(of) if deed[0] == who]
                undone = store.undo(who, judging=what == "unjudge")
                assert (undone is None) == (not mine)
                if mine:
                    assert undone is not None and undone.key == of.pop(mine[-1])[1]
        live = {(who, key): label for who, key, label in said}
    for again in (store, Store.read(path)):
        assert {(who, key): answer.label for who in ("ann", "bob")
                for key, answer in again.answers(who).items()} == live
        assert {key: answer.label for key, answer in again.adjudicated().items()} == {
            key: label for _, key, label in judged}
        found = again.ratings(keys)
        assert {(who, key): CLASSES[code] for at, who in enumerate(found.annotators)
                for key, code in zip(found.keys, found.codes[:, at], strict=True) if code >= 0
                } == {pair: label for pair, label in live.items() if label is not None}


def test_going_on_knows_the_classes_and_guards_those_in_use(tmp_path):
    path = tmp_path / "l.jsonl"
    with store_of(path, guide="Be kind.") as store:
        store.answer("ann", items_of(FRAME, ["text"]).keys[0], "maybe")
    with store_of(path, classes=None) as store:
        assert store.classes == CLASSES and store.header["guide"] == "Be kind."
    with pytest.raises(DataError, match="'maybe' was used"):
        store_of(path, classes=["yes", "no"])
    with store_of(path, classes=[*CLASSES, "never"]) as store:
        assert store.classes[-1] == "never"
        with pytest.raises(UnknownNameError, match="did you mean 'yes'"):
            store.answer("ann", "k", "yess")
        with pytest.raises(ParameterError, match="needs a name"):
            store.answer(" ", "k", "yes")
    with pytest.raises(WholefitError, match="opened to read"):
        Store.read(path).answer("ann", "k", "yes")


@pytest.mark.parametrize("classes", [None, [], ["one"], ["one", "one"], ["one", " "]])
def test_two_classes_are_needed(tmp_path, classes):
    with pytest.raises(ParameterError, match="at least 2 classes"):
        store_of(tmp_path / "l.jsonl", classes=classes)


def test_another_source_altogether_is_refused(tmp_path):
    path = tmp_path / "l.jsonl"
    with store_of(path) as store:
        store.answer("ann", items_of(FRAME, ["text"]).keys[0], "yes")
    with pytest.raises(DataError, match="none of the 1 items labelled"):
        store_of(path, frame=pl.DataFrame({"text": ["x", "y"]}))


def test_several_journals_side_by_side(tmp_path):
    keys = items_of(FRAME, ["text"]).keys
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    with store_of(paths[0], classes=["no", "yes"]) as store:
        store.answer("ann", keys[0], "yes")
        store.answer("ann", keys[1], "no")
    with store_of(paths[1], classes=["yes", "no"]) as store:
        store.answer("bob", keys[1], "yes")
        store.answer("bob", keys[2], "yes")
    found = together([Store.read(path) for path in paths])
    assert found.classes == ("no", "yes") and found.annotators == ("ann", "bob")
    said = {key: found.codes[at].tolist() for at, key in enumerate(found.keys)}
    assert said == {keys[0]: [1, -1], keys[1]: [0, 1], keys[2]: [-1, 1]}


def test_pictures_are_shown_from_inside_their_folder_only(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"x")
    (tmp_path / "out.png").write_bytes(b"x")
    (folder / "notes.txt").write_text("x")
    (folder / "s.svg").write_text("<svg/>")
    (folder / "link.png").symlink_to(tmp_path / "out.png")
    (folder / "dir.png").mkdir()
    assert safe_picture(folder, "a.png") == (folder / "a.png").resolve()
    for name in ("../out.png", str(tmp_path / "out.png"), "link.png", "notes.txt", "s.svg",
                 "dir.png", "none.png", "", "a.png\0.txt", "x" * 5000):
        assert safe_picture(folder, name) is None, name
