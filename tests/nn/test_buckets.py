"""Buckets give every row once, with less padding."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn import Recipe, train
from wholefit.nn.buckets import Bucketed

DRAW = torch.Generator().manual_seed(0)
LENGTHS = torch.randint(1, 40, (500,), generator=DRAW)
TOKENS = torch.where(torch.arange(40) < LENGTHS[:, None],
                     torch.randint(1, 9, (500, 40), generator=DRAW), 0)


def test_every_row_comes_once_and_little_padding_with_it() -> None:
    batches = Bucketed((TOKENS, torch.arange(500)), 16, seed=2)
    rows, kept = [], 0
    while (batch := batches.next_batch()) is not None:
        tokens, numbers = batch
        assert torch.equal(tokens, TOKENS[numbers][:, :tokens.shape[1]])
        assert TOKENS[numbers][:, tokens.shape[1]:].sum() == 0, "only padding is cut"
        rows += numbers.tolist()
        kept += tokens.numel()
    assert sorted(rows) == list(range(500))
    assert kept < 1.15 * int(LENGTHS.sum())
    assert len(batches) == 32


def test_targets_of_sequences_are_cut_with_them() -> None:
    batches = Bucketed((TOKENS, torch.where(TOKENS == 0, -100, TOKENS)), 16)
    batch = batches.next_batch()
    assert batch is not None
    assert batch[0].shape == batch[1].shape
    assert batch[0].shape[1] < 40 or int(LENGTHS.max()) == 40


class Bag(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 4, padding_idx=0)
        self.out = nn.Linear(4, 2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.out(self.embedding(tokens).sum(1))


def test_a_recipe_turns_them_on() -> None:
    fit = train(Bag(), (TOKENS, (TOKENS == 3).any(1).long()),
                Recipe(bucket=True, epochs=4, rate=0.05, batch=16))
    assert fit.history[-1]["loss"] < fit.history[0]["loss"]
    with pytest.raises(ParameterError, match="bucket needs token numbers"):
        train(nn.Linear(3, 2), (torch.randn(9, 3, 2), torch.zeros(9)), Recipe(bucket=True))


def test_weights_of_rows_go_by_where_targets_are_cut() -> None:
    """As long as the tokens are, the weights are one a row: the last array, and never cut."""
    tokens, target = TOKENS[:40], torch.where(TOKENS[:40] == 0, -100, TOKENS[:40])
    batches = Bucketed((tokens, target, torch.arange(40.0)), 8, weighted=True)
    while (batch := batches.next_batch()) is not None:
        rows = batch[2].long()
        assert batch[2].shape == (8,)
        assert batch[0].shape == batch[1].shape
        assert torch.equal(batch[1], target[rows][:, :batch[1].shape[1]])
    tagger = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9))
    fit = train(tagger, (TOKENS, torch.where(TOKENS == 0, -100, TOKENS)),
                Recipe(bucket=True, epochs=3, rate=0.05, batch=16),
                weights=1.0 + torch.arange(500) % 3)
    assert fit.history[-1]["loss"] < fit.history[0]["loss"]


def test_tokens_may_stand_anywhere_and_each_run_of_them_is_cut_by_itself() -> None:
    short, numbers = TOKENS[:, :7].flip(0), torch.arange(1000.0).reshape(500, 2)
    batches = Bucketed((numbers, TOKENS, short, torch.arange(500)), 16, tokens=(1, 2))
    rows, kept = [], 0
    while (batch := batches.next_batch()) is not None:
        beside, long, other, at = batch
        assert torch.equal(beside, numbers[at])
        for cut, whole in ((long, TOKENS), (other, short)):
            assert torch.equal(cut, whole[at][:, :cut.shape[1]])
            assert whole[at][:, cut.shape[1]:].sum() == 0, "only padding is cut"
        rows += at.tolist()
        kept += long.numel()
    assert sorted(rows) == list(range(500))
    assert kept < 1.4 * int(LENGTHS.sum()), "sorted by both together, the longer one counts"
    with pytest.raises(ParameterError, match=r"float32 of shape \(500, 2\)"):
        Bucketed((numbers, torch.arange(500)), 16)


def test_a_run_in_buckets_goes_on_bit_for_bit(tmp_path: Path) -> None:
    data = (TOKENS, (TOKENS == 3).any(1).long())
    recipe = Recipe(bucket=True, epochs=3, rate=0.05, batch=16)

    def bag() -> Bag:
        torch.manual_seed(0)
        return Bag()

    whole = train(bag(), data, recipe)
    train(bag(), data, recipe, steps=45, checkpoint=tmp_path)  # in the middle of an epoch
    rest = train(bag(), data, recipe, checkpoint=tmp_path)
    assert rest.steps == whole.steps == 96
    assert all(torch.equal(mine, other) for mine, other in zip(
        rest.module.parameters(), whole.module.parameters(), strict=True))
