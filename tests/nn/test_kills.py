"""Every kind of training that is killed goes on bit for bit; the page tells where one does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.neural_kills import __main__ as kills
from benchmarks.neural_kills import _kinds, _runs

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"),
                                reason="killing by SIGKILL and forking are not of this system")


@pytest.fixture(scope="module")
def pair() -> Iterator[Any]:
    with _runs.interpreters() as found:
        yield found


@pytest.mark.parametrize("kind", _kinds.KINDS)
def test_a_training_that_is_killed_goes_on_bit_for_bit(
    kind: str, pair: Any, tmp_path: Path,
) -> None:
    rows = kills.measured(kind, 1, tmp_path, [], None, pair)
    assert [row["equal"] for row in rows] == [True]
    assert 0 <= rows[0]["from"] <= rows[0]["step"] < rows[0]["of"]
    assert rows[0]["step"] - rows[0]["from"] < 2 * _runs.EVERY


def test_what_is_kept_is_not_made_again_unless_the_weights_are_others(
    pair: Any, tmp_path: Path,
) -> None:
    kept = tmp_path / "kept.jsonl"
    rows = kills.measured("autoencoder", 2, tmp_path / "a", [], kept, pair)
    assert len(kept.read_text().splitlines()) == 2
    assert kills.measured("autoencoder", 2, tmp_path / "b", rows, kept, pair) == rows
    assert len(kept.read_text().splitlines()) == 2
    other = [{**row, "whole": "another version's"} for row in rows]
    assert kills.measured("autoencoder", 2, tmp_path / "c", other, kept, pair) == rows
    assert len(kept.read_text().splitlines()) == 4


def test_one_that_is_not_equal_is_not_hidden() -> None:
    row = {"kind": "mlp", "step": 7, "from": 6, "of": 104, "equal": True}
    found = kills.page([row, {**row, "step": 9, "equal": False}])
    assert "**1 of 2** equal" in found and "NOT MET" in found and "7 (6), 9 (6)" in found


def test_steps_are_drawn_before_the_last_and_by_seed() -> None:
    found = kills.drawn("mlp", 104, 20)
    assert found == kills.drawn("mlp", 104, 20) != kills.drawn("vae", 104, 20)
    assert len(set(found)) == 20 and min(found) >= 1 and max(found) <= 103
