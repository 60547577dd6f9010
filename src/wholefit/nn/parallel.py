"""One training on several processes, each with a share of every batch.

    torchrun --nproc-per-node 2 program.py

    from wholefit.nn import parallel
    trained = parallel.train(module, data, Recipe(...))        # in each process, the same call

Every process draws the same batches and takes every n-th row of them; torch's
DistributedDataParallel adds the gradients up while they are computed. The weights are those of one
process with the same batches, but for the order of sums (and batch norms, which see their share).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn.batches import Arrays
from wholefit.nn.recipe import Recipe
from wholefit.nn.training import Trained
from wholefit.nn.training import train as alone


def train(module: nn.Module, data: Arrays, recipe: Recipe, **options: Any) -> Trained:
    """`wholefit.nn.train` shared by the processes that torchrun started; alone, the same as it.

    Takes what `train` takes but a limit of time (processes would disagree about the clock). Every
    process gets the same answer. Raises ParameterError.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return alone(module, data, recipe, **options)
    clock = options.get("clock")
    if clock is not None and clock.budget.seconds is not None:
        raise ParameterError("parallel.train takes no limit of time: give epochs or steps.")
    distributed = torch.distributed
    began = not distributed.is_initialized()
    if began:
        cuda = recipe.device in ("auto", "cuda") and torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        return alone(module, data, recipe, spread=Spread(), **options)
    finally:
        if began:
            distributed.barrier()
            distributed.destroy_process_group()


class Spread:
    """What a training needs to be one of several: a share of batches, sums over processes."""

    def __init__(self) -> None:
        self.rank = torch.distributed.get_rank()
        self.world = torch.distributed.get_world_size()

    def forward(self, module: nn.Module) -> Any:
        """The module as DistributedDataParallel calls it."""
        return nn.parallel.DistributedDataParallel(module, find_unused_parameters=True)

    def share(self, batches: Any) -> Shared:
        """The same batches, of each this process's rows."""
        return Shared(batches, self.rank, self.world)

    def reduce(self, number: torch.Tensor) -> torch.Tensor:
        """The mean of a number over the processes, which is what gradients become."""
        number = number.clone()
        torch.distributed.all_reduce(number)
        return number / self.world


class Shared:
    """Every n-th row of each batch; batches with fewer rows than processes are left out."""

    def __init__(self, batches: Any, rank: int, world: int) -> None:
        self._batches, self._rank, self._world = batches, rank, world
        self.size = max(1, batches.size // world)

    def __len__(self) -> int:
        """Batches an epoch."""
        short = self._batches.rows % self._batches.size
        return len(self._batches) - (0 < short < self._world)

    def next_batch(self) -> tuple[torch.Tensor, ...] | None:
        """This process's rows of the next batch."""
        while (batch := self._batches.next_batch()) is not None:
            if len(batch[0]) >= self._world:
                return tuple(array[self._rank::self._world] for array in batch)
        return None

    def sample(self) -> tuple[torch.Tensor, ...]:
        """This process's rows of the first batch."""
        return tuple(array[self._rank::self._world] for array in self._batches.sample())

    def state_dict(self) -> dict[str, Any]:
        """That of the batches."""
        return dict(self._batches.state_dict())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._batches.load_state_dict(state)
