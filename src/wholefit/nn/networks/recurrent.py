"""Recurrent networks: plain (Elman 1990), gated (Cho et al. 2014), long short-term memory
(Hochreiter & Schmidhuber 1997); stacked, in both directions, blind to padding."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from wholefit.base.errors import ParameterError
from wholefit.nn.networks._registry import network
from wholefit.nn.sequences.pooling import Front, Pooling

State = Any


class _Recurrent(nn.Module):
    """Reads a sequence step by step; the base of the three kinds.

    Inputs are token numbers (n, length) where `vocabulary` is given, 0 being padding; or a series
    (n, length, `features`), with true lengths (n,) as a second input where they differ. `head` says
    what of the steps is used: the "last" real one of each direction, their "mean" or "max", an
    "attention" over them, or "each" for an answer a step (n, length, outputs).
    """

    kind: ClassVar[type[nn.Module]] = nn.LSTM

    def __init__(
        self, outputs: int, vocabulary: int | None = None, features: int | None = None,
        length: int | None = None, width: int = 64, hidden: int = 128, layers: int = 1,
        bidirectional: bool = False, head: str = "last", dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self._begin(outputs, vocabulary, features, width, hidden, layers, bidirectional, head,
                    dropout, {})

    def _begin(
        self, outputs: int, vocabulary: int | None, features: int | None, width: int, hidden: int,
        layers: int, bidirectional: bool, head: str, dropout: float, extra: dict[str, Any],
    ) -> None:
        if layers < 1 or hidden < 1:
            raise ParameterError(f"layers and hidden must be >= 1; got layers={layers}, "
                                 f"hidden={hidden}.")
        self.front = Front(vocabulary, features, width, dropout)
        self.body = self.kind(
            self.front.width, hidden, num_layers=layers, batch_first=True,
            bidirectional=bidirectional, dropout=dropout if layers > 1 else 0.0, **extra)
        self.outgoing = hidden * (2 if bidirectional else 1)
        self.pooling = Pooling(head, self.outgoing)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(self.outgoing, outputs)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Logits or numbers (n, outputs), or (n, length, outputs) where head="each"."""
        return self.head(self.drop(self.features_of(x, lengths)))

    def features_of(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """What the head sees: (n, features), or (n, length, features)."""
        values, real = self.front(x, lengths, trim=self.pooling.kind != "each")
        ends = real.sum(dim=1)
        packed = pack_padded_sequence(values, ends.cpu(), batch_first=True, enforce_sorted=False)
        read, state = self.body(packed)
        if self.pooling.kind == "last":
            last = state[0] if isinstance(state, tuple) else state
            return torch.cat(list(last[-2:] if self.body.bidirectional else last[-1:]), dim=1)
        whole, _ = pad_packed_sequence(read, batch_first=True, total_length=values.shape[1])
        return self.pooling(whole, real)

    def step(self, x: torch.Tensor, state: State = None) -> tuple[torch.Tensor, State]:
        """Answers for every step (n, length, outputs), going on from `state`; and the new state.

        For sequences without padding: streams of text, and generating one token at a time.
        """
        values, _ = self.front(x)
        read, state = self.body(values, state)
        return self.head(self.drop(read)), state


@network("rnn", {"batch": 64})
class RNN(_Recurrent):
    """Each step sees its input and what the step before left; forgets soon."""

    kind: ClassVar[type[nn.Module]] = nn.RNN

    def __init__(
        self, outputs: int, vocabulary: int | None = None, features: int | None = None,
        length: int | None = None, width: int = 64, hidden: int = 128, layers: int = 1,
        bidirectional: bool = False, head: str = "last", dropout: float = 0.0,
        activation: str = "tanh",
    ) -> None:
        nn.Module.__init__(self)
        if activation not in ("tanh", "relu"):
            raise ParameterError(f"activation of an rnn must be 'tanh' or 'relu'; "
                                 f"got {activation!r}.")
        self._begin(outputs, vocabulary, features, width, hidden, layers, bidirectional, head,
                    dropout, {"nonlinearity": activation})


@network("gru", {"batch": 64})
class GRU(_Recurrent):
    """Two gates say how much of the past is kept and how much is made anew."""

    kind: ClassVar[type[nn.Module]] = nn.GRU


@network("lstm", {"batch": 64})
class LSTM(_Recurrent):
    """Three gates guard a memory of its own; remembers over many steps."""
