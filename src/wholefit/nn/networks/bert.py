"""BERT's encoder (Devlin et al. 2019): what many pretrained text networks are, as MiniLM."""

from __future__ import annotations

import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn.networks._registry import network

_ACTIVATIONS = {"gelu": nn.functional.gelu, "relu": nn.functional.relu,
                "gelu_new": lambda x: nn.functional.gelu(x, approximate="tanh")}


@network("bert")
class Bert(nn.Module):
    """Token numbers (n, length), 0 is padding, to logits (n, outputs).

    A text's features are the mean of its tokens' vectors, padding left out; `unit` makes their
    length 1, as sentence embeddings have it. Post-norm, learned positions; `length` is the most
    tokens that it has positions for.
    """

    def __init__(
        self, vocabulary: int, length: int, outputs: int, width: int = 384, layers: int = 6,
        heads: int = 12, inner: int = 1536, types: int = 2, dropout: float = 0.1,
        activation: str = "gelu", eps: float = 1e-12, unit: bool = True,
    ) -> None:
        super().__init__()
        if width % heads or activation not in _ACTIVATIONS:
            raise ParameterError("bert needs heads that divide its width, and an activation of "
                                 f"{', '.join(_ACTIVATIONS)}; got {heads}, {width} and "
                                 f"{activation!r}.")
        self.unit, self.length = unit, length
        self.words = nn.Embedding(vocabulary, width, padding_idx=0)
        self.positions = nn.Embedding(length, width)
        self.types = nn.Embedding(types, width)
        self.norm = nn.LayerNorm(width, eps=eps)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            _Layer(width, heads, inner, dropout, activation, eps) for _ in range(layers))
        self.head = nn.Linear(width, outputs)

    @property
    def feature_width(self) -> int:
        """How many numbers `features` gives for a text."""
        return int(self.norm.normalized_shape[0])

    def stages(self) -> list[nn.Module]:
        """The parts that can be frozen, from the tokens up."""
        return [self.words, self.positions, self.types, self.norm, *self.layers]

    def features(self, tokens: torch.Tensor) -> torch.Tensor:
        """Each text as one vector, (n, width)."""
        tokens = tokens[:, :self.length].long()
        there = tokens != 0
        # Columns that are padding in every row cost time and say nothing.
        if not (torch.compiler.is_exporting() or torch.jit.is_tracing()):
            longest = max(int(there.sum(dim=1).max()), 1) if len(tokens) else 1
            tokens, there = tokens[:, :longest], there[:, :longest]
        at = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.words(tokens) + self.positions(at) + self.types(torch.zeros_like(tokens))
        x = self.dropout(self.norm(x))
        # A text without any token attends to its padding: a mask that hides all gives no number.
        seen = there | ~there.any(dim=1, keepdim=True)
        for layer in self.layers:
            x = layer(x, seen[:, None, None, :])
        weight = there.unsqueeze(-1).to(x.dtype)
        found = (x * weight).sum(dim=1) / weight.sum(dim=1).clamp_min(1e-9)
        return nn.functional.normalize(found, dim=1) if self.unit else found

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits or numbers."""
        return self.head(self.features(tokens))


class _Layer(nn.Module):
    """Attention and two dense layers, each added to what came in and then normed."""

    def __init__(
        self, width: int, heads: int, inner: int, dropout: float, activation: str, eps: float
    ) -> None:
        super().__init__()
        self.heads, self.activation = heads, _ACTIVATIONS[activation]
        self.rate = dropout
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.wide, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm, self.last = nn.LayerNorm(width, eps=eps), nn.LayerNorm(width, eps=eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        query, key, value = (self._split(part(x)) for part in (self.query, self.key, self.value))
        found = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=seen, dropout_p=self.rate if self.training else 0.0)
        found = self.out(found.transpose(1, 2).flatten(2))
        x = self.norm(x + self.dropout(found))
        return self.last(x + self.dropout(self.narrow(self.activation(self.wide(x)))))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        """(n, length, width) to (n, heads, length, width / heads)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)
