"""One recipe a data set: which network, its options, how images are altered, how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from wholefit import nn
from wholefit.nn import Recipe, networks
from wholefit.nn.augment import Augmentation, Augmenter


@dataclass(frozen=True)
class Plan:
    """A network with the recipe that stands with it in the library, but for what is named here."""

    network: str
    options: dict[str, Any]
    recipe: dict[str, Any]
    change: Augmentation


_MIRROR = "horizontal"
PLANS = {
    "mnist": Plan("whitened_cnn", {"sizes": (48, 96, 128)}, {"epochs": 20},
                  Augmentation(crop=2, fill="mirror")),
    "fashion_mnist": Plan("whitened_cnn", {"sizes": (64, 128, 256)}, {"epochs": 16},
                          Augmentation(flip=_MIRROR, crop=1, fill="mirror", cutout=0.25)),
    "cifar10": Plan("whitened_cnn", {}, {"epochs": 8},
                    Augmentation(flip=_MIRROR, crop=2, fill="mirror")),
}


Scaled = Callable[[torch.Tensor], torch.Tensor]


def answer(name: str, x: Any, y: Any, x_test: Any, *, seed: int, epochs: float | None,
           precision: str, threads: int) -> tuple[torch.Tensor, list[dict[str, float]]]:
    """Probabilities for the test images, by a network trained on the others; its history."""
    found, scaled = learnt(name, x, y, seed=seed, epochs=epochs, precision=precision,
                           threads=threads)
    return _viewed(found.module, torch.from_numpy(x_test), PLANS[name], scaled), found.history


def learnt(name: str, x: Any, y: Any, *, seed: int, epochs: float | None, precision: str,
           threads: int) -> tuple[nn.Trained, Scaled]:
    """A network trained on bytes x (n, channels, height, width), and how it wants its images."""
    plan = PLANS[name]
    made = {**networks.recipe_of(plan.network), **plan.recipe, "seed": seed, "device": "cpu",
            "precision": precision}
    if epochs is not None:
        made["epochs"] = max(1, round(epochs))
    x = torch.from_numpy(x)
    mean = x.float().mean((0, 2, 3), keepdim=True)
    spread = x.float().std((0, 2, 3), keepdim=True)

    def scaled(images: torch.Tensor) -> torch.Tensor:
        return ((images.float() - mean) / spread).contiguous(memory_format=torch.channels_last)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = networks.make(plan.network, channels=x.shape[1], height=x.shape[2],
                               width=x.shape[3], outputs=int(y.max()) + 1, **plan.options)
    networks.prepare(module, scaled(x[:5000]))

    altered = Augmenter(plan.change)

    def change(batch: tuple[torch.Tensor, ...], draw: torch.Generator) -> tuple[Any, ...]:
        images, target = altered(batch, draw)
        return scaled(images), target

    groups = networks.parameter_groups(module, made["rate"], made["weight_decay"])
    found = nn.train(module, (x, y), Recipe(**made), change=change, groups=groups,
                     threads=threads)
    return found, scaled


def _viewed(module: Any, images: torch.Tensor, plan: Plan, scaled: Any) -> torch.Tensor:
    """Means over the image, its mirror where mirrors were learnt from, and both moved a pixel."""
    room = torch.nn.functional.pad(images.float(), (1,) * 4, mode="reflect").to(images.dtype)
    size = images.shape[-1]
    views = [room[:, :, at:at + size, at:at + size] for at in (1, 0, 2)]
    if plan.change.flip == _MIRROR:
        views += [view.flip(3) for view in views]
    found = 0.0
    for view in views:
        logits = [torch.from_numpy(nn.predict(module, (scaled(part),)))
                  for part in view.split(2000)]
        found = found + torch.cat(logits).softmax(1)
    return found / len(views)
