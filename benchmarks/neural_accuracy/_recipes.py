"""One recipe a data set: which network, its options, how images are altered, how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from wholefit import nn
from wholefit.nn import Recipe, networks


@dataclass(frozen=True)
class Plan:
    """A network with the recipe that stands with it in the library, but for what is named here."""

    network: str
    options: dict[str, Any]
    recipe: dict[str, Any]
    flip: bool = False
    move: int = 2
    cut: int = 0
    views: int = 2
    goal: float = 0.0
    aim: float = field(default=0.0)


PLANS = {
    "mnist": Plan("whitened_cnn", {"sizes": (32, 64, 64)}, {"epochs": 10}, goal=0.993, aim=0.993),
    "fashion_mnist": Plan("whitened_cnn", {"sizes": (48, 96, 192)}, {"epochs": 14}, flip=True,
                          move=1, cut=6, goal=0.930, aim=0.940),
    "cifar10": Plan("whitened_cnn", {}, {"epochs": 8}, flip=True, goal=0.88, aim=0.92),
}


def answer(name: str, x: Any, y: Any, x_test: Any, *, seed: int, epochs: float | None,
           precision: str, threads: int) -> tuple[torch.Tensor, list[dict[str, float]]]:
    """Probabilities for the test images, by a network trained on the others; its history."""
    plan = PLANS[name]
    made = {**networks.recipe_of(plan.network), **plan.recipe, "seed": seed, "device": "cpu",
            "precision": precision}
    if epochs is not None:
        made["epochs"] = max(1, round(epochs))
    x, x_test = (torch.from_numpy(each) for each in (x, x_test))
    mean = x.float().mean((0, 2, 3), keepdim=True)
    spread = x.float().std((0, 2, 3), keepdim=True)

    def scaled(images: torch.Tensor) -> torch.Tensor:
        return ((images.float() - mean) / spread).contiguous(memory_format=torch.channels_last)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = networks.make(plan.network, channels=x.shape[1], height=x.shape[2],
                               width=x.shape[3], outputs=int(y.max()) + 1, **plan.options)
    networks.prepare(module, scaled(x[:5000]))

    def change(batch: tuple[torch.Tensor, ...], draw: torch.Generator) -> tuple[Any, ...]:
        images, target = batch
        return scaled(altered(images, plan, draw)), target

    groups = networks.parameter_groups(module, made["rate"], made["weight_decay"])
    found = nn.train(module, (x, y), Recipe(**made), change=change, groups=groups,
                     threads=threads)
    return _viewed(found.module, x_test, plan, scaled), found.history


def altered(images: torch.Tensor, plan: Plan, draw: torch.Generator) -> torch.Tensor:
    """Each image flipped or not, moved by some pixels (edges mirrored), with a square cut out."""
    rows, _, high, wide = images.shape
    if plan.flip:
        turn = torch.rand(rows, generator=draw) < 0.5
        images = torch.where(turn[:, None, None, None], images.flip(3), images)
    if plan.move:
        room = torch.nn.functional.pad(images.float(), (plan.move,) * 4, mode="reflect").to(
            images.dtype)
        down, across = torch.randint(2 * plan.move + 1, (2, rows), generator=draw)
        out = torch.empty_like(images)
        for y in range(2 * plan.move + 1):
            for x in range(2 * plan.move + 1):
                at = (down == y) & (across == x)
                out[at] = room[at, :, y:y + high, x:x + wide]
        images = out
    if plan.cut:
        y, x = (torch.randint(side, (rows, 1, 1), generator=draw) for side in (high, wide))
        hole = ((torch.arange(high)[:, None] - y).abs() <= plan.cut // 2) & (
            (torch.arange(wide) - x).abs() <= plan.cut // 2)
        images = torch.where(hole[:, None], images.new_zeros(()), images)
    return images


def _viewed(module: Any, images: torch.Tensor, plan: Plan, scaled: Any) -> torch.Tensor:
    """Means over the image, its mirror where mirrors were learnt from, and both moved a pixel."""
    views = [images, *([images.flip(3)] if plan.flip else [])]
    if plan.views > 1 and plan.move:
        room = torch.nn.functional.pad(images.float(), (1,) * 4, mode="reflect").to(images.dtype)
        size = images.shape[-1]
        for at in (0, 2):
            shifted = room[:, :, at:at + size, at:at + size]
            views += [shifted, *([shifted.flip(3)] if plan.flip else [])]
    found = 0.0
    for view in views:
        logits = [torch.from_numpy(nn.predict(module, (scaled(part),)))
                  for part in view.split(2000)]
        found = found + torch.cat(logits).softmax(1)
    return found / len(views)
