"""A small vision transformer."""

from __future__ import annotations

import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn import layers
from wholefit.nn.networks._checks import whole
from wholefit.nn.networks._registry import network


@network("vision_transformer", recipe={
    "optimizer": "adamw", "rate": 1e-3, "batch": 128, "epochs": 50, "schedule": "cosine",
    "warmup": 0.1, "weight_decay": 0.05, "label_smoothing": 0.1, "clip": 1.0})
class VisionTransformer(nn.Module):
    """Patches, learnt positions, attention; (n, channels, height, width) to (n, outputs).

    Dosovitskiy et al. 2021, with norms before attention and dense layers. `gather` is "class" (a
    token of its own carries the answer) or "mean" of all patches. `size` numbers a patch, `heads`
    that divide it. `drop` is the share of rows that leave the last block out.
    """

    def __init__(
        self, channels: int, height: int, width: int, outputs: int, patch: int = 4,
        size: int = 128, depth: int = 6, heads: int = 4, expand: float = 2.0, gather: str = "mean",
        dropout: float = 0.0, drop: float = 0.0, activation: layers.Activation = "gelu",
    ) -> None:
        super().__init__()
        whole("vision_transformer", channels=channels, height=height, width=width, patch=patch,
              outputs=outputs, size=size, depth=depth, heads=heads, inner=round(size * expand))
        if size % heads:
            raise ParameterError(f"vision_transformer.heads must divide its size {size}; got "
                                 f"{heads}.")
        if gather not in ("class", "mean"):
            raise ParameterError(f"vision_transformer.gather must be 'class' or 'mean'; got "
                                 f"{gather!r}.")
        self.by_token = gather == "class"
        self.patches = layers.PatchEmbedding(channels, height, width, patch, size)
        tokens = self.patches.count + self.by_token
        self.token = nn.Parameter(torch.zeros(1, 1, size)) if self.by_token else None
        self.positions = nn.Parameter(0.02 * torch.randn(1, tokens, size))
        self.dropout = layers.dropout(dropout)
        shares = [drop * (at + 1) / depth for at in range(depth)]
        self.blocks = nn.ModuleList(_Block(size, heads, round(size * expand), activation, dropout,
                                           share) for share in shares)
        self.norm = nn.LayerNorm(size)
        self.head = nn.Linear(size, outputs)
        layers.initialise(self.blocks, "gelu", scheme="xavier")
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: torch.Tensor, weights: bool = False
                ) -> torch.Tensor | tuple[torch.Tensor, list[torch.Tensor]]:
        """Logits or numbers; with `weights` also each block's attention (n, heads, to, from).

        A row of weights sums to 1. The class token, where there is one, comes first; patches
        follow row by row.
        """
        x = self.patches(x)
        if self.token is not None:
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        x = self.dropout(x + self.positions)
        seen: list[torch.Tensor] = []
        for block in self.blocks:
            x, found = block(x, weights)
            seen.append(found)
        x = self.norm(x)
        answer = self.head(x[:, 0] if self.by_token else x.mean(1))
        return (answer, seen) if weights else answer


class _Block(nn.Module):
    """Attention among patches, then dense layers on each; both added to what came in."""

    def __init__(self, size: int, heads: int, inner: int, activation: layers.Activation,
                 dropout: float, drop: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.mix, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.dense = nn.Sequential(nn.Linear(size, inner), layers.activation(activation),
                                   layers.dropout(dropout), nn.Linear(inner, size),
                                   layers.dropout(dropout))
        self.drop = layers.StochasticDepth(drop)

    def forward(self, x: torch.Tensor, weights: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        found, seen = self._attend(self.norm1(x), weights)
        x = x + self.drop(found)
        return x + self.drop(self.dense(self.norm2(x))), seen

    def _attend(self, x: torch.Tensor, weights: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        n, tokens, size = x.shape
        mixed = self.mix(x).reshape(n, tokens, 3, self.heads, size // self.heads)
        q, k, v = mixed.permute(2, 0, 3, 1, 4)
        if weights:
            seen = (q @ k.transpose(-2, -1) / (size // self.heads) ** 0.5).softmax(-1)
            found = seen @ v
        else:
            seen = None
            found = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.out(found.transpose(1, 2).reshape(n, tokens, size)), seen
