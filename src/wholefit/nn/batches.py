"""Batches of resident tensors: sliced, never collated row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from wholefit.base.errors import DataError
from wholefit.base.spool import Filed

Arrays = Sequence[Any]
Change = Callable[[tuple[torch.Tensor, ...], torch.Generator], tuple[torch.Tensor, ...]]
# Arrays up to this size are put in a new order at once, larger ones batch by batch: the copy of
# all rows would not stay in a processor's cache, and costs memory.
_AT_ONCE = 4_000_000


def tensors(arrays: Arrays, device: torch.device | str = "cpu") -> tuple[Any, ...]:
    """Arrays as tensors on the device; float64 becomes float32, whole numbers stay.

    Those in a spool (`base.spool.Filed`) stay there, and their rows are read as batches ask.
    Raises DataError where they are not of one length.
    """
    found = tuple(array if isinstance(array, Filed) else _tensor(array).to(device)
                  for array in arrays)
    lengths = [len(array) if array.dim() else None for array in found]
    if len(set(lengths)) > 1 or None in lengths:
        raise DataError(f"inputs and target must have one row each for each other; got "
                        f"{', '.join(str(length) for length in lengths)} rows.")
    return found


class Resident:
    """Tensors of equal length, given in batches: in a new random order each epoch.

    Arrays in a spool (`base.spool.Filed`) are given in the same order as if they were tensors, and
    only the rows of a batch are read, on the device of the tensors beside them.
    `change(batch, generator)` (augmentation, noise) is applied to each batch on its device.
    """

    def __init__(
        self, arrays: Sequence[Any], batch: int, *, seed: int = 0, shuffle: bool = True,
        change: Change | None = None, drop_last: bool = False,
    ) -> None:
        self.arrays = tuple(arrays)
        if not len(self.arrays[0]):
            raise DataError("there are no rows to learn from.")
        self.rows = len(self.arrays[0])
        self.size = min(batch, self.rows)
        self.shuffle, self.change, self.drop_last = shuffle, change, drop_last
        self.generator = torch.Generator().manual_seed(seed)
        self.device = next((a.device for a in self.arrays if isinstance(a, torch.Tensor)),
                           torch.device("cpu"))
        whole = all(isinstance(a, torch.Tensor) for a in self.arrays)
        self._at_once = whole and sum(a.nbytes for a in self.arrays) <= _AT_ONCE
        self._queue: list[Any] | None = None
        self._began: torch.Tensor | None = None  # the generator's state before this epoch

    def __len__(self) -> int:
        """Batches an epoch."""
        return self.rows // self.size if self.drop_last else -(-self.rows // self.size)

    def next_batch(self) -> tuple[torch.Tensor, ...] | None:
        """The next batch; None at the end of an epoch."""
        if self._queue is None:
            self._queue = self._epoch()
        if not self._queue:
            self._queue = None
            return None
        batch = self._queue.pop()
        if not self._at_once:
            batch = self.take(batch)
        return batch if self.change is None else self.change(batch, self.generator)

    def take(self, rows: Any) -> tuple[torch.Tensor, ...]:
        """The batch of those rows."""
        return tuple(array.index_select(0, rows) if isinstance(array, torch.Tensor) else
                     _read(array, rows.cpu().numpy(), self.device) for array in self.arrays)

    @property
    def held(self) -> int:
        """Bytes of the rows in memory."""
        return sum(a.nbytes for a in self.arrays if isinstance(a, torch.Tensor))

    def sample(self) -> tuple[torch.Tensor, ...]:
        """The first rows, as a batch; nothing is drawn."""
        return self.take(torch.arange(self.size, device=self.device))

    def _epoch(self) -> list[Any]:
        self._began = self.generator.get_state()
        arrays = self.arrays
        order = self._order()
        if not self._at_once:
            return list(order.to(self.device).split(self.size))[:len(self)][::-1]
        if self.shuffle:
            arrays = self.take(order.to(self.device))
        pieces = zip(*(array.split(self.size) for array in arrays), strict=True)
        return list(pieces)[:len(self)][::-1]

    def _order(self) -> torch.Tensor:
        if not self.shuffle:
            return torch.arange(self.rows)
        return torch.randperm(self.rows, generator=self.generator)

    def state_dict(self) -> dict[str, Any]:
        """The generator, and the place within the epoch."""
        left = None if self._queue is None else len(self._queue)
        return {"now": self.generator.get_state(), "left": left,
                "began": self._began if left is not None else None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there: the epoch's order is drawn again, and what was given is skipped."""
        self._queue = None
        if state["left"] is not None:
            self.generator.set_state(state["began"])
            self._queue = self._epoch()
            del self._queue[int(state["left"]):]
        self.generator.set_state(state["now"])


def parts(array: Any, size: int, device: torch.device | str) -> Iterator[torch.Tensor]:
    """Rows of a tensor, or of an array in a spool, `size` at a time in their order."""
    if isinstance(array, torch.Tensor):
        yield from array.split(size)
        return
    for start in range(0, len(array), size):
        yield _read(array, slice(start, start + size), device)


def _read(array: Filed, rows: Any, device: torch.device | str) -> torch.Tensor:
    return torch.from_numpy(array[rows]).to(device)


def _tensor(array: Any) -> torch.Tensor:
    if not isinstance(array, torch.Tensor):
        array = np.ascontiguousarray(array)
        if array.dtype.kind in "OSU":
            raise DataError(f"a network takes arrays of numbers; got {array.dtype}.")
        if not array.flags.writeable:
            array = array.copy()
        array = torch.from_numpy(array)
    return array.float() if array.dtype == torch.float64 else array
