"""Word vectors of others: read, placed, counted; wrong files refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from wholefit.base.errors import DataError
from wholefit.nn.sequences.vectors import place, read

GLOVE = "good 1.0 2.0 -1\nbad -1.0 -2.0 1\nfilm 0.5 0 0\n"


@pytest.fixture
def file(tmp_path):
    def write(text, name="v.txt"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_text_and_json_give_the_same_vectors(file):
    plain = read(file(GLOVE))
    wanted = {"good": [1, 2, -1], "bad": [-1, -2, 1], "film": [0.5, 0, 0]}
    assert {word: vector.tolist() for word, vector in plain.items()} == wanted
    assert all(vector.dtype == np.float32 for vector in plain.values())
    for whole in (wanted, {"dimensions": 3, "words": ["good"],
                           "vectors": {w: [*v, 9.0, 7] for w, v in wanted.items()}}):
        found = read(file(json.dumps(whole), "v.json"))
        assert {word: vector.tolist() for word, vector in found.items()} == wanted
    counted = read(file("3 3\n" + GLOVE))
    assert sorted(counted) == ["bad", "film", "good"]
    assert sorted(read(file(GLOVE), ["bad", "other"])) == ["bad"]


@pytest.mark.parametrize("kind", [nn.Embedding, nn.EmbeddingBag])
def test_vectors_stand_in_their_rows_on_the_tables_own_scale(file, kind):
    torch.manual_seed(0)
    table = kind(8, 3, padding_idx=0)
    before = table.weight.detach().clone()
    found = read(file(GLOVE))
    coverage = place(table, found, ["film", "Good", "none"], frozen=True)
    assert (coverage.words, coverage.found, coverage.missing) == (3, 2, ("none",))
    assert coverage.share == pytest.approx(2 / 3)
    scale = before[2:].std() / np.std(np.stack(list(found.values())))
    assert torch.allclose(table.weight[3], scale * torch.tensor([1.0, 2, -1]))
    assert torch.equal(table.weight[[0, 1, 4, 5, 6, 7]], before[[0, 1, 4, 5, 6, 7]])
    assert not table.weight.requires_grad
    place(table, found, ["film"])
    assert table.weight.requires_grad


def test_wrong_files_and_tables_are_refused(file, tmp_path):
    for text in ("good 1 2\nbad 1\n", "good 1 x\n", "good 1 nan\n"):
        with pytest.raises(DataError, match="word vectors"):
            read(file(text))
    for text in ("[1, 2]", "{", '{"good": ["a"]}'):
        with pytest.raises(DataError, match="word vectors"):
            read(file(text, "v.json"))
    with pytest.raises(DataError):
        read(tmp_path / "none.txt")
    with pytest.raises(DataError, match="width=3"):
        place(nn.Embedding(8, 4), read(file(GLOVE)), ["good"])
    with pytest.raises(DataError, match="8 rows"):
        place(nn.Embedding(8, 3), read(file(GLOVE)), ["w"] * 7)
