"""Long streams of tokens in batches: side by side with carried states, or windows of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from wholefit.nn.batches import Resident

Batch = tuple[torch.Tensor, torch.Tensor]


class Carried(nn.Module):
    """A recurrent network that goes on, batch after batch, where it was in the stream.

    Gradients end at the batch's first step (truncated back-propagation through time, Williams &
    Peng 1990), the state does not. In eval mode every batch begins anew.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.carried: Any = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (n, length, outputs)."""
        if not self.training:
            return self.inner.step(x)[0]
        found, state = self.inner.step(x, self.carried)
        self.carried = detached(state)
        return found


def detached(state: Any) -> Any:
    """The state without its history."""
    return tuple(map(detached, state)) if isinstance(state, tuple) else state.detach()


class Lanes:
    """A stream cut into `lanes` long pieces that are read side by side, `length` tokens a batch."""

    def __init__(self, stream: torch.Tensor, lanes: int, length: int, reader: Carried) -> None:
        most = max(1, min(lanes, (len(stream) - 1) // max(1, length)))
        each = (len(stream) - 1) // most
        self.inputs = stream[:most * each].view(most, each)
        self.targets = stream[1:most * each + 1].view(most, each)
        self.size, self.length, self.reader = most, length, reader
        self.place = 0

    def __len__(self) -> int:
        """Batches an epoch."""
        return -(-self.inputs.shape[1] // self.length)

    def next_batch(self) -> Batch | None:
        """The next tokens of every lane and those after them; None at the end of an epoch."""
        if self.place >= self.inputs.shape[1]:
            self.place = 0
            return None
        if self.place == 0:
            self.reader.carried = None
        piece = slice(self.place, self.place + self.length)
        self.place += self.length
        return self.inputs[:, piece], self.targets[:, piece]

    def state_dict(self) -> dict[str, Any]:
        """The place in the lanes, and what the network carries."""
        return {"place": self.place, "carried": self.reader.carried}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.place = int(state["place"])
        self.reader.carried = _again(state["carried"], self.inputs.device)


def _again(state: Any, device: Any) -> Any:
    """A carried state as it was before it was stored: tuples, on the device."""
    if isinstance(state, (list, tuple)):
        return tuple(_again(each, device) for each in state)
    return state if state is None else state.to(device)


def windows(stream: torch.Tensor, batch: int, length: int, seed: int) -> Resident:
    """Pieces of `length` tokens in random order, cut at new places in each epoch."""
    length = max(1, min(length, len(stream) - 1))
    starts = torch.arange(0, max(1, len(stream) - length), length, device=stream.device)
    reach = torch.arange(length, device=stream.device)
    last = len(stream) - 1 - length

    def cut(rows: tuple[torch.Tensor, ...], random: torch.Generator) -> Batch:
        moved = torch.randint(0, length, (len(rows[0]),), generator=random).to(stream.device)
        places = (rows[0] + moved).clamp(max=last)[:, None] + reach
        return stream[places], stream[places + 1]

    return Resident([starts], batch, seed=seed, change=cut)
