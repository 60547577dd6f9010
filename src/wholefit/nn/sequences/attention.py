"""Attention with several heads (Vaswani et al. 2017)."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from wholefit.base.errors import ParameterError
from wholefit.nn.sequences.positions import turned


class Memory:
    """Keys and values of tokens already read, so that a further token costs one row of products."""

    def __init__(self) -> None:
        self.keys: torch.Tensor | None = None
        self.values: torch.Tensor | None = None

    @property
    def length(self) -> int:
        """Tokens held."""
        return 0 if self.keys is None else self.keys.shape[2]

    def extend(
        self, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """All keys and values (n, heads, length, size), these included."""
        if self.keys is not None and self.values is not None:
            keys = torch.cat([self.keys, keys], dim=2)
            values = torch.cat([self.values, values], dim=2)
        self.keys, self.values = keys, values
        return keys, values

    def pick(self, rows: torch.Tensor) -> None:
        """Keep these rows, in this order (the beams that survive)."""
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys[rows], self.values[rows]


class Attention(nn.Module):
    """Scaled products of queries with keys weigh values, in `heads` groups of features.

    Parameters stand as in torch's MultiheadAttention: `into` (3 width, width) makes queries, keys
    and values; `out` (width, width) mixes the heads. `rotary` turns queries and keys by place.
    """

    def __init__(
        self, width: int, heads: int, dropout: float = 0.0, rotary: bool = False
    ) -> None:
        super().__init__()
        if heads < 1 or width % heads or (rotary and (width // heads) % 2):
            even = " an even number of features for each" if rotary else ""
            raise ParameterError(f"heads must divide width{even}; got width={width}, "
                                 f"heads={heads}.")
        self.heads, self.dropout, self.rotary = heads, dropout, rotary
        self.into = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.into.weight)
        nn.init.zeros_(self.into.bias)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, x: torch.Tensor, other: torch.Tensor | None = None, *,
        mask: torch.Tensor | None = None, causal: bool = False, weights: bool = False,
        memory: Memory | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(n, length, width) attends to itself, or to `other` (n, there, width).

        `mask`, True where a token may be looked at, broadcasts to (n, heads, length, there).
        `causal`: no token sees a later one. Gives the mixed values and, where `weights`, the
        weights (n, heads, length, there), else None. With `memory`, earlier tokens are remembered.
        """
        queries, keys, values = self._split(x, other)
        start = 0 if memory is None else memory.length
        if self.rotary and other is None:
            queries, keys = turned(queries, start), turned(keys, start)
        if memory is not None:
            keys, values = memory.extend(keys, values)
        if causal and (mask is not None or start or weights):
            seen = _earlier(x.shape[1], keys.shape[2], x.device)
            mask, causal = seen if mask is None else mask & seen, False
        drop = self.dropout if self.training else 0.0
        if weights:
            mixed, found = _by_hand(queries, keys, values, mask, drop)
        else:
            mixed, found = functional.scaled_dot_product_attention(
                queries, keys, values, attn_mask=mask, dropout_p=drop, is_causal=causal), None
        return self.out(mixed.transpose(1, 2).reshape(x.shape)), found

    def _split(
        self, x: torch.Tensor, other: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        if other is None:
            parts = self.into(x).chunk(3, dim=-1)
        else:
            width = x.shape[-1]
            weight, bias = self.into.weight, self.into.bias
            both = functional.linear(other, weight[width:], bias[width:]).chunk(2, dim=-1)
            parts = (functional.linear(x, weight[:width], bias[:width]), *both)
        queries, keys, values = (self._headed(part) for part in parts)
        return queries, keys, values

    def _headed(self, x: torch.Tensor) -> torch.Tensor:
        n, length, width = x.shape
        return x.view(n, length, self.heads, width // self.heads).transpose(1, 2)


def _earlier(here: int, there: int, device: torch.device) -> torch.Tensor:
    """True where one of the last `here` tokens of `there` may look: at itself and before."""
    return torch.ones(here, there, dtype=torch.bool, device=device).tril(there - here)


def _by_hand(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None,
    dropout: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    found = scores.softmax(dim=-1)
    return functional.dropout(found, dropout) @ values, found


def readable(tokens: torch.Tensor) -> torch.Tensor:
    """True (n, length) where a token stands; an empty text shows its first padding.

    Without that, nothing could be looked at, and a softmax over nothing is NaN.
    """
    real = tokens != 0
    first = ~real.any(dim=1, keepdim=True)
    return torch.cat([real[:, :1] | first, real[:, 1:]], dim=1)
