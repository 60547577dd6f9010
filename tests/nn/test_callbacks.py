"""Listeners: logs, the watch over gradients, curves for TensorBoard."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from wholefit.base.errors import WholefitWarning
from wholefit.nn import Recipe, train
from wholefit.nn.callbacks import Every, GradientWatch, Log

X, Y = torch.randn(60, 4, generator=torch.Generator().manual_seed(0)), torch.arange(60) % 3


def fitted(module: nn.Module, *callbacks: Any, **options: Any) -> Any:
    recipe = Recipe(**{"epochs": 3, "batch": 20, **options})
    return train(module, (X, Y), recipe, valid=(X, Y), callbacks=callbacks)


def test_logs_hold_the_history(tmp_path: Path) -> None:
    fit = fitted(nn.Linear(4, 3), Log(tmp_path / "a.csv"), Log(tmp_path / "a.jsonl"))
    with (tmp_path / "a.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [float(row["valid_loss"]) for row in table] == [
        row["valid_loss"] for row in fit.history]
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == fit.history


def stack(layers: int, scale: float, activation: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    parts: list[nn.Module] = []
    for _ in range(layers):
        layer = nn.Linear(4, 4)
        nn.init.normal_(layer.weight, std=scale)
        parts += [layer, activation()]
    return nn.Sequential(*parts, nn.Linear(4, 3))


def test_vanishing_gradients_are_told() -> None:
    module = stack(12, 0.5, nn.Sigmoid)
    watch = GradientWatch(module, every=2)
    with pytest.warns(WholefitWarning, match="gradients vanish: those of 0.weight"):
        fitted(module, watch)
    assert watch.steps == [1, 3, 5, 7, 9]
    assert len(watch.norms["0.weight"]) == 5
    assert watch.norms["0.weight"][0] < 1e-3 * watch.norms["24.weight"][0]


def test_exploding_gradients_are_told_once() -> None:
    module = stack(8, 4.0, nn.Identity)
    with pytest.warns(WholefitWarning, match="explode") as told:
        fitted(module, GradientWatch(module, every=1), rate=1e-9)
    assert sum("explode" in str(each.message) for each in told) == 1


@pytest.mark.filterwarnings("error::wholefit.base.errors.WholefitWarning")
def test_sound_gradients_are_not_talked_about() -> None:
    module = stack(2, 0.7, nn.ReLU)
    watch = GradientWatch(module, every=1)
    fitted(module, watch)
    assert watch.warnings == []


def test_every_so_often() -> None:
    seen: list[tuple[int, int]] = []
    fitted(nn.Linear(4, 3), Every(lambda loop: seen.append((loop.epoch, loop.step)), steps=4),
           Every(lambda loop: seen.append((loop.epoch, -1)), epochs=2))
    assert seen == [(1, 4), (2, -1), (2, 8)]


def test_a_callback_may_stop_the_run() -> None:
    fit = fitted(nn.Linear(4, 3), Every(lambda loop: loop.stop("enough"), steps=4))
    assert (fit.stopped, fit.steps, len(fit.history)) == ("enough", 4, 2)


def test_tensorboard_can_read_the_curves(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from wholefit.nn.board import Board

    fit = fitted(nn.Linear(4, 3), Board(tmp_path, steps=2))
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    curve = [event.value for event in found.Scalars("epoch/valid_loss")]
    assert curve == pytest.approx([row["valid_loss"] for row in fit.history])
    assert [event.step for event in found.Scalars("step/loss")] == [2, 4, 6, 8]
