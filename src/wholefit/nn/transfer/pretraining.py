"""Unsupervised pre-training: a body learns from rows without labels, then a head from few with.

Objectives: "autoencoder" rebuilds its input; "denoise" rebuilds it from a noisy copy (Vincent et
al. 2008); "mask" fills in what was left out, judged there alone (in the manner of VIME, Yoon et al.
2020, and masked autoencoders, He et al. 2021).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from wholefit.base.budget import Clock
from wholefit.base.errors import ParameterError, unknown
from wholefit.base.seeds import derive
from wholefit.nn.checkpoints import Checkpoint
from wholefit.nn.loop import Callback
from wholefit.nn.recipe import Recipe
from wholefit.nn.training import Trained, train
from wholefit.nn.transfer.bases import Base
from wholefit.nn.transfer.bodies import Body

OBJECTIVES = ("autoencoder", "denoise", "mask")


def pretrain(
    module: nn.Module, x: Any, recipe: Recipe | None = None, *, objective: str = "denoise",
    noise: float = 0.3, masked: float = 0.5, hidden: Sequence[int] = (), clock: Clock | None = None,
    callbacks: Sequence[Callback] = (), checkpoint: str | Path | Checkpoint | None = None,
) -> Base:
    """Teach the body of `module` with `x` (n, ...), rows without labels; a Base to tune.

    The module's head is left as it was: `tune` puts a new one in its place. `x` should be on a
    common scale (mean 0 and spread 1, or 0 to 1). `noise` is the standard deviation of what
    "denoise" adds; `masked` the share of inputs that "mask" leaves out; `hidden` are layers of the
    decoder; `callbacks` and `checkpoint` are those of `train`. Raises UnknownNameError for a
    misspelt objective.
    """
    return taught(module, x, recipe, objective=objective, noise=noise, masked=masked,
                  hidden=hidden, clock=clock, callbacks=callbacks, checkpoint=checkpoint)[0]


def taught(
    module: nn.Module, x: Any, recipe: Recipe | None = None, *, objective: str = "denoise",
    noise: float = 0.3, masked: float = 0.5, hidden: Sequence[int] = (), **how: Any,
) -> tuple[Base, Trained]:
    """As `pretrain`, with what its training tells; `how` are further words of `train`."""
    if objective not in OBJECTIVES:
        raise unknown("objective", objective, OBJECTIVES)
    if not 0 <= noise < 100 or not 0 < masked < 1:
        raise ParameterError(f"noise must be >= 0 and masked between 0 and 1; got {noise} and "
                             f"{masked}.")
    recipe = (recipe or Recipe()).replace(loss="squared")
    found = rebuilder(copy.deepcopy(module), tuple(x.shape[1:]), hidden=hidden, seed=recipe.seed)
    change = _changes(objective, noise, masked)
    done = train(found, (x, x), recipe, change=change, loss=_gap, **how)
    return _base_of(module, done), done


class Rebuilder(nn.Module):
    """A body, and a decoder from its features back to its input (n, ...)."""

    def __init__(self, body: Body, shape: tuple[int, ...], hidden: Sequence[int]) -> None:
        super().__init__()
        self.body, self.shape = body, shape
        layers: list[nn.Module] = []
        width = body.feature_width
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU()]
            width = size
        self.decoder = nn.Sequential(*layers, nn.Linear(width, int(torch.Size(shape).numel())))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The input, rebuilt."""
        return self.decoder(self.body(x)).view(-1, *self.shape)


def rebuilder(module: nn.Module, shape: tuple[int, ...], *, hidden: Sequence[int] = (),
              seed: int = 0) -> Rebuilder:
    """The module's body under a decoder for inputs of `shape`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "decoder"))
        return Rebuilder(Body(module), shape, hidden)


def _base_of(module: nn.Module, taught: Trained) -> Base:
    """The module with the weights that its body has learnt."""
    made = copy.deepcopy(module)
    learnt = taught.module.body.whole.state_dict()
    made.load_state_dict({**made.state_dict(), **learnt}, strict=True)
    return Base(made.cpu().eval(), name="pretrained here")


def _changes(objective: str, noise: float, masked: float) -> Any:
    """What is done to a batch (x, x): the second stays what must be rebuilt.

    For "mask" the second carries, behind the input, which places were left out.
    """
    def denoise(batch: Any, generator: torch.Generator) -> Any:
        x, target = batch
        return x + noise * _draw(torch.randn, x, generator), target

    def mask(batch: Any, generator: torch.Generator) -> Any:
        x, target = batch
        gone = _draw(torch.rand, x, generator) < masked
        # Another row's value stands in its place: zeros would tell where to look.
        other = x[torch.randperm(len(x), generator=generator).to(x.device)]
        return torch.where(gone, other, x), torch.stack([target, gone.to(target.dtype)], dim=1)

    return {"autoencoder": None, "denoise": denoise, "mask": mask}[objective]


def _draw(how: Any, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Random numbers of the generator's device, brought to the batch's."""
    return how(x.shape, generator=generator, device=generator.device, dtype=x.dtype).to(x.device)


def _gap(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean squared error of each row (n,); where places were left out, of those."""
    if target.shape != output.shape:
        wanted, gone = target[:, 0], target[:, 1]
        wrong = ((output - wanted) ** 2 * gone).flatten(1).sum(dim=1)
        return wrong / gone.flatten(1).sum(dim=1).clamp_min(1.0)
    return ((output - target) ** 2).flatten(1).mean(dim=1)
