"""How many numbers each architecture learns, known beforehand, and what shapes it gives."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from wholefit.nn.describe import describe
from wholefit.nn.networks import make, parameters

MNIST = {"channels": 1, "height": 28, "width": 28, "outputs": 10}
CIFAR = {"channels": 3, "height": 32, "width": 32, "outputs": 10}
VALID = [{"channels": 32, "padding": 0}, {"channels": 64, "padding": "valid"}]

# Counted by hand: weights of a dense layer are inputs x outputs and one offset an output; those of
# a convolution channels in x channels out x places of the kernel, and one offset a channel out.
COUNTS: list[tuple[str, dict[str, Any], int]] = [
    ("perceptron", {"inputs": 2}, 3),
    ("mlp", {"inputs": 4, "outputs": 3, "hidden": [10, 10]}, 193),
    ("mlp", {"inputs": 784, "outputs": 10, "hidden": [64, 64]}, 55_050),
    ("mlp", {"inputs": 784, "outputs": 10, "hidden": [256, 64]}, 218_058),
    ("mlp", {"inputs": 784, "outputs": 10, "hidden": [128, 64]}, 109_386),
    ("mlp", {"inputs": 2, "outputs": 1, "hidden": [8]}, 33),
    ("mlp", {"inputs": 7, "outputs": 2, "hidden": []}, 16),
    ("mlp", {"inputs": 7, "outputs": 2, "hidden": [5], "norm": "batch"}, 62),
    ("cnn", {**MNIST, "stages": [32, 64], "hidden": [128]}, 421_642),
    ("cnn", {**CIFAR, "stages": [32, 64], "hidden": [512]}, 2_122_186),
    ("cnn", {**MNIST, "stages": VALID, "hidden": [128]}, 225_034),
    ("cnn", {**MNIST, "stages": [{"channels": 32, "padding": 0}], "hidden": [128]},
     320 + 5408 * 128 + 128 + 1290),
    ("cnn", {**MNIST, "stages": [32, 128], "hidden": [], "gather": "average"},
     320 + 32 * 128 * 9 + 128 + 1290),
    ("resnet", {**CIFAR, "depth": 20}, 272_474),
]


@pytest.mark.parametrize(("name", "options", "count"), COUNTS,
                         ids=lambda value: str(value) if isinstance(value, int | str) else "")
def test_parameters(name: str, options: dict[str, Any], count: int) -> None:
    module = make(name, **options)
    assert parameters(module) == count
    shape = [options[key] for key in ("channels", "height", "width") if key in options]
    shape = shape or [options["inputs"]]
    found = describe(module, shape)
    assert found.parameters == sum(layer.parameters for layer in found.layers) == count
    assert module(torch.zeros(3, *shape)).shape == (3, options.get("outputs", 1))


def test_the_same_as_written_by_hand() -> None:
    """The two reference networks in plain torch: equal answers from equal weights."""
    nn = torch.nn
    by_hand = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(),
        nn.Linear(128, 10))
    ours = make("cnn", **MNIST)
    for one, other in zip(by_hand.parameters(), ours.parameters(), strict=True):
        one.data.copy_(other.data)
    x = torch.randn(4, 1, 28, 28)
    torch.testing.assert_close(by_hand(x), ours(x))
    dense = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 64),
                          nn.ReLU(), nn.Linear(64, 10))
    mlp = make("mlp", inputs=784, outputs=10, hidden=[256, 64])
    for one, other in zip(dense.parameters(), mlp.parameters(), strict=True):
        one.data.copy_(other.data)
    torch.testing.assert_close(dense(x), mlp(x))


def test_freezing_shows_in_the_count() -> None:
    module = make("mlp", inputs=4, outputs=3, hidden=[10])
    module.layers[0].requires_grad_(False)
    assert parameters(module) == 83 and parameters(module, trainable=True) == 33
