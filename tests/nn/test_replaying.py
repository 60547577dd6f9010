"""A replayed step gives the numbers of a usual one, bit for bit, or is not used."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from wholefit.nn import Recipe, train
from wholefit.nn.replaying import Replay


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 8, padding_idx=0)
        self.layers = nn.LSTM(8, 16, batch_first=True)
        self.unused = nn.Linear(2, 2)
        self.out = nn.Linear(16, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.out(self.layers(self.embedding(tokens))[0][:, -1])


def tokens() -> torch.Tensor:
    return torch.randint(0, 20, (64, 7))


def attention() -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)
    return nn.Sequential(layer, nn.Flatten(), nn.Linear(80, 3))


KINDS: dict[str, tuple[Callable[[], nn.Module], Callable[[], torch.Tensor]]] = {
    "dense": (lambda: nn.Sequential(nn.Linear(4, 9), nn.GELU(), nn.Linear(9, 3)),
              lambda: torch.randn(64, 4)),
    "dropout and batch norm": (
        lambda: nn.Sequential(nn.Linear(4, 9), nn.BatchNorm1d(9), nn.Dropout(0.3), nn.Linear(9, 3)),
        lambda: torch.randn(64, 4)),
    "convolution": (
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
                              nn.Flatten(), nn.Linear(36, 3)), lambda: torch.randn(64, 2, 8, 8)),
    "attention": (attention, lambda: torch.randn(64, 5, 16)),
    "recurrent": (Recurrent, tokens),
    "spectral norm": (
        lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 9)), nn.Tanh(),
                              nn.Linear(9, 3)), lambda: torch.randn(64, 4)),
}


def trained(kind: str, replay: str, **options: Any) -> Any:
    torch.manual_seed(1)
    make, draw = KINDS[kind]
    module, x = make(), draw()
    recipe = Recipe(epochs=6, batch=10, rate=0.01, replay=replay, seed=3, **options)
    return train(module, (x, torch.arange(64) % 3), recipe, valid=(x, torch.arange(64) % 3))


@pytest.mark.parametrize("kind", KINDS)
def test_the_result_is_the_same_bit_for_bit(kind: str) -> None:
    usual, replayed = trained(kind, "no"), trained(kind, "yes")
    assert replayed.decided["replay"] == "recorded"
    for mine, theirs in zip(replayed.module.state_dict().values(),
                            usual.module.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)
    assert [row["loss"] for row in replayed.history] == [row["loss"] for row in usual.history]


@pytest.mark.parametrize("options", [
    {"clip": 0.1}, {"ema": 0.9}, {"schedule": "one_cycle"}, {"optimizer": "momentum"},
    {"patience": 2}, {"loss": "focal"}, {"optimizer": "rmsprop"},
], ids=str)
def test_with_every_option_too(options: dict[str, Any]) -> None:
    usual, replayed = trained("dense", "no", **options), trained("dense", "yes", **options)
    assert replayed.decided["replay"] == "recorded"
    assert all(map(torch.equal, usual.module.parameters(), replayed.module.parameters()))


def replay_of(module: nn.Module, batch: Any, calls: int = 8) -> Replay:
    replay = Replay(module, lambda b: nn.functional.cross_entropy(module(*b[:-1]), b[-1]),
                    list(module.parameters()), always=True)
    for _ in range(calls):
        replay(batch)
    return replay


class Counting(nn.Linear):
    """What a step does depends on how often it was made."""

    def __init__(self) -> None:
        super().__init__(4, 3)
        self.count = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        return super().forward(x) * self.count


class Drawing(nn.Linear):
    """What a step does depends on a generator that torch does not know."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * random.random()


class DrawingNumpy(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * float(np.random.rand())


class Looking(nn.Linear):
    """What a step does depends on the value of a tensor."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) if x.sum() > 0 else -super().forward(x)


@pytest.mark.parametrize("module", [Counting(), Drawing(4, 3), DrawingNumpy(4, 3), Looking(4, 3)],
                         ids=lambda module: type(module).__name__)
def test_a_step_that_depends_on_more_is_made_as_usual(module: nn.Module) -> None:
    replay = replay_of(module, (torch.randn(8, 4), torch.arange(8) % 3))
    assert replay.note.startswith("steps are made as usual: Unrecordable")


def test_hooks_are_not_lost() -> None:
    module, seen = nn.Linear(4, 3), []
    module.register_forward_hook(lambda *args: seen.append(1))
    replay = replay_of(module, (torch.randn(8, 4), torch.arange(8) % 3))
    assert "hooks" in replay.note
    assert len(seen) == 8


def test_what_is_frozen_later_is_recorded_again() -> None:
    module = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3))
    batch = (torch.randn(8, 4), torch.arange(8) % 3)
    replay = replay_of(module, batch)
    module[0].requires_grad_(False)
    module.zero_grad()
    replay.begin_epoch()
    for _ in range(6):
        replay(batch)
    assert module[0].weight.grad is None
    assert module[1].weight.grad is not None


def test_a_graph_that_is_wrong_is_found_out() -> None:
    module = nn.Linear(4, 3)
    batch = (torch.randn(8, 4), torch.arange(8) % 3)
    replay = replay_of(module, batch, calls=3)
    assert replay.note == "recorded"
    graph = replay._graph
    replay._graph = lambda *inputs: (graph(*inputs)[0] * 2, *graph(*inputs)[1:])
    replay(batch)
    assert "did not give the same numbers" in replay.note
