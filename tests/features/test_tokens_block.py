"""Texts as token numbers: what is learnt, what is written, what comes back."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import ParameterError, StateError
from wholefit.base.state import State, same
from wholefit.features import tokenizers
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding
from wholefit.features.spans import Span

TEXTS = ["Good film, good cast!", "A bad film.", None, "", "Don't <br /> go: it's BAD 👍"]
ANY = st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=6)


def by_hand(text):
    """A second implementation of words, by Python's own regular expressions."""
    return re.findall(r"<[/a-zA-Z][^<>]{0,100}>|\w+(?:['’]\w+)*|[^\w\s]", (text or "").lower())


def test_words_are_numbered_by_how_often_they_stand_then_by_name():
    made = tokenizers.learn(TEXTS, "word", size=4)
    assert made.words == ("bad", "film", "good", "!")
    assert made.size == 6
    found = made.encode(TEXTS)
    wanted = [[made.words.index(w) + 2 if w in made.words else 1 for w in by_hand(text)]
              for text in TEXTS]
    assert [row.tolist() for row in found.rows()] == wanted


def test_words_are_those_of_a_second_implementation_on_real_reviews(real):
    texts = real("fine_food_reviews", "score").texts("review")[:500]
    made = tokenizers.learn(texts, "word", size=10**6)
    found = [[made.words[i - 2] for i in row] for row in made.encode(texts).rows()]
    assert found == [by_hand(text) for text in texts]
    some = tokenizers.learn(texts[:100], "word", size=200)
    assert sum((row == 1).sum() for row in some.encode(texts).rows()) > 1000


def test_only_training_rows_are_learnt_from(made):
    data = made({"t": ["red red fish", "blue fish", "green bird bird bird"], "n": [1.0, 2, 3]},
                t="text")
    block = Encoder(Encoding(text="tokens", vocabulary=9)).fit(data, np.array([0, 1]))._blocks[1]
    assert block.tokenizer.words == ("fish", "red", "blue")
    assert block.length == 3


@pytest.mark.parametrize("kind", tokenizers.KINDS)
def test_an_encoder_is_bit_identical_after_loading(made, kind):
    data = made({"t": TEXTS * 3, "n": np.arange(15.0)}, t="text")
    encoder = Encoder(Encoding(text="tokens", tokens=kind, vocabulary=300)).fit(data, np.arange(9))
    back = Encoder.from_state(encoder.state())
    assert same(back.state(), encoder.state())
    assert np.array_equal(back.transform(data), encoder.transform(data))
    assert back.spans == encoder.spans
    assert encoder.spans[-1].kind == "tokens"


def test_the_span_says_where_the_tokens_are(made):
    data = made({"t": ["a b c", "b c", None], "n": [1.0, 2, 3]}, t="text")
    encoder = Encoder(Encoding(text="tokens", length=4, dense=True)).fit(data)
    assert encoder.spans == (Span("numbers", 0, 1), Span(
        "tokens", 1, 5, shape=(4,), levels=(5,), column="t"))
    assert encoder.names[1:] == ["t[0]", "t[1]", "t[2]", "t[3]"]
    assert encoder.sources[1:] == ["t"] * 4
    assert encoder.transform(data)[:, 1:].tolist() == [[4, 2, 3, 0], [2, 3, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(("part", "kept"), [
    ("head", "abcd"), ("tail", "efgh"), ("both", "abgh")])
def test_of_a_longer_text_the_part_asked_for_stays(made, part, kept):
    data = made({"t": ["a b c d e f g h", "a b", "c"]}, t="text")
    encoder = Encoder(Encoding(text="tokens", length=4, part=part)).fit(data)
    words = encoder._blocks[0].tokenizer.words
    rows = [[words[int(i) - 2] for i in row if i] for row in encoder.transform(data)]
    assert rows == [list(kept), ["a", "b"], ["c"]]


def test_the_length_holds_most_training_texts_whole(made):
    texts = [" ".join(["w"] * n) for n in range(1, 101)]
    encoder = Encoder(Encoding(text="tokens")).fit(made({"t": texts}, t="text"))
    assert len(encoder.names) == 96
    long = made({"t": ["w " * 2000, "v"]}, t="text")
    assert len(Encoder(Encoding(text="tokens")).fit(long).names) == 512


def test_characters_never_seen_are_written_as_bytes():
    made = tokenizers.learn(["abc abc"], "character", size=10)
    row = made.encode(["ca日b"]).numbers
    assert made.size == 2 + 256 + 4
    assert row[2:5].tolist() == [2 + byte for byte in "日".encode()]
    assert made.decode(row) == "ca日b"


@given(ANY, ANY)
@settings(max_examples=60, deadline=None)
def test_characters_lose_nothing_whatever_the_text(learnt, asked):
    made = tokenizers.learn(learnt, "character", size=20, lower=False)
    found = made.encode(asked)
    assert [made.decode(row) for row in found.rows()] == [text or "" for text in asked]
    assert (found.numbers < made.size).all()


@given(ANY, ANY)
@settings(max_examples=60, deadline=None)
def test_words_are_known_or_unknown_whatever_the_text(learnt, asked):
    made = tokenizers.learn(learnt, "word", size=5)
    found = made.encode(asked)
    assert len(found) == len(asked)
    assert ((found.numbers >= 1) & (found.numbers < made.size)).all()


def test_byte_pairs_lose_nothing_and_are_learnt_the_same_each_time():
    texts = ["the cat sat on the mat"] * 20
    made = tokenizers.learn(texts, "bpe", size=280)
    assert same(made.state(), tokenizers.learn(texts, "bpe", size=280).state())
    for text in ("the cat", "日本 👍 xyz", ""):
        assert made.decode(made.encode([text]).numbers) == text
    assert len(made.encode(["the cat"]).numbers) < 7


def test_new_texts_and_empty_ones_are_encoded(made):
    data = made({"t": ["one two", "two three"], "n": [1.0, 2.0]}, t="text")
    encoder = Encoder(Encoding(text="tokens")).fit(data)
    new = made({"t": [None, "", "four two", "\ud7ff\U0010ffff"], "n": [1.0, 2, 3, 4]}, t="text")
    assert encoder.transform(new)[:, 1:].tolist() == [[0, 0], [0, 0], [1, 2], [1, 1]]


def test_a_text_without_a_word_has_no_features(made):
    data = made({"t": ["", None, "  "], "n": [1.0, 2, 3]}, t="text")
    assert Encoder(Encoding(text="tokens")).fit(data).names == ["n"]


def test_wrong_options_and_damaged_states_are_refused(made):
    with pytest.raises(ParameterError, match="keep every feature"):
        Encoding(text="tokens", pca=3)
    with pytest.raises(ParameterError, match="tokens"):
        Encoding(tokens="words")
    with pytest.raises(ParameterError, match="one of"):
        tokenizers.learn(["a"], "words")
    with pytest.raises(ParameterError, match="vocabulary"):
        tokenizers.learn(["a"], size=0)
    data = made({"t": TEXTS}, t="text")
    state = Encoder(Encoding(text="tokens")).fit(data).state()
    block = state.parts["block 0"]
    for config in ({"length": 10**12}, {"length": -1}, {"length": "3"}, {"part": "x"}):
        bad = State(block.kind, {**block.config, **config}, parts=block.parts)
        with pytest.raises(StateError, match="damaged"):
            Encoder.from_state(State(state.kind, state.config, parts={"block 0": bad}))
    for words, blob in (([1, 2], {}), ("ab", {}), (None, {}), (["a"], {"tokenizer.json": b"x"})):
        with pytest.raises(StateError, match="damaged"):
            tokenizers.Tokenizer.from_state(State(
                "tokenizer", {"kind": "word", "lower": True, "words": words}, blobs=blob))
    for blob in (b"", b"[]", b"{}", b'{"model": {"type": "BPE"}}', b"[" * 100_000, b"\xff"):
        with pytest.raises(StateError, match="damaged"):
            tokenizers.Tokenizer.from_state(State(
                "tokenizer", {"kind": "bpe", "lower": True, "words": []},
                blobs={"tokenizer.json": blob}))


def test_folds_share_the_cutting_of_texts(made, monkeypatch):
    calls = []
    cut = tokenizers.cut
    monkeypatch.setattr(tokenizers, "cut", lambda *given: calls.append(1) or cut(*given))
    data = made({"t": TEXTS * 2}, t="text")
    for rows in (np.arange(5), np.arange(5, 10)):
        Encoder(Encoding(text="tokens")).fit(data, rows).transform(data)
    assert len(calls) == 1


def test_the_frame_of_a_real_table_has_numbers_codes_and_tokens(real):
    data = real("womens_clothing_reviews", "Recommended IND", **{"Review Text": "text"})
    rows = np.arange(400)
    encoder = Encoder(Encoding(text="tokens", categories="ordinal", dense=True, single=True))
    X = encoder.fit(data, rows).transform(data, rows)
    kinds = [span.kind for span in encoder.spans]
    assert X.dtype == np.float32
    assert kinds[-1] == "tokens"
    assert {"numbers", "codes"} <= set(kinds)
    span = encoder.spans[-1]
    assert X[:, span.start:span.stop].max() < span.levels[0]
    assert pl.Series(X[:, span.start]).n_unique() > 50
