"""A run that was killed goes on bit for bit; a damaged checkpoint gives way to the one before."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from wholefit.base.errors import ParameterError, StateError, WholefitWarning
from wholefit.nn import Recipe, checkpoints, networks, train

# A training with dropout, noise, a mean of weights and two batches a step, in a new process.
PROGRAM = [sys.executable, "-m", "benchmarks.neural_kills", "--one", "mlp"]
ROOT = Path(__file__).parents[2]


def run(*words: object) -> int:
    return subprocess.run([*PROGRAM, *map(str, words)], check=False, cwd=ROOT).returncode


def killed_and_resumed(tmp_path: Path, *runs: list[int]) -> None:
    """Each run is killed at each of its steps in turn, and then goes on to its end."""
    assert run(tmp_path / "unbroken", tmp_path / "a") == 0
    for number, steps in enumerate(runs):
        folder = tmp_path / f"killed-{number}"
        for step in steps:
            assert run(folder, tmp_path / "b", step) == -9
        assert run(folder, tmp_path / "b") == 0
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes(), f"{steps}"
        (tmp_path / "b").unlink()


def test_a_run_killed_twice_goes_on_bit_for_bit(tmp_path: Path) -> None:
    killed_and_resumed(tmp_path, [14, 61])  # within an epoch, one of them between two batches of
    # one step


@pytest.mark.slow
def test_twenty_kills_at_random_steps(tmp_path: Path) -> None:
    draw = random.Random(0)
    killed_and_resumed(tmp_path, *(sorted(draw.sample(range(1, 104), 4)) for _ in range(5)))


@pytest.mark.slow
def test_twenty_kills_at_random_moments(tmp_path: Path) -> None:
    """The parent kills whenever it likes, perhaps while a checkpoint is written."""
    assert run(tmp_path / "unbroken", tmp_path / "a") == 0
    draw, kills, number = random.Random(1), 0, 0
    while kills < 20:
        number += 1
        folder, out = tmp_path / f"killed-{number}", tmp_path / "b"
        ended = -9
        while ended == -9:
            before = checkpoints.steps(folder)
            process = subprocess.Popen([*PROGRAM, str(folder), str(out)], cwd=ROOT)
            while process.poll() is None and checkpoints.steps(folder) == before:
                time.sleep(0.005)
            time.sleep(draw.random() * 0.2)
            process.kill()
            ended = process.wait()
            kills += ended == -9
        assert ended == 0
        assert (tmp_path / "a").read_bytes() == out.read_bytes()


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5), nn.Linear(6, 2))


DATA = (torch.randn(50, 4, generator=torch.Generator().manual_seed(0)), torch.arange(50) % 2)


def fitted(folder: Path | None, steps: int | None = None, **options: Any) -> Any:
    recipe = Recipe(epochs=5, batch=8, **options)
    return train(network(), DATA, recipe, checkpoint=folder, steps=steps)


def same(one: Any, other: Any) -> bool:
    return all(map(torch.equal, one.module.parameters(), other.module.parameters()))


@pytest.mark.parametrize("options", [
    {"optimizer": "lbfgs", "rate": 0.1}, {"optimizer": "momentum"}, {"optimizer": "rmsprop"},
    {"schedule": "plateau", "wait": 0}, {"replay": "yes"},
], ids=str)
def test_every_kind_goes_on(tmp_path: Path, options: dict[str, Any]) -> None:
    fitted(tmp_path / "f", steps=14, **options)  # two whole epochs
    assert same(fitted(tmp_path / "f", **options), fitted(None, **options))


@pytest.mark.parametrize("options", [
    {"optimizer": "adamw"}, {"optimizer": "nesterov"}, {"optimizer": "adamw", "accumulate": 3}])
def test_convolutions_whose_channels_lie_last_go_on(tmp_path: Path, options: dict[str, Any]
                                                    ) -> None:
    """Moments and gradients come from the file in plain order: they are laid as the weights are."""
    draw = torch.Generator().manual_seed(0)
    data = torch.randn(64, 3, 8, 8, generator=draw), torch.randint(0, 3, (64,), generator=draw)
    recipe = Recipe(epochs=4, batch=16, rate=1e-2, layout="channels_last", device="cpu", **options)

    def pictures() -> nn.Module:
        torch.manual_seed(0)
        return networks.make("cnn", channels=3, height=8, width=8, outputs=3, stages=[8, 8])

    whole = train(pictures(), data, recipe)
    train(pictures(), data, recipe, steps=10, checkpoint=tmp_path)  # within a step of three batches
    rest = train(pictures(), data, recipe, checkpoint=tmp_path)
    assert rest.steps == whole.steps == 16
    assert all(torch.equal(mine, its) for mine, its in zip(
        rest.module.state_dict().values(), whole.module.state_dict().values(), strict=True))


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = fitted(tmp_path)
    again = fitted(tmp_path)
    assert again.steps == first.steps
    assert same(first, again)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "no tensors", "nonsense"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path, damage: str) -> None:
    fitted(tmp_path, steps=14)
    older, newest = checkpoints.steps(tmp_path)
    tensors = tmp_path / f"step-{newest:010d}.safetensors"
    content = tensors.read_bytes()
    if damage == "no tensors":
        tensors.unlink()
    elif damage == "nonsense":
        tensors.with_suffix(".json").write_text('{"format": 1, "state": [')
    else:
        flipped = content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]
        tensors.write_bytes({"cut": content[:-7], "empty": b"", "flip": flipped}[damage])
    with pytest.warns(WholefitWarning, match=f"step {newest} .* damaged"):
        found = checkpoints.read(tmp_path)
    assert found is not None
    assert found["loop"]["step"] == older
    with pytest.warns(WholefitWarning):
        assert same(fitted(tmp_path), fitted(None))


def test_all_damaged_is_an_error(tmp_path: Path) -> None:
    fitted(tmp_path, steps=14)
    for path in tmp_path.glob("*.safetensors"):
        path.write_bytes(b"no")
    with pytest.warns(WholefitWarning), pytest.raises(StateError, match=r"no checkpoint .* whole"):
        fitted(tmp_path)


def test_another_recipe_or_network_is_an_error(tmp_path: Path) -> None:
    fitted(tmp_path, steps=14)
    with pytest.raises(ParameterError, match=r"made with rate=0.001; got 0.5"):
        fitted(tmp_path, rate=0.5)
    with pytest.raises(StateError, match="does not fit"):
        train(nn.Linear(4, 2), DATA, Recipe(epochs=5, batch=8), checkpoint=tmp_path)


def test_only_the_newest_are_kept_and_no_part_is_left(tmp_path: Path) -> None:
    fitted(tmp_path)
    assert len(checkpoints.steps(tmp_path)) == 2
    assert len(list(tmp_path.iterdir())) == 4


def test_nested_states_come_back_as_they_were(tmp_path: Path) -> None:
    state = {"loop": {1: [torch.arange(3), None, 0.1], "x": float("inf"), "$": {"$": "tensor"}},
             "recipe": {}}
    checkpoints.write(tmp_path, 7, state)
    found = checkpoints.read(tmp_path)
    assert found is not None
    assert torch.equal(found["loop"][1][0], torch.arange(3))
    assert found["loop"][1][1:] == [None, 0.1]
    assert found["loop"]["x"] == float("inf")
    assert found["loop"]["$"] == {"$": "tensor"}
    assert json.loads((tmp_path / "step-0000000007.json").read_text())["format"] == 1


def test_there_may_be_none(tmp_path: Path) -> None:
    assert checkpoints.read(tmp_path / "nowhere") is None


@pytest.mark.parametrize("options", [
    {}, {"schedule": "plateau", "wait": 0, "rate": 0.5}, {"patience": 2, "rate": 0.5},
    {"ema": 0.9, "accumulate": 3},
], ids=str)
@pytest.mark.parametrize("steps", [3, 10, 14, 20])
def test_more_steps_or_time_go_on_within_the_epoch(
    tmp_path: Path, steps: int, options: dict[str, Any],
) -> None:
    """Seven steps an epoch: what was cut short is finished, and judged as in an unbroken run."""
    first = fitted(tmp_path, steps=steps, **options)
    assert first.steps == steps
    assert len(first.history) == -(-steps // 7)
    again = fitted(tmp_path, steps=steps, **options)
    assert again.steps == steps
    assert same(first, again), "the same steps once more are nothing to do"
    assert [row["loss"] for row in again.history] == [row["loss"] for row in first.history]
    whole, resumed = fitted(None, **options), fitted(tmp_path, **options)
    assert same(resumed, whole)
    assert resumed.steps == whole.steps
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
