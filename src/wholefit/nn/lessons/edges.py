"""What the first layer of a convolutional network sees, on real pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.errors import DataError, ParameterError
from wholefit.nn import Recipe, train
from wholefit.nn.lessons._lesson import Lesson, Tiles, found, grid, lesson

_KERNEL, _MAPS, _MOST = 7, 16, 6000
# First filters begin this much smaller than usual, so that what is learnt is seen, not the noise.
_FAINT = 0.05


@lesson("edges", "Do the first layers of a network see edges?")
def edges(images: Any = None, labels: Any = None, epochs: int = 5, seed: int = 0) -> Lesson:
    """Train a small network on real pictures, and look at its first filters before and after.

    `images` (n, height, width) grey, of any range, at least 12 pixels a side, and `labels` (n,);
    scikit-learn's digits, twice as large, where they are left out. A filter is smooth where
    neighbouring weights agree (correlation along rows and columns), as edges, bars and spots are
    and noise is not; it is an edge or a bar where its slopes run along one direction.
    """
    x, y = _pictures(images, labels)
    torch.manual_seed(seed)
    module = _Small(int(y.max()) + 1)
    before = module.first.weight.detach()[:, 0].clone().numpy()
    cut = len(x) * 4 // 5
    trained = train(module, (x[:cut], y[:cut]), Recipe(
        epochs=epochs, batch=64, optimizer="adamw", rate=0.003, weight_decay=0.05, seed=seed,
        device="cpu")).module
    after = trained.first.weight.detach()[:, 0].numpy()
    with torch.no_grad():
        right = float((trained(x[cut:]).argmax(1) == y[cut:]).float().mean())
        maps = torch.relu(trained.first(x[cut:cut + 1]))[0].numpy()
    numbers = {"accuracy": right, "smooth_before": _smooth(before), "smooth_after": _smooth(after),
               "oriented_before": _oriented(before), "oriented_after": _oriented(after)}
    said = [f"{right:.1%} of {len(x) - cut:,} pictures held out are right after {epochs} epochs.",
            f"Neighbouring weights of the {_MAPS} first filters correlate by "
            f"{numbers['smooth_before']:.2f} before training and {numbers['smooth_after']:.2f} "
            "after: noise has become shapes.",
            f"Their slopes run along one direction to {numbers['oriented_before']:.0%} before and "
            f"to {numbers['oriented_after']:.0%} after: many, not all, are edges and bars; the "
            "rest are spots and corners."]
    tiles = [_tiles("First filters before training", before),
             _tiles("First filters after training", after),
             Tiles("A picture, and what the first filters find in it",
                   (("picture", grid(x[cut, 0].numpy())),
                    *((f"map {at + 1}", grid(each)) for at, each in enumerate(maps))))]
    return found("edges", said, numbers, pictures=tiles)


class _Small(nn.Module):
    """Two convolutions with pooling, the means of the maps at 3 by 3, one full layer."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, _MAPS, _KERNEL, padding=_KERNEL // 2)
        with torch.no_grad():
            self.first.weight.mul_(_FAINT)
        self.rest = nn.Sequential(
            nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(_MAPS),
            nn.Conv2d(_MAPS, 32, 3, padding=1), nn.BatchNorm2d(32),
            nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(288, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rest(self.first(x))


def _pictures(images: Any, labels: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures (n, 1, h, w) with mean 0 and spread 1, at most 6,000, and classes from 0."""
    if (images is None) != (labels is None):
        raise ParameterError("the lesson 'edges' takes images and labels together; one is missing.")
    if images is None:
        from sklearn.datasets import load_digits

        digits = load_digits()
        images, labels = digits.images.repeat(2, 1).repeat(2, 2), digits.target
    grey = np.asarray(images)
    names, codes = np.unique(np.asarray(labels), return_inverse=True)
    if grey.ndim != 3 or min(grey.shape[1:]) < 12 or len(grey) != len(codes) or len(grey) < 50:
        raise DataError("the lesson 'edges' takes at least 50 grey images (n, height, width) of at "
                        f"least 12 pixels a side and as many labels; got {grey.shape} and "
                        f"{len(codes)} labels.")
    if len(names) < 2:
        raise DataError("the lesson 'edges' needs two kinds of images at least; got one.")
    x = torch.from_numpy(grey[:_MOST].astype(np.float32))
    if not bool(torch.isfinite(x).all()):
        raise DataError("the lesson 'edges' takes images of finite numbers; got NaN or infinity.")
    return ((x - x.mean()) / (x.std() + 1e-6))[:, None], torch.from_numpy(codes[:_MOST])


def _smooth(filters: np.ndarray) -> float:
    """Correlation of weights with their neighbours, mean over filters."""
    found_ = []
    for each in filters:
        pairs = [(each[:, :-1].ravel(), each[:, 1:].ravel()), (each[:-1].ravel(), each[1:].ravel())]
        found_.append(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))
    return float(np.mean(found_))


def _oriented(filters: np.ndarray) -> float:
    """How far a filter's slopes run along one direction, 0 to 1: the coherence of its structure
    tensor (Bigun and Granlund 1987), mean over filters.
    """
    found_ = []
    for each in filters:
        down, across = np.gradient(each)
        xx, yy, xy = (across ** 2).sum(), (down ** 2).sum(), (across * down).sum()
        found_.append(np.hypot(xx - yy, 2 * xy) / (xx + yy))
    return float(np.mean(found_))


def _tiles(title: str, filters: np.ndarray) -> Tiles:
    return Tiles(title, tuple((str(at + 1), grid(each)) for at, each in enumerate(filters)),
                 signed=True)
