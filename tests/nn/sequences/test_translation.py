"""Encoder and decoder together: a reversal learnt, beams, attention, what is stored."""

from __future__ import annotations

import numpy as np
import pytest

from wholefit.base.errors import DataError, ParameterError, StateError
from wholefit.base.state import State, same
from wholefit.nn.sequences.translation import Translator

LETTERS = list("abcd")


@pytest.fixture(scope="module")
def words():
    random = np.random.default_rng(0)
    return ["".join(random.choice(LETTERS, random.integers(2, 5))) for _ in range(500)]


@pytest.fixture(scope="module")
def made(words):
    return Translator({"width": 32, "heads": 2, "layers": 1, "dropout": 0.0}, length=6,
                      recipe={"epochs": 14, "rate": 5e-3, "batch": 32}, threads=1).fit(
        words, [word[::-1] for word in words])


def test_it_learns_to_turn_words_round(made):
    new = ["".join(p) for p in zip("abcdabcd", "ddccbbaa", "abddbcab", strict=True)]
    right = [word[::-1] for word in new]
    greedy, best = made.translate(new), made.translate(new, beams=3)
    assert sum(a == b for a, b in zip(greedy, right, strict=True)) >= 7
    assert sum(a == b for a, b in zip(best, right, strict=True)) >= 7
    assert made.translate(new, beams=1) == greedy
    # A text that is as long as may be written is weighed with its end, as shorter ones are.
    assert made.longest == 4
    assert made.translate(new, beams=3, length=4) == made.translate(new, beams=3, length=6)


def test_attention_looks_from_the_end_to_the_beginning(made):
    found = made.attention("abcd", "dcba")
    assert found.shape == (1, 2, 5, 4)
    assert np.allclose(found.sum(axis=-1), 1, atol=1e-5)


def test_neighbours_and_padding_change_nothing(made):
    texts = ["ab", "abcd", "d", ""]
    assert made.translate(texts) == [made.translate([text])[0] for text in texts]
    assert made.translate([]) == []


def test_it_comes_back_from_its_state(made):
    back = Translator.from_state(made.state())
    assert same(back.state(), made.state())
    assert back.translate(["abca", "dd"], beams=2) == made.translate(["abca", "dd"], beams=2)


def test_wrong_data_and_damaged_states_are_refused(made):
    with pytest.raises(DataError, match="one target for each"):
        Translator().fit(["a"], [])
    with pytest.raises(ParameterError):
        made.translate(["a"], beams=0)
    with pytest.raises(StateError, match="fitted first"):
        Translator().translate(["a"])
    state = made.state()
    for change in ({"length": 10**9}, {"vocabulary": 3}, {"network": "mlp"}):
        config = {**state.config, "made_of": {**state.config["made_of"], **change}}
        with pytest.raises(StateError):
            Translator.from_state(State(state.kind, config, blobs=state.blobs, parts=state.parts))
    for change in ({"longest": "x"}, {"longest": [3]}, {"length": None}):
        with pytest.raises(StateError, match="damaged"):
            Translator.from_state(State(state.kind, {**state.config, **change}, blobs=state.blobs,
                                        parts=state.parts))
    older = {name: value for name, value in state.config.items()
             if name not in ("longest", "beams")}
    again = Translator.from_state(State(state.kind, older, blobs=state.blobs, parts=state.parts))
    assert (again.longest, again.beams) == (6, 1)  # as they were before these were kept
    with pytest.raises(StateError):
        Translator.from_state(State(state.kind, state.config, blobs=state.blobs))
