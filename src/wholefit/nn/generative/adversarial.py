"""Training of an adversarial pair: a `Work` of the one loop.

    made = train_pair(generator, discriminator, x, Recipe(steps=3000))
    made.generator                 # the mean of its weights over the steps (EMA), in eval mode
    made.history, made.warnings    # losses, accuracy, diversity and coverage by epoch
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.budget import Budget, Clock
from wholefit.base.params import Params, param
from wholefit.base.seeds import derive
from wholefit.nn.batches import Arrays, Resident, tensors
from wholefit.nn.checkpoints import go_on
from wholefit.nn.generative._steps import drawn, kept, redraw, restore
from wholefit.nn.generative.losses import (
    LOSSES,
    PENALTIES,
    discriminator_loss,
    generator_loss,
    penalty,
)
from wholefit.nn.generative.watch import Watch
from wholefit.nn.loop import Callback, Loop
from wholefit.nn.predicting import place
from wholefit.nn.quiet import quiet

Finish = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


@dataclass(frozen=True)
class PairRecipe(Params):
    """Everything that decides the training of an adversarial pair besides the two and the data.

    The defaults are those that find all modes of a ring of eight: see benchmarks/generation.
    """

    steps: int = param(3000, "Steps of the generator.", low=1, search=(1000, 50_000), log=True)
    batch: int = param(128, "Rows a step; at most the rows there are.", low=2, search=(32, 512),
                       log=True)
    loss: str = param("non_saturating", "What the two make small.", choices=LOSSES)
    penalty: str = param("r1", "What holds the discriminator smooth: nothing, a slope of 1 "
                         "between real and made rows, or of 0 on real rows.", choices=PENALTIES)
    weight: float = param(0.3, "How much the penalty counts.", low=0, search=(0.01, 20),
                          log=True)
    discriminator_steps: int = param(1, "Steps of the discriminator for each of the generator.",
                                     low=1, search=(1, 5))
    rate: float = param(1e-3, "Size of the generator's steps.", above=0, search=(1e-5, 1e-2),
                        log=True)
    discriminator_rate: float | None = param(
        None, "Size of the discriminator's steps; None is the generator's.", above=0, none=True)
    beta1: float = param(0.0, "Share of the last step kept (Adam); adversaries want little.",
                         low=0, below=1)
    ema: float = param(0.995, "Decay of the mean of the generator's weights that answers; 0 takes "
                       "the last weights.", low=0, below=1)
    seed: int = param(0, "Everything random follows from it.", low=0)
    device: str = param("auto", "Where to train: 'auto' is the first of cuda, mps, cpu.",
                        choices=("auto", "cpu", "cuda", "mps"))


@dataclass(frozen=True, eq=False)
class Pair:
    """What a training leaves: both modules in eval mode, the history, what was warned of."""

    generator: nn.Module
    discriminator: nn.Module
    history: list[dict[str, float]]
    warnings: tuple[str, ...]
    stopped: str | None = None


def train_pair(
    generator: nn.Module, discriminator: nn.Module, rows: Any, recipe: PairRecipe, *,
    labels: Any = None, finish: Finish | None = None, features: Any = None,
    epoch_steps: int | None = None, callbacks: Sequence[Callback] = (),
    clock: Clock | None = None, watched: bool = True,
) -> Pair:
    """Train `generator` and `discriminator` on `rows` (n, ...), until the steps are done.

    `labels` (n,) are codes that both are conditioned on. `finish(made, torch_generator)` turns
    what the generator gives into rows (a draw of categories). `features(rows)` is the space that
    the watch measures in, the rows themselves by default. An epoch is `epoch_steps` steps, a
    tenth of all by default; the watch looks at each. `watched=False` leaves it out. A `Checkpoint`
    among the callbacks saves the pair, and the same call goes on from there.
    """
    device = place(recipe.device)
    given: Arrays = (rows,) if labels is None else (rows, labels)
    each = epoch_steps or max(1, min(recipe.steps // 10, 500))
    work = Adversarial(generator.to(device), discriminator.to(device), tensors(given, device),
                       recipe, finish=finish, epoch_steps=each, device=device)
    watch = Watch(work, rows, features=features, seed=recipe.seed) if watched else None
    told: list[Callback] = [*([] if watch is None else [watch]), *callbacks]
    loop = Loop(work, steps=recipe.steps, clock=clock or Clock(Budget()), callbacks=told)
    with quiet(derive(recipe.seed, "pair"), device):
        go_on(loop)
        history = loop.run()
    return Pair(work.answering().eval(), discriminator.eval(), history,
                () if watch is None else tuple(watch.said), loop.stopped)


class Adversarial:
    """A generator and a discriminator, two optimizers, and the mean of the generator's weights."""

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, data: Sequence[torch.Tensor],
        recipe: PairRecipe, *, finish: Finish | None = None, epoch_steps: int = 100,
        device: torch.device | str = "cpu",
    ) -> None:
        self.generator, self.discriminator, self.recipe = generator, discriminator, recipe
        self.device, self.finish = device, finish
        self.mean = copy.deepcopy(generator) if recipe.ema else None
        self.noise = torch.Generator().manual_seed(derive(recipe.seed, "noise"))
        self.batches = Resident(data, recipe.batch, seed=derive(recipe.seed, "batches"),
                                drop_last=True)
        self.epoch_steps, self._left, self._count = epoch_steps, epoch_steps, 0
        rate = recipe.discriminator_rate or recipe.rate
        self.make = _adam(generator, recipe.rate, recipe.beta1)
        self.tell = _adam(discriminator, rate, recipe.beta1)

    def next_batch(self) -> Any:
        """One batch for each step of the discriminator; None after `epoch_steps` of them."""
        if self._left == 0:
            self._left = self.epoch_steps
            return None
        self._left -= 1
        return [self._drawn() for _ in range(self.recipe.discriminator_steps)]

    def _drawn(self) -> tuple[torch.Tensor, ...]:
        batch = self.batches.next_batch()
        while batch is None:
            batch = self.batches.next_batch()
        return batch

    def step(self, batch: Any) -> dict[str, Any]:
        """The discriminator's steps, then one of the generator."""
        self.generator.train()
        self.discriminator.train()
        found = {}
        for real, *label in batch:
            found = self._discriminate(real, label[0] if label else None)
        label = batch[-1][1] if len(batch[-1]) > 1 else None
        made = self.made(len(batch[-1][0]), label)
        self.discriminator.requires_grad_(False)
        loss = generator_loss(self.recipe.loss, self._judge(made, label))
        self.make.zero_grad(set_to_none=True)
        loss.backward()
        self.make.step()
        self.discriminator.requires_grad_(True)
        self._average()
        return {**found, "generator_loss": loss}

    def _discriminate(self, real: torch.Tensor, label: torch.Tensor | None) -> dict[str, Any]:
        recipe = self.recipe
        with torch.no_grad():
            made = self.made(len(real), label)
        of_real, of_made = self._judge(real, label), self._judge(made, label)
        loss = discriminator_loss(recipe.loss, of_real, of_made)
        found = {"discriminator_loss": loss.detach()}
        if recipe.loss != "wasserstein":  # a critic's scores have no middle that parts two sides
            found["accuracy"] = (
                (of_real > 0).float().mean() + (of_made <= 0).float().mean()) / 2
        if recipe.penalty != "none" and recipe.weight:
            even = torch.rand(len(real), generator=self.noise).to(real.device)
            extra = penalty(recipe.penalty, lambda x: self._judge(x, label), real, made, even)
            loss = loss + recipe.weight * extra
            found["penalty"] = extra.detach()
        self.tell.zero_grad(set_to_none=True)
        loss.backward()
        self.tell.step()
        return found

    def made(
        self, count: int, label: torch.Tensor | None = None, module: nn.Module | None = None,
    ) -> torch.Tensor:
        """Rows made of fresh noise by the generator, or by `module`."""
        source: Any = self.generator if module is None else module
        noise = torch.randn(count, source.inputs, generator=self.noise).to(self.device)
        rows = source(noise) if label is None else source(noise, label)
        return rows if self.finish is None else self.finish(rows, self.noise)

    def _judge(self, rows: torch.Tensor, label: torch.Tensor | None) -> torch.Tensor:
        judged: torch.Tensor = self.discriminator(rows) if label is None else \
            self.discriminator(rows, label)
        return judged

    def answering(self) -> nn.Module:
        """The generator that answers: the mean of its weights, or itself."""
        return self.generator if self.mean is None else self.mean

    @torch.no_grad()
    def _average(self) -> None:
        if self.mean is None:
            return
        self._count += 1
        # A young mean must not remember the random weights that it began with.
        decay = min(self.recipe.ema, (1 + self._count) / (10 + self._count))
        kept, fresh = list(self.mean.parameters()), list(self.generator.parameters())
        torch._foreach_lerp_(kept, fresh, 1 - decay)
        for old, new in zip(self.mean.buffers(), self.generator.buffers(), strict=True):
            old.copy_(new)

    def judge(self) -> Mapping[str, float]:
        """Nothing held out: the watch measures what is made."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Both modules, their optimizers, the mean, and where the random draws are."""
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "mean": None if self.mean is None else self.mean.state_dict(),
            "make": self.make.state_dict(), "tell": self.tell.state_dict(),
            "noise": self.noise.get_state(), "count": self._count, "left": self._left,
            "batches": kept(self.batches), "random": drawn(self.device),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        if self.mean is not None:
            self.mean.load_state_dict(state["mean"])
        self.make.load_state_dict(state["make"])
        self.tell.load_state_dict(state["tell"])
        self.noise.set_state(state["noise"])
        self._count, self._left = int(state["count"]), int(state["left"])
        restore(self.batches, state["batches"])
        redraw(state["random"], self.device)


def sample(
    generator: nn.Module, noise: np.ndarray, labels: np.ndarray | None = None, *,
    batch: int = 512,
) -> np.ndarray:
    """What a generator makes of `noise` (n, inputs), given `labels` (n,); batch by batch."""
    generator.eval()
    device = next(generator.parameters()).device
    found = []
    with torch.inference_mode():
        for start in range(0, len(noise), batch):
            z = torch.from_numpy(np.asarray(noise[start:start + batch], np.float32)).to(device)
            if labels is None:
                made = generator(z)
            else:
                made = generator(z, torch.from_numpy(
                    np.asarray(labels[start:start + batch], np.int64)).to(device))
            found.append(made.float().cpu().numpy())
    return np.concatenate(found) if found else np.zeros((0, 0), np.float32)


def _adam(module: nn.Module, rate: float, beta1: float) -> Any:
    return torch.optim.Adam(module.parameters(), lr=rate, betas=(beta1, 0.99), fused=True)
