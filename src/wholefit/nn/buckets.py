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
    """Like `Resident`, for padded token numbers (n, length) with padding 0 among the arrays.

    `tokens` are the places of those arrays. Rows are drawn at random, sorted by length (of all
    their tokens together) within windows of fifty batches, cut into batches, and the batches drawn
    at random. Columns that are padding in a whole batch are cut, and those of a target (n, length)
    with those of the first. `weighted` says that the last array is the rows' weight. Raises
    ParameterError for arrays that hold no token numbers.
    """

    def __init__(
        self, arrays: Sequence[torch.Tensor], batch: int, *, seed: int = 0, shuffle: bool = True,
        change: Change | None = None, drop_last: bool = False, weighted: bool = False,
        tokens: Sequence[int] = (0,),
    ) -> None:
        super().__init__(arrays, batch, seed=seed, shuffle=shuffle, change=change,
                         drop_last=drop_last)
        self._target = len(self.arrays) - 1 - weighted
        self._ends = {place: _ends(self.arrays[place]) for place in tokens}
        self._first = tokens[0]
        self._lengths = torch.stack(list(self._ends.values())).sum(0)
        self._at_once = False

    def take(self, rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The batch of those rows, each run of tokens as long as its longest."""
        longest = {place: int(ends[rows.cpu()].max()) for place, ends in self._ends.items()}
        target = self.arrays[self._target]
        if target.dim() == 2 and target.shape[1] == self.arrays[self._first].shape[1]:
            longest[self._target] = longest[self._first]
        return tuple(array[:, :longest[place]] if place in longest else array
                     for place, array in enumerate(super().take(rows)))

    def _epoch(self) -> list[Any]:
        self._began = self.generator.get_state()
        order = self._order()
        if not self.shuffle:
            return list(order.to(self.device).split(self.size))[:len(self)][::-1]
        batches: list[torch.Tensor] = []
        for window in order.split(self.size * _WINDOW):
            ranked = window[torch.argsort(self._lengths[window], stable=True)]
            batches += ranked.split(self.size)
        if self.drop_last:
            batches = [each for each in batches if len(each) == self.size]
        turn = torch.randperm(len(batches), generator=self.generator).tolist()
        return [batches[place].to(self.device) for place in turn]


def _ends(tokens: torch.Tensor) -> torch.Tensor:
    """Where each row's last token stands (n,), at least 1, on the CPU."""
    if tokens.dim() != 2 or tokens.is_floating_point():
        raise ParameterError("Recipe.bucket needs token numbers (n, length), by default as the "
                             f"first input; got {tokens.dtype} of shape {tuple(tokens.shape)}.")
    places = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)
    return ((tokens != 0) * places).amax(1).clamp_min(1).cpu()
