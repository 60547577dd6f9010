"""Layers of a Transformer: attention, then a small network a token, with ways around both."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional

from wholefit.base.errors import ParameterError
from wholefit.nn.sequences.attention import Attention, Memory

NORMS = ("pre", "post")


@dataclass
class Recall:
    """What a decoder layer remembers of the tokens it has read (one a layer)."""

    own: Memory = field(default_factory=Memory)


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward network, each with a residual and layer normalisation.

    `norm` "post" normalises after adding, as Vaswani et al. (2017) and torch's own layer do;
    "pre" before (Xiong et al. 2020), which trains without warm-up. `causal` bars later tokens.
    """

    def __init__(
        self, width: int, heads: int, hidden: int, dropout: float = 0.1, norm: str = "pre",
        activation: str = "relu", rotary: bool = False, causal: bool = False,
    ) -> None:
        super().__init__()
        if norm not in NORMS:
            raise ParameterError(f"norm must be 'pre' or 'post'; got {norm!r}.")
        if activation not in ("relu", "gelu"):
            raise ParameterError(f"activation must be 'relu' or 'gelu'; got {activation!r}.")
        self.pre, self.causal = norm == "pre", causal
        self.attention = Attention(width, heads, dropout, rotary)
        self.first, self.second = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm_attention, self.norm_network = nn.LayerNorm(width), nn.LayerNorm(width)
        self.activation = functional.relu if activation == "relu" else functional.gelu
        self.drop = nn.Dropout(dropout)

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor | None = None, *, weights: bool = False,
        recall: Recall | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(n, length, width) to the same, and the attention weights where asked for."""
        memory = None if recall is None else recall.own
        seen, found = self.attention(
            self.norm_attention(x) if self.pre else x, mask=mask, causal=self.causal,
            weights=weights, memory=memory)
        x = self._around(x, seen, self.norm_attention)
        return self._around(x, self._network(self.norm_network(x) if self.pre else x),
                            self.norm_network), found

    def _network(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.drop(self.activation(self.first(x))))

    def _around(self, x: torch.Tensor, made: torch.Tensor, norm: nn.Module) -> torch.Tensor:
        x = x + self.drop(made)
        return x if self.pre else norm(x)


class DecoderLayer(EncoderLayer):
    """A causal encoder layer that also attends to what an encoder read."""

    def __init__(
        self, width: int, heads: int, hidden: int, dropout: float = 0.1, norm: str = "pre",
        activation: str = "relu", rotary: bool = False,
    ) -> None:
        super().__init__(width, heads, hidden, dropout, norm, activation, rotary, causal=True)
        self.across = Attention(width, heads, dropout)
        self.norm_across = nn.LayerNorm(width)

    def read(
        self, x: torch.Tensor, source: torch.Tensor, mask: torch.Tensor | None = None,
        source_mask: torch.Tensor | None = None, *, weights: bool = False,
        recall: Recall | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(n, length, width) beside `source` (n, there, width); weights are those across."""
        memory = None if recall is None else recall.own
        seen, _ = self.attention(self.norm_attention(x) if self.pre else x, mask=mask,
                                 causal=True, memory=memory)
        x = self._around(x, seen, self.norm_attention)
        seen, found = self.across(self.norm_across(x) if self.pre else x, source,
                                  mask=source_mask, weights=weights)
        x = self._around(x, seen, self.norm_across)
        return self._around(x, self._network(self.norm_network(x) if self.pre else x),
                            self.norm_network), found
