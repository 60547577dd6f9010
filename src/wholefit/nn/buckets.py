"""Batches of sequences of like length: less padding is multiplied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from wholefit.base.errors import ParameterError
from wholefit.nn.batches import Change, Resident

# Batches among which rows are sorted by length: enough to be alike, few enough to stay random.
_WINDOW = 50


class Bucketed(Resident):
    """Like `Resident`, for padded token numbers (n, length) with padding 0 as the first array.

    Rows are drawn at random, sorted by length within windows of fifty batches, cut into batches,
    and the batches drawn at random. Columns that are padding in a whole batch are cut, and those
    of a target (n, length) with them. `weighted` says that the last array is the rows' weight.
    """

    def __init__(
        self, arrays: Sequence[torch.Tensor], batch: int, *, seed: int = 0, shuffle: bool = True,
        change: Change | None = None, drop_last: bool = False, weighted: bool = False,
    ) -> None:
        super().__init__(arrays, batch, seed=seed, shuffle=shuffle, change=change,
                         drop_last=drop_last)
        self._target = len(self.arrays) - 1 - weighted
        tokens = self.arrays[0]
        if tokens.dim() != 2:
            raise ParameterError("Recipe.bucket needs token numbers (n, length) as the first "
                                 f"input; got shape {tuple(tokens.shape)}.")
        places = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)
        self._lengths = ((tokens != 0) * places).amax(1).clamp_min(1).cpu()
        self._at_once = False

    def take(self, rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The batch of those rows, as long as its longest."""
        longest, whole = int(self._lengths[rows.cpu()].max()), self.arrays[0].shape[1]
        found = super().take(rows)
        return tuple(array[:, :longest] if number in (0, self._target) and array.dim() == 2
                     and array.shape[1] == whole else array for number, array in enumerate(found))

    def _epoch(self) -> list[Any]:
        self._began = self.generator.get_state()
        order = self._order()
        if not self.shuffle:
            return list(order.to(self.arrays[0].device).split(self.size))[:len(self)][::-1]
        batches: list[torch.Tensor] = []
        for window in order.split(self.size * _WINDOW):
            ranked = window[torch.argsort(self._lengths[window], stable=True)]
            batches += ranked.split(self.size)
        if self.drop_last:
            batches = [each for each in batches if len(each) == self.size]
        turn = torch.randperm(len(batches), generator=self.generator).tolist()
        return [batches[place].to(self.arrays[0].device) for place in turn]
