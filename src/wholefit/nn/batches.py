"""Batches of resident tensors: sliced, never collated row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

Arrays = Sequence[Any]
Change = Callable[[tuple[torch.Tensor, ...], torch.Generator], tuple[torch.Tensor, ...]]


def tensors(arrays: Arrays, device: torch.device | str = "cpu") -> tuple[torch.Tensor, ...]:
    """Arrays as tensors on the device; float64 becomes float32, whole numbers stay."""
    return tuple(_tensor(array).to(device) for array in arrays)


class Resident:
    """Tensors of equal length, given in batches: in a new random order each epoch.

    `change(batch, generator)` (augmentation, noise) is applied to each batch on its device.
    """

    def __init__(
        self, arrays: Sequence[torch.Tensor], batch: int, *, seed: int = 0, shuffle: bool = True,
        change: Change | None = None, drop_last: bool = False,
    ) -> None:
        self.arrays = tuple(arrays)
        self.size = min(batch, len(self.arrays[0]))
        self.shuffle, self.change, self.drop_last = shuffle, change, drop_last
        self.generator = torch.Generator().manual_seed(seed)
        self._queue: list[tuple[torch.Tensor, ...]] | None = None

    def __len__(self) -> int:
        """Batches an epoch."""
        rows = len(self.arrays[0])
        return rows // self.size if self.drop_last else -(-rows // self.size)

    def next_batch(self) -> tuple[torch.Tensor, ...] | None:
        """The next batch; None at the end of an epoch."""
        if self._queue is None:
            self._queue = self._epoch()
        if not self._queue:
            self._queue = None
            return None
        batch = self._queue.pop()
        return batch if self.change is None else self.change(batch, self.generator)

    def _epoch(self) -> list[tuple[torch.Tensor, ...]]:
        arrays = self.arrays
        if self.shuffle:
            order = torch.randperm(len(arrays[0]), generator=self.generator)
            order = order.to(arrays[0].device)
            arrays = tuple(array.index_select(0, order) for array in arrays)
        pieces = zip(*(array.split(self.size) for array in arrays), strict=True)
        return list(pieces)[:len(self)][::-1]


def _tensor(array: Any) -> torch.Tensor:
    if not isinstance(array, torch.Tensor):
        array = torch.from_numpy(np.ascontiguousarray(array))
    return array.float() if array.dtype == torch.float64 else array
