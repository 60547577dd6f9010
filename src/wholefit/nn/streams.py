"""Rows that do not fit in memory, streamed from memory-mapped .npy files, shuffled in blocks.

    data = (np.load("x.npy", mmap_mode="r"), np.load("y.npy", mmap_mode="r"))
    train(module, data, recipe)

Blocks of neighbouring rows are drawn in a random order, some are read together into a pool, and
the pool's rows are mixed; the next pool is read while the last is learnt from. Every row is seen
once an epoch; rows far apart in the file meet where their blocks share a pool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from wholefit.base.errors import DataError
from wholefit.base.seeds import derive, generator
from wholefit.nn.batches import Change

_BLOCK, _POOL = 1 << 17, 1 << 24  # bytes of a block read at once, and of a pool


def mapped(arrays: Sequence[Any]) -> bool:
    """True where one of the arrays lies in a file."""
    return any(isinstance(array, np.memmap) for array in arrays)


class Streamed:
    """Batches from arrays in files: like `Resident`, with a pool in memory in place of all rows.

    `pool` and `block` are bytes. The order follows from `seed` and the number of the epoch.
    `prepare(tensors)` is applied to each pool as it is read.
    """

    def __init__(
        self, arrays: Sequence[Any], batch: int, *, seed: int = 0, shuffle: bool = True,
        change: Change | None = None, device: torch.device | str = "cpu", pool: int = _POOL,
        block: int = _BLOCK, prepare: Any = None,
    ) -> None:
        self.arrays = tuple(arrays)
        self.rows = len(self.arrays[0])
        if not self.rows:
            raise DataError("there are no rows to learn from.")
        if any(len(array) != self.rows for array in self.arrays):
            raise DataError("inputs and target must have one row each for each other; got "
                            f"{', '.join(str(len(array)) for array in self.arrays)} rows.")
        self.size = min(batch, self.rows)
        self.change, self._shuffle, self._seed = change, shuffle, seed
        self._prepare, self._device = prepare or (lambda held: held), torch.device(device)
        self.generator = torch.Generator().manual_seed(seed)
        each = max(1, sum(a.nbytes for a in self.arrays) // self.rows)
        self._block = max(1, min(block // each, self.rows))
        self._blocks = max(1, pool // (each * self._block))  # blocks a pool
        self._epoch, self._given = 0, 0
        self._pools: Any = None
        self._left: tuple[torch.Tensor, ...] | None = None
        self._queue: list[Any] = []  # batches, or the places of their rows in the pool held
        self._held: tuple[torch.Tensor, ...] = ()

    def __len__(self) -> int:
        """Batches an epoch."""
        return -(-self.rows // self.size)

    def sample(self) -> tuple[torch.Tensor, ...]:
        """The first rows, as a batch."""
        held = tuple(_copy([array[:self.size]]) for array in self.arrays)
        return tuple(each.to(self._device) for each in self._prepare(held))

    def next_batch(self) -> tuple[torch.Tensor, ...] | None:
        """The next batch; None at the end of an epoch."""
        if self._pools is None:
            self._pools = self._read_pools()
        while not self._queue:
            pool = next(self._pools, None)
            if pool is None:
                return self._end()
            self._cut(pool)
        self._given += 1
        batch = self._queue.pop()
        if isinstance(batch, torch.Tensor):
            batch = self._take(batch)
        return batch if self.change is None else self.change(batch, self.generator)

    def _end(self) -> tuple[torch.Tensor, ...] | None:
        """What is left of the last pool is the epoch's last batch; then None, once."""
        if self._left is not None and len(self._left[0]):
            batch, self._left = self._left, None
            self._given += 1
            return batch if self.change is None else self.change(batch, self.generator)
        self._pools, self._left = None, None
        self._epoch, self._given = self._epoch + 1, 0
        return None

    def _cut(self, pool: tuple[tuple[torch.Tensor, ...], torch.Tensor]) -> None:
        """Places of the pool's rows by batch; what was left of the last pool begins the first."""
        self._held, order = pool
        first: list[Any] = []
        if self._left is not None and len(self._left[0]):
            missing = self.size - len(self._left[0])
            pairs = zip(self._left, self._take(order[:missing]), strict=True)
            first, order = [tuple(torch.cat(pair) for pair in pairs)], order[missing:]
            if len(first[0][0]) < self.size:
                self._left, self._queue = first[0], []
                return
        whole = len(order) // self.size * self.size
        self._queue = [*first, *(order[:whole].split(self.size) if whole else ())][::-1]
        self._left = self._take(order[whole:])

    def _take(self, rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(array.index_select(0, rows) for array in self._held)

    def _read_pools(self) -> Any:
        """Pools of this epoch from where it stands; each is read while the one before is used."""
        plans, before = [], 0
        for number, blocks in enumerate(self._plans()):
            rows = sum(min(self._block, self.rows - b * self._block) for b in blocks)
            if before + rows > self._given * self.size:
                skipped = max(0, self._given * self.size - before)
                plans.append((number, blocks, skipped))
            before += rows
        coming: Future[Any] | None = None
        with ThreadPoolExecutor(1) as reader:
            for plan in [*plans, None]:
                reading = None if plan is None else reader.submit(self._load, *plan)
                if coming is not None:
                    yield coming.result()
                coming = reading

    def _plans(self) -> list[list[int]]:
        count = -(-self.rows // self._block)
        order = np.arange(count)
        if self._shuffle:
            order = generator(self._seed, "blocks", self._epoch).permutation(count)
        return [order[start:start + self._blocks].tolist()
                for start in range(0, count, self._blocks)]

    def _load(self, number: int, blocks: list[int], skipped: int) -> Any:
        """A pool's rows as they lie in the file, and the order in which they are given."""
        spans = [slice(b * self._block, min(self.rows, (b + 1) * self._block))
                 for b in (sorted(blocks) if self._shuffle else blocks)]
        held = tuple(_copy([array[span] for span in spans]) for array in self.arrays)
        order = torch.arange(len(held[0]))
        if self._shuffle:
            own = torch.Generator().manual_seed(derive(self._seed, "pool", self._epoch, number))
            order = torch.randperm(len(held[0]), generator=own)
        held = tuple(each.to(self._device) for each in self._prepare(held))
        return held, order[skipped:].to(self._device)

    def state_dict(self) -> dict[str, Any]:
        """The epoch and the place in it."""
        return {"epoch": self._epoch, "given": self._given, "now": self.generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._epoch, self._given = int(state["epoch"]), int(state["given"])
        self._pools, self._left, self._queue = None, None, []
        self.generator.set_state(state["now"])


def _copy(pieces: list[Any]) -> torch.Tensor:
    """Slices of a file as one tensor in memory; float64 becomes float32."""
    first = pieces[0]
    kind = np.float32 if first.dtype == np.float64 else first.dtype
    held = np.empty((sum(len(piece) for piece in pieces), *first.shape[1:]), kind)
    place = 0
    for piece in pieces:
        held[place:place + len(piece)] = piece
        place += len(piece)
    return torch.from_numpy(held)
