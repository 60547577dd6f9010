"""Rows in files are learnt from as rows in memory are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from wholefit.base.errors import DataError, ParameterError
from wholefit.nn import Recipe, train
from wholefit.nn.streams import Streamed


def stored(folder: Path, rows: int = 1000) -> tuple[Any, Any]:
    np.save(folder / "x.npy", np.arange(rows * 3, dtype=np.float64).reshape(rows, 3))
    np.save(folder / "y.npy", np.arange(rows) % 2)
    return np.load(folder / "x.npy", mmap_mode="r"), np.load(folder / "y.npy", mmap_mode="r")


def epoch(stream: Streamed) -> list[torch.Tensor]:
    found = []
    while (batch := stream.next_batch()) is not None:
        assert torch.equal(batch[1], batch[0][:, 0].long() // 3 % 2), "rows stay together"
        found.append(batch[0][:, 0].long() // 3)
    return found


@pytest.mark.parametrize("pool", [320, 3_200, 1 << 20])
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_row_comes_once(tmp_path: Path, pool: int, shuffle: bool) -> None:
    stream = Streamed(stored(tmp_path), 32, pool=pool, block=160, seed=1, shuffle=shuffle)
    first, second = epoch(stream), epoch(stream)
    assert [len(batch) for batch in first] == [32] * 31 + [8]
    assert len(stream) == 32
    rows = torch.cat(first).tolist()
    assert sorted(rows) == list(range(1000))
    assert (rows == list(range(1000))) is not shuffle
    assert (rows == torch.cat(second).tolist()) is not shuffle
    again = torch.cat(epoch(Streamed(stored(tmp_path), 32, pool=pool, block=160, seed=1,
                                     shuffle=shuffle)))
    assert rows == again.tolist()


def test_distant_rows_meet(tmp_path: Path) -> None:
    stream = Streamed(stored(tmp_path), 50, pool=3_200, block=160)
    spans = [float(batch.max() - batch.min()) for batch in epoch(stream)]
    assert np.median(spans) > 500


@pytest.mark.parametrize("given", [1, 7, 31, 32])
def test_a_stream_goes_on_where_it_was(tmp_path: Path, given: int) -> None:
    data = stored(tmp_path)
    one = Streamed(data, 32, pool=3_200, block=160)
    epoch(one)
    for _ in range(given):
        one.next_batch()
    other = Streamed(data, 32, pool=3_200, block=160)
    other.load_state_dict(one.state_dict())
    left = torch.cat([*epoch(one), *epoch(one)])
    assert torch.equal(left, torch.cat([*epoch(other), *epoch(other)]))


def test_a_training_reads_files_and_learns_as_much(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(600, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    files = tuple(np.load(tmp_path / name, mmap_mode="r") for name in ("x.npy", "y.npy"))
    weight = draw.random(600)
    recipe = Recipe(epochs=5, batch=32, rate=0.05)
    found = []
    for data in ((x, y), files):
        torch.manual_seed(0)
        fit = train(nn.Linear(4, 2), data, recipe, valid=(x, y), weights=weight)
        found.append(fit.history[-1]["valid_loss"])
    assert found[1] == pytest.approx(found[0], rel=0.1)


def test_a_killed_stream_goes_on_bit_for_bit(tmp_path: Path) -> None:
    data, fits = stored(tmp_path), []
    for folder, steps in ((tmp_path / "a", None), (tmp_path / "b", 64), (tmp_path / "b", None)):
        torch.manual_seed(0)
        fits.append(train(nn.Linear(3, 2), data, Recipe(epochs=3, batch=32, rate=1e-6),
                          checkpoint=folder, steps=steps))
    assert torch.equal(fits[0].module.weight, fits[2].module.weight)


def test_files_must_be_of_one_length(tmp_path: Path) -> None:
    x, y = stored(tmp_path)
    with pytest.raises(DataError, match="1000, 5"):
        Streamed((x, y[:5]), 32)
    with pytest.raises(DataError, match="no rows"):
        Streamed((x[:0], y[:0]), 32)


def test_buckets_of_rows_in_files_are_refused_with_the_way_out(tmp_path: Path) -> None:
    """All rows would have to be sorted by length; nothing is silently left out."""
    data = stored(tmp_path)
    with pytest.raises(ParameterError, match=r"no arrays in files.*leave bucket out.*np\.array"):
        train(nn.Linear(3, 2), data, Recipe(bucket=True))
