"""Transformers: an encoder that reads, a decoder that goes on, and both together."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn.networks._registry import network
from wholefit.nn.sequences.attention import readable
from wholefit.nn.sequences.blocks import DecoderLayer, EncoderLayer, Recall
from wholefit.nn.sequences.pooling import Pooling, trimmed
from wholefit.nn.sequences.positions import Positions


class _Reader(nn.Module):
    """Tokens (or a series' steps) with their positions, through a stack of encoder layers."""

    def __init__(
        self, vocabulary: int | None, features: int | None, length: int, width: int, heads: int,
        layers: int, hidden: int, dropout: float, norm: str, positions: str, activation: str,
        causal: bool,
    ) -> None:
        super().__init__()
        if (vocabulary is None) == (features is None):
            raise ParameterError("a transformer needs either vocabulary= (its inputs are token "
                                 "numbers) or features= (numbers a step of a series); "
                                 f"got vocabulary={vocabulary}, features={features}.")
        self.scale = math.sqrt(width) if vocabulary is not None else 1.0
        self.into: nn.Module = (nn.Linear(int(features or 0), width) if vocabulary is None
                                else _table(vocabulary, width))
        self.tokens = vocabulary is not None
        self.positions = Positions(positions, length, width)
        self.drop = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            EncoderLayer(width, heads, hidden, dropout, norm, activation,
                         positions == "rotary", causal) for _ in range(layers))
        self.norm = nn.LayerNorm(width) if norm == "pre" else nn.Identity()

    def forward(
        self, x: torch.Tensor, lengths: torch.Tensor | None = None, *, weights: bool = False,
        recalls: list[Recall] | None = None, start: int = 0,
    ) -> tuple[torch.Tensor, torch.Tensor, list[Any]]:
        """Values (n, length, width), real steps (n, length), attention weights of each layer."""
        real = self._real(x, lengths)
        # going on with a memory, there is no padding: the tokens before were all real
        mask = None if recalls is not None or bool(real.all()) else real[:, None, None, :]
        into = self.into(x.long()) * self.scale if self.tokens else self.into(x)
        values, found = self.drop(self.positions(into, start)), []
        for i, layer in enumerate(self.layers):
            values, seen = layer(values, mask, weights=weights,
                                 recall=None if recalls is None else recalls[i])
            found.append(seen)
        return self.norm(values), real, found

    def _real(self, x: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
        if self.tokens:
            return readable(x)
        if lengths is None:
            return torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        return torch.arange(x.shape[1], device=x.device) < lengths.long().clamp(min=1)[:, None]


@network("transformer_encoder", {"batch": 64})
class TransformerEncoder(nn.Module):
    """Every token attends to every other; one answer a sequence, or a token (head="each").

    Inputs are token numbers (n, length), 0 padding, where `vocabulary` is given, else a series
    (n, length, `features`). `hidden` is the width of the network after each attention (default four
    times `width`). `norm` "pre" or "post"; `positions` "sinusoidal", "learned", "rotary", "none".
    """

    def __init__(
        self, outputs: int, vocabulary: int | None = None, features: int | None = None,
        length: int = 512, width: int = 64, heads: int = 4, layers: int = 2,
        hidden: int | None = None, dropout: float = 0.1, norm: str = "pre",
        positions: str = "sinusoidal", head: str = "mean", activation: str = "relu",
    ) -> None:
        super().__init__()
        self.reader = _Reader(vocabulary, features, length, width, heads, layers,
                              hidden or 4 * width, dropout, norm, positions, activation, False)
        self.outgoing = width
        self.pooling = Pooling(head, width)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Logits or numbers (n, outputs), or (n, length, outputs) where head="each"."""
        return self.head(self.features_of(x, lengths))

    def features_of(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """What the head sees: (n, width), or (n, length, width)."""
        if self.reader.tokens and self.pooling.kind != "each":
            x = trimmed(x)
        values, real, _ = self.reader(x, lengths)
        return self.pooling(values, real)

    def attention(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Weights (n, heads, length, length) of each layer: a row says where that token looked."""
        return list(self.reader(x, weights=True)[2])


@network("transformer_decoder")
class TransformerDecoder(nn.Module):
    """Reads tokens from left to right and says at each what comes next: (n, length, outputs).

    `outputs` is the vocabulary where not said; then input and output share one table if `tied`.
    """

    def __init__(
        self, vocabulary: int, outputs: int | None = None, length: int = 256, width: int = 128,
        heads: int = 4, layers: int = 2, hidden: int | None = None, dropout: float = 0.1,
        norm: str = "pre", positions: str = "rotary", activation: str = "gelu",
        tied: bool = False,
    ) -> None:
        super().__init__()
        if tied and outputs not in (None, vocabulary):
            raise ParameterError("a tied decoder answers with its own vocabulary: leave outputs "
                                 f"out; got outputs={outputs}, vocabulary={vocabulary}.")
        self.length = length
        self.reader = _Reader(vocabulary, None, length, width, heads, layers, hidden or 4 * width,
                              dropout, norm, positions, activation, True)
        self.head = nn.Linear(width, vocabulary if outputs is None else outputs, bias=not tied)
        if tied:
            self.head.weight = self.reader.into.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (n, length, outputs) for the token after each."""
        return self.head(self.reader(x)[0])

    def attention(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Weights (n, heads, length, length) of each layer; nothing above the diagonal."""
        return list(self.reader(x, weights=True)[2])

    def step(
        self, x: torch.Tensor, state: list[Recall] | None = None
    ) -> tuple[torch.Tensor, list[Recall]]:
        """Logits for these tokens, given all that `state` remembers; and what it remembers now.

        `state` is altered. Keys and values are kept, so that a token costs one row of products.
        """
        recalls = [Recall() for _ in self.reader.layers] if state is None else state
        start = recalls[0].own.length if recalls else 0
        return self.head(self.reader(x, recalls=recalls, start=start)[0]), recalls


@network("transformer")
class Transformer(nn.Module):
    """Encoder and decoder: (source tokens, target tokens so far) to what comes next.

    Inputs (n, length) and (n, target length) of token numbers, 0 padding; gives logits
    (n, target length, outputs). `vocabulary` is that of the source, `outputs` of the target.
    """

    def __init__(
        self, vocabulary: int, outputs: int, length: int = 128, width: int = 128, heads: int = 4,
        layers: int = 2, hidden: int | None = None, dropout: float = 0.1, norm: str = "pre",
        positions: str = "sinusoidal", activation: str = "relu",
    ) -> None:
        super().__init__()
        self.length = length
        hidden = hidden or 4 * width
        self.encoder = _Reader(vocabulary, None, length, width, heads, layers, hidden, dropout,
                               norm, positions, activation, False)
        self.into = _table(outputs, width)
        self.scale = math.sqrt(width)
        self.positions = Positions(positions, length, width)
        self.drop = nn.Dropout(dropout)
        self.decoder = nn.ModuleList(
            DecoderLayer(width, heads, hidden, dropout, norm, activation, positions == "rotary")
            for _ in range(layers))
        self.norm = nn.LayerNorm(width) if norm == "pre" else nn.Identity()
        self.head = nn.Linear(width, outputs)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits (n, target length, outputs): teacher forcing."""
        return self.write(target, *self.read(source))[0]

    def read(self, source: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the encoder makes of the source (n, length, width), and its real tokens."""
        values, real, _ = self.encoder(source)
        return values, real

    def write(
        self, target: torch.Tensor, source: torch.Tensor, real: torch.Tensor, *,
        state: list[Recall] | None = None, weights: bool = False,
    ) -> tuple[torch.Tensor, list[Any]]:
        """Logits for the tokens after `target`, and the weights across of each layer.

        `state`, one Recall a layer, is altered: give only new tokens the next time.
        """
        start = 0 if state is None else state[0].own.length
        mask = None if state is not None else readable(target)[:, None, None, :]
        values = self.drop(self.positions(self.into(target.long()) * self.scale, start))
        found = []
        for i, layer in enumerate(self.decoder):
            values, seen = layer.read(values, source, mask, real[:, None, None, :],
                                      weights=weights, recall=None if state is None else state[i])
            found.append(seen)
        return self.head(self.norm(values)), found

    def memories(self) -> list[Recall]:
        """An empty `state` for `write`."""
        return [Recall() for _ in self.decoder]


def _table(vocabulary: int, width: int) -> nn.Embedding:
    """Vectors of length about one; the padding's stays zero. Multiplied by sqrt(width) in use."""
    table = nn.Embedding(vocabulary, width, padding_idx=0)
    nn.init.normal_(table.weight, std=width ** -0.5)
    with torch.no_grad():
        table.weight[0].zero_()
    return table
