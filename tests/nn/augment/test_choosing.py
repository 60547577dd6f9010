"""What is chosen follows from the pictures; averaging over versions; training takes it."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from wholefit.nn import Recipe, train  # noqa: E402
from wholefit.nn.augment import Augmentation, Augmenter, averaged, choose  # noqa: E402


def _sided(count=300, seed=0):
    """A light patch to the left (class 0) or to the right (class 1): mirrored, one is the other."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = rng.integers(0, 60, (count, 1, 16, 16), dtype=np.uint8)
    rows = rng.integers(0, 12, count)
    for at in range(count):
        left = 1 if labels[at] == 0 else 11
        images[at, 0, rows[at]:rows[at] + 4, left:left + 4] = 220
    return images, labels


def test_a_mirror_that_turns_one_class_into_another_is_left_out():
    images, labels = _sided()
    choice = choose(images, labels)
    assert choice.augmentation.flip == "none" and choice.plain > 0.9
    trial = next(trial for trial in choice.trials if trial.name == "flip")
    assert trial.lost > 20 and not trial.kept
    assert "flip" in str(choice).partition("left out")[2]


def test_a_mirror_that_changes_nothing_is_kept():
    images, _ = _sided()
    classes = (images[:, 0, :8].astype(int).sum((1, 2)) > images[:, 0, 8:].astype(int).sum((1, 2)))
    choice = choose(images, classes.astype(int))
    assert choice.augmentation.flip == "horizontal"


def test_too_little_to_choose_by():
    assert choose(np.zeros((10, 1, 8, 8), np.uint8), np.arange(10) % 2).augmentation.idle
    assert choose(np.zeros((90, 1, 8, 8), np.uint8), np.zeros(90)).augmentation.idle


def test_the_same_seed_chooses_the_same():
    images, labels = _sided(seed=2)
    assert choose(images, labels, seed=1) == choose(images, labels, seed=1)


def _net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(256, 2))


def test_averaging_by_hand():
    images = torch.from_numpy(_sided(20)[0]).float()
    net = _net()
    with torch.inference_mode():
        both = (torch.softmax(net(images), 1) + torch.softmax(net(images.flip(3)), 1)) / 2
    found = averaged(net, images, Augmentation(flip="horizontal"), versions=2)
    assert np.allclose(found, both.numpy(), atol=1e-6)
    many = averaged(net, images, {"shift": 0.1, "mixup": 1.0}, versions=4, seed=1)
    assert np.allclose(many.sum(1), 1) and not np.allclose(many, found)
    assert np.array_equal(many, averaged(net, images, {"shift": 0.1, "mixup": 1.0}, versions=4,
                                         seed=1))


def test_training_takes_it():
    images, labels = _sided()
    change = Augmenter(Augmentation(shift=0.05, cutmix=1.0), classes=2)
    inputs = torch.from_numpy(images).float()
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(256), nn.Linear(256, 2))
    found = train(net, (inputs, torch.from_numpy(labels)),
                  Recipe(epochs=12, batch=32, rate=0.01, device="cpu"), change=change)
    with torch.inference_mode():
        right = (found.module(inputs).argmax(1).numpy() == labels).mean()
    assert right > 0.9
